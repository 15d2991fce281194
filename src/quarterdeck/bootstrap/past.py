"""The screen's past port over this session's journal: facts read once, states folded from kept ones.

It reads and folds in a thread, one call at a time, and never touches the store.
"""

import asyncio
import importlib
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from pathlib import Path

from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state.actions import Action, TranscriptDropped
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.tui.ports import ArchiveGone

KEEP_EVERY = 500
"""Facts between two states that are kept: a fold of so many takes some milliseconds."""


class StoredPast:
    """`PastPort` over one database.

    :param kept: returns once everything told so far is on disk.
    """

    def __init__(self, database: Path, kept: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._kept = kept
        self._one_at_a_time = asyncio.Lock()
        self._facts: list[tuple[int, Action]] = []
        self._states: list[AppState] = [AppState()]
        """The state after every `KEEP_EVERY` facts, from none on."""

    async def facts(self) -> tuple[tuple[int, Action], ...]:
        """Every durable fact that changed the state. :raises ArchiveGone: the journal can't be read."""
        await self._kept()
        async with self._one_at_a_time:
            return await run_in_thread(self._read, name="read the past")

    async def state_at(self, sequence: int) -> AppState:
        """The state after the fact of this number. :raises ArchiveGone: the journal can't be read."""
        async with self._one_at_a_time:
            return await run_in_thread(lambda: self._fold(sequence), name="fold the past")

    def _read(self) -> tuple[tuple[int, Action], ...]:
        reading = importlib.import_module("quarterdeck.storage.reader")
        schema = importlib.import_module("quarterdeck.storage.schema")
        after = self._facts[-1][0] if self._facts else 0
        try:
            with reading.JournalReader(self._database) as reader:
                newer = list(reader.facts_of_state(after=after))
                if after and any(isinstance(fact, TranscriptDropped) for _, fact in newer):
                    # What was deleted is not shown from memory either.
                    self._facts, self._states = [], self._states[:1]
                    newer = list(reader.facts_of_state())
                self._facts += newer
        except (reading.Unreadable, schema.NewerSchema) as fault:
            raise ArchiveGone(str(fault)) from fault
        return tuple(self._facts)

    def _fold(self, sequence: int) -> AppState:
        if not self._facts or self._facts[-1][0] < sequence:
            self._read()
        count = bisect_right(self._facts, sequence, key=lambda one: one[0])
        while len(self._states) <= count // KEEP_EVERY:
            start = (len(self._states) - 1) * KEEP_EVERY
            self._states.append(self._folded(self._states[-1], start, start + KEEP_EVERY))
        start = count // KEEP_EVERY
        return self._folded(self._states[start], start * KEEP_EVERY, count)

    def _folded(self, state: AppState, start: int, end: int) -> AppState:
        for _, action in self._facts[start:end]:
            state = reduce(state, action)
        return state
