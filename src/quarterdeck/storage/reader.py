"""Reads a session's journal: facts in order, one run's entries, drafts, the registry. It writes nothing.

Transactions are short, so that the owner's checkpoints go on. What is damaged is said and left out.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from quarterdeck.storage.codec import MESSAGE_TAGS, BadFact, StoredFact, decode
from quarterdeck.storage.records import Draft, RunRecord
from quarterdeck.storage.schema import RUN_COLUMNS, NewerSchema, check_schema

CHUNK = 2_000
"""Facts read in one transaction."""


class Unreadable(Exception):
    """The database is none, or so damaged that nothing can be read; one line."""


class Damage(msgspec.Struct, frozen=True):
    """A part that could not be read."""

    after: int
    """The number of the last fact before it."""
    words: str


class JournalReader:
    """One open journal. Close it after use.

    :raises NewerSchema: a later version wrote it.
    :raises Unreadable: there is nothing to read.
    """

    def __init__(self, path: Path) -> None:
        self.damage: list[Damage] = []
        try:
            # A WAL without its owner is read by a connection that may write the -shm file beside it.
            self._database = sqlite3.connect(
                f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as fault:
            raise Unreadable(f"{path.parent.name} can't be opened ({fault}).") from fault
        try:
            self._database.execute("PRAGMA query_only=1")
            found = check_schema(self._database, path)
        except sqlite3.Error as fault:
            self._database.close()
            raise Unreadable(f"{path.parent.name} can't be read ({fault}).") from fault
        except NewerSchema:
            self._database.close()
            raise
        self.is_empty = found is None

    def close(self) -> None:
        """Let it go."""
        self._database.close()

    def __enter__(self) -> "JournalReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last(self) -> int:
        """The number of the newest fact; 0 = there is none. :raises Unreadable: it can't be said."""
        row = self._one("SELECT max(seq) FROM facts")
        return int(row[0] or 0)

    def last_at(self) -> float:
        """When the newest fact happened (epoch seconds); 0 = there is none."""
        rows = self._all("SELECT at FROM facts ORDER BY seq DESC LIMIT 1", ())
        return float(rows[0][0]) if rows else 0.0

    def facts(self, after: int = 0, up_to: int | None = None) -> Iterator[tuple[int, StoredFact]]:
        """Facts with their numbers, in order. What can't be read is listed in `damage` and passed over."""
        yield from self._decoded("SELECT seq, fact FROM facts WHERE seq > ? AND seq <= ?", after, up_to)

    def facts_of_state(self, up_to: int | None = None) -> Iterator[tuple[int, StoredFact]]:
        """Facts in order but those that change no state: the messages as the model gets them."""
        marks = ", ".join(f"'{tag}'" for tag in sorted(MESSAGE_TAGS))
        where = f"SELECT seq, fact FROM facts WHERE tag NOT IN ({marks}) AND seq > ? AND seq <= ?"
        yield from self._decoded(where, 0, up_to)

    def facts_of(
        self, run_id: str, after: int = 0, up_to: int | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        """The facts of one run, in order."""
        where = "SELECT seq, fact FROM facts WHERE run_id = :run AND seq > ? AND seq <= ?"
        yield from self._decoded(where.replace(":run", "?"), after, up_to, run_id)

    def tagged(
        self, tags: Sequence[str], run_id: str | None = None, after: int = 0, up_to: int | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        """The facts of some kinds, in order; of one run, or of all."""
        marks = ", ".join(f"'{tag}'" for tag in tags)
        mine = "run_id = ? AND " if run_id is not None else ""
        where = f"SELECT seq, fact FROM facts WHERE {mine}tag IN ({marks}) AND seq > ? AND seq <= ?"
        yield from self._decoded(where, after, up_to, run_id)

    def of_entries(self, run_id: str, first: int, last: int) -> Iterator[tuple[int, StoredFact]]:
        """The facts that made or changed the entries with these ids, in order."""
        query = "SELECT seq, fact FROM facts WHERE run_id = ? AND entry BETWEEN ? AND ? ORDER BY seq"
        for seq, fact in self._all(query, (run_id, first, last)):
            yield from self._one_decoded(seq, fact)

    def select(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Numbers of facts and the like, by a query of the rest of storage; of an empty journal none.

        :raises Unreadable: what it needs is damaged.
        """
        return [] if self.is_empty else self._all(query, values)

    def drafts(self) -> tuple[Draft, ...]:
        """Text that was streamed and never finished."""
        rows = self._all("SELECT run_id, at, text FROM drafts ORDER BY run_id", ())
        return tuple(Draft(*row) for row in rows)

    def runs(self) -> tuple[RunRecord, ...]:
        """The registry, oldest first."""
        query = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs ORDER BY created_at, run_id"
        return tuple(_run_record(row) for row in self._all(query, ()))

    def meta(self) -> Mapping[str, str]:
        """What the session was opened with."""
        return dict(self._all("SELECT key, value FROM meta", ()))

    def _decoded(
        self, query: str, after: int, up_to: int | None, run_id: str | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        end = self.last() if up_to is None else up_to
        head: tuple[object, ...] = () if run_id is None else (run_id,)
        while after < end:
            try:
                rows = self._all(f"{query} ORDER BY seq LIMIT {CHUNK}", (*head, after, end))
            except Unreadable as fault:
                self.damage.append(Damage(after, str(fault)))
                rows = self._one_by_one(query, head, after, end)
            for seq, fact in rows:
                yield from self._one_decoded(seq, fact)
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]

    def _one_decoded(self, seq: int, fact: bytes) -> Iterator[tuple[int, StoredFact]]:
        try:
            yield seq, decode(fact)
        except BadFact as bad:
            self.damage.append(Damage(seq - 1, str(bad)))

    def _one_by_one(
        self, query: str, head: tuple[object, ...], after: int, end: int
    ) -> list[tuple[Any, ...]]:
        """Around a damaged page: fact by fact, as far as there are any."""
        found: list[tuple[Any, ...]] = []
        for seq in range(after + 1, min(end, after + CHUNK) + 1):
            try:
                found += self._all(query, (*head, seq - 1, seq))
            except Unreadable:
                continue
        return found

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._all(query, ())[0]

    def _all(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if self.is_empty:
            return [(None,)] if "max(seq)" in query else []
        try:
            with closing(self._database.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as fault:
            raise Unreadable(f"A part of the journal can't be read ({fault}).") from fault


def _run_record(row: tuple[Any, ...]) -> RunRecord:
    fields = dict(zip(RUN_COLUMNS, row, strict=True))
    for name in ("captured", "notified", "in_turn"):
        fields[name] = bool(fields[name])
    return RunRecord(**fields)
