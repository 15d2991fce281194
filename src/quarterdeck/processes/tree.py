"""One process tree under its supervisor, seen from the program: start it, kill it, know its end.

It holds the program's end of the control socket, which is the tree's lifeline. It knows nothing of output.
"""

import asyncio
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from quarterdeck.processes import shim
from quarterdeck.processes.contract import CannotStart, ResourceLimits
from quarterdeck.processes.subreaper import OrphanSweep

SHIM_PATH = Path(__file__).with_name("shim.py")
ESCALATE_S = 0.15
"""A supervisor that is stopped or hung gets this long after a kill; then it is killed and its orphans swept."""
REAP_EVERY_S = 0.002


class TreeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to start. The file numbers are the program's own; -1 is none. They stay open here."""

    argv: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    stdin_fd: int = -1
    output_fd: int
    error_fd: int
    folder_fd: int = -1
    folder_target_fd: int = -1
    prologue_fd: int = -1
    limits: ResourceLimits

    def encode(self) -> bytes:
        """The form that the supervisor program reads."""
        numbers = [self.folder_fd, self.folder_target_fd, self.prologue_fd, self.stdin_fd]
        fields = [
            self.folder,
            *map(str, numbers),
            encode_limits(self.limits),
            str(len(self.argv)),
            *self.argv,
        ]
        fields += [f"{name}={value}" for name, value in self.environment.items()]
        if any("\0" in field for field in fields):
            raise CannotStart("A command cannot hold a NUL character.")
        return "\0".join(fields).encode(errors="surrogateescape")


class TreeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a tree, all of it."""

    wait_status: int | None
    """The main command's, as waitpid gives it; None when nobody saw it."""
    ended: int
    """How many processes there were."""
    leftover: int
    failure: str | None
    """Why the command did not start."""


class SupervisedTree:
    """A running tree. `on_end` is called once, in the loop, when the kernel has said that nothing is left."""

    def __init__(
        self, order: TreeOrder, python: str, sweep: OrphanSweep, on_end: Callable[[TreeEnd], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sweep = sweep
        self._on_end = on_end
        self._reports = bytearray()
        self._status: int | None = None
        self._proof: tuple[int, int] | None = None
        self._failure: str | None = None
        self._seen: set[tuple[int, int]] = set()
        self._escalation: asyncio.TimerHandle | None = None
        self._killed = False
        self.is_over = False
        self.ended = 0
        """How many processes the tree had; known at its end."""
        self._control, theirs = socket.socketpair()
        try:
            self._shim = start_shim(order, python, theirs)
        except OSError as error:
            self._control.close()
            raise CannotStart(f"No process could be started: {error.strerror}.") from error
        finally:
            theirs.close()
        sweep.register(self._shim.pid)
        self._started = shim.read_process(self._shim.pid)
        self._control.setblocking(False)
        self._loop.add_reader(self._control.fileno(), self._on_report)

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's own process; a child of the program until the end."""
        return self._shim.pid

    def kill(self) -> None:
        """Start the end of the whole tree, now; returns at once. Calling it again changes nothing."""
        if self._killed or self.is_over:
            return
        self._killed = True
        # It is our child and not reaped yet, so the number is its own. A tool may have stopped it.
        self._signal_shim(signal.SIGCONT)
        try:
            self._control.send(b"k")
        except OSError:
            # Its end is gone: the reader sees that too, and the sweep follows.
            self._signal_shim(signal.SIGKILL)
        self._escalation = self._loop.call_later(ESCALATE_S, self._signal_shim, signal.SIGKILL)

    def count(self, rows: list[shim.ProcessRow]) -> tuple[int, int]:
        """From one listing: how many of this tree live, how many were ever seen."""
        if self.is_over:
            return 0, max(len(self._seen), 1)
        below = [row for row in shim.descendants([self._shim.pid], rows) if shim.is_living(row)]
        self._seen |= {row.key for row in below}
        return len(below), len(self._seen)

    def _signal_shim(self, number: int) -> None:
        if self._shim.returncode is None:
            self._shim.send_signal(number)

    def _on_report(self) -> None:
        try:
            chunk = self._control.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if chunk:
            self._reports += chunk
            return
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        for line in self._reports.decode(errors="replace").splitlines():
            self._take(line)
        self._reap()

    def _take(self, line: str) -> None:
        match line.split(" ", 1):
            case ["exit", status]:
                self._status = int(status)
            case ["none", counts]:
                ended, leftover = counts.split()
                self._proof = int(ended), int(leftover)
            case ["fail", reason]:
                self._failure = reason

    def _reap(self) -> None:
        """The socket closes a moment before the supervisor can be collected."""
        if self._shim.poll() is None:
            self._loop.call_later(REAP_EVERY_S, self._reap)
            return
        self._sweep.forget(self._shim.pid)
        if self._escalation is not None:
            self._escalation.cancel()
        if self._proof is not None:
            self._finish(*self._proof)
            return
        # It ended without its proof: its orphans are the program's children now.
        started = self._started.started if self._started is not None else 0
        self._sweep.start(started, lambda swept: self._finish(max(len(self._seen), swept), 0))

    def _finish(self, ended: int, leftover: int) -> None:
        self.is_over = True
        self.ended = ended
        end = TreeEnd(wait_status=self._status, ended=ended, leftover=leftover, failure=self._failure)
        self._on_end(end)


def start_shim(order: TreeOrder, python: str, control: socket.socket) -> "subprocess.Popen[bytes]":
    """Start the supervisor program; it inherits the files of the order, its control socket, and nothing else.

    :raises OSError: no file or process is left to be had.
    """
    order_fd = unnamed_file("order", order.encode())
    inherited = [fd for fd in (order.folder_fd, order.prologue_fd, order.stdin_fd) if fd >= 0]
    try:
        return subprocess.Popen(
            [python, "-I", "-S", str(SHIM_PATH), str(control.fileno()), str(order_fd)],
            stdin=subprocess.DEVNULL,
            stdout=order.output_fd,
            stderr=order.error_fd,
            pass_fds=[control.fileno(), order_fd, *inherited],
            cwd="/",
            env={"PATH": os.defpath},
            start_new_session=True,
        )
    finally:
        os.close(order_fd)


def unnamed_file(name: str, content: bytes) -> int:
    """A file in memory that stands at its start; the caller closes it."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def encode_limits(limits: ResourceLimits) -> str:
    """`kind:value` pairs with blanks between."""
    kinds = {
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_AS: limits.address_space,
        resource.RLIMIT_CORE: limits.core_size,
    }
    return " ".join(f"{kind}:{value}" for kind, value in kinds.items() if value is not None)
