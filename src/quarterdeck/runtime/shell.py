"""One run's shell: every command under the process service, in the folder that the last one left."""

from collections.abc import Callable
from typing import Protocol

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.ports import ShellOutcome


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
        tail = bytearray()

        def printed(chunk: bytes) -> None:
            tail.extend(chunk)
            del tail[:-4_000]
            on_output(tail.decode("utf-8", "replace"))

        outcome = await self._run(self._owner, command, self._folder, timeout_s, printed)
        self._folder = outcome.folder or self._folder
        return outcome
