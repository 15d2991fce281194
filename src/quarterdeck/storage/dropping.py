"""Deletes what a journal holds of one run's conversation, for good: its bytes are overwritten.

Its record, its findings and the facts that the rest of the state is folded from stay. In the transaction of
the fact that tells of it. What can't be deleted is noted, and tried again when the session is opened next:
a page that is damaged must not hold up what is told meanwhile.
"""

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from quarterdeck.storage.codec import (
    DROPPED_TAGS,
    EMPTIED_TAGS,
    BadFact,
    checksum,
    from_storable,
    without_content,
)

log = logging.getLogger("quarterdeck")

CHUNK = 500
_LEFT = "undropped "
"""Keys of `meta`: what is still to be deleted."""

_FINDINGS = "SELECT findings FROM runs WHERE run_id = ?"
_GONE = f"DELETE FROM facts WHERE run_id = ? AND tag IN ({', '.join('?' * len(DROPPED_TAGS))})"
_NEXT = f"""
SELECT seq, fact, checksum FROM facts
WHERE run_id = ? AND seq > ? AND tag IN ({", ".join("?" * len(EMPTIED_TAGS))}) ORDER BY seq LIMIT {CHUNK}
"""
_NO_ENTRY = """
UPDATE facts SET entry = NULL WHERE run_id = ? AND entry IS NOT NULL AND tag != 'transcript_dropped'
"""


def drop_transcript(database: sqlite3.Connection, run_id: str) -> None:
    """Within a transaction. :raises sqlite3.Error: it can't be done."""
    database.execute("PRAGMA secure_delete=ON").fetchone()
    row = database.execute(_FINDINGS, (run_id,)).fetchone()
    findings = str(from_storable(row[0])) if row is not None else ""
    database.execute(_GONE, (run_id, *sorted(DROPPED_TAGS)))
    database.execute("DELETE FROM drafts WHERE run_id = ?", (run_id,))
    after = 0
    while rows := database.execute(_NEXT, (run_id, after, *sorted(EMPTIED_TAGS))).fetchall():
        after = rows[-1][0]
        database.executemany(
            "UPDATE facts SET fact = ?, checksum = ? WHERE seq = ?", list(_emptied(rows, findings))
        )
    database.execute(_NO_ENTRY, (run_id,))
    database.execute("PRAGMA secure_delete=OFF").fetchone()


def _emptied(rows: Iterable[tuple[int, bytes, int]], findings: str) -> Iterable[tuple[bytes, int, int]]:
    for seq, fact, check in rows:
        if check != checksum(seq, fact):
            continue  # damaged: it stays so, and whoever reads it says so
        with suppress(BadFact):
            left = without_content(fact, findings)
            if left is not fact:
                yield left, checksum(seq, left), seq


def note_left(database: sqlite3.Connection, run_ids: Iterable[str]) -> None:
    """These were not deleted: for `drop_left`."""
    database.executemany(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, '')", [(f"{_LEFT}{one}",) for one in run_ids]
    )


def drop_left(database: sqlite3.Connection) -> None:
    """Try again what could not be deleted before. Raises nothing."""
    try:
        keys = [key for (key,) in database.execute("SELECT key FROM meta") if key.startswith(_LEFT)]
    except sqlite3.Error:
        log.exception("what is left of deleted transcripts can't be read")
        return
    for key in keys:
        run_id = key.removeprefix(_LEFT)
        try:
            database.execute("BEGIN IMMEDIATE")
            drop_transcript(database, run_id)
            database.execute("DELETE FROM meta WHERE key = ?", (key,))
            database.execute("COMMIT")
        except Exception:  # whatever it is: the session goes on
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            log.exception(
                "the transcript of %s can't be deleted; it is tried again at the next start", run_id
            )
