"""The newest session of a folder, and taking one over: its lease, its facts, what it goes on with.

It blocks and is called before the screen is. Imported late: sqlite3 comes with it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.bootstrap.session import SessionConfig
from quarterdeck.bootstrap.stored import read_session
from quarterdeck.config.settings import SettingsFault
from quarterdeck.domain.display_text import clean_name
from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.lease import Taken, take
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.schema import NewerSchema

T = TypeVar("T")


class Resumed(msgspec.Struct, frozen=True):
    """A session that is ours now."""

    config: SessionConfig
    found: Recovered


def newest_started_in(state_folder: Path, folder: Path) -> str:
    """The session of this folder that was told something last. :raises SettingsFault: there is none."""
    ages: dict[str, float] = {}
    for session_id in session_ids(state_folder):
        age = _asked(SessionPlace(state_folder, session_id), lambda reader: _age_in(reader, folder))
        if age is not None:
            ages[session_id] = age
    if not ages:
        raise SettingsFault("No session was started in this folder. quarterdeck sessions list shows all.")
    return max(ages, key=lambda one: ages[one])


def take_over(state_folder: Path, session_id: str, base: SessionConfig) -> Resumed:
    """Own the session and read it. Settings and flags come from `base`, folder and team from the session.

    :raises SettingsFault: another process has it, or it cannot be read; one line.
    """
    place = SessionPlace(state_folder, session_id)
    try:
        lease = take(place.lease)
    except Taken as taken:
        raise SettingsFault(
            f"Session {session_id} is {taken}. quarterdeck ps shows it; quarterdeck sessions show reads it."
        ) from taken
    except OSError as fault:
        raise SettingsFault(f"Session {session_id} can't be opened: {fault.strerror}.") from fault
    try:
        found = read_session(place.database)
    except (Unreadable, NewerSchema) as fault:
        lease.release()
        raise SettingsFault(str(fault)) from fault
    stored = found.state.session
    folder = Path(stored.folder)
    if not folder.is_dir():
        lease.release()
        raise SettingsFault(f"The folder of session {session_id} is gone: {clean_name(stored.folder)}.")
    config = msgspec.structs.replace(
        base,
        folder=folder,
        team=stored.team,
        model=base.model or stored.model,
        keep=Keep(state_folder, lease, base.keep.secrets if base.keep is not None else ()),
        session_id=session_id,
        started_in=stored.started_in,
        scripted=stored.scripted,
    )
    return Resumed(config, found)


def _asked(place: SessionPlace, ask: Callable[[JournalReader], T | None]) -> T | None:
    """What a session says; None also for one that cannot be read."""
    try:
        with JournalReader(place.database) as reader:
            return ask(reader)
    except (Unreadable, NewerSchema):
        return None


def _age_in(reader: JournalReader, folder: Path) -> float | None:
    if reader.meta().get("started_in") != str(folder):
        return None
    return reader.last_at()
