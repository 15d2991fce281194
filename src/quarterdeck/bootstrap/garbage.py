"""When the screen's process looks for garbage: in steps too short to feel, however large the team is.

Python's own full passes visit every living object: with a thousand teammates they stop the screen for most
of a second. Here what has lived through a long pass is set aside, and is looked at again when there is time.
"""

import asyncio
import gc
import time
from collections.abc import Callable

YOUNG = 10_000
MIDDLE = 10
NEVER = 1_000_000_000
LOOK_EVERY_S = 1.0
PASS_EVERY_S = 10.0
SHARE = 0.005
"""Of the time, at most, that full passes take."""
LONG_PASS_S = 0.02
"""A pass that took longer sets aside what it has seen."""
GROWTH = 2.0
"""All is looked at again when so many times more is set aside than the last such pass left."""


class GarbageCollection:
    """Takes over from Python's own full passes. Use one per process; `close` gives them back."""

    def __init__(self, is_quiet: Callable[[], bool], clock: Callable[[], float] = time.perf_counter) -> None:
        self._is_quiet = is_quiet
        self._clock = clock
        self._python = gc.get_threshold()
        self._next_at = clock() + PASS_EVERY_S
        self._left = 0
        self._seen_busy = False

    def open(self) -> None:
        """From now on: set aside what is there, collect what is young as Python does."""
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        gc.freeze()
        self._left = gc.get_freeze_count()

    def close(self) -> None:
        """As before `open`."""
        gc.set_threshold(*self._python)
        gc.unfreeze()

    async def run_forever(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.tick()

    def tick(self) -> None:
        """A full pass, when one is due."""
        quiet = self._is_quiet()
        if self._clock() >= self._next_at:
            self._pass(whole=gc.get_freeze_count() > GROWTH * self._left)
        elif quiet and self._seen_busy:
            self._pass(whole=True)
        self._seen_busy = not quiet

    def _pass(self, *, whole: bool) -> None:
        began = self._clock()
        if whole:
            gc.unfreeze()
        gc.collect()
        took = self._clock() - began
        if whole or took > LONG_PASS_S:
            gc.freeze()
        if whole:
            self._left = gc.get_freeze_count()
        self._next_at = self._clock() + max(PASS_EVERY_S, took / SHARE)
