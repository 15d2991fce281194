"""A process group: the weaker tier, for systems without a subreaper (macOS).

A process that leaves its group outlives the kill, and nothing dies with the program. No limits are set.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable

from quarterdeck.processes import shim
from quarterdeck.processes.orders import TreeOrder
from quarterdeck.processes.tree import TreeEnd

POLL_EVERY_S = 0.01


class GroupTree:
    """A command in a session of its own; its end is that of its main process, then the group is killed."""

    def __init__(self, order: TreeOrder, on_end: Callable[[TreeEnd], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._killed = False
        self._main = subprocess.Popen(
            list(order.argv),
            stdin=subprocess.DEVNULL if order.stdin_fd < 0 else order.stdin_fd,
            stdout=order.output_fd,
            stderr=order.error_fd,
            pass_fds=[fd for fd in (order.folder_fd, order.prologue_fd) if fd >= 0],
            cwd=order.folder,
            env=dict(order.environment),
            start_new_session=True,
        )
        self._loop.call_later(POLL_EVERY_S, self._poll)

    def kill(self) -> None:
        """TERM to the group, KILL after the grace."""
        if self._killed or self._main.returncode is not None:
            return
        self._killed = True
        self._signal_group(signal.SIGTERM)
        self._loop.call_later(shim.GRACE_S, self._kill_now)

    def count(self, rows: list[shim.ProcessRow]) -> tuple[int, int]:
        """The main process only: the group cannot be counted here."""
        return int(self._main.returncode is None), 1

    def _kill_now(self) -> None:
        if self._main.returncode is None:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._main.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def _poll(self) -> None:
        code = self._main.poll()
        if code is None:
            self._loop.call_later(POLL_EVERY_S, self._poll)
            return
        self._signal_group(signal.SIGKILL)
        status = -code if code < 0 else code << 8
        self._on_end(TreeEnd(wait_status=status, total=1, leftover=0))
