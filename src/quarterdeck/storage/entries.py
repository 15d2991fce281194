"""A run's transcript by pages, as facts: over all its lives, as a revival goes on with the same entries."""

from collections.abc import Sequence
from typing import Any

import msgspec

from quarterdeck.storage.codec import StoredFact
from quarterdeck.storage.reader import JournalReader

_NEWEST_ENTRY = "SELECT max(entry) FROM facts WHERE run_id = ? AND entry IS NOT NULL"
_SAYS_DELETED = "SELECT 1 FROM facts WHERE run_id = ? AND entry = ? AND tag = 'transcript_dropped'"
_ENTRIES = "SELECT seq, entry FROM facts WHERE run_id = ? AND entry BETWEEN ? AND ?"
_BORN = "SELECT seq FROM facts WHERE run_id = ? AND tag = 'teammate_spawned' ORDER BY seq LIMIT 1"
_TURN = """
SELECT seq FROM facts WHERE run_id = ? AND tag = 'turn_started' AND seq < ? ORDER BY seq DESC LIMIT 1
"""
_CLOSED = """
SELECT seq FROM facts WHERE run_id = ? AND tag IN ('turn_ended', 'teammate_ended', 'teammate_killed')
ORDER BY seq DESC LIMIT 1
"""


class EntryFact(msgspec.Struct, frozen=True):
    """A fact that made or changed an entry."""

    seq: int
    entry: int
    fact: StoredFact


class LifePage(msgspec.Struct, frozen=True):
    """What made and changed some entries of one life."""

    run_id: str
    facts: tuple[EntryFact, ...]
    """In order."""


def entry_facts(reader: JournalReader, run_id: str, *, before: int, count: int) -> tuple[LifePage, ...]:
    """The facts of up to `count` entries with ids below `before`, the oldest life first.

    What can't be decoded is left out. :raises Unreadable: the journal is damaged there.
    """
    found: list[LifePage] = []
    seen: set[str] = set()
    end, left, life = before - 1, count, run_id
    while life and life not in seen and left > 0 and end > 0:
        seen.add(life)
        born: Any = _first(reader, _BORN, (life,))
        first_id, earlier = (born.first_entry_id, born.revived_from) if born is not None else (1, None)
        ((newest,),) = reader.select(_NEWEST_ENTRY, (life,)) or [(None,)]
        last = min(end, newest or 0)
        first = max(first_id, last - left + 1)
        if newest and reader.select(_SAYS_DELETED, (life, newest)):
            first = newest  # nothing else is shown, also of what could not be deleted yet
        if first <= last:
            found.append(LifePage(life, _between(reader, life, first, last)))
            left -= last - first + 1
        end, life = min(end, first_id - 1), earlier or ""
    return tuple(reversed(found))


def turn_start(reader: JournalReader, run_id: str, ended: int) -> StoredFact | None:
    """What began the turn that ended with the fact of this number. :raises Unreadable: it can't be said."""
    return _first(reader, _TURN, (run_id, ended))


def last_closing(reader: JournalReader, run_id: str) -> int:
    """Tool calls that began before the fact of this number run no more; 0 = there is none such.

    :raises Unreadable: it can't be said.
    """
    rows = reader.select(_CLOSED, (run_id,))
    return int(rows[0][0]) if rows else 0


def _between(reader: JournalReader, run_id: str, first: int, last: int) -> tuple[EntryFact, ...]:
    entries = dict(reader.select(_ENTRIES, (run_id, first, last)))
    facts = reader.of_entries(run_id, first, last)
    return tuple(EntryFact(seq, entries[seq], fact) for seq, fact in facts if seq in entries)


def _first(reader: JournalReader, query: str, values: Sequence[object]) -> StoredFact | None:
    for (seq,) in reader.select(query, values):
        for _, fact in reader.facts(seq - 1, seq):
            return fact
    return None
