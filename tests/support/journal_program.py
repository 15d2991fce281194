"""A program whose lives are short: each keeps a journal until it is killed. For tests of what is left then.

`python -m tests.support.journal_program`: for each line `FOLDER SESSION MILLISECONDS` on stdin it forks a
life, kills it with signal 9 that long after its journal was open (below 0: after it was forked), and answers
with the numbers that the life had reported as committed. What each go of the loop keeps can be told from any
fact of it: `check_life` does so.
"""

import asyncio
import os
import random
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Draft
from tests.support.journals import Kept, as_made, note, run_row

RUNS = 3


def words_of(first: int, last: int, seq: int, *, has_draft: bool) -> str:
    """The text of one fact of a go: which ones belong together, what is streamed after it, and a filling."""
    filling = random.Random(seq).choice(("", "ä" * 300, "x" * 3_000, "\x00\u2028" * 500))
    return f"{first} {last} {'draft' if has_draft else 'ended'} {filling}"


async def _live(place: SessionPlace, report: int) -> None:
    async with Kept(place) as kept:
        with JournalReader(place.database) as reader:
            last = reader.last()
        os.write(report, b"0\n")
        numbers = iter(range(last + 1, sys.maxsize))
        await asyncio.gather(*(_run(kept, number, numbers, report) for number in range(RUNS)))


async def _run(kept: Kept, number: int, numbers: Iterator[int], report: int) -> None:
    run_id, chance = RunId(f"r{number}"), random.Random()
    while True:
        seqs = [next(numbers) for _ in range(chance.randint(1, 6))]
        has_draft = chance.random() < 0.7
        row = run_row(run_id, findings=str(seqs[-1]))
        for seq in seqs:
            text = words_of(seqs[0], seqs[-1], seq, has_draft=has_draft)
            kept.journal.append(note(seq, text, run_id=run_id, ends_draft=True), as_made(row))
        if has_draft:
            kept.journal.draft(Draft(run_id, 0.0, str(seqs[-1])))
        await kept.journal.committed(seqs[-1])
        os.write(report, f"{seqs[-1]}\n".encode())
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.004)


def check_life(place: SessionPlace, acknowledged: Sequence[int]) -> int:
    """Assert that what is on disk is whole; how many facts there are."""
    newest: dict[str, str] = {}
    count = 0
    with JournalReader(place.database) as reader:
        for seq, fact in reader.facts():
            count += 1
            assert seq == count, "a fact is missing in between"
            assert isinstance(fact, did.NoteTaken)
            first, last, draft = fact.text.split(" ")[:3]
            assert int(first) <= seq <= int(last)
            assert fact.text == words_of(int(first), int(last), seq, has_draft=draft == "draft"), "torn"
            newest[fact.run_id] = f"{seq} {last} {draft}"
        drafts = {one.run_id: one.text for one in reader.drafts()}
        rows = {one.run_id: one.findings for one in reader.runs()}
        assert reader.damage == [], reader.damage
    for run_id, told in newest.items():
        of_fact, last, draft = told.split(" ")
        assert of_fact == last, "a go is split"
        assert drafts.get(run_id) == (last if draft == "draft" else None), "the draft is of another moment"
        assert rows[run_id] == last, "the registry is of another moment"
    assert max(acknowledged, default=0) <= count, "an acknowledged fact is lost"
    return count


def _fork(place: SessionPlace) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    try:
        asyncio.run(_live(place, writing))
    finally:
        os._exit(3)


def _kill_a_life(place: SessionPlace, after_s: float) -> list[int]:
    """What it had reported."""
    pid, reading = _fork(place)
    if after_s >= 0:
        select.select([reading], [], [], 20)
    time.sleep(abs(after_s))
    os.kill(pid, signal.SIGKILL)
    said = b""
    while part := os.read(reading, 65_536):
        said += part
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the life ended by itself: {status}")
    # A line that was cut off acknowledges nothing.
    return [int(line) for line in said[: said.rfind(b"\n") + 1].split()]


def main() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        folder, session, milliseconds = line.rstrip("\n").split("\t")
        said = _kill_a_life(SessionPlace(Path(folder), session), float(milliseconds) / 1000)
        sys.stdout.write(" ".join(map(str, said)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
