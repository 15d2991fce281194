"""The gate before every model request and every tool: closed while the run is paused."""

import asyncio


class Gate:
    """Open unless paused. A stop opens it for good: the closing step must pass."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether something may start now."""
        return self._open.is_set()

    def close(self) -> None:
        """Let nothing new start."""
        self._open.clear()

    def open(self) -> None:
        """Let what waits start."""
        self._open.set()

    async def passed(self) -> None:
        """Return once something may start."""
        await self._open.wait()
