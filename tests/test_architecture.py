"""The rules about the source tree, and that each wall really stops what it is there to stop."""

import socket
from datetime import date
from pathlib import Path

import msgspec
import pytest

from tests.support.architecture import (
    BANNED_NAMES,
    PACKAGE,
    PURE,
    ROOT,
    Size,
    clock_readings,
    function_lines,
    module_lines,
    modules,
    process_starts,
    public_methods,
)
from tests.support.architecture_walls import OFFENCES, Offence, commit, contracts, copy_tree, lint_imports

MODULE_LINES = 400
FUNCTION_LINES = 50
PUBLIC_METHODS = 15
SMALLER = {"tui/app.py": 300, "state/store.py": 100}


class Leave(msgspec.Struct, frozen=True):
    """An exception from a limit: how far, why, and since when."""

    up_to: int
    reason: str
    since: date


LEAVES: dict[str, Leave] = {
    "state/actions.py": Leave(580, "the whole vocabulary of facts, in one list", date(2026, 11, 24)),
}


def over(sizes: list[Size], limit: int) -> list[str]:
    """What is larger than its limit or its leave, in words."""
    found = []
    for size in sizes:
        leave = LEAVES.get(size.where)
        most = leave.up_to if leave is not None else SMALLER.get(size.where, limit)
        if size.count > most:
            found.append(f"{size.where}: {size.count} > {most}")
    return found


def test_every_import_contract_holds() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(contracts())} kept, 0 broken" in checked.stdout


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda one: f"{one.contract}: {one.module}: {one.line}")
def test_an_import_through_a_wall_breaks_its_contract(offence: Offence, tmp_path: Path) -> None:
    copy_tree(tmp_path)
    commit(offence, tmp_path)
    checked = lint_imports(tmp_path, contract=offence.contract)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert f"{contracts()[offence.contract]} BROKEN" in " ".join(checked.stdout.split())


def test_a_new_package_that_no_layer_names_breaks_the_layers(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    (tmp_path / "src" / "quarterdeck" / "drawer").mkdir()
    (tmp_path / "src" / "quarterdeck" / "drawer" / "__init__.py").write_text("")
    checked = lint_imports(tmp_path, contract="layers")
    assert checked.returncode == 1
    assert "drawer" in checked.stdout


def test_an_untouched_copy_breaks_nothing(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    checked = lint_imports(tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_contract_is_broken_on_purpose_by_some_test() -> None:
    assert {offence.contract for offence in OFFENCES} == set(contracts())


def test_modules_are_small() -> None:
    found = over([module_lines(path) for path in modules()], MODULE_LINES)
    assert not found, "\n".join(found)


def test_functions_are_small() -> None:
    found = over([size for path in modules() for size in function_lines(path)], FUNCTION_LINES)
    assert not found, "\n".join(found)


def test_classes_have_few_public_methods() -> None:
    found = over([size for path in modules() for size in public_methods(path)], PUBLIC_METHODS)
    assert not found, "\n".join(found)


def test_every_leave_is_still_needed_and_says_why() -> None:
    limits: dict[str, tuple[int, int]] = {}
    for path in modules():
        limits |= {size.where: (size.count, MODULE_LINES) for size in (module_lines(path),)}
        limits |= {size.where: (size.count, FUNCTION_LINES) for size in function_lines(path)}
        limits |= {size.where: (size.count, PUBLIC_METHODS) for size in public_methods(path)}
    for where, leave in LEAVES.items():
        count, limit = limits[where]
        assert leave.reason
        assert count > limit, f"{where} no longer needs a leave"


def test_the_limits_see_what_is_too_large(tmp_path: Path) -> None:
    body = "\n".join("        x = 1" for _ in range(60))
    methods = "\n".join(f"    def m{number}(self): ..." for number in range(16))
    value = "    @property\n    def size(self): ..."
    uncounted = "    def action_go(self): ...\n    def on_key(self): ...\n    def compose(self): ..."
    long = f"class Long:\n    def work(self):\n{body}\n{methods}\n{value}\n{uncounted}\n"
    file = tmp_path / "long.py"
    file.write_text(long + "#\n" * 400)
    assert over(list(function_lines(file, tmp_path)), FUNCTION_LINES) == ["long.py:Long.work: 61 > 50"]
    assert list(public_methods(file, tmp_path)) == [Size("long.py:Long", 17)]
    assert over([module_lines(file, tmp_path)], MODULE_LINES) != []


def test_domain_state_and_permissions_never_read_a_clock() -> None:
    pure = [path for path in modules() if path.relative_to(PACKAGE).parts[0] in PURE]
    assert pure
    assert {str(path): clock_readings(path) for path in pure if clock_readings(path)} == {}


def test_a_clock_that_is_read_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "clock.py"
    file.write_text("from datetime import datetime as d, UTC\n\nx = d.now(UTC)\n")
    assert clock_readings(file) == [3]


def test_only_processes_starts_processes() -> None:
    elsewhere = [path for path in modules() if path.relative_to(PACKAGE).parts[0] != "processes"]
    assert {str(path): process_starts(path) for path in elsewhere if process_starts(path)} == {}


def test_a_process_that_is_started_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "start.py"
    file.write_text("import asyncio\n\nx = asyncio.create_subprocess_exec('ls')\n")
    assert process_starts(file) == [3]


def test_every_folder_with_python_is_a_package() -> None:
    folders = {path.parent for path in modules()}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_every_module_says_what_it_owns() -> None:
    silent = [path for path in modules() if not path.read_text("utf-8").startswith(('"""', 'r"""'))]
    assert silent == []


def test_no_module_or_folder_is_a_drawer() -> None:
    names = {part.removesuffix(".py") for path in modules() for part in path.relative_to(PACKAGE).parts}
    assert names & BANNED_NAMES == set()


def test_a_test_that_reaches_another_machine_is_stopped() -> None:
    with socket.socket() as one:
        one.settimeout(0.2)
        with pytest.raises(BaseException, match=r"a test connects to '192\.0\.2\.1'"):
            one.connect(("192.0.2.1", 9))
