"""Reads a session's journal: facts in order, one run's entries, drafts, the registry. It writes nothing.

Transactions are short, so that the owner's checkpoints go on. What is damaged is said and left out. The
database and its WAL keep every byte; where SQLite can't read beside them (a folder that takes nothing, a
rollback journal), it reads a copy.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from quarterdeck.storage.codec import MESSAGE_TAGS, BadFact, StoredFact, checksum, decode, from_storable
from quarterdeck.storage.folders import LEASE
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.records import Draft, RunRecord
from quarterdeck.storage.schema import RUN_COLUMNS, check_schema, open_for_reading
from quarterdeck.storage.wal import is_broken

CHUNK = 2_000
"""Facts read in one transaction, at most."""
CHUNK_BYTES = 4_000_000
"""Bytes of facts after which a transaction ends: a journal is never in memory as a whole."""
BLIND = 3
"""Chunks without any fact after which there is no more, where the last number is not known."""

MOST_WORDS = 10
"""Faults that are listed of one journal's pages."""

_NO_END = 2**62
_TRUTHS = frozenset({"captured", "notified", "in_turn"})
_FAULTS = (sqlite3.Error, MemoryError, OverflowError, UnicodeError)
"""What SQLite, or Python's side of it, raises on damaged pages."""

Row = tuple[Any, ...]


class Unreadable(Exception):
    """The database is none, or so damaged that nothing can be read; one line."""


class Damage(msgspec.Struct, frozen=True):
    """A part that could not be read."""

    after: int
    """The number of the last fact before it; 0 = it is at the beginning, or no fact."""
    words: str


