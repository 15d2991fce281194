"""A process tree that resists a kill, and a proof of its end that no listing of pids can give.

Every process of the tree holds the write end of one FIFO; its reader sees the end only when none lives.
"""

import asyncio
import os
import shlex
import sys
import time
from pathlib import Path

READY_BYTES = 7
"""One from each lasting process of the tree, once it stands."""

KILL_LIMIT_S = 0.25
"""The gate for a dead tree (p99) on a machine that has time for us."""
BUSY_LIMIT_S = 20.0


def kill_limit_s() -> float:
    """The gate for the slowest, or a loose one on a machine whose processors are all taken already."""
    return KILL_LIMIT_S if os.getloadavg()[0] < (os.cpu_count() or 1) else BUSY_LIMIT_S


SOURCE = """
import ctypes, os, signal, sys, time

fd = os.open(sys.argv[1], os.O_WRONLY)
os.dup2(fd, 7)
os.close(fd)
for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "PIPE", "TSTP", "TTIN", "TTOU", "ALRM"):
    signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN)

def stay():
    os.write(7, b".")
    while True:
        signal.pause()

def branch(action):
    if os.fork() == 0:
        action()
        os._exit(0)

def daemon(action=stay):
    # Two forks and two sessions: nothing ties it to its parents any more.
    os.setsid()
    if os.fork():
        os._exit(0)
    os.setsid()
    action()

def subreaper():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    branch(daemon)
    stay()

def without_environment():
    script = "printf . >&7; while :; do sleep 1000; done"
    os.execve("/bin/sh", ["sh", "-c", script], {})

def moving_target():
    # A new pid and a new session every few milliseconds.
    os.write(7, b".")
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(0.005)

for action in (stay, daemon, subreaper, without_environment, moving_target):
    branch(action)
stay()
"""


def hostile_command(fifo: str | Path, python: str = sys.executable) -> str:
    """Shell text that becomes the tree; each process of it holds `fifo` open for writing."""
    return f"exec {shlex.quote(python)} -I -S -c {shlex.quote(SOURCE)} {shlex.quote(str(fifo))}"


class Proof:
    """The reading end of a FIFO that every process of a tree inherits. Make it before the tree starts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        path.chmod(0o666)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)
        self.path.unlink()

    def is_over(self) -> bool:
        """Whether no process holds the other end."""
        try:
            while os.read(self._fd, 65536):
                continue
        except BlockingIOError:
            return False
        return True

    async def wait_ready(self, count: int = READY_BYTES, limit_s: float = 30.0) -> None:
        """Until `count` bytes came. :raises TimeoutError: they did not in time."""
        async with asyncio.timeout(limit_s):
            while count > 0:
                try:
                    count -= len(os.read(self._fd, count))
                except BlockingIOError:
                    await self._wait_readable(0.5)
                else:
                    # Before the first writer, a read returns nothing at once: look again soon.
                    await asyncio.sleep(0.002)

    async def wait_over(self, limit_s: float) -> float | None:
        """Seconds until nobody holds the other end, or None when somebody still does after `limit_s`."""
        began = time.monotonic()
        while not self.is_over():
            left = limit_s - (time.monotonic() - began)
            if left <= 0:
                return None
            await self._wait_readable(left)
        return time.monotonic() - began

    async def _wait_readable(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._fd, readable.set)
        try:
            async with asyncio.timeout(limit_s):
                await readable.wait()
        except TimeoutError:
            return
        finally:
            loop.remove_reader(self._fd)
