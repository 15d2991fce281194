"""What happens by time alone: rows leave, deadlines and time limits pass, long turns get another verb, ended
runs are archived; and what others do by time.
"""

import asyncio
from collections.abc import Callable, Sequence

from quarterdeck.domain.teammates import Lifecycle, Lifetime, Outcome
from quarterdeck.runtime.ports import Clock, Dispatch
from quarterdeck.runtime.supervisor import Supervisor
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import DisplayDelays, select_leaving, select_suspended_of
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate

TICK_S = 0.25
VERB_AFTER_S = 20.0
SWEEP_S = 60.0
ARCHIVE_AFTER_S = 3600.0
"""After the announcement; after the end, where nobody but the person asked for it."""


def is_due_for_archive(mate: Teammate, now: float) -> bool:
    """Whether it ended, and whoever had to be told of it was told, an hour ago; or nobody waits for it."""
    if mate.is_terminal and mate.released_at is not None:
        return True
    has_requester = mate.parent is not None and mate.lifetime is Lifetime.TASK
    since = mate.announced_at if has_requester else mate.ended_at
    return mate.is_terminal and since is not None and now - since >= ARCHIVE_AFTER_S


class Housekeeping:
    """Looks at the state four times a second; `tick` may be called by hand.

    :param chores: called at each tick, after all else.
    """

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        supervisor: Supervisor,
        clock: Clock,
        new_verb: Callable[[], tuple[str, str]],
        *,
        delays: DisplayDelays,
        changes_verbs: bool = True,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._supervisor = supervisor
        self._clock = clock
        self._new_verb = new_verb
        self._delays = delays
        self._changes_verbs = changes_verbs
        self._chores = tuple(chores)
        self._last_verb_at = 0.0
        self._swept_at = 0.0

    async def run_forever(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()

    def tick(self) -> None:
        """Do what is due now."""
        now = self._clock.wall()
        team = self._store.state.team
        for run_id in select_leaving(team, self._delays, now):
            if select_suspended_of(self._store.state, run_id) is not None:
                continue  # it needs the person: a plan of it waits for a revival
            self._dispatch(did.TeammateEvicted(at=now, run_id=run_id))
        for run_id in team.rows:
            mate = team.by_run[run_id]
            if mate.is_terminal:
                continue
            if mate.stop_deadline_at is not None and now >= mate.stop_deadline_at:
                self._supervisor.kill(run_id, by="its deadline", outcome=Outcome.STOPPED)
            elif mate.time_limit_s is not None and now - mate.spawned_at >= mate.time_limit_s:
                self._supervisor.kill(run_id, by="its time limit", outcome=Outcome.TIMED_OUT)
            elif self._wants_verb(mate.place, mate.turn_started_at, now):
                self._last_verb_at = now
                verb, past = self._new_verb()
                self._dispatch(did.VerbChanged(at=now, run_id=run_id, verb=verb, past_verb=past))

        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            self._sweep(now)
        for chore in self._chores:
            chore()

    def _sweep(self, now: float) -> None:
        """Archive who ended long enough ago; nothing that is not announced."""
        for mate in self._store.state.team.by_run.values():
            if mate.archived_at is None and is_due_for_archive(mate, now):
                self._dispatch(did.RunArchived(at=now, run_id=mate.run_id))

    def _wants_verb(self, place: Lifecycle, turn_started_at: float | None, now: float) -> bool:
        """After 20 s, and never two rows in one tick."""
        if not self._changes_verbs or place is not Lifecycle.EXECUTING or turn_started_at is None:
            return False
        old = now - turn_started_at >= VERB_AFTER_S
        return old and int(now - turn_started_at) % int(VERB_AFTER_S) == 0 and now - self._last_verb_at >= 1.0
