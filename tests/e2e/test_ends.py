"""Every way in which the program ends: the exit code, the terminal as it was, no process left, all saved.

INP-07 (it is told to end) and INP-08 (it is gone all at once).
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.bootstrap.stored import read_session
from quarterdeck.domain.teammates import Lifecycle, Outcome
from quarterdeck.state.selectors import select_living
from quarterdeck.tui.driver import CANCEL
from tests.support.terminal import Terminal, is_busy, is_restored, left_on, until
from tests.support.terminal_program import (
    PROGRAM,
    TRACES,
    demo_folder,
    logs_of,
    quick_story,
    stands_in,
    surroundings,
)
from tests.support.terminal_pty import Pty
from tests.support.terminal_team import row, rows

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

TEAM = {"researcher", "coder", "tester", "runaway"}
END_S = 20.0
"""A busy machine gets more than the promise."""
PROMISED_END_S = 8.0
IN_TURN = (Lifecycle.EXECUTING, Lifecycle.WAITING)


def demo_command(tmp_path: Path) -> list[str]:
    return [*PROGRAM, "demo", "--scenario", str(quick_story(tmp_path)), "--log", str(tmp_path / "log")]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Terminal]:
    """A demo on the screen, `runaway` with its daemons."""
    with Terminal(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as terminal:
        terminal.wait_for(lambda shown: set(rows(shown)) >= TEAM)
        assert until(lambda: len(stands_in(demo_folder(tmp_path))) >= 5), terminal.capture()
        yield terminal


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[Pty]:
    """The same on a bare pseudo-terminal."""
    with Pty(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as opened:
        opened.read_until(b"runaway")
        assert until(lambda: _runs_daemons(opened, tmp_path))
        yield opened


def _runs_daemons(opened: Pty, tmp_path: Path) -> bool:
    opened.forget()
    return len(stands_in(demo_folder(tmp_path))) >= 5


def nothing_is_left(tmp_path: Path) -> None:
    own = tmp_path / "tmp"
    assert until(lambda: stands_in(own) + stands_in(tmp_path / "home") == [], 2.0), stands_in(tmp_path)
    assert list(own.glob("quarterdeck-demo-*")) == []


def saved(tmp_path: Path) -> Recovered:
    """The demo's session as its journal has it."""
    (path,) = (tmp_path / "home" / "quarterdeck" / "state" / "sessions").glob("*/journal.db")
    found = read_session(path)
    assert found.damage == ()
    assert {mate.name for mate in found.state.team.by_run.values()} >= TEAM
    return found


def is_saved_whole(tmp_path: Path) -> None:
    """It was closed in order, and no turn is open."""
    found = saved(tmp_path)
    assert not found.crashed
    places = {mate.place for mate in select_living(found.state.team)}
    assert places <= {Lifecycle.READY}


def test_quit_with_a_team_at_work_asks_and_leaves_nothing(demo: Terminal, tmp_path: Path) -> None:
    demo.press("C-q")
    demo.wait_for("Quit")
    assert set(rows(demo.capture())) >= TEAM - {"researcher"}
    demo.press("y")
    assert demo.wait_ended(END_S) == 0
    assert is_restored(demo) == []
    nothing_is_left(tmp_path)


