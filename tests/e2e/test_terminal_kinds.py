"""Terminals with less or with habits: no colour, no Unicode, stopped and continued, strange bytes."""

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, is_restored, until
from tests.support.terminal_program import (
    PROGRAM,
    demo_folder,
    logs_of,
    quick_story,
    stands_in,
    surroundings,
)
from tests.support.terminal_pty import Pty
from tests.support.terminal_team import row, rows, select

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

TEAM = {"researcher", "coder", "tester", "runaway"}


def demo_command(tmp_path: Path) -> list[str]:
    return [*PROGRAM, "demo", "--scenario", str(quick_story(tmp_path)), "--log", str(tmp_path / "log")]


def demo_at_work(tmp_path: Path, environment: Mapping[str, str] | None = None) -> Terminal:
    given = [f"{name}={value}" for name, value in (environment or {}).items()]
    command = ["env", *given, *demo_command(tmp_path)]
    return Terminal(command, environment=surroundings(tmp_path), folder=tmp_path)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    with demo_at_work(tmp_path, {"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.press("n")
        terminal.wait_for("asks to start")
        written = terminal.written()
    colours = re.findall(rb"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m", written)
    assert colours == []
    assert b"\x1b[" in written


def test_a_locale_without_unicode_gets_ascii(tmp_path: Path) -> None:
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with demo_at_work(tmp_path, environment) as terminal:
        shown = terminal.wait_for(lambda shown: "plan v1" in shown and "runaway" in shown)
        assert shown.isascii(), shown
        terminal.press("n")
        shown = terminal.wait_for("asks to start")
        assert shown.isascii(), shown
        terminal.press("C-q")
        terminal.press("y")
        assert terminal.wait_ended() == 0
        assert terminal.written().isascii()
    assert "UnicodeEncodeError" not in logs_of(tmp_path)


def test_errors_sent_elsewhere_do_not_take_the_screen_along(tmp_path: Path) -> None:
    command = ["sh", "-c", 'exec "$@" 2>errors', "sh", *demo_command(tmp_path)]
    with Terminal(command, environment=surroundings(tmp_path), folder=tmp_path) as terminal:
        terminal.wait_for(lambda shown: set(rows(shown)) >= TEAM)
        terminal.press("C-q")
        terminal.press("y")
        assert terminal.wait_ended() == 0
        assert is_restored(terminal) == []
    assert (tmp_path / "errors").read_bytes() == b""


def test_stopped_continued_and_resized_it_paints_anew(tmp_path: Path) -> None:
    with demo_at_work(tmp_path) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        os.kill(terminal.pid, signal.SIGTSTP)
        assert until(lambda: is_stopped(terminal.pid))
        assert not terminal.is_in_alternate_screen()
        assert not terminal.reports_mouse()
        terminal.resize(100, 30)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for(
            lambda shown: (
                "plan v1" in row(shown, "coder") and all(len(one) <= 100 for one in shown.splitlines())
            )
        )
        assert terminal.is_in_alternate_screen()
        terminal.press("n")
        terminal.wait_for("asks to start")


def test_ctrl_z_and_ctrl_c_freeze_and_end_nothing(tmp_path: Path) -> None:
    with demo_at_work(tmp_path) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.press("C-z")
        terminal.wait_for("ctrl+x p")
        assert not is_stopped(terminal.pid)
        terminal.press("C-c")
        terminal.wait_for("ctrl+q quits")
        assert set(rows(terminal.capture())) >= {"coder", "tester", "runaway"}


def test_kill_all_asks_with_the_number_and_then_kills_everything(tmp_path: Path) -> None:
    with demo_at_work(tmp_path) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        assert until(lambda: len(stands_in(demo_folder(tmp_path))) >= 5)
        terminal.press("C-x")
        terminal.send("k")
        terminal.wait_for("Kill all")
        assert len(stands_in(demo_folder(tmp_path))) >= 5
        terminal.press("y")
        terminal.wait_for(lambda shown: all("killed" in row(shown, name) for name in ("coder", "tester")))
        assert until(lambda: stands_in(demo_folder(tmp_path)) == [])
        terminal.wait_for(lambda shown: rows(shown) == [])


def test_five_presses_of_kill_kill_one(tmp_path: Path) -> None:
    with demo_at_work(tmp_path) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        select(terminal, "runaway")
        terminal.press("x")
        terminal.send("x", "x", "x", "x")
        terminal.wait_for(lambda shown: "killed" in row(shown, "runaway"))
        shown = terminal.wait_for(lambda shown: "runaway" not in rows(shown))
        assert {"coder", "tester"} <= set(rows(shown))
        assert "killed" not in row(shown, "coder") + row(shown, "tester")
    text = logs_of(tmp_path)
    assert len(re.findall(r'"kind": "task_terminated".*?"agent": "runaway"', text)) == 1


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    with Pty(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as pty:
        pty.read_until(b"plan v1")
        for strange in (
            b"\xff\xfe\x80",
            b"\x1b[999;999;999~",
            b"\x1b]52;c;?\x07",
            b"\x1b[<999;1;1M",
            b"\x00",
            b"\xc3",
        ):
            pty.send(strange)
        pty.send(b"\x1b[<35;700;900M\x1b[I\x1b[O\x1b[?2026;2$y\x1b[?1;2c")
        pty.forget()
        pty.send(b"\x11")
        pty.read_until(b"Quit")
        pty.signal(signal.SIGTERM)
        assert pty.wait_ended() == 143
    assert "Traceback" not in logs_of(tmp_path)


def test_without_a_model_it_says_the_ways_on_and_ends(tmp_path: Path) -> None:
    with Terminal([*PROGRAM], environment=surroundings(tmp_path), folder=tmp_path) as terminal:
        shown = terminal.wait_for("quarterdeck demo")
        assert "ANTHROPIC_API_KEY" in shown
        assert "ANTHROPIC_BASE_URL" in shown
        terminal.press("C-q")
        assert terminal.wait_ended() == 0
        assert is_restored(terminal) == []


def test_a_model_that_is_down_is_told_and_ends_nothing(tmp_path: Path) -> None:
    environment = surroundings(tmp_path, ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    with Terminal([*PROGRAM, "do it"], environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for("No connection to the model")
        terminal.press("C-q")
        assert terminal.wait_ended() == 0
        assert is_restored(terminal) == []
    assert "Traceback" not in logs_of(tmp_path)


def test_its_folder_may_vanish(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with Terminal([*PROGRAM], environment=surroundings(tmp_path), folder=gone) as terminal:
        terminal.wait_for("quarterdeck demo")
        gone.rmdir()
        terminal.press("?")
        terminal.wait_for("Command a teammate")
        terminal.press("C-q")
        assert terminal.wait_ended() == 0
