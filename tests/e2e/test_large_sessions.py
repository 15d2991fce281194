"""DUR-07: a transcript of 100 MB, a line of 20 MB and 10,000 runs come back soon, and not whole in memory."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from tests.support.states import NOW, ended, evicted, idle, ready, spawned
from tests.support.stored_sessions import SessionFile, says
from tests.support.terminal import is_busy
from tests.support.terminal_program import PROGRAM, surroundings
from tests.support.terminal_pty import Pty

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

MOST_TIMES = 8.0
"""As long as a small session takes, in the same run: two seconds where the row was measured."""
BUSY_S = 20.0
LINE = 20_000_000
"""Bytes of the longest line: the most that has to be in memory at once."""
WHOLE = 100_000_000
RUNS = 10_000
Facts = Callable[[], Iterator[did.Action]]


def a_long_transcript() -> Iterator[did.Action]:
    """100 MB in texts of 4 kB to 200 kB."""
    yield from idle("coder")
    told = 0
    for number in range(100_000):
        text = f"{number} {'word ' * (800, 4_000, 40_000)[number % 3]}"
        told += len(text)
        yield says("coder", text)
        if told > WHOLE:
            return


def a_long_line() -> Iterator[did.Action]:
    """One text of 20 MB without a line break, and one behind it."""
    yield from idle("coder")
    yield says("coder", "x" * LINE)
    yield says("coder", "The end.")


def many_runs() -> Iterator[did.Action]:
    """10,000 runs that have ended, and one that lives."""
    for number in range(RUNS):
        name = f"run{number}"
        yield spawned(name)
        yield ready(name)
        yield says(name, f"Found by {name}.")
        yield ended(name, Outcome.COMPLETED)
        yield evicted(name)
    yield from idle("coder")


def nothing_much() -> Iterator[did.Action]:
    """What every session costs."""
    yield from idle("coder")


def store(tmp_path: Path, facts: Facts) -> int:
    """Keep a session of these facts; the bytes of its journal."""
    file = SessionFile(tmp_path / "home" / "quarterdeck" / "state", "s1")
    file.tell(
        did.SessionOpened(at=NOW, session_id="s1", folder=str(tmp_path), team="shop", model="m", endpoint="")
    )
    for number, fact in enumerate(facts()):
        file.tell(fact)
        if number % 500 == 0:
            file.write()
    file.write()
    return file.place.database.stat().st_size


def come_back(tmp_path: Path) -> tuple[float, int]:
    """Seconds from its start until the team is painted, and the most bytes that it ever held."""
    command = [*PROGRAM, "--resume", "s1"]
    began = time.monotonic()
    with Pty(command, environment=surroundings(tmp_path), folder=tmp_path) as pty:
        pty.read_until(b"coder", BUSY_S)
        seconds = time.monotonic() - began
        pty.drain()
        status = Path(f"/proc/{pty.pid}/status").read_text()
        (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
        pty.signal(signal.SIGTERM)
        assert pty.wait_ended(BUSY_S) == 143
    return seconds, int(line.split()[1]) * 1024


@pytest.mark.timeout(300)
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory as Linux tells it")
@pytest.mark.parametrize(
    ("facts", "at_least"),
    [(a_long_transcript, WHOLE), (a_long_line, LINE), (many_runs, 10_000_000)],
    ids=["100 MB", "a line of 20 MB", "10,000 runs"],
)
def test_dur_07_it_is_painted_soon_and_holds_no_more_than_it_must(
    tmp_path: Path, facts: Facts, at_least: int
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    store(small, nothing_much)
    soon, bare = come_back(small)
    assert store(large, facts) >= at_least
    seconds, most = come_back(large)
    assert is_busy() or seconds <= MOST_TIMES * soon, f"{seconds:.2f} s against {soon:.2f} s"
    assert most - bare < 3 * LINE, f"{(most - bare) / 1e6:.0f} MB"
