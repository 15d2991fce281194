"""What a journal costs: the wait for a commit, and how much later the loop comes to what is due."""

import json
import subprocess
import sys
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.journal_child import RUNS, TURNS

RATE = 2_000
"""Facts a second: far above what a team of 1,000 tells."""
SECONDS = 5.0
BUSY = 0.5
"""The loop as it is with many streams: half of its time goes to them."""


def journal_lag(bench: Bench) -> list[Figure]:
    """The loop's p99 lag with a journal less the one without, in turns; the p99 wait for a commit."""
    found = []
    for busy in (0.0, BUSY):
        told = _lived(bench.seconds(SECONDS), busy)
        loop = f"loop {busy:.0%} busy with something else"
        has_goal = busy == 0
        found += [
            Figure(
                name="journal_lag",
                teammates=RUNS,
                figure=max(0.0, told["lag_p99"] - told["lag_p99_without"]),
                unit="ms",
                goal=5.0 if has_goal else None,
                limit=f"p99 {told['lag_p99']:.2f} ms, without it {told['lag_p99_without']:.2f}; {loop}",
            ),
            Figure(
                name="journal_commit",
                teammates=RUNS,
                figure=told["commit_p99"],
                unit="ms",
                goal=10.0 if has_goal else None,
                limit=f"{told['facts_s']:.0f} facts/s, p50 {told['commit_p50']:.2f} ms, worst "
                f"{told['commit_worst']:.1f} ms, middle of {TURNS}; {loop}",
            ),
        ]
    return found


def _lived(seconds: float, busy: float) -> dict[str, float]:
    """The child's figures, on the disk where temporary files lie."""
    with TemporaryDirectory() as folder:
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.benchmarks.journal_child",
                folder,
                str(seconds),
                str(RATE),
                str(busy),
            ],
            capture_output=True,
            check=True,
            start_new_session=True,
        )
    found: dict[str, float] = json.loads(told.stdout)
    return found
