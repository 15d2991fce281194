"""`python -m tests.benchmarks [ROW…] [--json FILE] [--quick]`: measure, print a table; 1 = a goal missed."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.figures import Bench, Figure, Row, table
from tests.benchmarks.growth import roster_growth, transcript_growth
from tests.benchmarks.history import history_growth
from tests.benchmarks.journal import journal_lag
from tests.benchmarks.kills import hostile_kills, kill_under_load
from tests.benchmarks.machine import keep_to_last_core, paced_server
from tests.benchmarks.memory import idle_memory
from tests.benchmarks.resume import resume
from tests.benchmarks.search import search_all
from tests.benchmarks.soak import soak
from tests.benchmarks.start import first_paint
from tests.benchmarks.streams import key_to_paint_1000, live_1000, stream_scaling, stream_vs_sdk

ROWS: dict[str, Row] = {
    "stream_vs_sdk": stream_vs_sdk,
    "live_1000": live_1000,
    "stream_scaling": stream_scaling,
    "key_to_paint_1000": key_to_paint_1000,
    "transcript_growth": transcript_growth,
    "roster_growth": roster_growth,
    "history_growth": history_growth,
    "first_paint": first_paint,
    "idle_memory": idle_memory,
    "kill_under_load": kill_under_load,
    "hostile_kills": hostile_kills,
    "journal_lag": journal_lag,
    "search": search_all,
    "resume": resume,
    "soak": soak,
}


def main(arguments: Sequence[str]) -> int:
    """0 = every goal that was measured holds."""
    options = _parser().parse_args(arguments)
    # The counted processes keep the first core for themselves; they move there when they start.
    keep_to_last_core()
    figures: list[Figure] = []
    with paced_server() as server:
        bench = Bench(server, options.quick, options.many, options.soak_minutes)
        for name in options.rows or ROWS:
            found = ROWS[name](bench)
            figures += found
            sys.stderr.write(f"{time.strftime('%H:%M:%S')}\n{table(found)}\n")
    sys.stdout.write(f"{table(figures)}\n{machine_words()}\n")
    if options.json is not None:
        _write(options.json, figures, quick=options.quick)
    return 0 if options.quick or all(one.met is not False for one in figures) else 1


def machine_words() -> str:
    """What it was measured on, and how loaded that was."""
    loads = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, load {loads}"


def _write(path: Path, figures: list[Figure], *, quick: bool) -> None:
    rows = [{**msgspec.structs.asdict(one), "met": one.met} for one in figures]
    told = {"machine": machine_words(), "at": time.time(), "quick": quick, "rows": rows}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, []], help=", ".join(ROWS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works")
    parser.add_argument("--many", type=int, default=1000, metavar="N", help="size of the large team")
    parser.add_argument("--soak-minutes", type=_minutes, default=10.0, metavar="N", help="length of the soak")
    return parser


def _minutes(text: str) -> float:
    """:raises ArgumentTypeError: too short for a slope, or no number."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1.0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes from 1 on")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