class JournalReader:
    """One open journal. Close it after use.

    :param is_idle: the caller holds its lease, and nothing writes to it: as if nobody owned it.
    :raises NewerSchema: a later version wrote it.
    :raises Unreadable: there is nothing to read.
    """

    def __init__(self, path: Path, *, is_idle: bool = False) -> None:
        self.damage: list[Damage] = []
        self._is_checked = False
        self._copy: TemporaryDirectory[str] | None = None
        self._has_owner = has_owner = not is_idle and owner_of(path.parent / LEASE) is not None
        # Before it is opened: what is seen now is what was left behind.
        wal_is_broken = not has_owner and is_broken(_beside(path, "-wal"), _beside(path, "-shm"))
        self._database, found = self._open(path, may_copy=not has_owner)
        self._database.text_factory = _text
        self.is_empty = found is None and not self._has_facts()
        if found is None and not self.is_empty:
            self._damaged(0, "Its version can't be read.")
        if wal_is_broken:
            with suppress(Unreadable):
                self._damaged(self.last(), "The newest part is damaged; what came after this can't be read.")

    def close(self) -> None:
        """Let it go."""
        self._database.close()
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> "JournalReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last(self) -> int:
        """The number of the newest fact; 0 = there is none. :raises Unreadable: it can't be said."""
        if self.is_empty:
            return 0
        try:
            rows = self._all("SELECT max(seq) FROM facts")
        except Unreadable:
            rows = self._all("SELECT max(seq) FROM facts INDEXED BY facts_of_run")
        found = rows[0][0] if rows else None
        return found if isinstance(found, int) else 0

    def last_at(self) -> float:
        """When the newest fact happened (epoch seconds); 0 = there is none. :raises Unreadable: it's lost."""
        if self.is_empty:
            return 0.0
        rows = self._all("SELECT at FROM facts ORDER BY seq DESC LIMIT 1")
        return rows[0][0] if rows and isinstance(rows[0][0], float) else 0.0

    def facts(self, after: int = 0, up_to: int | None = None) -> Iterator[tuple[int, StoredFact]]:
        """Facts with their numbers, in order. What can't be read is listed in `damage` and passed over."""
        yield from self._facts("", (), after, up_to)

    def facts_of_state(self, after: int = 0, up_to: int | None = None) -> Iterator[tuple[int, StoredFact]]:
        """Facts in order but those that change no state: the messages as the model gets them."""
        tags = sorted(MESSAGE_TAGS)
        yield from self._facts(f"AND tag NOT IN ({', '.join('?' * len(tags))})", tags, after, up_to)

    def facts_of(
        self, run_id: str, after: int = 0, up_to: int | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        """The facts of one run, in order."""
        yield from self._facts("AND run_id = ?", (run_id,), after, up_to)

    def tagged(
        self, tags: Sequence[str], run_id: str | None = None, after: int = 0, up_to: int | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        """The facts of some kinds, in order; of one run, or of all."""
        where, values = f"AND tag IN ({', '.join('?' * len(tags))})", tuple(tags)
        if run_id is not None:
            where, values = f"{where} AND run_id = ?", (*values, run_id)
        yield from self._facts(where, values, after, up_to)

    def of_entries(self, run_id: str, first: int, last: int) -> Iterator[tuple[int, StoredFact]]:
        """The facts that made or changed the entries with these ids, in order."""
        yield from self._facts("AND run_id = ? AND entry BETWEEN ? AND ?", (run_id, first, last))

    def select(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Numbers of facts and the like, by a query of the rest of storage; of an empty journal none.

        :raises Unreadable: what it needs is damaged.
        """
        return [] if self.is_empty else self._all(query, values)

    def drafts(self) -> tuple[Draft, ...]:
        """Text that was streamed and never finished."""
        found = self._converted("SELECT run_id, at, text FROM drafts", ("run_id", "at", "text"), Draft)
        return tuple(sorted(found, key=lambda one: one.run_id))

    def runs(self) -> tuple[RunRecord, ...]:
        """The registry, oldest first."""
        found = self._converted(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs", RUN_COLUMNS, RunRecord)
        return tuple(sorted(found, key=lambda one: (one.created_at, one.run_id)))

    def meta(self) -> Mapping[str, str]:
        """What the session was opened with."""
        rows, _ = self._while_readable("SELECT key, value FROM meta", ())
        found = {}
        for key, value in rows:
            with suppress(UnicodeDecodeError):
                found[str(key)] = str(from_storable(value))
        return found

    # --- opening --------------------------------------------------------------------------------------

    def _open(self, path: Path, *, may_copy: bool) -> tuple[sqlite3.Connection, int | None]:
        name = path.parent.name
        with suppress(OSError):
            if not path.is_file():
                raise Unreadable(f"{name} has no journal.")
        try:
            return _opened(path)
        except _FAULTS as fault:
            kind = getattr(fault, "sqlite_errorname", "SQLITE_CORRUPT")
            if not may_copy:
                raise Unreadable(f"{name} can't be read ({fault}).") from fault
        try:
            if not kind.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                return self._open_copy(path)
            opened = _opened(path, whatever_is_there=True)
        except (*_FAULTS, OSError) as fault:
            self._forget_copy()
            raise Unreadable(f"{name} can't be read ({fault}).") from fault
        except BaseException:
            self._forget_copy()
            raise
        self._damaged(0, "Its end is cut off, or its list of tables is damaged.")
        return opened

    def _open_copy(self, path: Path) -> tuple[sqlite3.Connection, int | None]:
        """Nobody owns it: its files may be opened by others than SQLite."""
        self._copy = TemporaryDirectory(prefix="quarterdeck-")
        # Named as the session, for the words of a fault.
        folder = Path(self._copy.name) / path.parent.name
        folder.mkdir(mode=0o700)
        copy = folder / path.name
        for ending in ("", "-wal", "-journal"):
            with suppress(FileNotFoundError):
                copyfile(_beside(path, ending), _beside(copy, ending))
        with suppress(sqlite3.Error), closing(sqlite3.connect(copy, isolation_level=None)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()  # a rollback journal is played
        return _opened(copy)

    def _forget_copy(self) -> None:
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def _has_facts(self) -> bool:
        try:
            return bool(self._all("SELECT 1 FROM sqlite_master WHERE name = 'facts'"))
        except Unreadable:
            return True

    # --- reading around what is damaged ---------------------------------------------------------------

    def _facts(
        self, where: str, values: Sequence[object], after: int = 0, up_to: int | None = None
    ) -> Iterator[tuple[int, StoredFact]]:
        if self.is_empty:
            return
        if after == 0 and up_to is None and not self._has_owner:
            self._check()
        newest = self._newest()
        end = min(_NO_END if newest is None else newest, _NO_END if up_to is None else up_to)
        columns = "SELECT seq, fact, checksum FROM facts"
        query = f"{columns} WHERE seq > ? AND seq <= ? {where} ORDER BY seq LIMIT {CHUNK}"
        blind = 0
        while after < end and blind < BLIND:
            rows, is_whole = self._while_readable(query, (after, end, *values), after)
            if not is_whole and not rows:
                last = min(end, after + CHUNK)
                rows = self._one_by_one(f"{columns} WHERE seq = ? {where}", values, after, last)
                blind = 0 if rows or newest is not None else blind + 1
            else:
                last = end if is_whole and len(rows) < CHUNK else rows[-1][0]
            for seq, fact, check in rows:
                yield from self._decoded(seq, fact, check)
            after = last

    def _check(self) -> None:
        """Who reads all of what was left behind hears of rows, too, that are gone without a fault."""
        if self._is_checked:
            return
        self._is_checked = True
        rows, _ = self._while_readable(f"PRAGMA quick_check({MOST_WORDS})", ())
        for (words,) in rows:
            if words != "ok":
                self._damaged(0, f"A part of the journal is damaged ({str(words).splitlines()[-1]}).")

    def _newest(self) -> int | None:
        """The number of the newest fact; None = it can't be said."""
        try:
            return self.last()
        except Unreadable as fault:
            self._damaged(0, str(fault))
            return None

    def _while_readable(
        self, query: str, values: Sequence[object], after: int | None = None
    ) -> tuple[list[Row], bool]:
        """Rows up to the first that can't be read or is not above `after`, and whether these are all.

        With `after`, these are facts: they end, too, when there are many bytes of them.
        """
        rows: list[Row] = []
        size = 0
        if self.is_empty:
            return rows, True
        try:
            with closing(self._database.execute(query, tuple(values))) as cursor:
                for row in cursor:
                    if after is not None:
                        if not after < row[0]:
                            self._damaged(after, "A part of the journal is out of order.")
                            return rows, False
                        after = row[0]
                        size += len(row[1]) if isinstance(row[1], bytes) else 0
                    rows.append(row)
                    if size > CHUNK_BYTES:
                        return rows, False
        except _FAULTS as fault:
            self._damaged(after or 0, _words(fault))
            return rows, False
        return rows, True

    def _one_by_one(self, query: str, values: Sequence[object], after: int, last: int) -> list[Row]:
        """Around a damaged page: fact by fact, as far as there are any."""
        found: list[Row] = []
        for seq in range(after + 1, last + 1):
            with suppress(Unreadable):
                found += [row for row in self._all(query, (seq, *values)) if row[0] == seq]
        return found

    def _decoded(self, seq: int, fact: object, check: object) -> Iterator[tuple[int, StoredFact]]:
        if not isinstance(fact, bytes) or check != checksum(seq, fact):
            self._damaged(seq - 1, "A fact is damaged: its bytes have changed.")
            return
        try:
            told = decode(fact)
        except BadFact as bad:
            self._damaged(seq - 1, str(bad))
            return
        yield seq, told

    def _converted(self, query: str, names: Sequence[str], kind: type[Any]) -> list[Any]:
        """Rows as values of `kind`; what is none of them is damage."""
        rows, _ = self._while_readable(query, ())
        found = []
        for row in rows:
            try:
                fields = {name: _plain(name, value) for name, value in zip(names, row, strict=True)}
                found.append(msgspec.convert(fields, kind))
            except ValueError as fault:
                self._damaged(0, f"A row of the journal is damaged ({fault}).")
        return found

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        try:
            with closing(self._database.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except _FAULTS as fault:
            raise Unreadable(_words(fault)) from fault

    def _damaged(self, after: int, words: str) -> None:
        damage = Damage(after, words)
        if damage not in self.damage:
            self.damage.append(damage)


def _opened(path: Path, *, whatever_is_there: bool = False) -> tuple[sqlite3.Connection, int | None]:
    database = open_for_reading(path)
    try:
        if whatever_is_there:  # SQLite then takes the pages that a file has for all there are
            database.execute("PRAGMA writable_schema=1").close()
        found = check_schema(database, path)
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        database.close()
        raise
    return database, found


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _text(stored: bytes) -> str:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored.decode("utf-8", "replace")


def _plain(name: str, value: object) -> object:
    """As the writer got it: SQLite has no truth values, and text with lone surrogates is kept as bytes."""
    return bool(value) if name in _TRUTHS else from_storable(value)


def _words(fault: BaseException) -> str:
    return f"A part of the journal can't be read ({fault})."
