"""One call: a process tree, the pipe that it writes to, and the folder that it ends in. Loop callbacks only."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from quarterdeck.processes import shim
from quarterdeck.processes.contract import CannotStart, ProcessRequest, ProcessResult, ResourceLimits
from quarterdeck.processes.environment import tool_environment
from quarterdeck.processes.output import OutputBuffer
from quarterdeck.processes.subreaper import OrphanSweep
from quarterdeck.processes.tree import SupervisedTree, TreeEnd, TreeOrder, unnamed_file

READ_SIZE = 128 * 1024
READS_IN_A_ROW = 4
PAUSE_S = 0.005
"""After that many full reads the pipe rests: about 100 MB a second, so that a flood leaves the loop to others."""
LAST_READ_LIMIT = 4 * 2**20
"""After the tree's end: what the pipe still holds, and no more when a process elsewhere writes on."""
FOLDER_LIMIT = 65536


class Call:
    """A started command. `done` gets the result, or the error that a listener raised."""

    def __init__(
        self,
        request: ProcessRequest,
        *,
        limits: ResourceLimits,
        python: str,
        source: Mapping[str, str],
        sweep: OrphanSweep,
        on_output: Callable[[bytes], None] | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.request = request
        self.done: asyncio.Future[ProcessResult] = self._loop.create_future()
        self._on_output = on_output
        self._output = OutputBuffer(request.max_output_bytes, request.spill_path, request.max_spill_bytes)
        self._killed = False
        self._timed_out = False
        self._listener_error: Exception | None = None
        self._reads = 0
        self._pause: asyncio.TimerHandle | None = None
        self._began = time.monotonic()
        with OpenFiles() as files:
            self._output_fd, output_end = files.pipe()
            self._folder_fd, folder_end = files.pipe()
            order = make_order(request, limits, source, output_end, folder_end, files)
            self.tree = SupervisedTree(order, python, sweep, self._on_end)
            files.keep(self._output_fd, self._folder_fd)
        os.set_blocking(self._output_fd, False)
        os.set_blocking(self._folder_fd, False)
        self._loop.add_reader(self._output_fd, self._on_readable)
        self._timer = self._loop.call_later(request.timeout_s, self._on_timeout)

    def kill(self) -> None:
        """Start the end of the whole tree; returns at once."""
        if not self.tree.is_over:
            self._killed = True
        self.tree.kill()

    def _on_timeout(self) -> None:
        self._timed_out = True
        self.tree.kill()

    def _on_readable(self) -> None:
        chunk = self._read(READ_SIZE)
        if not chunk:
            return
        self._reads = self._reads + 1 if len(chunk) == READ_SIZE else 0
        if self._reads >= READS_IN_A_ROW:
            self._reads = 0
            self._loop.remove_reader(self._output_fd)
            self._pause = self._loop.call_later(PAUSE_S, self._go_on_reading)

    def _go_on_reading(self) -> None:
        self._loop.add_reader(self._output_fd, self._on_readable)

    def _read(self, size: int) -> bytes:
        """What the pipe holds now; empty at its end and when there is nothing yet."""
        try:
            chunk = os.read(self._output_fd, size)
        except (BlockingIOError, InterruptedError):
            return b""
        if not chunk:
            self._loop.remove_reader(self._output_fd)
            return b""
        self._output.add(chunk)
        self._tell(chunk)
        return chunk

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
        self._timer.cancel()
        if self._pause is not None:
            self._pause.cancel()
        room = LAST_READ_LIMIT
        while room > 0 and (chunk := self._read(READ_SIZE)):
            room -= len(chunk)
        self._loop.remove_reader(self._output_fd)
        os.close(self._output_fd)
        folder = self._read_folder(end)
        self._output.close()
        if self.done.done():
            return
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
        if (
            end.wait_status is None
            or "\0" in folder
            or not os.path.isabs(folder)
            or not os.path.isdir(folder)
        ):
            return self.request.folder
        return folder

    def _result(self, end: TreeEnd, folder: str) -> ProcessResult:
        code = None if end.wait_status is None else os.waitstatus_to_exitcode(end.wait_status)
        ended_by = None if code is None or code >= 0 else -code
        return ProcessResult(
            exit_code=code if code is not None and code >= 0 else None,
            signal=ended_by,
            output=self._output.text(),
            output_bytes=self._output.total,
            truncated=self._output.left_out > 0,
            spilled_to=self._output.spilled_to,
            spill_error=self._output.spill_error,
            timed_out=self._timed_out,
            folder=folder,
            leftover=end.leftover if not (self._killed or self._timed_out) else 0,
            duration_s=time.monotonic() - self._began,
            killed=self._killed,
        )


class OpenFiles:
    """File numbers that are closed at the end of the block, whatever happens, save those that are kept."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._open:
            os.close(fd)

    def pipe(self) -> tuple[int, int]:
        """A new pipe: the end to read, the end to write."""
        try:
            ends = os.pipe()
        except OSError as error:
            raise CannotStart(f"No pipe could be opened: {error.strerror}.") from error
        self._open |= set(ends)
        return ends

    def memory(self, name: str, content: bytes) -> int:
        """An unnamed file with this content."""
        fd = unnamed_file(name, content)
        self._open.add(fd)
        return fd

    def keep(self, *fds: int) -> None:
        """Leave these open."""
        self._open -= set(fds)


def make_order(
    request: ProcessRequest,
    limits: ResourceLimits,
    source: Mapping[str, str],
    output_fd: int,
    folder_fd: int,
    files: OpenFiles,
) -> TreeOrder:
    """The command as the supervisor gets it: a program directly, or a shell that says where it ends."""
    environment = tool_environment(source, request.environment)
    argv, folder_target, prologue = request.argv, -1, -1
    if argv:
        argv = (find_program(argv[0], environment["PATH"]), *argv[1:])
    else:
        argv, folder_target, prologue = shell_argv(request, environment, files)
    return TreeOrder(
        argv=argv,
        folder=request.folder,
        environment=environment,
        stdin_fd=-1 if request.stdin is None else files.memory("stdin", request.stdin),
        output_fd=output_fd,
        error_fd=output_fd,
        folder_fd=folder_fd if folder_target >= 0 else -1,
        folder_target_fd=folder_target,
        prologue_fd=prologue,
        limits=limits,
    )


def shell_argv(
    request: ProcessRequest, environment: dict[str, str], files: OpenFiles
) -> tuple[tuple[str, ...], int, int]:
    """Arguments, the number at which the shell writes its last folder, and the prologue's file.

    bash reads the prologue by BASH_ENV, so the command stays as it is and its line numbers hold; a plain sh gets it
    as a line before. A command with its own EXIT trap replaces ours, and its folder is then not carried.
    """
    bash = shutil.which("bash", path=environment["PATH"])
    shell = bash or "/bin/sh"
    if not request.carry_folder:
        return (shell, "-c", request.command), -1, -1
    if bash is None:
        line = f"trap '{{ pwd -P >&{shim.FOLDER_FD_SH}; }} 2>/dev/null' EXIT\n"
        return (shell, "-c", line + request.command), shim.FOLDER_FD_SH, -1
    prologue = f"unset BASH_ENV; exec {shim.PROLOGUE_FD}<&-; trap '{{ pwd -P >&{shim.FOLDER_FD_BASH}; }} 2>/dev/null' EXIT\n"
    environment["BASH_ENV"] = f"/dev/fd/{shim.PROLOGUE_FD}"
    return (bash, "-c", request.command), shim.FOLDER_FD_BASH, files.memory("prologue", prologue.encode())


def find_program(name: str, path: str) -> str:
    """The program's absolute path. :raises CannotStart: nothing on `path` has that name."""
    found = shutil.which(name, path=path)
    if found is None:
        raise CannotStart(f"No program named {name!r} was found.")
    return str(Path(found).absolute())
