"""What an idle teammate costs in memory."""

import time

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.terminal import open_screen

WARM = 20
CLOSED_AFTER_S = 16.0
"""By then the pool has closed the connections that nobody uses."""


def idle_memory(bench: Bench) -> list[Figure]:
    """Growth of the resident memory per teammate that has finished one turn."""
    found = []
    for teammates in bench.sizes:
        with open_screen(bench.server.url, WARM, "short") as screen:
            screen.wait_until("idle", WARM)
            time.sleep(bench.seconds(3.0))
            before = screen.ask("collect")
            screen.ask("spawn", first=WARM, count=teammates, model="short")
            screen.wait_until("idle", WARM + teammates)
            open_too = screen.ask("collect")["rss"] - before["rss"]
            time.sleep(bench.seconds(CLOSED_AFTER_S))
            grown = screen.ask("collect")["rss"] - before["rss"]
        found.append(
            Figure(
                name="idle_memory",
                teammates=teammates,
                figure=grown / teammates / 1024,
                unit="kB each",
                goal=32.0 if teammates == bench.sizes[1] else None,
                limit=f"{open_too / teammates / 1024:.1f} kB each while their connections are kept for reuse",
            )
        )
    return found
