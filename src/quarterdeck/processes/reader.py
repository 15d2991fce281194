"""One pipe's reading end in the loop: bounded reads, rests in a flood, the last bytes after the end."""

import asyncio
import os
from collections.abc import Callable

READ_SIZE = 128 * 1024
READS_IN_A_ROW = 4
PAUSE_S = 0.005
"""After that many reads in one go the pipe rests, so that a flood leaves the loop to others."""
LAST_READ_LIMIT = 4 * 2**20
"""After the tree's end: what the pipe still holds, and no more when a process elsewhere writes on."""


class PipeReader:
    """Owns the file number and hands each chunk to `take`."""

    def __init__(self, fd: int, take: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._take = take
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._on_readable)

    def finish(self) -> None:
        """Take what the pipe still holds and close it. Call it once, when the writers are gone."""
        if self._pause is not None:
            self._pause.cancel()
        room = LAST_READ_LIMIT
        while room > 0 and (count := self._read()):
            room -= count
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_readable(self) -> None:
        for _ in range(READS_IN_A_ROW):
            if not self._read():
                return
        self._loop.remove_reader(self._fd)
        self._pause = self._loop.call_later(PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._fd, self._on_readable)

    def _read(self) -> int:
        """Take what is there now; how many bytes: 0 at the pipe's end and when there is nothing yet."""
        try:
            chunk = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return 0
        if not chunk:
            self._loop.remove_reader(self._fd)
            return 0
        self._take(chunk)
        return len(chunk)
