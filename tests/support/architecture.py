"""The source tree as the rules about it see it: modules, their sizes, the clocks that they read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "quarterdeck"

BANNED_NAMES = frozenset(
    {"utils", "util", "common", "core", "helpers", "helper", "managers", "manager", "misc"}
)
PURE = ("domain", "state", "permissions")

_UNCOUNTED = ("action_", "watch_", "on_", "_")
_PROPERTIES = frozenset({"property", "cached_property", "setter"})
_CLOCKS = frozenset({"now", "utcnow", "today"})
_STARTS = frozenset(
    {
        "create_subprocess_exec",
        "create_subprocess_shell",
        "posix_spawn",
        "posix_spawnp",
        "fork",
        "forkpty",
        "system",
    }
)


class Size(msgspec.Struct, frozen=True):
    """How large one named thing is."""

    where: str
    """`state/store.py`, `state/store.py:Store`, `state/store.py:Store.dispatch`."""
    count: int


def modules(package: Path = PACKAGE) -> list[Path]:
    """Every Python file of the package."""
    return sorted(path for path in package.rglob("*.py") if "__pycache__" not in path.parts)


def module_lines(path: Path, package: Path = PACKAGE) -> Size:
    """How many lines a module has."""
    return Size(path.relative_to(package).as_posix(), len(path.read_text("utf-8").splitlines()))


def function_lines(path: Path, package: Path = PACKAGE) -> Iterator[Size]:
    """How many lines each function has, its decorators and docstring counted."""
    where = path.relative_to(package).as_posix()
    for name, node in _named(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield Size(f"{where}:{name}", (node.end_lineno or first) - first + 1)


def public_methods(path: Path, package: Path = PACKAGE) -> Iterator[Size]:
    """How many public methods each class has; what a framework calls by name, and properties, are not."""
    where = path.relative_to(package).as_posix()
    for name, node in _named(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and not _is_protocol(node):
            functions = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            names = {one.name for one in functions if not _is_property(one)}
            counted = [one for one in names if not one.startswith(_UNCOUNTED) and one != "compose"]
            yield Size(f"{where}:{name}", len(counted))


def clock_readings(path: Path) -> list[int]:
    """Lines that call `….now`, `….utcnow` or `….today`."""
    return _calls(path, _CLOCKS)


def process_starts(path: Path) -> list[int]:
    """Lines that start a process without importing `subprocess`."""
    return _calls(path, _STARTS)


def _calls(path: Path, names: frozenset[str]) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]


def _named(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            yield name, node
            yield from _named(node, f"{name}.")
        else:
            yield from _named(node, prefix)


def _is_protocol(node: ast.ClassDef) -> bool:
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return any(getattr(base, "id", getattr(base, "attr", "")) == "Protocol" for base in bases)


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(getattr(one, "id", getattr(one, "attr", "")) in _PROPERTIES for one in node.decorator_list)
