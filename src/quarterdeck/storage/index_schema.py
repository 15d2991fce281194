"""The tables of the index, how its file is opened, and how a damaged one is made anew.

The index is a cache: whoever finds it absent, of another version or damaged removes it. A lock on a file
beside it sees to it that nobody has it open then.
"""

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from quarterdeck.storage.folders import is_on_network, make_file_private, make_private

INDEX = "index.db"
LOCK = "index.lock"
INDEX_SCHEMA = 2
"""Of another version: made anew."""
BUSY_S = 5.0
"""How long a process waits for the others that write the index."""
_POLL_S = 0.01

TABLES = """
CREATE TABLE sessions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, team TEXT NOT NULL,
  opened_at REAL NOT NULL, last_at REAL NOT NULL, last_seq INTEGER NOT NULL, messages INTEGER NOT NULL,
  texts INTEGER NOT NULL, runs INTEGER NOT NULL, damage TEXT NOT NULL, unreadable TEXT NOT NULL,
  facts_stamp TEXT NOT NULL, runs_stamp TEXT NOT NULL
);
CREATE TABLE names (
  session INTEGER NOT NULL, run_id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (session, run_id)
) WITHOUT ROWID;
CREATE TABLE runs (
  session INTEGER NOT NULL, run_id TEXT NOT NULL, created_at REAL NOT NULL, row BLOB NOT NULL,
  PRIMARY KEY (session, run_id)
) WITHOUT ROWID;
CREATE TABLE texts (
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, run_id TEXT NOT NULL, entry INTEGER NOT NULL,
  at REAL NOT NULL, name TEXT NOT NULL, speaker TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX texts_of_session ON texts (session);
CREATE VIRTUAL TABLE found USING fts5 (
  text, content='texts', content_rowid='id', tokenize='unicode61', prefix='1 2'
);
"""
"""`texts.id` grows with time, so that the newest are found first without sorting (see `text_id`)."""

_DAMAGE = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""SQLITE_ERROR too: our queries are fixed, so that tables are missing or not as they should be."""
_NO_PLACE = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)

_SLOTS = 4_096
_MOST_MS = 1 << 50


class IndexBusy(Exception):
    """Other processes hold the index for too long."""


def is_damage(fault: sqlite3.Error) -> bool:
    """The file is none, or not what it should be."""
    return _code(fault) in _DAMAGE


def is_no_place(fault: sqlite3.Error) -> bool:
    """There can be no index here: the folder can't be written, or the disk is full."""
    return _code(fault) in _NO_PLACE


def text_id(at: float, nth: int = 0) -> int:
    """The lowest id of a text that was said at this time (epoch seconds), or `nth` milliseconds later."""
    milliseconds = int(at * 1_000) if 0.0 <= at * 1_000 < _MOST_MS else 0
    return (milliseconds + nth) * _SLOTS + 1


def open_index(state: Path) -> sqlite3.Connection:
    """The index of this state folder, made when absent or of another version. Hold `index_lock` meanwhile.

    :raises OSError: the folder can't be used.
    :raises sqlite3.Error: see `is_damage` and `is_no_place`.
    """
    path = state / INDEX
    _make_private_once(path)
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    try:
        database.execute(f"PRAGMA journal_mode={'TRUNCATE' if is_on_network(state) else 'WAL'}").fetchone()
        database.execute("PRAGMA synchronous=NORMAL")
        _make_tables(database)
    except BaseException:
        database.close()
        raise
    return database


def _make_private_once(path: Path) -> None:
    """Not opened when it is there: closing it would drop the locks that SQLite has on it in this process."""
    if path.is_symlink():
        path.unlink()
    if not path.exists():
        make_file_private(path)
    elif stat.S_IMODE(path.stat().st_mode) != 0o600:
        path.chmod(0o600)


def open_in_memory() -> sqlite3.Connection:
    """An index for one question, where none can be kept."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    _make_tables(database)
    return database


@contextmanager
def index_lock(state: Path) -> Iterator[None]:
    """Nobody removes the index meanwhile. :raises IndexBusy: it takes too long. :raises OSError: no place."""
    make_private(state)
    with _locked(state, fcntl.LOCK_SH):
        yield


def remove_index(state: Path) -> None:
    """Remove it, when nobody has it open. :raises IndexBusy: somebody has. :raises OSError: it can't be."""
    with _locked(state, fcntl.LOCK_EX):
        for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm", f"{INDEX}-journal"):
            (state / name).unlink(missing_ok=True)


@contextmanager
def _locked(state: Path, kind: int) -> Iterator[None]:
    path = state / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, kind: int) -> None:
    until = time.monotonic() + BUSY_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        if time.monotonic() > until:
            raise IndexBusy("Other processes hold the index; try again.")
        time.sleep(_POLL_S)


def _make_tables(database: sqlite3.Connection) -> None:
    """:raises sqlite3.Error: with SQLITE_ERROR when it is of another version: then it is made anew."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == INDEX_SCHEMA:
        return
    database.execute("BEGIN IMMEDIATE")  # another process may be making them
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != INDEX_SCHEMA:
            for statement in TABLES.split(";\n"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version={INDEX_SCHEMA}")
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _code(fault: sqlite3.Error) -> int:
    """The primary result code; 0 = the fault is not SQLite's own."""
    return int(getattr(fault, "sqlite_errorcode", 0)) & 0xFF
