"""The newest session of a folder, and taking one over: its lease, its facts, what it goes on with.

It blocks and is called before the screen is. Imported late: sqlite3 comes with it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.bootstrap.salvage import salvage
from quarterdeck.bootstrap.session import SessionConfig
from quarterdeck.bootstrap.stored import read_session
from quarterdeck.config.settings import SettingsFault
from quarterdeck.domain.archive import LastSession
from quarterdeck.domain.display_text import clean_name
from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.lease import Taken, owner_of, take
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.schema import NewerSchema

T = TypeVar("T")


class Resumed(msgspec.Struct, frozen=True):
    """A session that is ours now."""

    config: SessionConfig
    found: Recovered


def newest_started_in(state_folder: Path, folder: Path) -> str:
    """The session of this folder that was told something last; one that never had a team only if no other is.

    :raises SettingsFault: there is none.
    """
    ages = _ages_in(state_folder, folder)
    if not ages:
        raise SettingsFault("No session was started in this folder. quarterdeck sessions list shows all.")
    return max(ages, key=lambda one: ages[one])


def last_here(state_folder: Path, folder: Path, *, but: str) -> LastSession | None:
    """The newest session of this folder that has a team, is nobody's now, and can be read. It blocks.

    :param but: never this one.
    """
    ages = _ages_in(state_folder, folder)
    for session_id in sorted(ages, key=lambda one: ages[one], reverse=True):
        place = SessionPlace(state_folder, session_id)
        has_team, last_at = ages[session_id]
        if session_id == but or not has_team or owner_of(place.lease) is not None:
            continue
        try:
            found = read_session(place.database)
        except (Unreadable, NewerSchema):
            continue
        state = found.state
        return LastSession(
            id=session_id,
            last_at=last_at,
            teammates=len(state.team.rows),
            requests=len(state.inbox.open) + len(state.inbox.suspended),
            crashed=found.crashed,
            scripted=bool(state.session.scripted),
        )
    return None


def _ages_in(state_folder: Path, folder: Path) -> dict[str, tuple[bool, float]]:
    """The sessions of a folder: whether each ever had a team, and when it was told something last."""
    ages: dict[str, tuple[bool, float]] = {}
    for session_id in session_ids(state_folder):
        age = _asked(SessionPlace(state_folder, session_id), lambda reader: _age_in(reader, folder))
        if age is not None:
            ages[session_id] = age
    return ages


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
        found = read_session(place.database, is_idle=True)
        if found.damage and found.last:
            salvage(place)  # what is damaged is never written to
    except (Unreadable, NewerSchema) as fault:
        lease.release()
        raise SettingsFault(str(fault)) from fault
    except OSError as fault:
        lease.release()
        raise SettingsFault(
            f"Session {session_id} is damaged, and can't be set aside ({fault.strerror or fault}). "
            "quarterdeck sessions show reads it."
        ) from fault
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


def _age_in(reader: JournalReader, folder: Path) -> tuple[bool, float] | None:
    if reader.meta().get("started_in") != str(folder):
        return None
    return _has_team(reader), reader.last_at()


def _has_team(reader: JournalReader) -> bool:
    """Whether anybody was ever spawned; of a damaged registry it is believed."""
    try:
        return bool(reader.select("SELECT 1 FROM runs LIMIT 1"))
    except Unreadable:
        return True
