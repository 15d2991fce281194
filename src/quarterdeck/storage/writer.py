"""The one thread that writes a session's journal: many batches in one transaction, synced, then told.

A batch that the disk does not take is kept and tried again; nothing after it is written before it.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from msgspec.structs import astuple

from quarterdeck.storage.codec import encode
from quarterdeck.storage.records import Batch, RunRecord
from quarterdeck.storage.schema import RUN_COLUMNS

Value = TypeVar("Value")
SHORTEST_SECRET = 6
GATHER_S = 0.002
"""How long a transaction waits for more to take along."""
RETRY_S = 0.5
MOST_BATCHES = 2_000
"""In one transaction."""

_INSERT = "INSERT INTO facts (seq, at, tag, run_id, entry, fact) VALUES (?, ?, ?, ?, ?, ?)"
_RUN = f"INSERT OR REPLACE INTO runs ({', '.join(RUN_COLUMNS)}) VALUES ({', '.join('?' * len(RUN_COLUMNS))})"
_DRAFT = "INSERT OR REPLACE INTO drafts (run_id, at, text) VALUES (?, ?, ?)"
_NO_DRAFT = "DELETE FROM drafts WHERE run_id = ?"
_BEAT = "UPDATE runs SET heartbeat_at = ? WHERE run_id = ?"


class Writer:
    """Runs in its own thread from the opening of the database to its closing.

    :param tell_committed: told the newest sequence number on disk.
    :param tell_stuck: told why the disk takes nothing, in one line, each time it was tried.
    :param secrets: never written: whatever text holds one of these has `[secret]` in its place.
    :param wait: sleeps; a test gives its own.
    """

    def __init__(
        self,
        queue: SimpleQueue[Batch | None],
        *,
        tell_committed: Callable[[int], None],
        tell_stuck: Callable[[str], None],
        secrets: tuple[str, ...] = (),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._queue = queue
        self._tell_committed = tell_committed
        self._tell_stuck = tell_stuck
        self._secrets = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
        self._wait = wait
        self._ends = False
        self.give_up = False
        """Set from outside at the program's end: a disk that still takes nothing holds nothing up."""

    def run(self, database: sqlite3.Connection) -> None:
        """Write until the queue says that it is over; then close the database."""
        try:
            while not self._ends:
                batches = self._take()
                if batches and not self._write_in_the_end(database, batches):
                    return
            with suppress(sqlite3.Error):
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            database.close()

    def _take(self) -> list[Batch]:
        """What is there, after waiting for the first."""
        first = self._queue.get()
        if first is None:
            self._ends = True
            return []
        batches = [first]
        if self._queue.empty():
            self._wait(GATHER_S)
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
        while True:
            try:
                self._write(database, batches)
            except sqlite3.Error as fault:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                self._tell_stuck(words_of(fault))
                if self.give_up:
                    return False
                self._wait(RETRY_S)
                continue
            last = max(batch.last for batch in batches)
            if last:
                self._tell_committed(last)
            return True

    def _write(self, database: sqlite3.Connection, batches: list[Batch]) -> None:
        rows = []
        runs: dict[str, Callable[[], RunRecord]] = {}
        database.execute("BEGIN IMMEDIATE")
        for batch in batches:
            ended = [(fact.run_id,) for fact in batch.facts if fact.ends_draft]
            if ended:
                database.executemany(_NO_DRAFT, ended)
            for fact in batch.facts:
                data = self._without_secrets(encode(fact.fact))  # type: ignore[arg-type]
                rows.append((fact.seq, fact.at, fact.tag, fact.run_id, fact.entry, data))
            runs.update(batch.runs)
            if batch.drafts:
                drafts = [(one.run_id, one.at, self._blotted(one.text)) for one in batch.drafts]
                database.executemany(_DRAFT, drafts)
            if batch.beats:
                database.executemany(_BEAT, [(at, run_id) for run_id, at in batch.beats])
        database.executemany(_INSERT, rows)
        database.executemany(_RUN, [tuple(map(self._blotted, astuple(row()))) for row in runs.values()])
        database.execute("COMMIT")

    def _without_secrets(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret.encode(), b"[secret]")
        return data

    def _blotted(self, value: Value) -> Value:
        for secret in self._secrets:
            if isinstance(value, str) and secret in value:
                value = value.replace(secret, "[secret]")  # type: ignore[assignment] # a str stays one
        return value


def words_of(fault: Exception) -> str:
    """Why the disk takes nothing, for a person."""
    text = str(fault)
    if "full" in text:
        return "The disk is full."
    if "readonly" in text or "read-only" in text:
        return "The state folder can't be written."
    return f"The journal can't be written ({text})."
