"""The screen's archive and past ports over what is on disk."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.domain.archive import SearchFound, StoredRun
from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.actions import Action
from quarterdeck.state.app_state import AppState
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

NOT_KEPT = "Nothing of this session is kept on disk, so nothing can be looked up."


class NothingKept:
    """`ArchivePort` and `PastPort` of a session without a journal."""

    async def search(self, words: str) -> SearchFound:
        """:raises ArchiveGone: always."""
        raise ArchiveGone(NOT_KEPT)

    async def runs(self) -> tuple[StoredRun, ...]:
        """None."""
        return ()

    async def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """:raises ArchiveGone: always."""
        raise ArchiveGone(NOT_KEPT)

    async def facts(self) -> tuple[tuple[int, Action], ...]:
        """:raises ArchiveGone: always."""
        raise ArchiveGone(NOT_KEPT)

    async def state_at(self, sequence: int) -> AppState:
        """:raises ArchiveGone: always."""
        raise ArchiveGone(NOT_KEPT)


class StoredArchive:
    """`ArchivePort` over a state folder. Nothing here blocks the loop.

    :param own_session: the session that is on the screen: its runs are in its state.
    """

    def __init__(self, state: Path, own_session: str) -> None:
        self._state = state
        self._own_session = own_session
        self._index = SessionIndex(state)

    async def search(self, words: str) -> SearchFound:
        """Where all these words were said, newest first; an empty answer for no words.

        :raises ArchiveGone: it can't be said now.
        """
        return await _in_thread(partial(self._index.search, words), name="search")

    async def runs(self) -> tuple[StoredRun, ...]:
        """Runs of every other session, newest first. :raises ArchiveGone: it can't be said now."""
        found = await _in_thread(self._index.runs, name="stored runs")
        return tuple(run for run in found if run.session_id != self._own_session)

    async def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first, of a run of any session.

        :raises ArchiveGone: the session is gone, or damaged there.
        """
        read = partial(stored_page, self._state, session_id, run_id, before=before, count=count)
        return await _in_thread(read, name="stored page")


def stored_page(state: Path, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
    """A page of a run's transcript, from its journal. It blocks.

    :raises Unreadable: there is no such session, or it is damaged there.
    :raises NewerSchema: a later version wrote it.
    """
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
            if not has_owner or facts[number][0].seq < closing:
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


async def _in_thread(function: Callable[[], T], *, name: str) -> T:
    try:
        return await run_in_thread(function, name=name)
    except (IndexGone, Unreadable, NewerSchema) as fault:
        raise ArchiveGone(str(fault)) from fault
