"""Kills under load: from the key to the terminal, all at once, and process trees that resist."""

import re
import time

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.machine import median, percentile
from tests.benchmarks.paced_server import RATE
from tests.benchmarks.terminal import Screen, open_screen

KILLED = re.compile(rb"(mate-\d{4}) killed\. r revives")
GUARD_S = 0.5
"""A key that harms waits until its row was painted unchanged for 300 ms, and for the end of typing."""
KILLS = 50
STREAMING = 20
TREES = 200


def kill_under_load(bench: Bench) -> list[Figure]:
    """`x` on one row after the other while all stream; then all that are left with ctrl+x k y."""
    found = []
    for teammates in bench.sizes:
        with open_screen(bench.server.url, teammates, f"paced-{RATE}") as screen:
            screen.wait_until("streaming", teammates)
            time.sleep(bench.seconds(3.0))
            took = _kill_some(screen, min(bench.times(KILLS), teammates - 2))
            left = screen.ask("last_end")["living"]
            seconds, painted = _kill_all(screen)
        words = (
            f"p50 {median(took) * 1000:.0f} ms of {len(took)} kills, by the notice's bytes on the terminal"
        )
        found.append(
            Figure(
                name="kill_under_load",
                teammates=teammates,
                figure=percentile(took, 0.99) * 1000,
                unit="ms",
                goal=100.0,
                limit=words,
            )
        )
        found.append(
            Figure(
                name="kill_all",
                teammates=left,
                figure=seconds,
                unit="s",
                goal=1.0,
                limit=f"key to the last one ended; told on the terminal after {painted * 1000:.0f} ms",
            )
        )
    return found


def _kill_some(screen: Screen, count: int) -> list[float]:
    dead: set[bytes] = set()
    took = []
    for _ in range(count):
        time.sleep(GUARD_S)
        took.append(screen.terminal.press_until("x", lambda painted: set(KILLED.findall(painted)) - dead))
        dead.update(KILLED.findall(screen.terminal.tail()))
        time.sleep(GUARD_S)
        screen.terminal.write("j")
    return took


def _kill_all(screen: Screen) -> tuple[float, float]:
    """Seconds from `y` until the last has ended, and until the terminal told it."""
    time.sleep(GUARD_S)
    screen.terminal.write("\x18")
    screen.terminal.press("k", b"Kill")
    time.sleep(2 * GUARD_S)
    wall = time.time()
    painted = screen.terminal.press("y", b" killed: ")
    end = time.monotonic() + 30.0
    while (ended := screen.ask("last_end"))["living"]:
        if time.monotonic() > end:
            raise TimeoutError(f"{ended['living']} teammates live on")
        time.sleep(0.05)
    return ended["at"] - wall, painted


def hostile_kills(bench: Bench) -> list[Figure]:
    """Process trees that resist, killed by the program on whose screen a team streams."""
    with open_screen(bench.server.url, bench.times(STREAMING), f"paced-{RATE}") as screen:
        screen.wait_until("streaming", bench.times(STREAMING))
        told = screen.ask("hostile", count=bench.times(TREES))
    survivors = f"{told['survivors']} survived" if told["survivors"] else ""
    return [
        Figure(
            name="hostile_kills",
            teammates=bench.times(STREAMING),
            figure=told["p99_ms"],
            unit="ms",
            goal=250.0,
            void=survivors,
            limit=f"{told['trees']} trees, {told['survivors']} survived, median {told['median_ms']} ms,"
            f" worst {told['max_ms']} ms; four at a time",
        )
    ]
