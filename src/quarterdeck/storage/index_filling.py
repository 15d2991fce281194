"""Brings the index up to date from the session files: what is new since the last fact that it knows.

Little is done in one transaction, so that other processes get in between; each looks again at where the
index stands. A session that can't be read is said to be damaged, and holds up no other.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.domain.archive import TextKind
from quarterdeck.domain.requests import PlanRequest
from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.index_schema import text_id
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.schema import NewerSchema
from quarterdeck.storage.search_words import indexed

CHUNK = 500
"""Facts, or runs, in one transaction."""
MOST_TEXT = 256_000
"""Characters of one text that can be found; as many as a transcript's window shows."""
_SETTLED_S = 2.0
"""A file that was written so shortly before may be written again within the same tick of its clock."""

_TEXTS = ("text_said", "message_delivered", "tool_ended")
_MESSAGES = _TEXTS[:2]
_PLANS = "request_opened"
_DROPPED = "transcript_dropped"
_WANTED = (*_TEXTS, _PLANS, "session_opened", "teammate_spawned", "teammate_renamed", _DROPPED)
_NEXT = f"SELECT seq, at, tag, entry FROM facts WHERE seq > ? ORDER BY seq LIMIT {CHUNK}"
_CALL = """
SELECT entry FROM facts WHERE run_id = ? AND seq < ? AND entry IS NOT NULL ORDER BY seq DESC LIMIT 1
"""
"""Where a plan stands in its run's transcript: it is the last thing that was there when it was submitted."""
_ONE = "SELECT seq, at, tag, entry FROM facts WHERE seq = ?"
_COUNT = f"""
SELECT count(*) FROM facts WHERE tag IN ({", ".join("?" * len(_MESSAGES))}) AND entry IS NOT NULL AND seq <= ?
"""
_NEW_SESSION = """
INSERT INTO sessions (id, folder, team, opened_at, last_at, last_seq, messages, texts, runs, damage,
                      unreadable, facts_stamp, runs_stamp)
VALUES (?, '', '', 0, 0, 0, 0, 0, 0, '', '', '', '')
"""
_NEW_TEXT = """
INSERT INTO texts (id, session, run_id, entry, at, name, speaker, kind, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_RUN = "INSERT OR REPLACE INTO runs (session, run_id, created_at, row) VALUES (?, ?, ?, ?)"

_encode = msgspec.msgpack.Encoder().encode


class _Standing(msgspec.Struct):
    """How far the index is with a session; written back at the end of a transaction."""

    number: int
    folder: str
    team: str
    opened_at: float
    last_at: float
    last_seq: int
    messages: int
    texts: int
    runs: int
    damage: str


_FIELDS = _Standing.__struct_fields__
_STANDING = f"SELECT {', '.join(_FIELDS)} FROM sessions WHERE id = ?"
_WRITE = f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in _FIELDS[1:])} WHERE number = ?"


def catch_up(database: sqlite3.Connection, state: Path, now: float) -> None:
    """Take in every text that was said since, and forget the sessions that are gone.

    :raises sqlite3.Error: of the index, never of a session.
    """
    for session_id, stamp in _changed(database, state, now, "facts_stamp"):
        _with_reader(database, state, session_id, _read_facts)
        _put(database, session_id, "facts_stamp", stamp)


def catch_up_runs(database: sqlite3.Connection, state: Path, now: float) -> None:
    """Take in the registry of every session that has changed. :raises sqlite3.Error: of the index."""
    for session_id, stamp in _changed(database, state, now, "runs_stamp"):
        _with_reader(database, state, session_id, _read_runs)
        _put(database, session_id, "runs_stamp", stamp)


def forget(database: sqlite3.Connection, session_id: str) -> None:
    """Let the index know nothing of a session. :raises sqlite3.Error: of the index."""
    row = database.execute("SELECT number FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        return
    while True:
        with _transaction(database):
            texts = database.execute(
                f"SELECT id, text FROM texts WHERE session = ? LIMIT {CHUNK}", row
            ).fetchall()
            database.executemany("INSERT INTO found (found, rowid, text) VALUES ('delete', ?, ?)", texts)
            database.executemany("DELETE FROM texts WHERE id = ?", [(one,) for one, _ in texts])
            if len(texts) == CHUNK:
                continue
            for table, column in (("names", "session"), ("runs", "session"), ("sessions", "number")):
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", row)
            return


def _changed(database: sqlite3.Connection, state: Path, now: float, column: str) -> Iterator[tuple[str, str]]:
    """Sessions whose files are not as they were; those that are gone are forgotten."""
    known = dict(database.execute(f"SELECT id, {column} FROM sessions"))
    there = session_ids(state)
    for session_id in set(known) - set(there):
        forget(database, session_id)
    for session_id in there:
        stamp = _stamp_of(SessionPlace(state, session_id), now)
        if not stamp or known.get(session_id) != stamp:
            yield session_id, stamp


def _stamp_of(place: SessionPlace, now: float) -> str:
    """What changes whenever the session is written to; empty = it may be written to just now."""
    parts = []
    for path in (place.database, place.database.with_name(f"{place.database.name}-wal")):
        try:
            found = path.stat()
        except OSError:
            continue
        if found.st_size == 0:  # a WAL that a reader made
            continue
        if found.st_mtime > now - _SETTLED_S:
            return ""
        parts.append(f"{found.st_ino}.{found.st_size}.{found.st_mtime_ns}")
    return " ".join(parts)


def _put(database: sqlite3.Connection, session_id: str, column: str, value: str) -> None:
    """Set a column of a session, where it is not so already: no lock is taken for nothing."""
    row = database.execute(f"SELECT {column} FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is not None and row[0] != value:
        database.execute(f"UPDATE sessions SET {column} = ? WHERE id = ?", (value, session_id))


def _with_reader(
    database: sqlite3.Connection,
    state: Path,
    session_id: str,
    read: Callable[[sqlite3.Connection, str, JournalReader], None],
) -> None:
    path = SessionPlace(state, session_id).database
    try:
        with JournalReader(path) as reader:
            if not reader.is_empty:
                read(database, session_id, reader)
                _put(database, session_id, "unreadable", "")
    except (Unreadable, NewerSchema) as fault:
        if not path.exists():  # deleted meanwhile
            return
        with _transaction(database):
            _standing(database, session_id)
            _put(database, session_id, "unreadable", str(fault))


def _read_facts(database: sqlite3.Connection, session_id: str, reader: JournalReader) -> None:
    end = reader.last()
    known = database.execute("SELECT last_seq FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if known is not None and known[0] == end:
        return
    while True:
        with _transaction(database):
            standing = _standing(database, session_id)
            if standing.last_seq > end:  # another file than the one that is known
                break
            is_done = _read_chunk(database, reader, standing, end)
            _write(database, standing)
        if is_done:
            return
    forget(database, session_id)
    _read_facts(database, session_id, reader)


def _read_chunk(database: sqlite3.Connection, reader: JournalReader, standing: _Standing, end: int) -> bool:
    """Take in the next facts. Whether that was all."""
    after = standing.last_seq
    try:
        rows = reader.select(_NEXT, (after,))
        reached = rows[-1][0] if len(rows) == CHUNK else end
    except Unreadable as fault:
        standing.damage = str(fault)
        reached = min(end, after + CHUNK)
        rows = _one_by_one(reader, after, reached)
    reached = max(reached, rows[-1][0] if rows else 0)
    places = {seq: (tag, entry) for seq, _, tag, entry in rows}
    names: dict[str, str] = {}
    dropped: list[str] = []
    for seq, fact in reader.tagged(_WANTED, after=after, up_to=reached):
        tag, entry = places.get(seq, ("", None))
        if tag == _DROPPED:
            dropped.append(str(getattr(fact, "run_id", "")))
        elif tag == _PLANS:
            request = getattr(fact, "request", None)
            plan = request if isinstance(request, PlanRequest) else None
            entry = _entry_before(reader, plan.run_id, seq) if plan is not None else None
        _take_in(database, standing, names, tag, entry, fact)
    if dropped:
        _drop_texts(database, standing, dropped)
        standing.messages = int(reader.select(_COUNT, (*_MESSAGES, reached))[0][0])
    if reader.damage:
        standing.damage = reader.damage[-1].words
    if rows:
        standing.last_at = rows[-1][1]
    standing.last_seq = reached
    return reached >= end


def _entry_before(reader: JournalReader, run_id: str, seq: int) -> int | None:
    try:
        rows = reader.select(_CALL, (run_id, seq))
    except Unreadable:
        return None
    return int(rows[0][0]) if rows else None


def _one_by_one(reader: JournalReader, after: int, reached: int) -> list[tuple[Any, ...]]:
    """Around a damaged page: what can be read of it."""
    found: list[tuple[Any, ...]] = []
    for seq in range(after + 1, reached + 1):
        with suppress(Unreadable):
            found += reader.select(_ONE, (seq,))
    return found


def _take_in(
    database: sqlite3.Connection,
    standing: _Standing,
    names: dict[str, str],
    tag: str,
    entry: int | None,
    fact: Any,
) -> None:
    match tag:
        case "session_opened":
            standing.folder, standing.team = fact.started_in or fact.folder, fact.team
            standing.opened_at = standing.opened_at or fact.at
        case "teammate_spawned" | "teammate_renamed":
            standing.runs += tag == "teammate_spawned"
            names[fact.run_id] = fact.name
            database.execute(
                "INSERT OR REPLACE INTO names VALUES (?, ?, ?)", (standing.number, fact.run_id, fact.name)
            )
        case _ if entry is not None and tag != _DROPPED:
            _take_text(database, standing, names, tag, entry, fact)


def _take_text(
    database: sqlite3.Connection,
    standing: _Standing,
    names: dict[str, str],
    tag: str,
    entry: int,
    fact: Any,
) -> None:
    standing.messages += tag in _MESSAGES
    about = fact.request if tag == _PLANS else fact
    name = names.get(about.run_id)
    if name is None:
        name = names[about.run_id] = _name_of(database, standing.number, about.run_id)
    match tag:
        case "text_said":
            kind, speaker, text = TextKind.SAID, name, fact.text
        case "message_delivered":
            kind, speaker, text = TextKind.SAID, fact.sender, fact.text
        case _ if tag == _PLANS:
            kind, speaker, text = TextKind.PLAN, name, about.text
        case _:
            kind, speaker, text = TextKind.CALL, fact.tool, f"{fact.title}\n{fact.detail}"
    text = indexed(text[:MOST_TEXT])
    if not text.strip():
        return
    standing.texts += 1
    number = _free_id(database, fact.at)
    whose = (standing.number, about.run_id, entry, fact.at, indexed(name), indexed(speaker))
    database.execute(_NEW_TEXT, (number, *whose, kind.value, text))
    database.execute("INSERT INTO found (rowid, text) VALUES (?, ?)", (number, text))


def _drop_texts(database: sqlite3.Connection, standing: _Standing, run_ids: list[str]) -> None:
    """The transcripts of these runs were deleted: nothing of them is found any more."""
    marks = ", ".join("?" * len(run_ids))
    texts = database.execute(
        f"SELECT id, text FROM texts WHERE session = ? AND run_id IN ({marks})", (standing.number, *run_ids)
    ).fetchall()
    database.executemany("INSERT INTO found (found, rowid, text) VALUES ('delete', ?, ?)", texts)
    database.executemany("DELETE FROM texts WHERE id = ?", [(one,) for one, _ in texts])
    standing.texts -= len(texts)


def _name_of(database: sqlite3.Connection, number: int, run_id: str) -> str:
    row = database.execute(
        "SELECT name FROM names WHERE session = ? AND run_id = ?", (number, run_id)
    ).fetchone()
    return str(row[0]) if row is not None else run_id


def _free_id(database: sqlite3.Connection, at: float) -> int:
    """An id by the time, and by the order of taking in where the time is the same."""
    nth = 0
    while True:
        first, end = text_id(at, nth), text_id(at, nth + 1)
        ((highest,),) = database.execute("SELECT max(id) FROM texts WHERE id >= ? AND id < ?", (first, end))
        if highest is None:
            return first
        if highest + 1 < end:
            return int(highest) + 1
        nth += 1


def _read_runs(database: sqlite3.Connection, session_id: str, reader: JournalReader) -> None:
    records = reader.runs()
    for start in range(0, len(records), CHUNK):
        with _transaction(database):
            number = _standing(database, session_id).number
            database.executemany(
                "INSERT OR REPLACE INTO runs (session, run_id, created_at, row) VALUES (?, ?, ?, ?)",
                [
                    (number, one.run_id, one.created_at, _encode(one))
                    for one in records[start : start + CHUNK]
                ],
            )


def _standing(database: sqlite3.Connection, session_id: str) -> _Standing:
    row = database.execute(_STANDING, (session_id,)).fetchone()
    if row is None:
        database.execute(_NEW_SESSION, (session_id,))
        row = database.execute(_STANDING, (session_id,)).fetchone()
    return _Standing(*row)


def _write(database: sqlite3.Connection, standing: _Standing) -> None:
    values = [getattr(standing, name) for name in _FIELDS]
    database.execute(_WRITE, (*values[1:], values[0]))


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
