"""Every fact of the runtime passes here on its way to the store: hooks and idle waiters hear of it."""

from collections.abc import Callable, Coroutine
from typing import Any

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifecycle
from quarterdeck.runtime.hooks import Hooks, TransitionEvent
from quarterdeck.runtime.idle import IdleWaiters
from quarterdeck.state import actions as did
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import NOBODY, Teammate, reduce_team

Background = Callable[[Coroutine[Any, Any, None], str], object]


class Transitions:
    """Dispatches facts; around a change of a lifecycle it calls the hooks, beside and never in the way."""

    def __init__(self, store: Store, hooks: Hooks, idle: IdleWaiters, background: Background) -> None:
        self._store = store
        self._hooks = hooks
        self._idle = idle
        self._background = background

    def dispatch(self, action: did.Action) -> int:
        """Fold it in; returns its sequence number."""
        if not isinstance(action, _MOVING):
            return self._store.dispatch(action)
        run_id: RunId = getattr(action, "run_id", NOBODY)
        before = self._store.state.team.by_run.get(run_id)
        event = self._event(action, run_id, before)
        killed = isinstance(action, did.TeammateKilled)
        if event is not None and not killed:
            self._background(self._hooks.run_before(event), f"hooks before {event.name}")
        sequence = self._store.dispatch(action)
        if event is not None:
            if killed:
                self._hooks.run_beside(event)
            else:
                self._background(self._hooks.run_after(event), f"hooks after {event.name}")
        self._release(run_id)
        return sequence

    def _event(self, action: did.Action, run_id: RunId, before: Teammate | None) -> TransitionEvent | None:
        after = reduce_team(self._store.state.team, action).by_run.get(run_id)
        old = before.lifecycle if before is not None else None
        if after is None or after.lifecycle is old or not self._hooks.any_registered:
            return None
        return TransitionEvent(run_id, after.agent_id, old, after.lifecycle, action.at)

    def _release(self, run_id: RunId) -> None:
        mate = self._store.state.team.by_run.get(run_id)
        if mate is not None and (mate.is_terminal or (mate.is_idle and mate.place is Lifecycle.READY)):
            self._idle.release(run_id)


_MOVING = (did.TeammateSpawned, *did.LIFECYCLE)
