"""The one thread that writes a session's journal: many batches in one transaction, synced, then told.

A batch that the disk does not take is kept and tried again; nothing after it is written before it. Every
statement that SQLite runs lets other threads have the interpreter, and this one may wait long to get it back
from a busy loop: so many rows are one statement, and one statement alone is its own transaction.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from queue import Empty, SimpleQueue
from typing import cast

from msgspec.structs import astuple

from quarterdeck.storage.codec import BadFact, StoredFact, checksum, encode, storable, unstorable
from quarterdeck.storage.dropping import drop_left, drop_transcript, note_left
from quarterdeck.storage.records import Batch, Draft, FactRecord, RunRecord
from quarterdeck.storage.schema import FACT_COLUMNS, RUN_COLUMNS

log = logging.getLogger("quarterdeck")

SHORTEST_SECRET = 6
GATHER_S = 0.002
"""How soon after the one before a transaction may begin: what comes meanwhile is taken along."""
RETRY_S = 0.5
MOST_BATCHES = 2_000
"""In one transaction."""
MOST_VALUES = 900
"""In one statement; every SQLite takes 999."""
LEAVING_S = 0.2
"""How long the last checkpoint waits for readers."""

_FACTS = f"INSERT INTO facts ({', '.join(FACT_COLUMNS)}) VALUES "
_RUNS = f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}) VALUES "
_RUNS_AGAIN = (
    " ON CONFLICT (run_id) DO UPDATE SET "
    + ", ".join(
        "findings = iif(runs.captured, runs.findings, excluded.findings)"  # captured once, and for good
        if column == "findings"
        else f"{column} = excluded.{column}"
        for column in RUN_COLUMNS[1:]
    )
)
_DRAFTS = "INSERT OR REPLACE INTO drafts (run_id, at, text) VALUES "
_NO_DRAFTS = "DELETE FROM drafts WHERE run_id IN (VALUES "
_BEATS = "WITH beats (id, at) AS (VALUES "
_BEATEN = """) UPDATE runs SET heartbeat_at =
max(heartbeat_at, (SELECT beats.at FROM beats WHERE beats.id = runs.run_id))
WHERE run_id IN (SELECT beats.id FROM beats)"""

Row = tuple[object, ...]
Statement = tuple[str, Sequence[object]]


class _Undropped(Exception):
    """A transcript can't be deleted; all else was written."""


class Ink:
    """Values as they are written: without the person's secrets, and so that SQLite takes them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
        self._in_json = tuple(map(_json_of, self._secrets))

    def of(self, value: object) -> object:
        """A column's value."""
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "[secret]")
        return storable(value)

    def of_json(self, stored: bytes) -> bytes:
        """A fact's bytes."""
        for secret in self._in_json:
            stored = stored.replace(secret, b"[secret]")
        return stored


class Writer:
    """Runs in its own thread from the opening of the database to its closing.

    :param tell_committed: told the newest sequence number on disk; 0 = a transaction without facts was stuck
        and is on disk now.
    :param tell_stuck: told why the disk takes nothing, in one line, each time it was tried.
    :param secrets: never written: whatever text holds one of these has `[secret]` in its place.
    :param wait: sleeps; a test gives its own.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        queue: SimpleQueue[Batch | None],
        *,
        tell_committed: Callable[[int], None],
        tell_stuck: Callable[[str], None],
        secrets: tuple[str, ...] = (),
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._tell_committed = tell_committed
        self._tell_stuck = tell_stuck
        self._ink = Ink(secrets)
        self._wait = wait
        self._clock = clock
        self._written_at = 0.0
        self._ends = False
        self.give_up = False
        """Set from outside at the program's end: a disk that still takes nothing holds nothing up."""

    def run(self, database: sqlite3.Connection) -> None:
        """Write until the queue says that it is over; then close the database."""
        try:
            drop_left(database)
            while not self._ends:
                batches = self._take()
                if batches and not self._write_in_the_end(database, batches):
                    return
            with suppress(sqlite3.Error):
                database.execute(f"PRAGMA busy_timeout={LEAVING_S * 1000:.0f}").fetchone()
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            database.close()

    def _take(self) -> list[Batch]:
        """What is there, after waiting for the first. In quiet times nothing is gathered."""
        first = self._queue.get()
        if first is None:
            self._ends = True
            return []
        batches = [first]
        too_soon_s = self._written_at + GATHER_S - self._clock()
        if too_soon_s > 0 and self._queue.empty():
            self._wait(too_soon_s)
        while len(batches) < MOST_BATCHES:
            try:
                batch = self._queue.get_nowait()
            except Empty:
                break
            if batch is None:
                self._ends = True
                break
            batches.append(batch)
        return batches

    def _write_in_the_end(self, database: sqlite3.Connection, batches: list[Batch]) -> bool:
        """Try until it is on disk; False = given up."""
        statements = statements_of(batches, self._ink)
        drops = [fact.run_id for batch in batches for fact in batch.facts if fact.drops_transcript]
        left: list[str] = []
        was_stuck = False
        while True:
            try:
                _write(database, statements, drops, left)
            except _Undropped:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                log.exception("transcripts can't be deleted; it is tried again at the next start: %s", drops)
                drops, left = [], drops
                continue
            except Exception as fault:  # whatever it is: who waits for the disk is told, and goes on waiting
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                was_stuck = True
                _tell(self._tell_stuck, words_of(fault))
                if self.give_up:
                    return False
                self._wait(RETRY_S)
                continue
            self._written_at = self._clock()
            last = max(batch.last for batch in batches)
            if last or was_stuck:
                _tell(self._tell_committed, last)
            return True


