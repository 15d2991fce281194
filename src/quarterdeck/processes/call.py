"""One call: a process tree, the pipes that it writes to, the folder that it ends in. Loop callbacks only."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from quarterdeck.processes.contract import CannotStart, ProcessRequest, ProcessResult, ResourceLimits, Tier
from quarterdeck.processes.group import GroupTree
from quarterdeck.processes.orders import DIRECT, SUPERVISED, OpenFiles, PipeEnds, make_order
from quarterdeck.processes.output import OutputBuffer
from quarterdeck.processes.reader import PipeReader
from quarterdeck.processes.shim import ProcessRow
from quarterdeck.processes.subreaper import OrphanSweep
from quarterdeck.processes.tree import SupervisedTree, Tree, TreeEnd

FOLDER_LIMIT = 65536


class Launch:
    """What all calls of one service share."""

    def __init__(
        self, *, tier: Tier, limits: ResourceLimits, python: str, environment: Mapping[str, str]
    ) -> None:
        self.tier = tier
        self.limits = limits
        self.python = python
        self.environment = environment
        self.sweep = OrphanSweep()


class Call:
    """A started command. `done` gets the result, or the error that a listener raised."""

    def __init__(
        self, request: ProcessRequest, launch: Launch, on_output: Callable[[bytes], None] | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.request = request
        self.done: asyncio.Future[ProcessResult] = self._loop.create_future()
        self.end: TreeEnd | None = None
        """Known once nothing of the tree is left."""
        self._on_output = on_output
        self._output = OutputBuffer(request.max_output_bytes, request.spill_path, request.max_spill_bytes)
        self._killed = False
        self._timed_out = False
        self._listener_error: Exception | None = None
        self._errors = OutputBuffer(request.max_output_bytes)
        self._began = time.monotonic()
        try:
            self.tree = self._start(launch)
        except OSError as error:
            raise CannotStart(f"No process could be started: {error.strerror}.") from error
        self._timer = self._loop.call_later(request.timeout_s, self._on_timeout)

    def kill(self) -> None:
        """Start the end of the whole tree; returns at once."""
        if self.end is None:
            self._killed = True
            self.tree.kill()

    def count(self, rows: list[ProcessRow]) -> tuple[int, int]:
        """From one listing: how many processes of this call live, how many there were so far."""
        if self.end is None or self.end.beyond_reach:
            return self.tree.count(rows)
        return 0, self.end.total

    def _start(self, launch: Launch) -> Tree:
        supervised = launch.tier == "supervisor"
        with OpenFiles() as files:
            output, output_end = files.pipe()
            errors, error_end = files.pipe() if self.request.errors_apart else (-1, output_end)
            self._folder_fd, folder_end = files.pipe()
            order = make_order(
                self.request,
                limits=launch.limits,
                source=launch.environment,
                placement=SUPERVISED if supervised else DIRECT,
                ends=PipeEnds(output=output_end, errors=error_end, folder=folder_end),
                files=files,
            )
            tree = (
                SupervisedTree(order, launch.python, launch.sweep, self._on_end)
                if supervised
                else GroupTree(order, self._on_end)
            )
            files.keep(output, errors, self._folder_fd)
        os.set_blocking(self._folder_fd, False)
        self._readers = [PipeReader(output, self._take)]
        if errors >= 0:
            self._readers.append(PipeReader(errors, self._take_error))
        return tree

    def _on_timeout(self) -> None:
        self._timed_out = True
        self.tree.kill()

    def _take(self, chunk: bytes) -> None:
        self._output.add(chunk)
        self._tell(chunk)

    def _take_error(self, chunk: bytes) -> None:
        self._errors.add(chunk)
        self._tell(chunk)

    def _tell(self, chunk: bytes) -> None:
        if self._on_output is None or self._listener_error is not None:
            return
        try:
            self._on_output(chunk)
        except Exception as error:  # whatever the listener raised belongs to the caller of run()
            self._listener_error = error
            self.kill()

    def _on_end(self, end: TreeEnd) -> None:
        """Nothing of the tree lives: take what the pipe still holds, close everything, tell the caller."""
        self.end = end
        self._timer.cancel()
        for reader in self._readers:
            reader.finish()
        folder = self._read_folder(end)
        self._output.close()
        if end.failure is not None:
            self.done.set_exception(CannotStart(end.failure))
        elif self._listener_error is not None:
            self.done.set_exception(self._listener_error)
        else:
            self.done.set_result(self._result(end, folder))

    def _read_folder(self, end: TreeEnd) -> str:
        """Where the shell stood at its end, when it said so and the folder exists."""
        try:
            text = os.read(self._folder_fd, FOLDER_LIMIT)
        except BlockingIOError:
            text = b""
        finally:
            os.close(self._folder_fd)
        folder = os.fsdecode(text.removesuffix(b"\n"))
        is_usable = os.path.isabs(folder) and "\0" not in folder and os.path.isdir(folder)
        return folder if is_usable and end.wait_status is not None else self.request.folder

    def _result(self, end: TreeEnd, folder: str) -> ProcessResult:
        code = None if end.wait_status is None else os.waitstatus_to_exitcode(end.wait_status)
        by_signal = code is not None and code < 0
        return ProcessResult(
            exit_code=None if by_signal else code,
            signal=-code if code is not None and by_signal else None,
            output=self._output.text(),
            errors=self._errors.text(),
            output_bytes=self._output.total,
            truncated=self._output.left_out + self._errors.left_out > 0,
            spilled_to=self._output.spilled_to,
            spill_error=self._output.spill_error,
            timed_out=self._timed_out,
            folder=folder,
            leftover=end.leftover,
            duration_s=time.monotonic() - self._began,
            killed=self._killed,
            beyond_reach=end.beyond_reach,
            supervisor_lost=end.supervisor_lost,
        )
