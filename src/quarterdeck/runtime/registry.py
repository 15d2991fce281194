"""The registry of runs as the rest of the program asks it: by id, by requester, and letting a record go.

The records themselves are in the state, and on disk in the `runs` table; nothing is kept here.
"""

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime
from quarterdeck.runtime.announcing import Announcer
from quarterdeck.runtime.ports import Clock, Dispatch
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import select_lives
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate


class Registry:
    """One per session."""

    def __init__(self, store: Store, dispatch: Dispatch, clock: Clock, announcer: Announcer) -> None:
        self._store = store
        self._dispatch = dispatch
        self._clock = clock
        self._announcer = announcer

    def get(self, run_id: RunId) -> Teammate | None:
        """The record of a run, of an archived one too; None = there never was such a run."""
        return self._store.state.team.by_run.get(run_id)

    def by_requester(self, requester: RunId | None, *, every: bool = False) -> tuple[Teammate, ...]:
        """The task runs that a run asked for, in any of its lives, in the order of spawning.

        :param requester: None = the person.
        :param every: also those that are archived or released.
        """
        team = self._store.state.team
        lives = frozenset(select_lives(team, requester)) if requester is not None else frozenset((None,))
        found = (
            mate
            for mate in team.by_run.values()
            if mate.parent in lives and mate.lifetime is Lifetime.TASK and (every or _is_active(mate))
        )
        return tuple(sorted(found, key=lambda mate: (mate.spawned_at, mate.run_id)))

    def release(self, run_id: RunId) -> bool:
        """Nobody waits for this run any more. Whether its record was in the active registry.

        No announcement counts it or tells of it from now on, so what its requester was waiting for is looked
        at again. A run that lives goes on; one that has ended is archived. It is called at most once with
        effect.
        """
        mate = self.get(run_id)
        if mate is None or not _is_active(mate):
            return False
        now = self._clock.wall()
        self._dispatch(did.RunReleased(at=now, run_id=run_id))
        if mate.is_terminal:
            self._dispatch(did.RunArchived(at=now, run_id=run_id))
        self._announcer.check(mate)
        return True


def _is_active(mate: Teammate) -> bool:
    return mate.archived_at is None and mate.released_at is None
