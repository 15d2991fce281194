"""The tables of a session's database, and how it is opened for writing."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from quarterdeck.storage.codec import SCHEMA
from quarterdeck.storage.folders import make_file_private

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
  seq INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  tag TEXT NOT NULL,
  run_id TEXT NOT NULL,
  entry INTEGER,
  fact BLOB NOT NULL,
  checksum INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS facts_of_run ON facts (run_id, seq);
CREATE INDEX IF NOT EXISTS facts_of_entry ON facts (run_id, entry) WHERE entry IS NOT NULL;
CREATE TABLE IF NOT EXISTS drafts (
  run_id TEXT PRIMARY KEY, at REAL NOT NULL, text TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, name TEXT NOT NULL, requester TEXT,
  conversation TEXT NOT NULL, task TEXT NOT NULL, label TEXT NOT NULL, model TEXT NOT NULL,
  lifetime TEXT NOT NULL, lifecycle TEXT NOT NULL, waits_on TEXT, since REAL NOT NULL,
  cleanup TEXT NOT NULL, time_limit_s REAL, created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  outcome TEXT, error TEXT NOT NULL, findings TEXT NOT NULL, captured INTEGER NOT NULL,
  notified INTEGER NOT NULL, announced_at REAL, cleaned_at REAL, archived_at REAL, in_turn INTEGER NOT NULL,
  usage TEXT NOT NULL, heartbeat_at REAL NOT NULL
) WITHOUT ROWID;
"""

RUN_COLUMNS = (
    "run_id", "agent_id", "name", "requester", "conversation", "task", "label", "model", "lifetime",
    "lifecycle", "waits_on", "since", "cleanup", "time_limit_s", "created_at", "started_at", "ended_at",
    "outcome", "error", "findings", "captured", "notified", "announced_at", "cleaned_at", "archived_at",
    "in_turn", "usage", "heartbeat_at",
)  # fmt: skip
"""In the order of `records.RunRecord`."""

FACT_COLUMNS = ("seq", "at", "tag", "run_id", "entry", "fact", "checksum")

WAL_PAGES = 1000
"""A checkpoint every so many pages (4 kB each): the WAL stays at about 4 MB."""
WAL_BYTES = 8_000_000
"""What is cut off the file of a WAL that has grown over it."""
STATEMENTS = 64
"""Prepared statements that are kept."""
CACHE_KB = 512
"""Of a database that is only added to, SQLite need keep little in memory; it would keep 2 MB for each."""


READING_S = 1.0
"""How long a reader waits for a lock; with a WAL there is none to wait for."""


class NewerSchema(ValueError):
    """Written by a later version: left untouched."""


def open_for_writing(path: Path, *, with_wal: bool = True) -> sqlite3.Connection:
    """The database of a session, made (0600) when absent. The caller holds the lease.

    :raises NewerSchema: a later version wrote it.
    :raises sqlite3.Error: it cannot be opened, or is none.
    :raises OSError: it cannot be made, or is a link.
    """
    make_file_private(path)
    _refuse_newer(path)
    database = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=STATEMENTS
    )
    try:
        found = check_schema(database, path)
        mode = "WAL" if with_wal else "TRUNCATE"
        database.execute(f"PRAGMA journal_mode={mode}").fetchone()
        database.execute("PRAGMA synchronous=FULL")
        database.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        database.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        database.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
        if found is None:
            database.executescript(f"BEGIN IMMEDIATE;{TABLES}PRAGMA user_version={SCHEMA};COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that changes no byte of the database and of its WAL.

    Beside them it may make the -shm file and an empty WAL. One that could write would fold the WAL of an
    owner who is gone into the database when it closes.

    :raises sqlite3.Error: it can't be opened.
    """
    database = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=READING_S,
    )
    try:
        for pragma in ("query_only=1", "cell_size_check=1", "trusted_schema=0"):
            database.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        database.close()
        raise
    return database


def check_schema(database: sqlite3.Connection, path: Path) -> int | None:
    """The version of the stored form; None = nothing is in it yet. :raises NewerSchema: a later one."""
    found = schema_of(database)
    if found is not None and found > SCHEMA:
        raise NewerSchema(f"{path.parent.name} was written by a newer version of Quarterdeck.")
    return found


def schema_of(database: sqlite3.Connection) -> int | None:
    """The version of the stored form; None = nothing is in it yet."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version) or None


def _refuse_newer(path: Path) -> None:
    """Look before it is opened for writing. :raises NewerSchema: a later version wrote it."""
    with suppress(sqlite3.Error), closing(open_for_reading(path)) as database:
        check_schema(database, path)
