"""What length costs: a streamed update in a long transcript, a frame of a long roster."""

import time

from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.machine import median
from tests.benchmarks.paced_server import RATE
from tests.benchmarks.terminal import Screen, open_screen

SHORT_LINES, LONG_LINES = 100, 10_000
FEW_ROWS = 30
SETTLE_S = 3.0
REPEATS = 3


def cpu_over(screen: Screen, seconds: float) -> tuple[float, float, float]:
    """CPU seconds, events and paints of the next seconds."""
    before = screen.ask("facts")
    time.sleep(seconds)
    after = screen.ask("facts")
    paints = screen.terminal.paints(before["wall"], after["wall"])
    return after["cpu"] - before["cpu"], after["events"] - before["events"], paints


def _update_ms(bench: Bench, lines: int, others: int) -> float:
    """CPU of the whole program per streamed update, of a teammate whose transcript has so many lines."""
    with open_screen(bench.server.url, 1, f"long-{lines}") as screen:
        screen.wait_until("events", lines // 2)
        if others:
            screen.ask("spawn", first=1, count=others, model=f"paced-{RATE}")
            screen.wait_until("streaming", others + 1)
        time.sleep(bench.seconds(SETTLE_S))
        cpu, events, _paints = cpu_over(screen, bench.seconds(5.0))
        return cpu / max(1.0, events / (others + 1)) * 1000


def transcript_growth(bench: Bench) -> list[Figure]:
    """CPU per streamed update at 10,000 lines ÷ at 100: alone, and beside others that stream."""
    found = []
    for others in (0, *(size - 1 for size in bench.sizes)):
        short, long = [], []
        for _ in range(bench.times(REPEATS)):
            short.append(_update_ms(bench, SHORT_LINES, others))
            long.append(_update_ms(bench, LONG_LINES if not bench.quick else 400, others))
        found.append(
            Figure(
                name="transcript_growth",
                teammates=others + 1,
                figure=median(long) / median(short),
                goal=1.3,
                limit=f"{median(long):.2f} ms per update ÷ {median(short):.2f} ms",
            )
        )
    return found


def _frame_ms(bench: Bench, rows: int) -> float:
    """CPU per paint, with so many rows that all turn, and one transcript that streams."""
    with open_screen(bench.server.url, 1, f"paced-{RATE}") as screen:
        screen.wait_until("streaming", 1)
        screen.ask("spawn", first=1, count=rows - 1, model="silent")
        screen.wait_until("living", rows)
        time.sleep(bench.seconds(SETTLE_S))
        cpu, _events, paints = cpu_over(screen, bench.seconds(5.0))
        return cpu / max(1, paints) * 1000


def roster_growth(bench: Bench) -> list[Figure]:
    """CPU per frame with many rows ÷ with 30."""
    few: list[float] = []
    many: dict[int, list[float]] = {size: [] for size in bench.sizes}
    for _ in range(bench.times(REPEATS)):
        few.append(_frame_ms(bench, min(FEW_ROWS, bench.sizes[0])))
        for size, took in many.items():
            took.append(_frame_ms(bench, size))
    return [
        Figure(
            name="roster_growth",
            teammates=size,
            figure=median(took) / median(few),
            goal=1.5,
            limit=f"{median(took):.2f} ms per frame ÷ {median(few):.2f} ms",
        )
        for size, took in many.items()
    ]
