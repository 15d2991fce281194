"""What `StoredArchive` asks of storage. It blocks; use a thread. Imported late: sqlite3 comes with it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.domain.archive import SearchFound, SearchScope, StoredRun
from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Entry, ToolCall, ToolStatus
from quarterdeck.state.transcripts import Transcript, reduce_transcript
from quarterdeck.storage.entries import EntryFact, LifePage, entry_facts, last_closing, turn_start
from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.index import IndexGone, SessionIndex
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.schema import NewerSchema
from quarterdeck.tui.ports import ArchiveGone

T = TypeVar("T")


class BlockingArchive:
    """The index and the journals of a state folder. Every method raises `ArchiveGone` alone."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._index = SessionIndex(state)

    def search(self, words: str, scope: SearchScope) -> SearchFound:
        """Where all these words were said, newest first; nothing for no words."""
        return _or_gone(partial(self._index.search, words, scope=scope))

    def runs(self) -> tuple[StoredRun, ...]:
        """Runs of every session, newest first."""
        return _or_gone(self._index.runs)

    def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first, folded from the journal."""
        return _or_gone(partial(_page, self._state, session_id, run_id, before, count))


def _or_gone(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (IndexGone, Unreadable, NewerSchema) as fault:
        raise ArchiveGone(str(fault)) from fault


def _page(state: Path, session_id: str, run_id: RunId, before: int, count: int) -> tuple[Entry, ...]:
    if session_id not in session_ids(state):
        raise Unreadable("That session is no longer stored.")
    place = SessionPlace(state, session_id)
    with JournalReader(place.database) as reader:
        lives = entry_facts(reader, run_id, before=before, count=count)
        has_owner = owner_of(place.lease) is not None
        return tuple(entry for life in lives for entry in _entries_of(reader, life, has_owner=has_owner))


def _entries_of(reader: JournalReader, life: LifePage, *, has_owner: bool) -> Iterator[Entry]:
    """The entries of one life, folded from their facts. A tool call runs while somebody runs it."""
    facts: dict[int, list[EntryFact]] = {}
    for fact in life.facts:
        facts.setdefault(fact.entry, []).append(fact)
    closing: int | None = None
    for number in sorted(facts):
        entry = _entry(reader, life.run_id, facts[number])
        if isinstance(entry, ToolCall) and entry.status is ToolStatus.RUNNING:
            if closing is None:
                closing = last_closing(reader, life.run_id)
            if not has_owner or facts[number][-1].seq < closing:
                entry = msgspec.structs.replace(entry, status=ToolStatus.CANCELLED, summary="cancelled")
        if entry is not None:
            yield entry


def _entry(reader: JournalReader, run_id: str, facts: list[EntryFact]) -> Entry | None:
    """One entry, as the state folds it; None = what made it is lost."""
    transcript = Transcript(next_id=facts[0].entry)
    for one in facts:
        past_verb = ""
        if isinstance(one.fact, did.TurnEnded):
            start = turn_start(reader, run_id, one.seq)
            past_verb = start.past_verb if isinstance(start, did.TurnStarted) else ""
        transcript = reduce_transcript(transcript, one.fact, past_verb=past_verb)
    return transcript.entries[-1] if transcript.entries else None
