"""The screen's archive and past ports over what is on disk."""

from quarterdeck.domain.archive import SearchFound, StoredRun
from quarterdeck.domain.ids import RunId
from quarterdeck.state.actions import Action
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry
from quarterdeck.tui.ports import ArchiveGone

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
