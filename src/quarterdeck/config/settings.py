"""What people set: a TOML file, QUARTERDECK_* variables, flags; in that order the later wins.

Unknown keys and wrong values are refused with file and line. No file can give the mode `bypass`.
"""

import json
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

from quarterdeck.config.verbs import VerbFault, verb_list

MOST_BYTES = 1_000_000
FILE_NAME = "settings.toml"

_THEME = re.compile(r"""^([ \t]*theme[ \t]*=[ \t]*)("(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*')""", re.MULTILINE)

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class SettingsFault(ValueError):
    """A setting that cannot be; one line with file and line, or the variable's name."""


class Delays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a row stays after its end, in seconds."""

    killed: Seconds = 3.0
    stopped: Seconds = 3.0
    completed: Seconds = 5.0
    timed_out: Seconds = 30.0
    seen: Seconds = 30.0
    """Failed and unknown rows, once the person has seen them."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting with its default."""

    model: str | None = None
    """The model that teammates ask; none: the endpoint's first, or the shipped default with a key."""
    theme: str = "quarterdeck-dark"
    permission_mode: Literal["plan", "default", "accept-edits"] = "default"
    signs: Literal["auto", "unicode", "ascii", "words"] = "auto"
    reduced_motion: bool = False
    bell: bool = True
    notifications: bool = True
    stop_deadline_s: Seconds = 60.0
    verbs: tuple[str, ...] = ()
    """Spinner verbs of your own, each `Baking/Baked`."""
    replace_verbs: bool = False
    retention_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Sessions without a new fact for so long are removed at a start; none: all are kept."""
    delays: Delays = Delays()


class _Fault(Exception):
    """What is wrong with which setting; `where` is empty for one that does not exist at all."""

    def __init__(self, where: list[str], words: str) -> None:
        super().__init__(words)
        self.where = where
        self.words = words


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """The file (it may be absent), then the environment over it. :raises SettingsFault: one line."""
    text, values = _read_file(path)
    try:
        settings = _checked(values)
    except _Fault as fault:
        raise SettingsFault(f"{path}:{_line_of(text, fault.where)}: {fault.words}") from fault
    for name, value in _from_environment(environment).items():
        try:
            given = _checked({name: value}, strict=False)
        except _Fault as fault:
            words = fault.words.removeprefix(f"{name}: ")
            raise SettingsFault(f"QUARTERDECK_{name.upper()}: {words}") from fault
        settings = msgspec.structs.replace(settings, **{name: getattr(given, name)})
    return settings


def _checked(values: Mapping[str, Any], *, strict: bool = True) -> Settings:
    """The settings that these values are. :raises _Fault: the first that cannot be."""
    try:
        settings = msgspec.convert(values, Settings, strict=strict)
    except msgspec.ValidationError as fault:
        raise _told(str(fault)) from fault
    try:
        verb_list(settings.verbs, replace=False)
    except VerbFault as fault:
        raise _Fault(["verbs"], f"verbs: {_plain(str(fault))}") from fault
    return settings


def _told(message: str) -> _Fault:
    """From msgspec's words: ``Expected `bool`, got `str` - at `$.bell` ``."""
    words, _, place = message.partition(" - at `$")
    where = re.findall(r"\w+", place.rstrip("`"))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", words, re.DOTALL)
    if unknown is not None:
        there_are = (Delays if where else Settings).__struct_fields__
        where = [*where, unknown[1]]
        name = ".".join(where)
        return _Fault(where, f"there is no setting {name!r}. There are {', '.join(there_are)}.")
    if words.startswith("Invalid enum"):
        choices = get_args(get_type_hints(Settings)[where[0]])
        words = f"one of {', '.join(map(repr, choices))} is expected"
    else:
        wanted = re.sub("`(.*?)`", lambda found: _TYPES.get(found[1], found[1]), words)
        words = re.sub("^Expected (.*?)(?:, got (.*))?$", _as_people_say, wanted)
    return _Fault(where, f"{'.'.join(where)}: {_plain(words)}")


_TYPES = {
    "bool": "true or false",
    "float": "a number",
    "int": "a number",
    "str": "a text",
    "array": "a list",
    "object": "a table",
}


def _as_people_say(found: re.Match[str]) -> str:
    wanted, got = found[1].replace(" | null", ""), found[2]
    return f"{wanted} is expected, not {got}" if got and got != wanted else f"{wanted} is expected"


def _read_file(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SettingsFault(f"{path}: no ordinary file.")
        if status.st_size > MOST_BYTES:
            raise SettingsFault(f"{path}: larger than {MOST_BYTES:,} bytes; that is no settings file.")
        raw = path.read_bytes()
    except FileNotFoundError:
        return "", {}
    except OSError as fault:
        raise SettingsFault(f"{path}: {fault.strerror}.") from fault
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise SettingsFault(f"{path}: not UTF-8 text.") from fault
    try:
        return text, tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as fault:
        where = re.search(r"at line (\d+)", str(fault))
        line = where.group(1) if where else str(text.count("\n") + 1)
        raise SettingsFault(f"{path}:{line}: {_plain(str(fault).partition(' (at')[0])}") from fault


def _line_of(text: str, where: list[str]) -> int:
    """The line on which a key stands, as near as a plain look can tell."""
    lines = text.splitlines()
    start = 0
    for part in where:
        pattern = re.compile(rf"^\s*(\[\s*)?[\"']?{re.escape(part)}[\"']?\s*(\]|=|\.)")
        for number in range(start, len(lines)):
            if pattern.match(lines[number]):
                start = number
                break
    return start + 1


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        value = environment.get(f"QUARTERDECK_{name.upper()}")
        if value and name != "delays":
            found[name] = tuple(value.split(",")) if name == "verbs" else value
    return found


def _plain(message: str) -> str:
    return message if message.endswith(".") else f"{message}."


def save_theme(path: Path, theme: str) -> None:
    """Write the theme into the file, leaving the rest as the person wrote it. :raises OSError: unwritable."""
    text = path.read_bytes().decode("utf-8") if path.exists() else ""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    end = "\r\n" if "\r\n" in text else "\n"
    # A JSON string is a TOML string too.
    value = json.dumps(theme, ensure_ascii=False)
    head = re.split(r"(?m)^(?=[ \t]*\[)", text.removeprefix(mark), maxsplit=1)[0]
    rest = text.removeprefix(mark)[len(head) :]
    if _THEME.search(head):
        head = _THEME.sub(lambda found: f"{found[1]}{value}", head, count=1)
    else:
        head = f"theme = {value}{end}{head}"
    _write_whole(path.resolve(), f"{mark}{head}{rest}")


def _write_whole(path: Path, text: str) -> None:
    """All of it or nothing: what was there stays when the disk is full or the folder is not ours."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(text.encode("utf-8"))
        if path.exists():
            new.chmod(stat.S_IMODE(path.stat().st_mode))
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
