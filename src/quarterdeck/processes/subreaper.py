"""The program as the parent of last resort: orphans of a supervisor that was killed become its children.

It ends and reaps only what a fresh listing shows to be such an orphan, by pid, and never waits for any child.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from quarterdeck.processes import shim

FIRST_PAUSE_S = 0.004
LAST_PAUSE_S = 0.2
"""The pauses grow, or a process that cannot be killed (another user's) would cost the loop its time."""


def become_subreaper() -> bool:
    """Adopt the orphans of every descendant from now on. False where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return False
    shim.set_process_flag(shim.PR_SET_CHILD_SUBREAPER, 1)
    return True


def harden_process(secret_names: Iterable[str] = ()) -> bool:
    """Close this process's memory to others of the same user, and take secrets out of its environment.

    Call it once the secrets were read. False where the system cannot; `os.environ` loses the names anyway.
    """
    names = list(secret_names)
    for name in names:
        os.environ.pop(name, None)
    if not sys.platform.startswith("linux"):
        return False
    erase_first_environment(names)
    shim.set_process_flag(shim.PR_SET_DUMPABLE, 0)
    return True


def erase_first_environment(names: Iterable[str]) -> None:
    """Overwrite values in the block that the kernel shows as /proc/PID/environ; root may read it for ever."""
    stat = Path("/proc/self/stat").read_text(errors="replace")
    # env_start and env_end, fields 50 and 51 of proc(5); counted behind the name, which may hold blanks.
    start, end = (int(field) for field in stat[stat.rfind(")") + 2 :].split()[47:49])
    prefixes = [os.fsencode(name) + b"=" for name in names]
    address = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        for prefix in prefixes:
            if entry.startswith(prefix):
                ctypes.memset(address + len(prefix), 0, len(entry) - len(prefix))
        address += len(entry) + 1


OnSwept = Callable[[int, int], None]
"""Called with the number of processes that were ended, and of those that are beyond reach."""


class OrphanSweep:
    """Ends orphans in slices of the loop; knows the children that are not orphans."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._since = 0
        self._patience = shim.Patience()
        self._waiting: list[OnSwept] = []
        self._swept: set[tuple[int, int]] = set()
        self._timer: asyncio.Handle | None = None
        self._pause_s = FIRST_PAUSE_S

    def register(self, pid: int) -> None:
        """A child that somebody else waits for: never touched, nor what is below it."""
        self._known.add(pid)

    def forget(self, pid: int) -> None:
        """That child was collected; its number may come back as an orphan's."""
        self._known.discard(pid)

    def start(self, since: int, on_swept: OnSwept) -> None:
        """End orphans that started at `since` (ticks since boot) or later, then call back."""
        self._since = min(self._since, since) if self._is_active() else since
        self._waiting.append(on_swept)
        self._pause_s = FIRST_PAUSE_S
        self._patience = shim.Patience()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_soon(self._slice)

    def _is_active(self) -> bool:
        return self._timer is not None

    def find(self, rows: list[shim.ProcessRow]) -> list[shim.ProcessRow]:
        """The orphans that are being ended, with all that is below them, in a listing."""
        orphans = self._orphans(rows)
        return orphans + shim.descendants([row.pid for row in orphans], rows)

    def _slice(self) -> None:
        rows = shim.stop_all(self._is_orphan, rounds=10)
        shim.signal_rows(rows, signal.SIGKILL)
        keys = {row.key for row in rows}
        if not keys <= self._swept:
            self._pause_s = FIRST_PAUSE_S  # a moving target: keep after it
        self._swept |= keys
        if self._reap():
            if self._patience.ends_with(rows):
                self._tell(len(rows))
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._slice)
            self._pause_s = min(self._pause_s * 1.5, LAST_PAUSE_S)
            return
        self._timer = None
        self._tell(0)
        self._swept.clear()

    def _tell(self, left: int) -> None:
        waiting, self._waiting = self._waiting, []
        for on_swept in waiting:
            on_swept(len(self._swept) - left, left)

    def _reap(self) -> bool:
        """Collect the dead orphans; whether a listing showed any orphan at all."""
        orphans = self._orphans(list(shim.list_processes()))
        for row in orphans:
            try:
                os.waitpid(row.pid, os.WNOHANG | shim.WAIT_ALL_KINDS)
            except ChildProcessError:
                continue
        return bool(orphans)

    def _orphans(self, rows: list[shim.ProcessRow]) -> list[shim.ProcessRow]:
        return [row for row in rows if self._is_orphan(row)]

    def _is_orphan(self, row: shim.ProcessRow) -> bool:
        """A child that nobody registered, in a foreign session.

        A supervisor's tree is always in a session of its own, and a process cannot come back from one; a
        library's child shares the program's session.
        """
        return (
            row.parent == os.getpid()
            and row.session != os.getsid(0)
            and row.started >= self._since
            and row.pid not in self._known
        )
