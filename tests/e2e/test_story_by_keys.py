"""The demo's story, played in a real terminal by keys alone and judged from outside the program."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, is_busy, is_restored, until
from tests.support.terminal_program import (
    PROGRAM,
    TRACES,
    demo_folder,
    logs_of,
    quick_story,
    requests_logged,
    stands_in,
    surroundings,
)
from tests.support.terminal_team import row, rows, select, selected

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

TEAM = {"researcher", "coder", "tester", "runaway"}
FEEDBACK = "please keep the signature as it is, friend"
GUARD_S = 0.3


def sample_passes(folder: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "unittest"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and "OK" in done.stderr


class Watch:
    """One demo on the screen, with its folder and its server's log."""

    def __init__(self, tmp_path: Path, *options: str) -> None:
        self.log = tmp_path / "requests.jsonl"
        self.terminal = Terminal(
            [*PROGRAM, "demo", "--log", str(self.log), *options],
            environment=surroundings(tmp_path),
            folder=tmp_path,
        )
        self.tmp_path = tmp_path

    @property
    def folder(self) -> Path:
        return demo_folder(self.tmp_path)

    def requests(self, agent: str) -> int:
        return len(requests_logged(self.log, agent))


def test_the_story_by_keys_alone(tmp_path: Path) -> None:
    started = time.monotonic()
    watch = Watch(tmp_path)
    with watch.terminal as terminal:
        terminal.wait_for(lambda shown: set(rows(shown)) >= TEAM)
        assert is_busy() or time.monotonic() - started < 10.0
        _the_plan_is_rejected_and_comes_back(watch)
        _the_second_is_approved_and_done(watch)
        _the_permission_is_given(watch)
        _runaway_is_killed(watch)
        terminal.press("C-q")
        terminal.wait_for("y")
        terminal.press("y")
        assert terminal.wait_ended() == 0
        assert is_restored(terminal) == []
        assert not any(trace in terminal.capture() for trace in TRACES)
    assert list((tmp_path / "tmp").glob("quarterdeck-demo-*")) == []
    assert "Traceback" not in logs_of(tmp_path)


def _the_plan_is_rejected_and_comes_back(watch: Watch) -> None:
    terminal = watch.terminal
    before = (watch.folder / "shop" / "price.py").read_text("utf-8")
    terminal.wait_for("▲ 1 needs you")
    terminal.press("n")
    terminal.wait_for("coder asks to start · plan v1")
    terminal.press("d")
    terminal.wait_for("Reject plan v1 of coder")
    terminal.type(FEEDBACK)
    terminal.wait_for(FEEDBACK)
    terminal.press("Enter")
    terminal.wait_for(lambda shown: "plan v2" in row(shown, "coder"))
    terminal.press("n")
    shown = terminal.wait_for("coder asks to start · plan v2")
    # Lines of the first plan go and lines of the second come: a difference, not the plan once more.
    panel = [line.partition("│")[2] for line in shown.splitlines()]
    assert any(line.strip().startswith("- 2. `round_price`") for line in panel), shown
    assert any(line.strip().startswith("+ 3. Add a test for a negative") for line in panel), shown
    assert any(line.strip().startswith("+") and FEEDBACK in line for line in panel), shown
    assert (watch.folder / "shop" / "price.py").read_text("utf-8") == before


def _the_second_is_approved_and_done(watch: Watch) -> None:
    terminal = watch.terminal
    assert not sample_passes(watch.folder)
    terminal.press("a")
    terminal.wait_for("Plan v2 approved")
    price = watch.folder / "shop" / "price.py"
    assert until(lambda: "ROUND_HALF_UP" in price.read_text("utf-8"))
    terminal.wait_for(lambda shown: "asks:" in row(shown, "tester"))
    assert sample_passes(watch.folder)


def _the_permission_is_given(watch: Watch) -> None:
    terminal, report = watch.terminal, watch.folder / "report.txt"
    terminal.press("n")
    terminal.wait_for(lambda shown: "tester asks" in shown and "report.txt" in shown)
    assert not report.exists()
    terminal.press("a")
    assert until(lambda: report.exists() and "OK" in report.read_text("utf-8")), terminal.capture()
    terminal.wait_for(lambda shown: "asks:" not in row(shown, "tester"))


def _runaway_is_killed(watch: Watch) -> None:
    terminal = watch.terminal
    assert until(lambda: len(stands_in(watch.folder)) >= 5)
    terminal.send("Escape")
    select(terminal, "runaway")
    terminal.press("x")
    pressed = time.monotonic()
    terminal.wait_for(lambda shown: "killed" in row(shown, "runaway"))
    assert is_busy() or time.monotonic() - pressed < 1.0
    known = watch.requests("runaway")
    assert until(lambda: stands_in(watch.folder) == []), stands_in(watch.folder)
    neighbour = _press_x_when_the_row_leaves(watch)
    terminal.press("h")
    shown = terminal.wait_for(lambda shown: "History" in shown and "runaway" in shown)
    assert any("runaway" in line and "killed" in line for line in shown.splitlines()), shown
    terminal.press("h")
    shown = terminal.wait_for(lambda shown: "Inbox" in shown)
    assert neighbour in rows(shown)
    assert "killed" not in row(shown, neighbour)
    assert watch.requests("runaway") == known
    assert stands_in(watch.folder) == []


def _press_x_when_the_row_leaves(watch: Watch) -> str:
    """The row's neighbour, to which the cursor went by itself: `x` at once must not be for that one."""
    terminal = watch.terminal
    still_there = time.monotonic()
    while "runaway" in rows(shown := terminal.capture()):
        still_there = time.monotonic()
    terminal.send("x")
    came_after = time.monotonic() - still_there
    neighbour = selected(shown)
    assert neighbour in TEAM - {"runaway"}
    if came_after >= GUARD_S:
        pytest.skip(f"this machine is too busy: x came {came_after:.1f} s after the row left")
    terminal.wait_for("just appeared")
    return neighbour


def test_an_answer_typed_ahead_is_dropped(tmp_path: Path) -> None:
    watch = Watch(tmp_path, "--scenario", str(quick_story(tmp_path)))
    with watch.terminal as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.send("n", "a")
        shown = terminal.wait_for("just appeared: press a again")
        assert "coder asks to start · plan v1" in shown
        terminal.press("a")
        terminal.wait_for("Plan v1 approved")


def test_a_kill_typed_ahead_is_dropped(tmp_path: Path) -> None:
    watch = Watch(tmp_path, "--scenario", str(quick_story(tmp_path)))
    with watch.terminal as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.send("n", "x")
        shown = terminal.wait_for("just appeared: press x again")
        assert "killed" not in row(shown, "coder")
