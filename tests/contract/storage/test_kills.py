"""Real kills of a process that keeps a journal, at random moments (DUR-01, INP-08)."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.lease import owner_of, take
from tests.support.journal_program import check_life

ROOT = Path(__file__).parents[3]
Lives = Callable[[SessionPlace, float], list[int]]


@contextmanager
def lives() -> Iterator[Lives]:
    """Ask the program for a life that is killed after so many milliseconds; what it had acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.journal_program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        ask, answers = program.stdin, program.stdout

        def live(place: SessionPlace, milliseconds: float) -> list[int]:
            ask.write(f"{place.folder.parent.parent}\t{place.session_id}\t{milliseconds}\n")
            ask.flush()
            answer = answers.readline()
            assert answer.endswith("\n"), "the program is gone"
            return [int(number) for number in answer.split()]

        yield live
        ask.close()


def kill_often(live: Lives, place: SessionPlace, times: int, chance: random.Random) -> int:
    """Lives of one session, one after the other, each checked; how many facts were acknowledged last."""
    acknowledged = 0
    for _ in range(times):
        said = live(place, chance.uniform(-20, 60))
        acknowledged = max(acknowledged, *said, 0)
        if place.database.exists() and place.database.stat().st_size:
            check_life(place, [acknowledged])
        else:
            assert acknowledged == 0
    return acknowledged


@pytest.mark.slow
def test_dur_01_no_acknowledged_fact_is_lost_by_200_kills_and_none_is_torn_or_missing(tmp_path: Path) -> None:
    def two_sessions(number: int) -> list[int]:
        # They take turns in one program: what one life left is where the next begins.
        chance = random.Random(number)
        with lives() as live:
            return [kill_often(live, SessionPlace(tmp_path, f"s{number}{one}"), 50, chance) for one in "ab"]

    with ThreadPoolExecutor(2) as pool:
        counts = [count for found in pool.map(two_sessions, range(2)) for count in found]
    assert all(count > 100 for count in counts), counts


def test_inp_08_after_a_kill_the_session_is_free_and_opens_without_help(tmp_path: Path) -> None:
    place = SessionPlace(tmp_path, "s")
    with lives() as live:
        said = live(place, 40)
        assert owner_of(place.lease) is None
        take(place.lease).release()
        first = check_life(place, said)
        again = live(place, 40)
    assert min(number for number in again if number) > max(said)
    assert check_life(place, again) > first
