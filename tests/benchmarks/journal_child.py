"""Tells facts at a steady rate, with a journal and without: how late it is, how long commits last.

`python -m tests.benchmarks.journal_child FOLDER SECONDS RATE BUSY`; BUSY = the part of its time in which the
loop works on something else. Prints one line of JSON; all times in ms.
"""

import asyncio
import gc
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.event_loop import new_loop
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Keeping
from quarterdeck.storage.records import FactRecord
from tests.benchmarks.machine import keep_to_first_core, median, percentile
from tests.support.journals import Kept, as_made, note, run_row

RUNS = 100
TICK_S = 0.005
TURNS = 5
PROBE_S = 0.001
WARM_S = 0.5
TEXT = "I have read the file and found what is wrong: the sum is off by one in the last line of it. " * 4


class Lived:
    """What one turn measured."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.commits: list[float] = []
        self.bytes = 0


async def probe(lived: Lived, until: float) -> None:
    """How late the loop comes to a call that was due."""
    loop = asyncio.get_running_loop()
    while (now := loop.time()) < until:
        due = now + PROBE_S
        woken = loop.create_future()
        loop.call_at(due, woken.set_result, None)
        await woken
        lived.lags.append((loop.time() - due) * 1000)


async def tell(
    kept: Kept, lived: Lived, numbers: Iterator[int], rate: int, busy: float, until: float
) -> None:
    """Facts of many runs, evenly; every tenth changes the row of its run. A teammate waits for each."""
    loop, waiting = asyncio.get_running_loop(), set[asyncio.Future[None]]()
    due = loop.time()
    while due < until:
        due += TICK_S
        for _ in range(round(rate * TICK_S)):
            seq = next(numbers)
            fact = note(seq, TEXT, run_id=RunId(f"run-{seq % RUNS}-01hx"))
            row = as_made(run_row(fact.run_id)) if seq % 10 == 0 else {}
            kept.journal.append(fact, row)
            wait = asyncio.ensure_future(wait_for(kept, fact, time.perf_counter(), lived))
            waiting.add(wait)
            wait.add_done_callback(waiting.discard)
        work_until = time.perf_counter() + TICK_S * busy
        while time.perf_counter() < work_until:
            sum(range(200))
        await asyncio.sleep(max(0.0, due - loop.time()))
    await asyncio.gather(*waiting)


async def wait_for(kept: Kept, fact: FactRecord, since: float, lived: Lived) -> None:
    """A teammate that goes on once its fact is kept."""
    await kept.journal.committed(fact.seq)
    lived.commits.append((time.perf_counter() - since) * 1000)


async def live(place: SessionPlace, seconds: float, rate: int, busy: float, *, has_journal: bool) -> Lived:
    """One turn, after a short one that warms up."""
    numbers = itertools.count(1)
    async with Kept(place) as kept:
        if not has_journal:
            kept.journal.on_unable("measured without")
        lived = Lived()
        for part in (WARM_S, seconds):
            lived = Lived()
            until = asyncio.get_running_loop().time() + part
            await asyncio.gather(probe(lived, until), tell(kept, lived, numbers, rate, busy, until))
        assert kept.journal.keeping is (Keeping.KEEPING if has_journal else Keeping.MEMORY)
    return lived


def main() -> None:
    """With and without in turns; medians of the turns' percentiles."""
    keep_to_first_core()
    gc.set_threshold(200_000)  # as quarterdeck.cli.main
    folder, seconds, rate, busy = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    turns: dict[bool, list[Lived]] = {True: [], False: []}
    with asyncio.Runner(loop_factory=new_loop) as runner:
        for number in range(TURNS * 2):
            has_journal = number % 2 == 0
            place = SessionPlace(folder, f"s{number}")
            turns[has_journal].append(runner.run(live(place, seconds, rate, busy, has_journal=has_journal)))
    told = {
        "facts_s": len(turns[True][0].commits) / seconds,
        "commit_p50": median([percentile(one.commits, 0.5) for one in turns[True]]),
        "commit_p99": median([percentile(one.commits, 0.99) for one in turns[True]]),
        "commit_worst": max(max(one.commits) for one in turns[True]),
        "lag_p99": median([percentile(one.lags, 0.99) for one in turns[True]]),
        "lag_p99_without": median([percentile(one.lags, 0.99) for one in turns[False]]),
        "lag_worst": max(max(one.lags) for one in turns[True]),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
