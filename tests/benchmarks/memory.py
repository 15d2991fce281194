"""What an idle teammate costs in memory."""

import time

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.terminal import open_screen

WARM = 100
AT_ONCE = 10
"""Started together: what many requests need at one moment stays with the process and is no teammate's."""
CLOSED_AFTER_S = 16.0
"""By then the pool has closed the connections that nobody uses."""


def idle_memory(bench: Bench) -> list[Figure]:
    """Growth of the resident memory per teammate that has finished one turn."""
    found = []
    warm = bench.times(WARM)
    for teammates in bench.sizes:
        with open_screen(bench.server.url, warm, "short") as screen:
            screen.wait_until("idle", warm)
            time.sleep(bench.seconds(3.0))
            before = screen.ask("collect")["rss"]
            for first in range(warm, warm + teammates, AT_ONCE):
                screen.ask("spawn", first=first, count=AT_ONCE, model="short")
                screen.wait_until("idle", first + AT_ONCE, pause_s=0.02)
            open_too = screen.ask("collect")["rss"] - before
            time.sleep(bench.seconds(CLOSED_AFTER_S))
            grown = screen.ask("collect")["rss"] - before
        found.append(
            Figure(
                name="idle_memory",
                teammates=teammates,
                figure=grown / teammates / 1024,
                unit="kB each",
                goal=32.0 if teammates == bench.sizes[1] else None,
                limit=f"{open_too / teammates / 1024:.1f} kB each while connections are kept; "
                f"{AT_ONCE} started at a time",
            )
        )
    return found
