"""From the start of the process to the first paint on the terminal, beside a bare Textual program."""

import sys

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.machine import median
from tests.benchmarks.terminal import first_bytes_s

REPEATS = 9
AS_THE_PROGRAM = """
import gc, runpy
gc.set_threshold(200_000)  # as quarterdeck.cli.main
runpy.run_module("tests.benchmarks.screen_child", run_name="__main__")
"""
HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("Hello, world")

Hello().run()
"""


def first_paint(bench: Bench) -> list[Figure]:
    """`quarterdeck` with a session ÷ hello-world, in turns; then with a team that is there from the start."""
    hello, ours = [], []
    endpoint = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": bench.server.url}
    for _ in range(bench.times(REPEATS)):
        hello.append(first_bytes_s([sys.executable, "-c", HELLO], b"Hello, world", {}))
        command = [sys.executable, "-m", "quarterdeck", "--model", "paced"]
        ours.append(first_bytes_s(command, b"Quarterdeck", endpoint))
    figures = [
        Figure(
            name="first_paint",
            teammates=0,
            figure=median(ours) / median(hello),
            goal=2.0,
            limit=f"{median(ours) * 1000:.0f} ms ÷ {median(hello) * 1000:.0f} ms",
        )
    ]
    for teammates in bench.sizes:
        took = [_with_team(bench, teammates) for _ in range(bench.times(3))]
        figures.append(
            Figure(
                name="first_paint",
                teammates=teammates,
                figure=median(took) / median(hello),
                goal=2.0 if teammates == bench.sizes[0] else None,
                limit=f"{median(took) * 1000:.0f} ms, all spawned before the paint",
            )
        )
    return figures


def _with_team(bench: Bench, teammates: int) -> float:
    """The benchmark's own program, whose team is there before the first paint; nothing is asked of it."""
    command = [sys.executable, "-c", AS_THE_PROGRAM, bench.server.url, str(teammates), "silent", "0", "1"]
    return first_bytes_s(command, b"Quarterdeck", {})
