"""`index.db`: sessions, runs and the full text of all stored sessions, as answers to questions.

A cache over the session files: each answer first takes in what is new. Absent or damaged it is made anew;
where it can't be kept it is made in memory, for one answer. Everything here blocks: call it in a thread.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.domain.archive import (
    EVERYWHERE,
    SearchFound,
    SearchHit,
    SearchScope,
    StoredRun,
    StoredSession,
)
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifecycle, Outcome
from quarterdeck.domain.usage import Usage
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.index_filling import catch_up, catch_up_runs, forget
from quarterdeck.storage.index_schema import (
    IndexBusy,
    index_lock,
    is_damage,
    is_no_place,
    open_in_memory,
    open_index,
    remove_index,
)
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.records import RunRecord
from quarterdeck.storage.search_words import CLOSE, OPEN, excerpt_of, match_of

T = TypeVar("T")

MOST_HITS = 100
_TRIES = 3

_SESSIONS = """
SELECT id, folder, team, opened_at, last_at, runs, messages, damage, unreadable FROM sessions
ORDER BY last_at DESC, id
"""
_RUNS = """
SELECT sessions.id, runs.row FROM runs JOIN sessions ON sessions.number = runs.session
WHERE ?1 IS NULL OR sessions.id = ?1 ORDER BY runs.created_at DESC, runs.run_id
"""
_SEARCH = """
SELECT sessions.id, texts.run_id, texts.name, texts.entry, texts.at, texts.speaker,
       highlight(found, 0, ?, ?)
FROM found JOIN texts ON texts.id = found.rowid JOIN sessions ON sessions.number = texts.session
WHERE found MATCH ?{scope} ORDER BY found.rowid DESC LIMIT ?
"""
_TEXTS = "SELECT total(texts) FROM sessions WHERE ?1 = '' OR id = ?1"

_run_decoder = msgspec.msgpack.Decoder(RunRecord)
_usage_decoder = msgspec.json.Decoder(Usage)


class IndexGone(Exception):
    """The index can't answer now; one line."""


