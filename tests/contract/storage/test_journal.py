"""What is told as kept, in which order, and what a fault in between does to it."""

import asyncio
import logging
import sqlite3
import threading
from typing import Any

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Journal, Keeping
from quarterdeck.storage.opening import open_session
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Draft
from quarterdeck.storage.writer import Writer
from tests.support.journals import RUN, Kept, as_made, keep, note, record, run_row, stored


class Failing:
    """A database whose commits fail as long as it is told to."""

    def __init__(self, database: sqlite3.Connection, name: str, *, times: int) -> None:
        self.database = database
        self.name = name
        self.times = times

    def execute(self, statement: str, values: Any = ()) -> Any:
        """As SQLite does on a bad block: at the end, when the WAL is synced."""
        ends = statement == "COMMIT" or (statement.startswith("INSERT") and not self.database.in_transaction)
        if self.times and ends:
            self.times -= 1
            fault = sqlite3.OperationalError("disk I/O error")
            fault.sqlite_errorname = self.name
            raise fault
        return self.database.execute(statement, values)

    def close(self) -> None:
        """The real one's."""
        self.database.close()


async def test_committed_returns_for_exactly_what_is_on_disk(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        for seq in range(1, 60):
            kept.journal.append(note(seq))
            await kept.journal.committed(seq)
            assert stored(place.database)[-1][0] == seq == kept.journal.last_committed


async def test_committed_returns_at_once_for_what_is_on_disk_already(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        await kept.journal.committed()
        kept.journal.append(note(1))
        await kept.journal.committed()
        waiting = kept.journal.committed(1)
        with pytest.raises(StopIteration):
            waiting.send(None)


async def test_waiters_go_on_in_the_order_of_what_they_wait_for(place: SessionPlace) -> None:
    told: list[int] = []
    async with Kept(place) as kept:
        for seq in range(1, 10):
            kept.journal.append(note(seq))

        async def wait(seq: int) -> None:
            await kept.journal.committed(seq)
            told.append(seq)

        await asyncio.gather(*map(wait, (5, 9, 1, 5, 3, 9, 2)))
    assert told == [1, 2, 3, 5, 5, 9, 9]


async def test_a_waiter_that_is_cancelled_holds_up_nobody(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1))
        kept.journal.append(note(2))
        first = asyncio.ensure_future(kept.journal.committed(1))
        second = asyncio.ensure_future(kept.journal.committed(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()


async def test_what_is_told_in_one_go_is_one_transaction(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        for seq in range(1, 400):
            kept.journal.append(note(seq, "x" * 300))
        await kept.journal.committed(1)
        assert kept.journal.last_committed == 399
        assert kept.committed == [399]


async def test_what_is_told_before_the_end_is_kept_and_nothing_after_it(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1))
        kept.journal.close()
        kept.journal.append(note(2))
    assert not place.database.with_name("journal.db-wal").exists()
    assert [seq for seq, _ in stored(place.database)] == [1]


async def test_a_draft_is_replaced_and_goes_with_the_fact_that_ends_it(place: SessionPlace) -> None:
    other = RunId("r2")
    async with Kept(place) as kept:
        kept.journal.draft(Draft(RUN, 1.0, "Once"))
        kept.journal.draft(Draft(other, 1.0, "Twice"))
        kept.journal.append(note(1))
        await kept.journal.committed()
        with JournalReader(place.database) as reader:
            assert reader.drafts() == (Draft(RUN, 1.0, "Once"), Draft(other, 1.0, "Twice"))
        kept.journal.draft(Draft(RUN, 2.0, "Once upon"))
        kept.journal.append(note(2))
        await kept.journal.committed()
        with JournalReader(place.database) as reader:
            assert reader.drafts() == (Draft(RUN, 2.0, "Once upon"), Draft(other, 1.0, "Twice"))
        kept.journal.draft(Draft(RUN, 3.0, "Once upon a"))
        kept.journal.append(note(3, "Once upon a time.", ends_draft=True))
        await kept.journal.committed()
        with JournalReader(place.database) as reader:
            assert reader.drafts() == (Draft(other, 1.0, "Twice"),)


async def test_a_draft_that_ends_in_the_transaction_it_came_in_is_none(place: SessionPlace) -> None:
    journal = Journal()
    writer = Writer(journal.queue, tell_committed=lambda last: None, tell_stuck=lambda words: None)
    database, lease = open_session(place, {})
    journal.draft(Draft(RUN, 1.0, "Once"))
    await asyncio.sleep(0)
    journal.append(note(1, ends_draft=True))
    journal.close()
    assert journal.queue.qsize() == 3, "a batch each, and the end"
    await asyncio.to_thread(writer.run, database)
    lease.release()
    with JournalReader(place.database) as reader:
        assert reader.drafts() == ()
        assert reader.last() == 1


async def test_what_is_streamed_after_a_whole_message_is_a_draft_again(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1, "whole", ends_draft=True))
        kept.journal.draft(Draft(RUN, 1.0, "and on"))
    with JournalReader(place.database) as reader:
        assert reader.drafts() == (Draft(RUN, 1.0, "and on"),)


async def test_a_heartbeat_moves_a_row_forward_only(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1), as_made(run_row(heartbeat_at=5.0), run_row("r2", heartbeat_at=5.0)))
        await kept.journal.committed()
        kept.journal.beat(((RUN, 9.0), ("r2", 3.0), ("r3", 7.0)))
    with JournalReader(place.database) as reader:
        assert {row.run_id: row.heartbeat_at for row in reader.runs()} == {RUN: 9.0, "r2": 5.0}


async def test_the_registry_gives_back_every_column(place: SessionPlace) -> None:
    row = run_row(
        requester="r0",
        task="\x00\ud800 task",
        waits_on="plan",
        time_limit_s=3,
        started_at=None,
        ended_at=4.5,
        outcome="failed",
        error="\udfff",
        findings="\u2028\x00",
        captured=True,
        notified=True,
        announced_at=9,
        in_turn=False,
    )
    draft = Draft(RUN, 1.0, "cut in a pair \ud83d")
    await keep(place, [note(1)], rows=(row,), drafts=(draft,))
    with JournalReader(place.database) as reader:
        assert reader.runs() == (row,)
        assert reader.drafts() == (draft,)
        assert reader.damage == []


async def test_findings_are_captured_once(place: SessionPlace) -> None:
    """What comes later of the run holds less of them, since the state does."""
    async with Kept(place) as kept:
        for number, (findings, captured) in enumerate(
            [("so far", False), ("the whole", True), ("the", True)], start=1
        ):
            row = run_row(findings=findings, captured=captured, archived_at=float(number))
            kept.journal.append(note(number), as_made(row))
            await kept.journal.committed(number)
    with JournalReader(place.database) as reader:
        (found,) = reader.runs()
    assert (found.findings, found.archived_at) == ("the whole", 3.0)


@pytest.mark.parametrize("count", [1, 2, 3, 127, 128, 129, 300])
async def test_any_number_of_rows_goes_into_one_transaction(place: SessionPlace, count: int) -> None:
    rows = tuple(run_row(f"r{at}") for at in range(count))
    await keep(place, [note(at) for at in range(1, count + 1)], rows=rows)
    with JournalReader(place.database) as reader:
        assert [seq for seq, _ in reader.facts()] == list(range(1, count + 1))
        assert len(reader.runs()) == count


async def test_a_row_that_cannot_be_made_costs_no_fact(
    place: SessionPlace, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise KeyError("r1")

    with caplog.at_level(logging.ERROR, "quarterdeck"):
        async with Kept(place) as kept:
            kept.journal.append(note(1), {"r1": fail, **as_made(run_row("r2"))})
            await kept.journal.committed(1)
    assert "r1" in caplog.text
    with JournalReader(place.database) as reader:
        assert [row.run_id for row in reader.runs()] == ["r2"]


async def test_a_fact_that_nothing_can_hold_is_told_as_lost_and_the_rest_is_kept(
    place: SessionPlace, caplog: pytest.LogCaptureFixture
) -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    blocks = ({"type": "tool_use", "input": deep},)
    hostile = did.MessageRecorded(at=0.0, run_id=RUN, role="assistant", blocks=blocks)
    with caplog.at_level(logging.ERROR, "quarterdeck"):
        async with Kept(place) as kept:
            for fact in (note(1), record(2, hostile), note(3)):
                kept.journal.append(fact)
            await kept.journal.committed(3)
    assert "fact 2 of r1" in caplog.text
    with JournalReader(place.database) as reader:
        assert [seq for seq, _ in reader.facts()] == [1, 3]
        assert [damage.after for damage in reader.damage] == [1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_IOERR_FSYNC", "The journal can't be written (disk I/O error)."),
        ("SQLITE_FULL", "The disk is full."),
        ("SQLITE_READONLY_DBMOVED", "The state folder can't be written."),
    ],
)
async def test_dur_03_a_fault_at_the_sync_is_told_once_and_tried_again(
    place: SessionPlace, name: str, words: str
) -> None:
    tried: list[float] = []
    kept = Kept(place, wait=tried.append, wrap=lambda database: Failing(database, name, times=3))
    async with kept:
        kept.journal.append(note(1), as_made(run_row()))
        kept.journal.append(note(2))
        await kept.journal.committed(2)
        await kept.until(Keeping.KEEPING)
    assert kept.changes == [(Keeping.STUCK, words), (Keeping.KEEPING, "")]
    assert len([seconds for seconds in tried if seconds > 0.1]) == 3
    assert [seq for seq, _ in stored(place.database)] == [1, 2]


async def test_a_disk_that_took_no_draft_is_well_again_when_it_takes_it(place: SessionPlace) -> None:
    free = threading.Event()

    def wait(seconds: float) -> None:
        if seconds > 0.1:
            free.wait(20)

    async with Kept(
        place, wait=wait, wrap=lambda database: Failing(database, "SQLITE_FULL", times=1)
    ) as kept:
        kept.journal.draft(Draft(RUN, 1.0, "streams"))
        await kept.until(Keeping.STUCK)
        free.set()
        await kept.until(Keeping.KEEPING)


async def test_sec_01_a_secret_is_written_nowhere(place: SessionPlace) -> None:
    secret = 'sk-"test\\ü'
    text = f"the key is {secret}, again {secret}"
    async with Kept(place, secrets=(secret, "short")) as kept:
        kept.journal.append(note(1, text), as_made(run_row(task=text)))
        kept.journal.append(note(2, f"\ud800 short {secret}"))
        kept.journal.draft(Draft(RUN, 1.0, text))
    with JournalReader(place.database) as reader:
        told = [fact.text for _, fact in reader.facts() if isinstance(fact, did.NoteTaken)]
        assert told == ["the key is [secret], again [secret]", "\ud800 short [secret]"]
        assert [row.task for row in reader.runs()] == told[:1]
        assert [draft.text for draft in reader.drafts()] == told[:1]
    for one in place.folder.iterdir():
        assert secret.encode() not in one.read_bytes()


async def test_without_a_journal_nothing_waits(place: SessionPlace) -> None:
    changes: list[tuple[Keeping, str]] = []
    journal = Journal(on_change=lambda keeping, why: changes.append((keeping, why)))
    journal.append(note(1))
    waiting = asyncio.ensure_future(journal.committed())
    await asyncio.sleep(0)
    assert not waiting.done()
    journal.on_unable("There is no folder.")
    journal.on_unable("Said twice.")
    await waiting
    journal.append(note(2))
    await journal.committed(2)
    assert changes == [(Keeping.MEMORY, "There is no folder.")]


async def test_the_writer_goes_on_when_the_loop_that_it_tells_is_gone(place: SessionPlace) -> None:
    def tell(value: object) -> None:
        raise RuntimeError("Event loop is closed")

    journal = Journal()
    writer = Writer(journal.queue, tell_committed=tell, tell_stuck=tell)
    database, lease = open_session(place, {})
    journal.append(note(1))
    await asyncio.sleep(0.0)
    writing = asyncio.ensure_future(asyncio.to_thread(writer.run, database))
    await asyncio.sleep(0.0)
    journal.append(note(2))
    journal.close()
    await writing
    lease.release()
    assert [seq for seq, _ in stored(place.database)] == [1, 2]
