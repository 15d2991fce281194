"""DUR-01 and DUR-06: sessions of ten teammates killed with -9 at random moments, and while they come back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.architecture import ROOT
from tests.support.crash_program import REQUESTERS

SESSIONS = 50
"""Of each seed; four of them make the two hundred of the reliability matrix."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_dur_01_dur_06_nothing_promised_is_lost_and_nobody_is_told_twice(tmp_path: Path, seed: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.crash_program", str(tmp_path), str(SESSIONS), str(seed)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    sessions = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(sessions) == SESSIONS
    # The kills met what they were meant to meet: promises, open turns, announcements.
    assert sum(one["promised"] > 0 for one in sessions) > SESSIONS // 2
    assert sum(one.get("unknown", 0) > 0 for one in sessions) > SESSIONS // 2
    assert sum(one.get("announced", 0) > 0 for one in sessions) > SESSIONS // 4
    assert sum(one.get("requesters", 0) == REQUESTERS for one in sessions) > SESSIONS // 10
