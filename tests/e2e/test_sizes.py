"""Terminals of every size, sizes that change all the time, and pastes: it lives and stays readable."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, until
from tests.support.terminal_program import (
    PROGRAM,
    TRACES,
    logs_of,
    quick_story,
    requests_logged,
    surroundings,
)
from tests.support.terminal_pty import Pty
from tests.support.terminal_team import row, rows, select

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

TEAM = {"researcher", "coder", "tester", "runaway"}
FULL, SMALL, TINY = "full", "small", "tiny"
SIZES = {
    (10, 2): TINY,
    (1, 1): TINY,
    (24, 8): SMALL,
    (48, 12): SMALL,
    (60, 16): FULL,
    (80, 24): FULL,
    (120, 36): FULL,
    (200, 60): FULL,
    (400, 200): FULL,
}


def demo_command(tmp_path: Path) -> list[str]:
    return [*PROGRAM, "demo", "--scenario", str(quick_story(tmp_path)), "--log", str(tmp_path / "log")]


def shows(kind: str, shown: str) -> bool:
    """Whether the screen is one that a size of this kind has, with what needs the person on it."""
    match kind:
        case "tiny":
            return "▲" in shown or shown.strip() == "…"
        case "small":
            return "60×16" in shown and "▲ 1 needs you" in shown and "ctrl+q quit" in shown
    return "coder" in rows(shown) and "plan v1" in row(shown, "coder")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_it_starts_and_ends_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    kind = SIZES[size]
    command = demo_command(tmp_path)
    with Terminal(command, environment=surroundings(tmp_path), folder=tmp_path, size=size) as terminal:
        shown = terminal.wait_for(partial(shows, kind))
        assert all(len(line) <= size[0] for line in shown.splitlines())
        terminal.press("C-q")
        terminal.press("y")
        assert terminal.wait_ended() == 0
        assert not any(trace in terminal.capture() for trace in TRACES)
    assert "Traceback" not in logs_of(tmp_path)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        yield terminal


def test_400_resizes_do_it_no_harm(demo: Terminal, tmp_path: Path) -> None:
    chance = random.Random(400)
    for _ in range(400):
        demo.resize(
            chance.choice((1, 10, 59, 60, 79, 80, 120, 200, 400)), chance.choice((1, 2, 15, 16, 36, 200))
        )
    for size, kind in SIZES.items():
        demo.resize(*size)
        demo.wait_for(partial(shows, kind))
    demo.resize(120, 36)
    demo.wait_for(lambda shown: shows(FULL, shown) and "Inbox" in shown)
    demo.press("n")
    demo.wait_for("coder asks to start · plan v1")
    assert "Traceback" not in logs_of(tmp_path)


def test_a_request_can_be_answered_at_the_least_size(demo: Terminal) -> None:
    demo.resize(60, 16)
    demo.wait_for(lambda shown: all(len(line) <= 60 for line in shown.splitlines()) and shows(FULL, shown))
    demo.press("n")
    demo.wait_for("plan v1")
    demo.wait_for("approve")
    demo.press("a")
    demo.wait_for(lambda shown: "plan v1 ·" not in row(shown, "coder"))


def test_a_paste_of_a_megabyte_is_folded_and_sends_nothing(demo: Terminal, tmp_path: Path) -> None:
    text = "".join(f"line {number} of a very long paste, \t日本語\n" for number in range(25_000))
    assert len(text.encode()) > 1_000_000
    known = len(requests_logged(tmp_path / "log", "coder"))
    select(demo, "coder")
    demo.press("m")
    demo.wait_for("enter send")
    demo.paste(text)
    demo.wait_for("[pasted 25,0")
    demo.type("xyz")
    demo.wait_for("]xyz")
    demo.press("Escape")
    demo.wait_for("n next")
    assert len(requests_logged(tmp_path / "log", "coder")) == known
    assert "Traceback" not in logs_of(tmp_path)


def test_a_paste_outside_text_becomes_a_draft_and_presses_no_key(demo: Terminal) -> None:
    select(demo, "coder")
    demo.paste("x\nay\nq\n")
    shown = demo.wait_for("enter send")
    assert "killed" not in shown
    assert "plan v1" in row(shown, "coder")


def test_the_end_of_a_paste_within_a_paste_sends_nothing(tmp_path: Path) -> None:
    with Pty(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as pty:
        pty.read_until(b"plan v1")
        known = len(requests_logged(tmp_path / "log"))
        pty.send(b"\x1b[200~" + b"draft one\rdraft two\r\x1b[20" + b"1~ rest \x1b[201~")
        pty.read_until(b"draft one")
        assert until(lambda: b"rest" in pty.read_until(b"draft two"))
        assert len(requests_logged(tmp_path / "log", "coder")) <= known
