"""Who waits for a run to be idle. Being idle is a fact of the state; here are only the ones to tell about it.

The caller of `release` says that a run became idle or ended; nothing here watches, or asks a model.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from quarterdeck.domain.ids import RunId

_Callbacks = dict[object, Callable[[], None]]


class IdleWaiters:
    """Callbacks and awaiters, each told once. To be used on the event loop's thread only.

    `is_idle` answers from the state: true for an idle run and for one that ended or is not known.
    """

    def __init__(self, *, is_idle: Callable[[RunId], bool], on_fault: Callable[[str], None]) -> None:
        self._is_idle = is_idle
        self._on_fault = on_fault
        self._by_run: dict[RunId, _Callbacks] = {}

    def on_idle(self, run_id: RunId, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once, in the current context, when the run is idle; at once if it is.

        Returns unregister. What the callback raises goes to `on_fault` and keeps no other from being called.
        """
        told = partial(copy_context().run, self._tell, run_id, callback)
        if self._is_idle(run_id):
            told()
            return _nothing
        key = object()
        callbacks = self._by_run.setdefault(run_id, {})
        callbacks[key] = told
        return partial(self._forget, run_id, callbacks, key)

    async def wait_for_idle(self, run_id: RunId) -> None:
        """Return when the run is idle or has ended; at once if it is."""
        if self._is_idle(run_id):
            return
        idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unregister = self.on_idle(run_id, partial(_settle, idle))
        try:
            await idle
        finally:
            unregister()

    def release(self, run_id: RunId) -> None:
        """Tell everybody who waits for the run: it is idle, or it was killed, failed or completed."""
        # Out of the table first: one that registers again meanwhile waits for the next time.
        callbacks = self._by_run.pop(run_id, {})
        while callbacks:
            callbacks.pop(next(iter(callbacks)))()

    def count(self) -> int:
        """How many wait, for all runs together."""
        return sum(len(callbacks) for callbacks in self._by_run.values())

    def _tell(self, run_id: RunId, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            name = getattr(callback, "__qualname__", None) or repr(callback)
            self._on_fault(f"The idle callback {name} of {run_id} failed: {type(error).__name__}: {error}")

    def _forget(self, run_id: RunId, callbacks: _Callbacks, key: object) -> None:
        callbacks.pop(key, None)
        if not callbacks and self._by_run.get(run_id) is callbacks:
            del self._by_run[run_id]


def _settle(idle: asyncio.Future[None]) -> None:
    if not idle.done():
        idle.set_result(None)


def _nothing() -> None:
    """Unregister a callback that was called at once."""
