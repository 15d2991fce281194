"""The loop of the screen: a key does not wait for a thousand streams that have something to read."""

import asyncio
import math
import os
import select
import selectors
import sys
import time
from typing import Final

MOST_AT_ONCE: Final = 64
"""Sockets that are read in one round of the loop; between rounds keys, timers and paints get their turn."""

GATHER_S: Final = 0.004
"""While many sockets speak all the time, rounds start so far apart: one round for several of them."""
WINDOW_S: Final = 0.05
BUSY_WAKES: Final = 20
"""So many awakenings in a window, and in the next one rounds are gathered."""

if sys.platform == "linux":

    class FairSelector(selectors.EpollSelector):
        """Reports a few ready files at a time; the kernel lines up what it reported behind the others."""

        def __init__(self) -> None:
            super().__init__()
            self._few = select.epoll.fromfd(os.dup(self.fileno()))
            self._woke_at = 0.0
            self._window_ends = 0.0
            self._wakes = 0
            self._is_busy = False

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """What is ready: at most `MOST_AT_ONCE`. `timeout` in seconds, None = for ever."""
            blocks = timeout is None or timeout > 0
            if blocks and self._is_busy:
                timeout = self._gather(timeout)
            try:
                found = self._few.poll(_whole_ms(timeout), MOST_AT_ONCE)
            except InterruptedError:
                found = []
            if blocks:
                self._note_wake(time.monotonic())
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

        def _gather(self, timeout: float | None) -> float | None:
            """Let more become ready, for a moment; what is left of the timeout."""
            pause = self._woke_at + GATHER_S - time.monotonic()
            if timeout is not None:
                pause = min(pause, timeout)
            if pause <= 0:
                return timeout
            time.sleep(pause)
            return None if timeout is None else timeout - pause

        def _note_wake(self, now: float) -> None:
            self._woke_at = now
            self._wakes += 1
            if now >= self._window_ends:
                most = BUSY_WAKES if not self._is_busy else BUSY_WAKES // 4
                self._is_busy = self._wakes >= most and now < self._window_ends + WINDOW_S
                self._wakes, self._window_ends = 0, now + WINDOW_S

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
