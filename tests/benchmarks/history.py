"""What a long past costs: keys on a screen after many runs have ended and left the roster."""

import time
from collections.abc import Iterator

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.growth import cpu_over
from tests.benchmarks.machine import median, percentile
from tests.benchmarks.terminal import Screen, open_screen

RUNS = 1_000
AT_ONCE = 50
KEYS = 160
REPEATS = 3
FULL_LINES = 200
"""There from the start where one streams: frames after a while draw no more than the first ones."""
SETTLE_S = 3.0
LEAVE_S = 120.0
"""A completed run's row leaves five seconds after its end."""


def history_growth(bench: Bench) -> list[Figure]:
    """Key to paint after so many runs that completed and were evicted ÷ before them, in the same program.

    Fresh first, then the runs, then again. Nobody streams: a key then waits for no frame of others, which
    would be all that is seen. What frames cost is the second figure.
    """
    runs = 10 if bench.quick else RUNS
    keys: tuple[list[float], list[float]] = ([], [])
    frames: tuple[list[float], list[float]] = ([], [])
    for _ in range(1 if bench.quick else REPEATS):
        with open_screen(bench.server.url, 1, "short") as screen:
            screen.wait_until("idle", 1)
            screen.terminal.write("m")
            for took in _before_and_after(bench, screen, runs, keys):
                took += screen.terminal.type_marks(bench.times(KEYS), 0.06)
        with open_screen(bench.server.url, 1, f"long-{FULL_LINES}") as screen:
            screen.wait_until("events", FULL_LINES // 2)
            for cost in _before_and_after(bench, screen, runs, frames):
                cpu, _events, paints = cpu_over(screen, bench.seconds(5.0))
                cost.append(cpu / max(1, paints) * 1000)
    return [_of_keys(*keys, runs), _of_frames(*frames, runs)]


def _before_and_after(
    bench: Bench, screen: Screen, runs: int, found: tuple[list[float], list[float]]
) -> Iterator[list[float]]:
    """Where to put what is measured: of the fresh session, and once the runs are past."""
    time.sleep(bench.seconds(SETTLE_S))
    yield found[0]
    _let_end(screen, runs)
    time.sleep(bench.seconds(SETTLE_S))
    yield found[1]


def _of_keys(fresh: list[float], after: list[float], runs: int) -> Figure:
    return Figure(
        name="history_growth",
        teammates=1,
        figure=median(after) / median(fresh),
        goal=1.1,
        limit=f"after {runs:,} completed and evicted runs p50 {median(after) * 1000:.2f} ms"
        f" p99 {percentile(after, 0.99) * 1000:.0f}; fresh p50 {median(fresh) * 1000:.2f} ms"
        f" p99 {percentile(fresh, 0.99) * 1000:.0f}; {len(after)} keys each, nobody streams",
    )


def _of_frames(fresh: list[float], after: list[float], runs: int) -> Figure:
    return Figure(
        name="history_frames",
        teammates=1,
        figure=median(after) / median(fresh),
        limit=f"CPU per paint after {runs:,} runs {median(after):.2f} ms ÷ {median(fresh):.2f} ms fresh,"
        " one streams",
    )


def _let_end(screen: Screen, runs: int) -> None:
    """Runs that end with their first turn, some at a time, until the last has left the roster."""
    for first in range(1, runs + 1, AT_ONCE):
        screen.ask("spawn", first=first, count=min(AT_ONCE, runs + 1 - first), model="short", ends=True)
        _wait_for_ends(screen)
    screen.wait_until("evicted", runs, limit_s=LEAVE_S)


def _wait_for_ends(screen: Screen) -> None:
    end = time.monotonic() + LEAVE_S
    while (living := screen.ask("last_end")["living"]) > 1:
        if time.monotonic() > end:
            raise TimeoutError(f"{living - 1} runs did not end")
        time.sleep(0.05)
