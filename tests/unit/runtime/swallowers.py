"""Tasks that do not want to end, and what else the tests of the scope tree share."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from quarterdeck.runtime.scopes import ScopeCounts

QUIET = ScopeCounts(scopes=1, tasks=0, abandoned=0)
"""A tree with nothing but its root."""


class Swallowers:
    """Tasks that swallow their cancellation; `let_go` makes them obey, so that a test can end."""

    def __init__(self) -> None:
        self.swallowed = 0
        self._is_let_go = False
        self._tasks: list[asyncio.Task[Any]] = []

    async def swallow(self, times: int) -> None:
        """Swallow that many cancels (-1 = every one)."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        while not self._is_let_go:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if times == 0:
                    raise
                self.swallowed += 1
                times -= 1

    async def let_go(self) -> None:
        self._is_let_go = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Faults(list[tuple[str, BaseException]]):
    """What the tree reported."""

    def __call__(self, name: str, error: BaseException) -> None:
        self.append((name, error))


async def sleep_for_ever() -> None:
    await asyncio.sleep(3600)


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def begun(*tasks: asyncio.Task[Any]) -> None:
    """Let fresh tasks reach their first await."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
