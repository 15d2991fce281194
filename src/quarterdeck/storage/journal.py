"""The journal as the event loop sees it: it takes what happened, and tells when that is on disk.

All that is handed over in one go of the loop is one transaction: kept whole or not at all. The loop never
waits on the disk; who must not act before something is kept awaits `committed`. sqlite3 is not imported here:
the writer is, in its thread.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from enum import StrEnum
from queue import SimpleQueue

from quarterdeck.storage.records import Batch, Draft, FactRecord, RunRecord

NO_RUNS: Mapping[str, Callable[[], RunRecord]] = {}


class Keeping(StrEnum):
    """How the journal stands."""

    KEEPING = "keeping"
    STUCK = "stuck"
    """The disk takes nothing now: all waits, nothing is lost, it is tried again."""
    MEMORY = "memory"
    """There is no journal, and there will be none: the session lives in memory alone."""


class Journal:
    """One session's. Used on the loop's thread only; `queue` is emptied by the writer's.

    :param on_change: told how it stands from now on, and why in one line.
    """

    def __init__(self, *, on_change: Callable[[Keeping, str], None] = lambda keeping, words: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_change = on_change
        self.queue: SimpleQueue[Batch | None] = SimpleQueue()
        """None = the writer shall end once all before it is written."""
        self.keeping = Keeping.KEEPING
        self.last_committed = 0
        self._last_appended = 0
        self._facts: list[FactRecord] = []
        self._runs: dict[str, Callable[[], RunRecord]] = {}
        self._drafts: dict[str, Draft] = {}
        self._is_flushing = False
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._is_closed = False

    def append(self, fact: FactRecord, runs: Mapping[str, Callable[[], RunRecord]] = NO_RUNS) -> None:
        """Keep a fact, and the rows of the runs that it changed, as they are after it.

        :param runs: what makes each row, by run id; called later, in the writer's thread.
        """
        if self.keeping is Keeping.MEMORY or self._is_closed:
            return
        self._facts.append(fact)
        self._last_appended = fact.seq
        self._runs.update(runs)
        if fact.ends_draft:
            self._drafts.pop(fact.run_id, None)
        self._flush_soon()

    def draft(self, draft: Draft) -> None:
        """Keep what a run has streamed so far, until a fact ends the draft."""
        if self.keeping is Keeping.MEMORY or self._is_closed:
            return
        self._drafts[draft.run_id] = draft
        self._flush_soon()

    def beat(self, beats: tuple[tuple[str, float], ...]) -> None:
        """Signs of life of runs with an open turn."""
        if beats and self.keeping is Keeping.KEEPING and not self._is_closed:
            self.queue.put(Batch(beats=beats))

    async def committed(self, sequence: int | None = None) -> None:
        """Return once the fact of this number (None: every fact so far) is on disk. At once without a disk.

        While the disk takes nothing it does not return: what must be kept first does not begin.
        """
        wanted = self._last_appended if sequence is None else min(sequence, self._last_appended)
        if wanted <= self.last_committed or self.keeping is Keeping.MEMORY:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        heapq.heappush(self._waiters, (wanted, next(self._numbers), waiter))
        await waiter

    def close(self) -> None:
        """Take nothing more; the writer ends when all before is written."""
        if not self._is_closed:
            self._flush()
            self._is_closed = True
            self.queue.put(None)

    # --- told by the writer, by `call_soon_threadsafe` ------------------------------------------------

    def on_committed(self, sequence: int) -> None:
        """All up to here is on disk."""
        self.last_committed = max(self.last_committed, sequence)
        if self.keeping is Keeping.STUCK:
            self._change(Keeping.KEEPING, "")
        self._release(self.last_committed)

    def on_stuck(self, words: str) -> None:
        """The disk took a transaction not; it is tried again."""
        if self.keeping is Keeping.KEEPING:
            self._change(Keeping.STUCK, words)

    def on_unable(self, words: str) -> None:
        """There can be no journal: what waits goes on without."""
        if self.keeping is not Keeping.MEMORY:
            self._change(Keeping.MEMORY, words)
            self._facts, self._runs, self._drafts = [], {}, {}
            self._release(None)

    def _change(self, keeping: Keeping, words: str) -> None:
        self.keeping = keeping
        self._on_change(keeping, words)

    def _release(self, up_to: int | None) -> None:
        while self._waiters and (up_to is None or self._waiters[0][0] <= up_to):
            _, _, waiter = heapq.heappop(self._waiters)
            if not waiter.done():
                waiter.set_result(None)

    def _flush_soon(self) -> None:
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if not self._facts and not self._drafts:
            return
        batch = Batch(self._facts, self._runs, tuple(self._drafts.values()))
        self._facts, self._runs, self._drafts = [], {}, {}
        self.queue.put(batch)
