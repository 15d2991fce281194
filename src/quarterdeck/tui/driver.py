"""The driver between the screen and the terminal. Textual's own, but it outlives its terminal.

Textual's writer thread dies of a closed terminal and stands still with one that takes no bytes; its queue
then fills up, and the whole program waits for ever. Here what cannot be written is dropped.
"""

import os
import select
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, cast

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

CHUNK_BYTES = 4096
LOOK_S = 0.1
"""How often the input thread looks whether it shall end, and whether a lone Esc is one."""
PATIENCE_S = 1.0
"""A terminal that took no byte for so long is stalled: nothing waits for it any more."""
HUNG_UP = 129
"""The exit code of a program whose terminal went away: 128 + SIGHUP."""
CANCEL = b"\x18"
"""Ends an escape sequence that was cut off."""


class LastingFile:
    """What the writer thread writes to: it never raises, and waits `PATIENCE_S` at most.

    :param gone: called once, in the writer thread, when the terminal is found gone.
    :param back: called there when a stalled terminal takes bytes again: what it shows is out of date.
    """

    def __init__(self, descriptor: int, gone: Callable[[], None], back: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._gone = gone
        self._back = back
        self._is_gone = False
        self._is_stalled = False

    def fileno(self) -> int:
        """The terminal's file descriptor."""
        return self._descriptor

    def flush(self) -> None:
        """Nothing is held back here."""

    def write(self, text: str) -> int:
        """Write all of it, or drop the rest when the terminal is stalled or gone."""
        if self._is_gone:
            return len(text)
        try:
            self._write(memoryview(text.encode("utf-8", "replace")))
        except OSError:
            self._is_gone = True
            self._gone()
        return len(text)

    def _write(self, rest: memoryview) -> None:
        while rest:
            if not self._takes_bytes(0.0 if self._is_stalled else PATIENCE_S):
                self._is_stalled = True
                return
            if self._is_stalled:
                self._is_stalled = False
                os.write(self._descriptor, CANCEL)
                self._back()
            with suppress(BlockingIOError):
                rest = rest[os.write(self._descriptor, rest[:CHUNK_BYTES]) :]

    def _takes_bytes(self, within_s: float) -> bool:
        return bool(select.select([], [self._descriptor], [], within_s)[1])


def open_terminal(descriptor: int) -> int:
    """The same terminal, opened once more so that a write never waits; else the descriptor itself.

    `O_NONBLOCK` set on the descriptor would also hold for whoever shares it: the shell, standard input.
    """
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return descriptor


class TerminalDriver(LinuxDriver):
    """Textual's driver over a `LastingFile`. A terminal that goes away ends the app with `HUNG_UP`."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # Standard output, which was found to be a terminal; Textual would take standard error.
        lasting = LastingFile(open_terminal(1), self._hang_up, self._paint_anew)
        self._file = cast("TextIOWrapper[Any]", lasting)

    def run_input_thread(self) -> None:
        """Read keys until the app ends or the terminal is gone; bytes that are no text become U+FFFD."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], LOOK_S)[0]:
                raw = self._read()
                if not raw:
                    self._hang_up()
                    return
                if not self._feed(parser, decode(raw)):
                    parser = XTermParser(self._debug)
            for event in parser.tick():
                self.process_message(event)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, CHUNK_BYTES)
        except OSError:
            return b""

    def _feed(self, parser: XTermParser, text: str) -> bool:
        """Whether the parser is still good."""
        if not text:  # half a character so far; to the parser an empty text would be the end
            return True
        try:
            for event in parser.feed(text):
                self.process_message(event)
        except ParseError:
            return False
        return True

    def _hang_up(self) -> None:
        self._tell(lambda: self._app.exit(HUNG_UP))

    def _paint_anew(self) -> None:
        self._tell(lambda: self._app.refresh(layout=True))

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody is left to tell
            self._loop.call_soon_threadsafe(what)