def statements_of(batches: Iterable[Batch], ink: Ink) -> list[Statement]:
    """What one transaction does: every fact, and of runs, drafts and heartbeats the newest of each."""
    facts: list[Row] = []
    runs: dict[str, Callable[[], RunRecord]] = {}
    drafts: dict[str, Draft] = {}
    ended: set[str] = set()
    beats: dict[str, float] = {}
    for batch in batches:
        for fact in batch.facts:
            facts.append(_fact_row(fact, ink))
            if fact.ends_draft:
                ended.add(fact.run_id)
                drafts.pop(fact.run_id, None)
        runs.update(batch.runs)
        drafts.update((one.run_id, one) for one in batch.drafts)
        beats.update(batch.beats)
    return [
        *_of_many(_FACTS, facts),
        *_of_many(_RUNS, _run_rows(runs, ink), _RUNS_AGAIN),
        *_of_many(_NO_DRAFTS, [(ink.of(run_id),) for run_id in ended - drafts.keys()], ")"),
        *_of_many(_DRAFTS, [tuple(map(ink.of, astuple(one))) for one in drafts.values()]),
        *_of_many(_BEATS, [(ink.of(run_id), at) for run_id, at in beats.items()], _BEATEN),
    ]


def words_of(fault: Exception) -> str:
    """Why the disk takes nothing, for a person."""
    name = getattr(fault, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return "The disk is full."
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return "The state folder can't be written."
    return f"The journal can't be written ({fault})."


def _write(
    database: sqlite3.Connection, statements: list[Statement], drops: list[str], left: list[str]
) -> None:
    """:raises _Undropped: a transcript of `drops` can't be deleted. `left`: tried before, in vain."""
    if len(statements) == 1 and not drops and not left:
        database.execute(*statements[0])
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in statements:
        database.execute(*statement)
    try:
        for run_id in drops:
            drop_transcript(database, run_id)
    except Exception as fault:  # whatever it is: nothing else waits for it
        raise _Undropped from fault
    if left:
        note_left(database, left)
    database.execute("COMMIT")


def _of_many(head: str, rows: list[Row], tail: str = "") -> Iterable[Statement]:
    """Statements that each take many of the rows: a power of two, so that few are prepared for any number.

    With each prepared statement SQLite keeps a copy of what it was last given.
    """
    if not rows:
        return
    marks = f"({', '.join('?' * len(rows[0]))})"
    at, count = 0, 1 << (MOST_VALUES // len(rows[0])).bit_length() - 1
    while at < len(rows):
        while count > len(rows) - at:
            count //= 2
        part = rows[at : at + count]
        yield f"{head}{', '.join([marks] * count)}{tail}", tuple(chain.from_iterable(part))
        at += count


def _fact_row(fact: FactRecord, ink: Ink) -> Row:
    try:
        stored = ink.of_json(encode(cast(StoredFact, fact.fact)))
    except BadFact as bad:  # one fact that nothing can hold is told as lost when it is read; the rest goes on
        log.exception("fact %d of %s is not kept", fact.seq, fact.run_id or "no run")
        stored = unstorable(fact.tag, str(bad))
    return (
        fact.seq,
        fact.at,
        fact.tag,
        ink.of(fact.run_id),
        fact.entry,
        stored,
        checksum(fact.seq, stored),
    )


def _run_rows(runs: dict[str, Callable[[], RunRecord]], ink: Ink) -> list[Row]:
    rows: list[Row] = []
    for run_id, make in runs.items():
        try:
            rows.append(tuple(map(ink.of, astuple(make()))))
        except Exception:  # its row stays as it was; the facts are kept, and are what counts
            log.exception("the registry's row of %s can't be made", run_id)
    return rows


def _json_of(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")


def _tell(listener: Callable[..., None], *told: object) -> None:
    """A listener whose loop is closed already does not keep the rest from being written."""
    with suppress(RuntimeError):
        listener(*told)
