"""After the end of a run with `cleanup = delete` its transcript goes, once its findings are on disk.

It is decided on the state alone, so that the next start goes on with what was left. It holds up nothing, and
waits itself: for the disk, while somebody reads, and while a request of the run can still bring it back.
"""

from collections.abc import Callable

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Cleanup
from quarterdeck.runtime.ports import Clock, Dispatch
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_suspended_of
from quarterdeck.state.store import Store

WhenKept = Callable[[Callable[[], None]], None]
"""Calls back once everything told so far is on disk."""


class CleanUp:
    """One per session.

    :param next_entry: the id of the next entry of a run's transcript.
    """

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        clock: Clock,
        when_kept: WhenKept,
        next_entry: Callable[[RunId], int],
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._clock = clock
        self._when_kept = when_kept
        self._next_entry = next_entry
        self._waiting: set[RunId] = set()

    def ended(self, run_id: RunId) -> None:
        """A run has its terminal record, with its findings."""
        if self._wants(run_id):
            self._waiting.add(run_id)
            self.tick()

    def come_back(self) -> None:
        """Take up what an earlier process left."""
        self._waiting.update(run_id for run_id in self._store.state.team.by_run if self._wants(run_id))
        self.tick()

    def tick(self) -> None:
        """Delete what nothing speaks against any more."""
        for run_id in tuple(self._waiting):
            if is_due(self._store.state, run_id):
                self._waiting.discard(run_id)
                self._when_kept(lambda one=run_id: self._drop(one))  # type: ignore[misc]

    def _wants(self, run_id: RunId) -> bool:
        mate = self._store.state.team.by_run[run_id]
        return mate.is_terminal and mate.cleanup is Cleanup.DELETE and mate.cleaned_at is None

    def _drop(self, run_id: RunId) -> None:
        if not is_due(self._store.state, run_id):  # somebody looks at it since, or it was revived
            self._waiting.add(run_id)
            return
        self._dispatch(
            did.TranscriptDropped(at=self._clock.wall(), run_id=run_id, entry_id=self._next_entry(run_id))
        )


def is_due(state: AppState, run_id: RunId) -> bool:
    """Whether nobody needs the transcript of this ended run: no reader, no request, no later life of it."""
    team = state.team
    if team.viewed == run_id or select_suspended_of(state, run_id) is not None:
        return False
    return not any(mate.revived_from == run_id and mate.cleaned_at is None for mate in team.by_run.values())
