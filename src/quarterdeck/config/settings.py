"""What people set: a TOML file, QUARTERDECK_* variables, flags; in that order the later wins.

Unknown keys and wrong values are refused with file and line. No file can give the mode `bypass`.
"""

import json
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from quarterdeck.config.verbs import VerbFault, verb_list

MOST_BYTES = 1_000_000
FILE_NAME = "settings.toml"

_THEME = re.compile(r"""^([ \t]*theme[ \t]*=[ \t]*)("(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*')""", re.MULTILINE)

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class SettingsFault(ValueError):
    """A setting that cannot be; one line with file and line, or the variable's name."""


class Delays(BaseModel):
    """How long a row stays after its end, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    killed: Seconds = 3.0
    stopped: Seconds = 3.0
    completed: Seconds = 5.0
    timed_out: Seconds = 30.0
    seen: Seconds = 30.0
    """Failed and unknown rows, once the person has seen them."""


class Settings(BaseModel):
    """Every setting with its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    retention_days: Annotated[float, Field(gt=0)] | None = None
    """Sessions without a new fact for so long are removed at a start; none: all are kept."""
    delays: Delays = Delays()

    @field_validator("verbs")
    @classmethod
    def _whole_verbs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            verb_list(value, replace=False)
        except VerbFault as fault:
            raise ValueError(str(fault)) from fault
        return value


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """The file (it may be absent), then the environment over it. :raises SettingsFault: one line."""
    text, values = _read_file(path)
    try:
        Settings.model_validate(values)
    except ValidationError as fault:
        raise SettingsFault(_file_fault(path, text, fault)) from fault
    over = _from_environment(environment)
    try:
        return Settings.model_validate({**values, **over})
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        name = f"QUARTERDECK_{str(first['loc'][0]).upper()}"
        raise SettingsFault(f"{name}: {_plain(first['msg'])}") from fault


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


def _file_fault(path: Path, text: str, fault: ValidationError) -> str:
    first = fault.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in first["loc"] if isinstance(part, str)]
    line = _line_of(text, where)
    key = ".".join(where)
    if first["type"] == "extra_forbidden":
        return f"{path}:{line}: there is no setting {key!r}. There are {', '.join(Settings.model_fields)}."
    return f"{path}:{line}: {key}: {_plain(first['msg'])}"


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
    for name, field in Settings.model_fields.items():
        value = environment.get(f"QUARTERDECK_{name.upper()}")
        if not value or name == "delays":
            continue
        found[name] = tuple(value.split(",")) if "tuple" in str(field.annotation) else value
    return found


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ").strip()
    return text if text.endswith(".") else f"{text}."


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
