"""Removes sessions that are older than the person wants to keep. It blocks; use a thread. Imported late."""

from contextlib import suppress
from pathlib import Path

from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.lease import Taken
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.removal import remove_session
from quarterdeck.storage.schema import NewerSchema

DAY_S = 86_400.0


def drop_old(state: Path, days: float, now: float) -> tuple[str, ...]:
    """Remove every session without an owner that was told nothing for `days`; which ones.

    One that can't be read is kept: nobody knows how old it is. `now` in epoch seconds.
    """
    dropped = []
    for session_id in session_ids(state):
        try:
            with JournalReader(SessionPlace(state, session_id).database) as reader:
                last_at = reader.last_at()
        except (Unreadable, NewerSchema):
            continue
        if not last_at or now - last_at < days * DAY_S:
            continue
        with suppress(Taken, OSError):
            remove_session(state, session_id)
            dropped.append(session_id)
    return tuple(dropped)
