"""The end of the session: every worker that lives is killed, and nobody waits for what was abandoned."""

import asyncio
from collections.abc import Callable

from quarterdeck.runtime.ports import Worker
from quarterdeck.runtime.scopes import ScopeTree

LONGEST_S = 5.0
"""Kills take 2 s at most; the rest is for a machine under load."""


class Shutdown:
    """Workers register at their start and are taken off at their end."""

    def __init__(self, scopes: ScopeTree) -> None:
        self._scopes = scopes
        self._workers: dict[int, Worker] = {}
        self._last = 0

    def register(self, worker: Worker) -> Callable[[], None]:
        """Clean `worker` up at the end of the session. Returns what takes it off again."""
        self._last += 1
        key = self._last
        self._workers[key] = worker

        def unregister() -> None:
            self._workers.pop(key, None)

        return unregister

    @property
    def registered(self) -> int:
        """How many workers would be cleaned up now."""
        return len(self._workers)

    async def run(self, end_all: Callable[[], None]) -> None:
        """End all runs by `end_all`, wait until each is gone or abandoned, at most `LONGEST_S`."""
        workers = tuple(self._workers.values())
        end_all()
        waits = [self._scopes.start(self._scopes.root, worker.gone(), name="shutdown") for worker in workers]
        if waits:
            await asyncio.wait(waits, timeout=LONGEST_S)
