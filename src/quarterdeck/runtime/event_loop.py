"""The loop of the screen: a key does not wait for a thousand streams that have something to read."""

import asyncio
import math
import os
import select
import selectors
import sys
from typing import Final

MOST_AT_ONCE: Final = 64
"""Sockets that are read in one round of the loop; between rounds keys, timers and paints get their turn."""

if sys.platform == "linux":

    class FairSelector(selectors.EpollSelector):
        """Reports a few ready files at a time; the kernel lines up what it reported behind the others."""

        def __init__(self) -> None:
            super().__init__()
            self._few = select.epoll.fromfd(os.dup(self.fileno()))

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """What is ready: at most `MOST_AT_ONCE`. `timeout` in seconds, None = for ever."""
            try:
                found = self._few.poll(_whole_ms(timeout), MOST_AT_ONCE)
            except InterruptedError:
                return []
            files = self.get_map()
            return [
                (files[number], _meaning(mask) & files[number].events)
                for number, mask in found
                if number in files
            ]

        def close(self) -> None:
            """Close both views of the set."""
            self._few.close()
            super().close()

    def _whole_ms(timeout: float | None) -> float | None:
        """Never less than asked: a round that ends too soon finds its timer not due yet."""
        return None if timeout is None else math.ceil(max(timeout, 0.0) * 1e3) / 1e3

    def _meaning(mask: int) -> int:
        """Errors and hang-ups count as both, so that whoever waits hears of them."""
        writable = selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0
        return writable | (selectors.EVENT_READ if mask & ~select.EPOLLOUT else 0)

    def new_loop() -> asyncio.AbstractEventLoop:
        """For `asyncio.Runner(loop_factory=…)`."""
        return asyncio.SelectorEventLoop(FairSelector())

else:
    new_loop = asyncio.new_event_loop
