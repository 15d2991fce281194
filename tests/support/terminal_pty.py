"""The program on a bare pseudo-terminal: every byte it writes, and a terminal that goes away or stalls."""

import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import Self

from tests.support.terminal import SOON_S

_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Pty:
    """One command with a pseudo-terminal as its controlling terminal. Use it as a context.

    Its output is read only inside the methods: between them the terminal takes what its buffer holds.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (120, 36),
    ) -> None:
        self._master, slave = os.openpty()
        columns, rows = size
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes_before = termios.tcgetattr(slave)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            cwd=folder,
            start_new_session=True,
        )
        self._slave = slave
        self.written = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for descriptor in (self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._slave = self._master = -1

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def send(self, keys: bytes) -> None:
        """What the terminal sends for keys."""
        os.write(self._master, keys)

    def signal(self, number: signal.Signals) -> None:
        """To the program alone."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """The terminal's window is closed."""
        os.close(self._slave)
        os.close(self._master)
        self._slave = self._master = -1

    def read_until(self, wanted: bytes, within_s: float = SOON_S) -> bytes:
        """All that was written so far, once `wanted` is in it. :raises AssertionError: it is not in time."""
        deadline = time.monotonic() + within_s
        while wanted not in self.written:
            assert time.monotonic() < deadline, (
                f"{within_s:.0f} s without {wanted!r}: {self.written[-3000:]!r}"
            )
            self._read(0.1)
        return bytes(self.written)

    def drain(self, for_s: float = 1.0) -> None:
        """Read what is there; a program that writes all the time is read for `for_s`."""
        deadline = time.monotonic() + for_s
        while self._read(0.05) and time.monotonic() < deadline:
            continue

    def forget(self) -> None:
        """Look at what is written from now on."""
        self.drain(0.1)
        self.written.clear()

    def wait_ended(self, within_s: float = SOON_S, *, reads: bool = True) -> int:
        """The exit code, negative for a signal. :raises AssertionError: it goes on."""
        deadline = time.monotonic() + within_s
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end in {within_s:.0f} s"
            if reads and self._master >= 0:
                self._read(0.05)
            else:
                time.sleep(0.05)
        if reads and self._master >= 0:
            self.drain()
        return self._process.returncode

    def modes(self) -> list[object]:
        """The terminal's modes now."""
        return list(termios.tcgetattr(self._slave))

    def _read(self, within_s: float) -> bool:
        if not select.select([self._master], [], [], within_s)[0]:
            return False
        self.written += os.read(self._master, 65536)
        return True
