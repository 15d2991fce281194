"""One run's shell: every command under the process service, in the folder that the last one left."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.ports import ShellOutcome

PRINT_EVERY_S = 0.05
"""A flood of output is told so often: each telling is a fact for the whole program."""
TAIL_BYTES = 4_000


class CommandRunner(Protocol):
    """Runs one shell command for an owner; cancelling it ends the whole process tree."""

    async def __call__(
        self, owner: RunId, command: str, folder: str, timeout_s: float, on_output: Callable[[bytes], None]
    ) -> ShellOutcome: ...


class RunShell:
    """Carries the working directory (nothing else) from call to call."""

    def __init__(self, owner: RunId, folder: str, run: CommandRunner) -> None:
        self._owner = owner
        self._folder = folder
        self._run = run

    @property
    def folder(self) -> str:
        """Where the next command starts."""
        return self._folder

    async def run(self, command: str, timeout_s: float, on_output: Callable[[str], None]) -> ShellOutcome:
        """Run it; output so far goes to `on_output` as a bounded tail."""
        tail = _Tail(on_output)
        try:
            outcome = await self._run(self._owner, command, self._folder, timeout_s, tail.add)
        finally:
            tail.close()
        self._folder = outcome.folder or self._folder
        return outcome


class _Tail:
    """The newest output: the first is told at once, what follows soon, in one."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._bytes = bytearray()
        self._is_told = True
        self._timer: asyncio.TimerHandle | None = None

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._bytes += chunk
        del self._bytes[:-TAIL_BYTES]
        self._is_told = False
        if self._timer is None:
            self._say()

    def close(self) -> None:
        """Say no more: the call's end tells the whole."""
        if self._timer is not None:
            self._timer.cancel()

    def _say(self) -> None:
        self._timer = None
        if self._is_told:
            return
        self._is_told = True
        self._timer = asyncio.get_running_loop().call_later(PRINT_EVERY_S, self._say)
        self._tell(self._bytes.decode("utf-8", "replace"))
