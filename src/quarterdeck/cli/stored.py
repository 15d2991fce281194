"""What the commands over stored sessions share: which folder, which session, and how it is printed."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from quarterdeck.cli.parser import UsageFault
from quarterdeck.config.folders import state_folder
from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.storage.folders import session_ids
from quarterdeck.storage.index import IndexGone
from quarterdeck.storage.reader import Unreadable
from quarterdeck.storage.schema import NewerSchema

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MOST_NAMED = 5


def state_here() -> Path:
    """The state folder. :raises UsageFault: the environment names one that cannot be."""
    try:
        return state_folder(os.environ)
    except RuntimeError as fault:  # a ~ that stands for nobody's home
        raise UsageFault("QUARTERDECK_HOME: there is no such home folder.") from fault


def pick_session(state: Path, start: str) -> str:
    """The one session whose id is, or begins with, this. :raises UsageFault: there is none, or more."""
    ids = sorted(session_ids(state))
    if start in ids:
        return start
    found = [one for one in ids if start and one.startswith(start)]
    shown = clean_name(start)
    if not found:
        raise UsageFault(f"There is no session {shown!r}. quarterdeck sessions list shows what there is.")
    if len(found) > 1:
        names = ", ".join(clean_name(one) for one in found[:_MOST_NAMED])
        more = ", …" if len(found) > _MOST_NAMED else ""
        raise UsageFault(f"{shown!r} could be {names}{more}. Give more of the id.")
    return found[0]


@contextmanager
def readable() -> Iterator[None]:
    """What is stored and can't be read is one line. :raises UsageFault: instead of the faults of storage."""
    try:
        yield
    except (IndexGone, Unreadable, NewerSchema) as fault:
        raise UsageFault(clean_line(str(fault))) from fault


def say(text: str) -> None:
    """A line for people. What it holds has been made fit to be shown."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors != "replace":
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show a sign gets a ?
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"quarterdeck: {clean_line(text)}\n")


def json_text(value: Any) -> str:
    """JSON in printable ASCII: nothing in it can act on a terminal, and one line of it is one everywhere."""
    return json.dumps(value, ensure_ascii=True)


def print_json(value: Any) -> None:
    """One JSON object."""
    sys.stdout.write(f"{json_text(value)}\n")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they need be; each cell is made fit to be shown."""
    lines = [list(head), *([clean_line(cell) for cell in row] for row in rows)]
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        say("  ".join(cells).rstrip())


def when(at: float) -> str:
    """A time of this machine's clock, to the minute."""
    try:
        return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}" if at else "-"
    except (OverflowError, ValueError, OSError):
        return "-"


def age(seconds: float) -> str:
    """How long: `12s`, `3m`, `2h`, `4d`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    return f"{whole // _HOUR}h" if whole < _DAY else f"{whole // _DAY}d"
