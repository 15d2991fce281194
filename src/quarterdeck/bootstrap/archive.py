"""The screen's archive and past ports over what is on disk: what blocks runs in a thread, imported there."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from quarterdeck.domain.archive import EVERYWHERE, SearchFound, SearchScope, StoredRun
from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state.actions import Action
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry
from quarterdeck.tui.ports import ArchiveGone

if TYPE_CHECKING:
    from quarterdeck.bootstrap.stored_archive import BlockingArchive

T = TypeVar("T")

NOT_KEPT = "Nothing of this session is kept on disk, so nothing can be looked up."


class NothingKept:
    """`ArchivePort` and `PastPort` of a session without a journal."""

    async def search(self, words: str, scope: SearchScope = EVERYWHERE) -> SearchFound:
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
        self._blocking: BlockingArchive | None = None

    async def search(self, words: str, scope: SearchScope = EVERYWHERE) -> SearchFound:
        """Where all these words were said, newest first; an empty answer for no words.

        :raises ArchiveGone: it can't be said now.
        """
        return await self._ask(lambda archive: archive.search(words, scope), name="search")

    async def runs(self) -> tuple[StoredRun, ...]:
        """Runs of every other session, newest first. :raises ArchiveGone: it can't be said now."""
        found = await self._ask(lambda archive: archive.runs(), name="stored runs")
        return tuple(run for run in found if run.session_id != self._own_session)

    async def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first, of a run of any session.

        :raises ArchiveGone: the session is gone, or damaged there.
        """
        return await self._ask(
            lambda archive: archive.page(session_id, run_id, before=before, count=count), name="stored page"
        )

    async def _ask(self, ask: "Callable[[BlockingArchive], T]", *, name: str) -> T:
        def blocking() -> T:
            if self._blocking is None:  # sqlite3 comes with it: not before the first paint
                module = importlib.import_module("quarterdeck.bootstrap.stored_archive")
                self._blocking = module.BlockingArchive(self._state)
            return ask(self._blocking)

        return await run_in_thread(blocking, name=name)
