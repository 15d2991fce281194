"""What is told to the terminal itself, by the bytes that reach it: title, bell, notifications."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.terminal_program import PROGRAM, quick_story, surroundings
from tests.support.terminal_pty import Pty

PUSH, POP = b"\x1b[22;2t", b"\x1b[23;2t"
FOCUS_IN, FOCUS_OUT = b"\x1b[I", b"\x1b[O"
OF_TERMINALS = ("KITTY_WINDOW_ID", "VTE_VERSION", "TERM_PROGRAM", "TMUX")
TITLE = re.compile(rb"\x1b\]2;([^\x07]*)\x07")
CALL = re.compile(rb"\x1b\](?:9|777;notify;Quarterdeck|99;);([^\x07\x1b]*)(?:\x07|\x1b\\)")
KINDS = r"(?:plan|permission|question)"
WORDS = re.compile(rf"[a-z]+ waits: {KINDS}|\d+ wait for you: [a-z]+ {KINDS}(?:, [a-z]+ {KINDS})*")
"""Names and kinds only: no plan, no command, no word of a model."""
PAUSE_S = 10.0


def demo(tmp_path: Path, **terminal: str) -> Pty:
    """The demo in a terminal of this kind."""
    environment = {name: value for name, value in surroundings(tmp_path).items() if name not in OF_TERMINALS}
    command = [*PROGRAM, "demo", "--scenario", str(quick_story(tmp_path))]
    return Pty(command, environment={**environment, **terminal}, folder=tmp_path)


def bells(written: bytes) -> int:
    """Bells that end no sequence."""
    return re.sub(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", written).count(b"\x07")


def stay(pty: Pty, seconds: float) -> bytes:
    """All that is written so far, after so long."""
    with suppress(AssertionError):
        pty.read_until(b"\x00", seconds)  # which is never written
    return bytes(pty.written)


@pytest.mark.parametrize(
    ("terminal", "start"),
    [
        ({}, b"\x1b]9;"),
        ({"TERM_PROGRAM": "ghostty"}, b"\x1b]777;notify;"),
        ({"KITTY_WINDOW_ID": "1"}, b"\x1b]99;;"),
    ],
)
def test_who_looks_elsewhere_is_called_once_by_name_and_kind(
    tmp_path: Path, terminal: dict[str, str], start: bytes
) -> None:
    with demo(tmp_path, **terminal) as pty:
        pty.read_until(b"Team ")
        pty.send(FOCUS_OUT)
        pty.read_until(start)
        written = stay(pty, PAUSE_S * 0.6)
        (call,) = CALL.findall(written)
        assert WORDS.fullmatch(call.decode()), call
        assert bells(written) == 1


def test_inside_tmux_there_is_only_the_bell(tmp_path: Path) -> None:
    with demo(tmp_path, TMUX="/tmp/tmux-1/default,1,0") as pty:
        pty.read_until(b"Team ")
        pty.send(FOCUS_OUT)
        pty.read_until(b"\xe2\x96\xb21 ")
        written = stay(pty, PAUSE_S * 0.5)
        assert CALL.findall(written) == []
        assert bells(written) == 1


def test_who_looks_is_not_called_and_the_title_tells_counts_and_is_given_back(tmp_path: Path) -> None:
    with demo(tmp_path) as pty:
        pty.read_until(b"Team ")
        pty.send(FOCUS_IN)
        pty.read_until(b"\xe2\x96\xb21 ")
        written = stay(pty, PAUSE_S * 0.5)
        assert CALL.findall(written) == []
        assert bells(written) == 0
        pty.send(b"\x11")
        pty.read_until(b"y quits")
        stay(pty, 1.0)  # longer than the guard
        pty.send(b"y")
        assert pty.wait_ended() == 0
        written = bytes(pty.written)
        titles = [title.decode() for title in TITLE.findall(written)]
        assert titles
        assert all(re.fullmatch(r"(?:[▲●]\d+ )?shop · Quarterdeck", title) for title in titles), titles
        assert any(title.startswith("▲1") for title in titles)
        assert written.index(PUSH) < written.index(b"\x1b]2;")
        assert written.rindex(POP) > written.rindex(b"\x1b]2;")
        assert written.count(PUSH) == written.count(POP) == 1
