"""A deadline that only content moves: one loop timer per stream, never one per event."""

import asyncio
from collections.abc import Callable


class ContentDeadline:
    """Calls `on_stall` once when nothing touched it for its limit. Needs a running event loop."""

    __slots__ = ("_handle", "_loop", "_on_stall", "_touched", "limit_s")

    def __init__(self, on_stall: Callable[[], None], limit_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_stall = on_stall
        self.limit_s = limit_s
        self._touched = self._loop.time()
        self._handle: asyncio.TimerHandle | None = self._loop.call_later(limit_s, self._check)

    def touch(self, limit_s: float) -> None:
        """Content came; the next is due within `limit_s`."""
        self._touched = self._loop.time()
        if limit_s < self.limit_s:
            self._arm(self._touched + limit_s)
        self.limit_s = limit_s

    def stop(self) -> None:
        """It will not fire any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _check(self) -> None:
        due = self._touched + self.limit_s
        if self._loop.time() < due:
            self._arm(due)
            return
        self._handle = None
        self._on_stall()

    def _arm(self, due: float) -> None:
        self.stop()
        self._handle = self._loop.call_at(due, self._check)
