"""Theme files to Textual themes, shipped and the user's; a fault is told in one line and costs one theme.

Reads files once at start and on request; it never registers or switches a theme itself.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import Theme

from quarterdeck.domain.display_text import clean_name

DEFAULT_BASE = "quarterdeck-dark"
BIG_FILE_BYTES = 64_000

_COLOUR_FIELDS = frozenset(
    (
        *("primary", "secondary", "warning", "error", "success", "accent"),
        *("foreground", "background", "surface", "panel", "boost"),
    )
)
_NUMBER_FIELDS = {"luminosity_spread": (0.0, 1.0), "text_alpha": (0.0, 1.0)}
_FIELDS = frozenset(field.name for field in fields(Theme)) - {"ansi"}
_STYLE_WORDS = frozenset(("none", "bold", "dim", "italic", "underline", "reverse", "strike"))
_POSITION = re.compile(r"\s*\(at line (\d+), column \d+\)")


class ThemeFault(msgspec.Struct, frozen=True):
    """What is wrong with a theme file: `line` counts from 1, 0 = the file as a whole."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path.name}:{self.line}" if self.line else self.path.name
        return clean_name(f"{place}: {self.message}")


class ThemeFileError(Exception):
    """A theme file that cannot be used."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def shipped_folder() -> Path:
    """Where the shipped themes are: in the installed package, else beside `src` in a source checkout."""
    packaged = Path(str(files("quarterdeck"))) / "themes"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "themes"


def load_themes(user_folder: Path | None = None) -> tuple[dict[str, Theme], list[ThemeFault]]:
    """Every usable theme by name, shipped ones first, and the faults of the others.

    A user's file may name a `base` (default `quarterdeck-dark`): what it does not set comes from there.
    """
    themes: dict[str, Theme] = {}
    faults: list[ThemeFault] = []
    _load_folder(shipped_folder(), themes, faults, is_shipped=True)
    if user_folder is not None and user_folder.is_dir():
        _load_folder(user_folder, themes, faults, is_shipped=False)
    return themes, faults


def _load_folder(
    folder: Path, themes: dict[str, Theme], faults: list[ThemeFault], *, is_shipped: bool
) -> None:
    """Adds a folder's themes. A file may be based on one that sorts after it, so those are tried again."""
    waiting = sorted(folder.glob("*.toml"))
    while waiting:
        again: list[tuple[Path, ThemeFileError]] = []
        for path in waiting:
            try:
                theme = _load_file(path, None if is_shipped else themes)
                _check_free(theme.name, themes)
            except UnknownBaseError as fault:
                again.append((path, fault))
            except ThemeFileError as fault:
                faults.append(ThemeFault(path=path, line=fault.line, message=str(fault)))
            else:
                themes[theme.name] = theme
        if len(again) == len(waiting):
            faults += [ThemeFault(path=path, line=fault.line, message=str(fault)) for path, fault in again]
            return
        waiting = [path for path, _fault in again]


def _check_free(name: str, themes: Mapping[str, Theme]) -> None:
    if name in themes:
        raise ThemeFileError(0, f"the name {name!r} is taken by another theme")


class UnknownBaseError(ThemeFileError):
    """The base of a theme is not known (yet)."""


def _load_file(path: Path, bases: Mapping[str, Theme] | None) -> Theme:
    """One file as a theme; `bases` None: it must be whole in itself."""
    text, table = _read(path)
    variables = table.pop("variables", {})
    base_name = table.pop("base", None if bases is None else DEFAULT_BASE)
    if not isinstance(variables, dict):
        raise ThemeFileError(_line_of(text, "variables"), "variables must be a table: [variables]")
    base: Theme | None = None
    if bases is not None:
        base = bases.get(base_name) if isinstance(base_name, str) else None
        if base is None:
            raise UnknownBaseError(_line_of(text, "base"), f"no theme {base_name!r} to take as base")
    name = table.setdefault("name", path.stem)
    if not isinstance(name, str) or not name:
        raise ThemeFileError(_line_of(text, "name"), "name must be a text")
    _check_fields(text, table)
    _check_variables(text, variables, base)
    inherited = _as_mapping(base) if base is not None else {}
    if "primary" not in table and "primary" not in inherited:
        raise ThemeFileError(0, "primary is missing")
    merged = {**inherited.get("variables", {}), **variables}
    return Theme(**{**inherited, **table, "variables": merged})


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        if path.stat().st_size > BIG_FILE_BYTES:
            raise ThemeFileError(0, f"larger than {BIG_FILE_BYTES} bytes: not a theme")
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        place = _POSITION.search(str(fault))
        message = _POSITION.sub("", str(fault))
        raise ThemeFileError(int(place[1]) if place else 0, f"not TOML: {message}") from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise ThemeFileError(0, f"cannot be read: {fault}") from fault


def _check_fields(text: str, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        line = _line_of(text, key)
        if key not in _FIELDS:
            raise ThemeFileError(line, f"unknown token {key!r}")
        if key in _COLOUR_FIELDS:
            _check_colour(line, key, value)
        elif key == "dark" and not isinstance(value, bool):
            raise ThemeFileError(line, "dark must be true or false")
        elif key in _NUMBER_FIELDS:
            low, high = _NUMBER_FIELDS[key]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ThemeFileError(line, f"{key} must be a number from {low:g} to {high:g}")


def _check_variables(text: str, variables: Mapping[str, Any], base: Theme | None) -> None:
    """A user's theme may set what its base sets: that is the list of all tokens."""
    start = _line_of(text, "[variables]")
    for key, value in variables.items():
        line = _line_of(text, key, after=start)
        if base is not None and key not in base.variables:
            raise ThemeFileError(line, f"unknown token {key!r}")
        if not key.endswith("-text-style"):
            _check_colour(line, key, value)
        elif not isinstance(value, str) or not set(value.split()) <= _STYLE_WORDS:
            raise ThemeFileError(line, f"{key}: {value!r} is not a text style")


def _check_colour(line: int, key: str, value: object) -> None:
    """Opaque colours only: `#rrggbb` or a name. Roles lie on several grounds: alpha would be guesswork."""
    try:
        if not isinstance(value, str) or Color.parse(value).a != 1.0:
            raise ThemeFileError(line, f"{key}: {value!r} is not a colour such as #74a3ff")
    except ColorParseError as fault:
        raise ThemeFileError(line, f"{key}: {value!r} is not a colour such as #74a3ff") from fault


def _as_mapping(theme: Theme) -> dict[str, Any]:
    return {field.name: getattr(theme, field.name) for field in fields(theme)}


def _line_of(text: str, key: str, after: int = 0) -> int:
    """The line that sets a key (or opens a table), counted from 1; 0 when it cannot be told."""
    pattern = re.compile(re.escape(key) if key.startswith("[") else rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    for number, line in enumerate(text.splitlines(), start=1):
        if number > after and pattern.match(line):
            return number
    return 0