def test_no_on_the_quit_sheet_leaves_the_team_at_work(demo: Terminal, tmp_path: Path) -> None:
    demo.press("C-q")
    demo.wait_for("Quit")
    demo.press("Enter")
    demo.press("Escape")
    demo.wait_for(lambda shown: "Inbox" in shown and "killed" not in row(shown, "runaway"))
    assert len(stands_in(demo_folder(tmp_path))) >= 5


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_inp_07_a_signal_ends_it_in_order_within_8_s_and_all_is_saved(
    demo: Terminal, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    os.kill(demo.pid, number)
    began = time.monotonic()
    assert demo.wait_ended(END_S) == code
    assert is_busy() or time.monotonic() - began <= PROMISED_END_S
    assert is_restored(demo) == []
    assert not any(trace in demo.capture() for trace in TRACES)
    nothing_is_left(tmp_path)
    is_saved_whole(tmp_path)


def test_inp_07_a_closed_window_ends_it_within_8_s_and_all_is_saved(pty: Pty, tmp_path: Path) -> None:
    pty.hang_up()
    began = time.monotonic()
    assert pty.wait_ended(END_S) == 129
    assert is_busy() or time.monotonic() - began <= PROMISED_END_S
    nothing_is_left(tmp_path)
    is_saved_whole(tmp_path)


def go_unread(pty: Pty) -> None:
    """Long enough that the terminal's buffer, and all queues behind it, are full of palettes."""
    for _ in range(60):
        pty.send(b"\x10\x1b")
        time.sleep(0.05)


def test_a_terminal_that_takes_no_bytes_does_not_keep_it_from_ending(pty: Pty, tmp_path: Path) -> None:
    go_unread(pty)
    pty.signal(signal.SIGTERM)
    assert pty.wait_ended(END_S, reads=False) == 143
    nothing_is_left(tmp_path)


def test_a_terminal_that_stalled_is_painted_anew(pty: Pty) -> None:
    pty.forget()
    rounds = 0
    while CANCEL not in pty.written and (rounds := rounds + 1) < 6:
        go_unread(pty)
        pty.drain()
    pty.read_until(CANCEL)

    def is_whole() -> bool:
        pty.drain()
        anew = bytes(pty.written).rpartition(CANCEL)[2]
        return all(word in anew for word in (b"Team", b"Inbox", b"tester", b"runaway", b"next"))

    assert until(is_whole), bytes(pty.written[-2000:])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, 137), (signal.SIGQUIT, 131), (signal.SIGABRT, 134)]
)
def test_inp_08_gone_all_at_once_it_leaves_no_process_after_a_second_and_the_next_start_says_so(
    demo: Terminal, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    folder = demo_folder(tmp_path)
    os.kill(demo.pid, number)
    killed = time.monotonic()
    assert until(lambda: stands_in(folder) == [], 10.0), stands_in(folder)
    assert is_busy() or time.monotonic() - killed < 1.0
    assert demo.wait_ended() == code
    found = saved(tmp_path)
    assert found.crashed
    cut_off = [mate.name for mate in select_living(found.state.team) if mate.place in IN_TURN]
    assert "runaway" in cut_off
    command = [*PROGRAM, "--resume", found.state.session.id]
    with Pty(command, environment=surroundings(tmp_path), folder=tmp_path) as again:
        again.read_until(b"A crash cut off", END_S)
        again.signal(signal.SIGTERM)
        assert again.wait_ended(END_S) == 143
    team = saved(tmp_path).state.team
    ends = {mate.name: mate.outcome for mate in team.by_run.values()}
    assert {name: ends[name] for name in cut_off} == dict.fromkeys(cut_off, Outcome.UNKNOWN)


CRASH = """
import sys
from {module} import {kind}
from quarterdeck.__main__ import main

def crash(self, *given, **named):
    secret = "local canary"
    raise RuntimeError("crash on purpose")

{kind}.{method} = crash
sys.argv[1:] = {arguments}
main()
"""
TAP = "\x1b[<0;5;4M\x1b[<0;5;4m"
"""A click on the second row, as the terminal reports it."""


@pytest.mark.parametrize(
    ("module", "kind", "method", "keys"),
    [
        ("quarterdeck.tui.app", "QuarterdeckApp", "perform", "j"),
        ("quarterdeck.tui.app", "QuarterdeckApp", "_tell", ""),
        ("quarterdeck.tui.widgets.roster", "Roster", "on_click", TAP),
        ("quarterdeck.tui.widgets.roster", "Roster", "render_line", ""),
    ],
    ids=["key", "timer", "click", "paint"],
)
def test_a_crash_restores_the_terminal_and_tells_the_log_alone(
    tmp_path: Path, module: str, kind: str, method: str, keys: str
) -> None:
    script, arguments = tmp_path / "crash.py", demo_command(tmp_path)[len(PROGRAM) :]
    script.write_text(CRASH.format(module=module, kind=kind, method=method, arguments=arguments))
    command = [sys.executable, str(script)]
    with Terminal(command, environment=surroundings(tmp_path), folder=tmp_path) as terminal:
        if keys:
            terminal.wait_for(lambda shown: set(rows(shown)) >= TEAM)
            terminal.type(keys)
        assert terminal.wait_ended(END_S) == 1
        assert is_restored(terminal) == []
        (line,) = terminal.capture().replace("\n", "").split("quarterdeck: ")[1:]
        assert "crashed (RuntimeError)" in line
        assert str(tmp_path / "home" / "quarterdeck" / "logs") in line
        assert b"crash on purpose" not in terminal.written()
    log = logs_of(tmp_path)
    assert "Traceback" in log
    assert "RuntimeError: crash on purpose" in log
    assert "local canary" not in log.replace('secret = \\"local canary', "")
    nothing_is_left(tmp_path)


@pytest.mark.parametrize("after_s", [0.2, 0.5, 0.8, 1.1])
def test_a_signal_while_it_starts_leaves_nothing_either(tmp_path: Path, after_s: float) -> None:
    with Pty(demo_command(tmp_path), environment=surroundings(tmp_path), folder=tmp_path) as pty:
        time.sleep(after_s)  # wherever in its start this hits
        pty.signal(signal.SIGTERM)
        assert pty.wait_ended(END_S) in (143, -signal.SIGTERM)
        assert left_on(bytes(pty.written)) == []
        assert b"Traceback" not in pty.written
        assert pty.modes() == pty.modes_before
    assert until(lambda: stands_in(tmp_path / "tmp") == [], 2.0)


def test_ctrl_c_on_the_headless_demo_ends_it_with_130(tmp_path: Path) -> None:
    command = [*demo_command(tmp_path), "--headless"]
    with Pty(command, environment=surroundings(tmp_path), folder=tmp_path) as pty:
        pty.read_until(b"runaway has")
        pty.send(b"\x03")
        assert pty.wait_ended(END_S) == 130
        assert b"Traceback" not in pty.written
    nothing_is_left(tmp_path)


def test_ctrl_c_on_run_ends_it_with_130(tmp_path: Path) -> None:
    scenario = tmp_path / "slow.toml"
    scenario.write_text('models = ["scripted"]\n[default]\ntext = "late"\ndelay_s = 60\n')
    log = tmp_path / "log"
    with Pty(
        [*PROGRAM, "scripted-model", "--scenario", str(scenario), "--log", str(log)],
        environment=surroundings(tmp_path),
        folder=tmp_path,
    ) as server:
        url = server.read_until(b"\n").decode().strip()
        with Pty(
            [*PROGRAM, "run", "do it"],
            environment=surroundings(tmp_path, ANTHROPIC_BASE_URL=url),
            folder=tmp_path,
        ) as program:
            assert until(lambda: log.exists() and '"/v1/messages"' in log.read_text())
            program.send(b"\x03")
            assert program.wait_ended(END_S) == 130
            assert b"Traceback" not in program.written
            assert left_on(bytes(program.written)) == []
        server.send(b"\x03")
        assert server.wait_ended(END_S) == 0
