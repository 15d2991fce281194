"""One process tree under its supervisor, seen from the program: start it, kill it, know its end.

It holds the program's end of the control socket, which is the tree's lifeline. It knows nothing of output.
"""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from quarterdeck.processes import shim
from quarterdeck.processes.orders import TreeOrder, unnamed_file
from quarterdeck.processes.subreaper import OrphanSweep

SHIM_PATH = Path(__file__).with_name("shim.py")
ANSWER_S = 0.15
"""A stopped or hung supervisor gets this long after a kill; then it dies and its orphans are swept."""
ENDING_S = 6.0
"""One that has answered gets this long to end its tree or to say that it cannot."""
REAP_EVERY_S = 0.002


class TreeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a tree, all of it."""

    wait_status: int | None
    """The main command's, as waitpid gives it; None when nobody saw it."""
    total: int
    """How many processes there were."""
    leftover: int
    """How many outlived the main command."""
    failure: str | None = None
    """Why the command did not start."""
    beyond_reach: int = 0
    """How many live on because no kill reaches them."""
    supervisor_lost: bool = False
    """The supervisor ended first; the program ended the rest."""


class Tree(Protocol):
    """A started tree; its `on_end` is called once, in the loop, when nothing of it is left."""

    def kill(self) -> None:
        """Start the end of the whole tree, now; returns at once. Calling it again changes nothing."""

    def count(self, rows: list[shim.ProcessRow]) -> tuple[int, int]:
        """From one listing: how many of this tree live, how many were ever seen."""


class SupervisedTree:
    """A tree under the supervisor program. The proof of its end is the kernel's ECHILD."""

    def __init__(
        self, order: TreeOrder, python: str, sweep: OrphanSweep, on_end: Callable[[TreeEnd], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sweep = sweep
        self._on_end = on_end
        self._reports = bytearray()
        self._seen: set[tuple[int, int]] = set()
        self._escalation: asyncio.TimerHandle | None = None
        self._killed = False
        self._closed = False
        self._has_told = False
        text = order.encode()
        self._control, theirs = socket.socketpair()
        try:
            self._shim = start_shim(order, text, python, theirs)
        except OSError:
            self._control.close()
            raise
        finally:
            theirs.close()
        sweep.register(self._shim.pid)
        row = shim.read_process(self._shim.pid)
        self._started = 0 if row is None else row.started
        self._control.setblocking(False)
        self._loop.add_reader(self._control.fileno(), self._on_report)

    def kill(self) -> None:
        """Ask the supervisor; when it does not answer in time, kill it and sweep what it leaves."""
        if self._killed or self._closed:
            return
        self._killed = True
        # It is our child and not collected yet, so the number is its own. A tool may have stopped it.
        self._signal_shim(signal.SIGCONT)
        try:
            self._control.send(b"k")
        except OSError:
            self._signal_shim(signal.SIGKILL)
        self._escalation = self._loop.call_later(ANSWER_S, self._escalate, time.monotonic() + ENDING_S)

    def count(self, rows: list[shim.ProcessRow]) -> tuple[int, int]:
        """Descendants of the supervisor, or the orphans that it left."""
        if self._shim.returncode is None:
            below = shim.descendants([self._shim.pid], rows)
        else:
            below = self._sweep.find(rows)
        living = {row.key for row in below if shim.is_living(row)}
        self._seen |= living
        return len(living), len(self._seen)

    def _escalate(self, deadline: float) -> None:
        """A supervisor that has answered may go on with its work, unless a tool has stopped it since."""
        row = shim.read_process(self._shim.pid)
        is_at_work = row is not None and row.state != "T" and b"ending" in self._reports
        if is_at_work and time.monotonic() < deadline:
            self._escalation = self._loop.call_later(ANSWER_S, self._escalate, deadline)
            return
        self._signal_shim(signal.SIGKILL)

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
            self._on_progress(chunk)
            return
        self._closed = True
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        self._collect()

    def _on_progress(self, chunk: bytes) -> None:
        """Short lines, written in one go each, so none is torn."""
        if b"stuck" not in chunk:
            return
        if self._escalation is not None:
            self._escalation.cancel()
        self._tell(read_reports(self._reports.decode(errors="replace")))

    def _tell(self, end: TreeEnd) -> None:
        if not self._has_told:
            self._has_told = True
            self._on_end(end)

    def _collect(self) -> None:
        """The socket closes a moment before the supervisor can be collected."""
        if self._shim.poll() is None:
            self._loop.call_later(REAP_EVERY_S, self._collect)
            return
        self._sweep.forget(self._shim.pid)
        if self._escalation is not None:
            self._escalation.cancel()
        end = read_reports(self._reports.decode(errors="replace"))
        if not end.supervisor_lost:
            self._tell(end)
            return
        # It ended without its proof: its orphans are the program's children now.
        self._sweep.start(self._started, lambda swept, left: self._on_swept(end, swept, left))

    def _on_swept(self, end: TreeEnd, swept: int, left: int) -> None:
        total = max(end.total, len(self._seen), swept)
        self._tell(msgspec.structs.replace(end, total=total, beyond_reach=left))


def read_reports(text: str) -> TreeEnd:
    """What a supervisor said, line by line. Without its last line, `none`, it was lost."""
    end = TreeEnd(wait_status=None, total=0, leftover=0, supervisor_lost=True)
    for line in text.splitlines():
        match line.split(" ", 1):
            case ["up", _]:
                end = msgspec.structs.replace(end, total=1)
            case ["exit", status] if status != "None":
                end = msgspec.structs.replace(end, wait_status=int(status))
            case ["fail", reason]:
                end = msgspec.structs.replace(end, failure=reason)
            case ["stuck", counts]:
                total, left = (int(count) for count in counts.split())
                end = msgspec.structs.replace(end, total=total, beyond_reach=left, supervisor_lost=False)
            case ["none", counts]:
                total, leftover = (int(count) for count in counts.split())
                end = msgspec.structs.replace(end, total=total, leftover=leftover, supervisor_lost=False)
    return end


def start_shim(
    order: TreeOrder, text: bytes, python: str, control: socket.socket
) -> "subprocess.Popen[bytes]":
    """Start the supervisor program; it inherits the order's files, `text`, its control socket, no more.

    :raises OSError: no file or process is left to be had.
    """
    order_fd = unnamed_file(text)
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
