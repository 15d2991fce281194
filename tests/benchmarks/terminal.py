"""A terminal of 120x40 that reads and drains what a program paints, and knows when each byte came."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.benchmarks.machine import keep_to_first_core, percentile

COLUMNS, ROWS = 120, 40
FRAME_BEGINS = b"\x1b[?2026h"
"""Textual writes it before every paint, when the terminal says that it knows it."""
_ASKS = b"\x1b[?2026$p"
_KNOWS = b"\x1b[?2026;2$y"
_KEPT = 2_000_000
NOTHING: Mapping[str, str] = {}
MARKS = "äöüßéèêñçøåæœðþłžšđħ"
"""Letters that no model here writes: each is seen on the screen only because it was typed."""


class Terminal:
    """The master side. One thread reads; `wait_for` tells when bytes came."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._changed = threading.Condition()
        self._bytes = bytearray()
        self._dropped = 0
        self._frames: list[float] = []
        self.first_byte_at: float | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:
                chunk = b""
            now = time.monotonic()
            with self._changed:
                if not chunk:
                    self._changed.notify_all()
                    return
                self._take(chunk, now)
                self._changed.notify_all()
            if _ASKS in chunk:
                os.write(self._master, _KNOWS)

    def _take(self, chunk: bytes, now: float) -> None:
        self._frames += [now] * chunk.count(FRAME_BEGINS)
        self._bytes += chunk
        if len(self._bytes) > _KEPT:
            surplus = len(self._bytes) - _KEPT // 2
            del self._bytes[:surplus]
            self._dropped += surplus

    @property
    def position(self) -> int:
        """How many bytes came so far."""
        with self._changed:
            return self._dropped + len(self._bytes)

    def paints(self, since: float, until: float) -> int:
        """Frames painted between two monotonic times."""
        with self._changed:
            return sum(since <= at < until for at in self._frames)

    def text(self) -> str:
        """What came last, with its control sequences."""
        with self._changed:
            return self._bytes.decode("utf-8", "replace")

    def tail(self) -> bytes:
        """The bytes that came last."""
        with self._changed:
            return bytes(self._bytes)

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait_until(self, holds: Callable[[bytes], object], since: int, limit_s: float = 30.0) -> float:
        """When what came after `since` first held. :raises TimeoutError: it never did."""
        end = time.monotonic() + limit_s
        with self._changed:
            while not holds(bytes(self._bytes[max(0, since - self._dropped) :])):
                if not self._changed.wait(end - time.monotonic()):
                    raise TimeoutError(f"never painted; last: {bytes(self._bytes[-2000:])!r}")
            return time.monotonic()

    def press(self, keys: str, wanted: bytes, limit_s: float = 30.0) -> float:
        """Press, and wait until `wanted` is painted; the seconds between."""
        return self.press_until(keys, lambda painted: wanted in painted, limit_s)

    def press_until(self, keys: str, holds: Callable[[bytes], object], limit_s: float = 30.0) -> float:
        """Press, and wait until what is painted holds; the seconds between."""
        since = self.position
        began = time.monotonic()
        self.write(keys)
        return self.wait_until(holds, since, limit_s) - began

    def type_marks(self, count: int, pause_s: float) -> list[float]:
        """Type single letters into the composer; seconds from key to paint of each."""
        took = []
        for number in range(count):
            mark = MARKS[number % len(MARKS)]
            took.append(self.press(mark, mark.encode()))
            time.sleep(pause_s)
            if number % len(MARKS) == len(MARKS) - 1:
                self.write("\x7f" * len(MARKS))
                time.sleep(2 * pause_s)
        return took


class Screen:
    """A running `screen_child` in a terminal."""

    def __init__(self, terminal: Terminal, pid: int, control: int, answers: int) -> None:
        self.terminal = terminal
        self.pid = pid
        self._control = control
        self._answers = os.fdopen(answers, "rb")

    def wait_ready(self) -> None:
        """Until the child is painted and warm."""
        self._answers.readline()

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Tell the child to do something; its answer."""
        os.write(self._control, msgspec.json.encode({"do": do, **fields}) + b"\n")
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"the screen ended: {self.terminal.text()[-1500:]}")
        found: dict[str, Any] = msgspec.json.decode(line)
        return found

    def wait_until(
        self, fact: str, least: int, limit_s: float = 120.0, pause_s: float = 0.2
    ) -> dict[str, Any]:
        """Ask for the facts until one is `least`."""
        end = time.monotonic() + limit_s
        while True:
            facts = self.ask("facts")
            if facts[fact] >= least:
                return facts
            if time.monotonic() > end:
                raise TimeoutError(f"{fact} stays {facts[fact]} of {least}")
            time.sleep(pause_s)


@contextmanager
def open_terminal(
    command: Sequence[str], fds: Sequence[int] = (), environment: Mapping[str, str] = NOTHING
) -> Iterator[tuple[Terminal, int]]:
    """Run a command in a new terminal, on the first core; the terminal and the pid."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=fds,
            env={**_environment(folder), **environment},
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        try:
            yield Terminal(master), process.pid
        finally:
            process.kill()
            process.wait()
            os.close(master)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    keep_to_first_core()


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, "HOME": folder, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


@contextmanager
def open_screen(url: str, count: int, model: str, killed_s: float | None = None) -> Iterator[Screen]:
    """The screen over a session of `count` teammates on `model`; killed rows stay so long, or very long."""
    down_read, down_write = os.pipe()
    up_read, up_write = os.pipe()
    stay = () if killed_s is None else (str(killed_s),)
    command = [
        sys.executable, "-m", "tests.benchmarks.screen_child",
        url, str(count), model, str(down_read), str(up_write), *stay,
    ]  # fmt: skip
    with open_terminal(command, (down_read, up_write)) as (terminal, pid):
        os.close(down_read)
        os.close(up_write)
        screen = Screen(terminal, pid, down_write, up_read)
        screen.wait_ready()
        yield screen


def p99_ms(seconds: Sequence[float]) -> float:
    """In milliseconds."""
    return percentile(seconds, 0.99) * 1000


def first_bytes_s(command: Sequence[str], wanted: bytes, environment: Mapping[str, str]) -> float:
    """Seconds from starting a program in a new terminal until `wanted` is painted."""
    began = time.monotonic()
    with open_terminal(command, (), environment) as (terminal, _pid):
        return terminal.wait_until(lambda painted: wanted in painted, 0) - began