class SessionIndex:
    """The index of one state folder. Any number of processes and threads may ask.

    :param clock: epoch seconds.
    """

    def __init__(self, state: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def sessions(self) -> tuple[StoredSession, ...]:
        """Every stored session, the newest first. :raises IndexGone: it can't be said now."""

        def ask(database: sqlite3.Connection) -> tuple[StoredSession, ...]:
            catch_up(database, self._state, self._clock())
            return tuple(self._session(*row) for row in database.execute(_SESSIONS))

        return self._ask(ask)

    def runs(self, session_id: str | None = None) -> tuple[StoredRun, ...]:
        """Every run of a session, or of all, the newest first. :raises IndexGone: it can't be said now."""

        def ask(database: sqlite3.Connection) -> list[tuple[str, RunRecord]]:
            catch_up_runs(database, self._state, self._clock())
            rows = database.execute(_RUNS, (session_id,))
            return [(one, _run_decoder.decode(row)) for one, row in rows]

        found = self._ask(ask)
        owned = {one: self._owner(one) is not None for one in {one for one, _ in found}}
        return tuple(stored_run(one, record, is_owned=owned[one]) for one, record in found)

    def search(self, words: str, limit: int = MOST_HITS, scope: SearchScope = EVERYWHERE) -> SearchFound:
        """Where all these words were said (the last one: by its beginning), the newest first.

        :raises IndexGone: it can't be said now.
        """
        match = match_of(words)
        condition, values = _condition(scope)

        def ask(database: sqlite3.Connection) -> SearchFound:
            catch_up(database, self._state, self._clock())
            ((searched,),) = database.execute(_TEXTS, (scope.session_id,))
            if not match:
                return SearchFound((), int(searched))
            query = _SEARCH.format(scope=condition)
            rows = database.execute(query, (OPEN, CLOSE, match, *values, limit + 1)).fetchall()
            return SearchFound(tuple(_hit(*row) for row in rows[:limit]), int(searched), len(rows) > limit)

        return self._ask(ask)

    def forget(self, session_id: str) -> None:
        """Leave nothing of a deleted session in the file. :raises IndexGone: it can't be done now."""

        def ask(database: sqlite3.Connection) -> None:
            database.execute("PRAGMA secure_delete=ON").fetchone()
            forget(database, session_id)
            # Its words are still in the tree of the full text, until that is merged.
            database.execute("INSERT INTO found (found) VALUES ('optimize')")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

        self._ask(ask)

    def _session(
        self,
        session_id: str,
        folder: str,
        team: str,
        opened_at: float,
        last_at: float,
        runs: int,
        messages: int,
        damage: str,
        unreadable: str,
    ) -> StoredSession:
        return StoredSession(
            id=session_id,
            folder=folder,
            team=team,
            opened_at=opened_at,
            last_at=last_at,
            runs=runs,
            messages=messages,
            owner=self._owner(session_id),
            damage=unreadable or damage,
        )

    def _owner(self, session_id: str) -> int | None:
        return owner_of(SessionPlace(self._state, session_id).lease)

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._one_at_a_time:
            for _ in range(_TRIES):
                try:
                    with index_lock(self._state), closing(open_index(self._state)) as database:
                        return question(database)
                except IndexBusy as fault:
                    raise IndexGone(str(fault)) from fault
                except OSError:
                    break
                except (sqlite3.Error, msgspec.DecodeError) as fault:
                    if not self._can_go_on(fault):
                        break
            return self._ask_in_memory(question)

    def _can_go_on(self, fault: Exception) -> bool:
        """Whether to try again, with a new file. :raises IndexGone: another time."""
        if isinstance(fault, sqlite3.Error):
            if is_no_place(fault):
                return False
            if not is_damage(fault):
                raise IndexGone(f"The index can't be used now ({fault}).") from fault
        try:
            remove_index(self._state)
        except OSError:
            return False
        except IndexBusy as busy:
            raise IndexGone(str(busy)) from busy
        return True

    def _ask_in_memory(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with closing(open_in_memory()) as database:
                return question(database)
        except sqlite3.Error as fault:
            raise IndexGone(f"The stored sessions can't be looked through ({fault}).") from fault


def stored_run(session_id: str, record: RunRecord, *, is_owned: bool) -> StoredRun:
    """A run as people look at it. Of a session that nobody owns any more an open turn has no known end."""
    is_lost = record.outcome is None and not is_owned and record.in_turn
    return StoredRun(
        session_id=session_id,
        run_id=RunId(record.run_id),
        agent_id=record.agent_id,
        name=record.name,
        label=record.label,
        model=record.model,
        lifecycle=Lifecycle.TERMINATED.value if is_lost else record.lifecycle,
        waits_on=None if is_lost else record.waits_on,
        since=record.since,
        outcome=Outcome.UNKNOWN.value if is_lost else record.outcome,
        created_at=record.created_at,
        ended_at=record.ended_at,
        error=record.error,
        findings=record.findings,
        usage=_usage_of(record.usage),
        heartbeat_at=record.heartbeat_at,
        archived=record.archived_at is not None,
        requester=RunId(record.requester) if record.requester else None,
        cleaned_at=record.cleaned_at,
    )


def _condition(scope: SearchScope) -> tuple[str, list[str]]:
    """What of a query leaves out all that is not in the scope, and its values."""
    wanted: list[tuple[str, Sequence[str]]] = [
        ("sessions.id", [scope.session_id] if scope.session_id else []),
        ("texts.run_id", scope.run_ids),
        ("texts.kind", [scope.kind.value] if scope.kind is not None else []),
        ("texts.speaker", scope.speakers),
    ]
    parts = [f" AND {column} IN ({', '.join('?' * len(any_of))})" for column, any_of in wanted if any_of]
    return "".join(parts), [value for _, any_of in wanted for value in any_of]


def _usage_of(stored: str) -> Usage:
    try:
        return _usage_decoder.decode(stored)
    except msgspec.DecodeError:  # nothing was used yet, or that place is damaged
        return Usage()


def _hit(
    session_id: str, run_id: str, name: str, entry: int, at: float, speaker: str, marked: str
) -> SearchHit:
    excerpt, spans = excerpt_of(marked)
    return SearchHit(
        session_id=session_id,
        run_id=RunId(run_id),
        name=name,
        entry=entry,
        at=at,
        speaker=speaker,
        excerpt=excerpt,
        spans=spans,
    )
