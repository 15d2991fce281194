"""The file itself: its order, its versions (DUR-08, DUR-09), its size, and its WAL."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolStatus
from quarterdeck.storage.codec import SCHEMA
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.opening import Unwritable, open_session
from quarterdeck.storage.reader import CHUNK, JournalReader, Unreadable
from quarterdeck.storage.records import FactRecord
from quarterdeck.storage.schema import RUN_COLUMNS, WAL_BYTES, NewerSchema, open_for_reading, open_for_writing
from tests.support.journals import RUN, Kept, as_made, keep, note, record, run_row, stored
from tests.support.stored_schemas import DRAFT, FACTS, ROW, stored_database


async def test_dur_08_facts_of_one_moment_and_of_a_clock_that_goes_back_are_in_the_order_told(
    place: SessionPlace,
) -> None:
    clock = [5.0, 5.0, 5.0, 3.0, 4.0, -1.0, 4.0]
    await keep(place, [note(seq, str(seq), at=at) for seq, at in enumerate(clock, start=1)])
    found = stored(place.database)
    assert [(seq, fact.at) for seq, fact in found] == list(enumerate(clock, start=1))
    with JournalReader(place.database) as reader:
        for told in (reader.facts_of(RUN), reader.tagged(["note_taken"]), reader.of_entries(RUN, 1, 7)):
            assert [fact.at for _, fact in told] == clock


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_dur_09_a_session_of_every_version_so_far_is_read(place: SessionPlace, schema: int) -> None:
    place.make()
    shutil.copyfile(stored_database(schema), place.database)
    before = place.database.read_bytes()
    assert stored(place.database) == [(number * 10, fact) for number, fact in enumerate(FACTS, start=1)]
    with JournalReader(place.database) as reader:
        assert reader.runs() == (ROW,)
        assert reader.drafts() == (DRAFT,)
        assert reader.last() == len(FACTS) * 10
    assert place.database.read_bytes() == before


async def test_dur_09_a_session_of_an_older_version_goes_on(place: SessionPlace) -> None:
    place.make()
    shutil.copyfile(stored_database(1), place.database)
    async with Kept(place) as kept:
        kept.journal.append(note(1_000, "and on"))
    found = stored(place.database)
    assert [fact for _, fact in found[:-1]] == list(FACTS)
    assert found[-1][0] == 1_000


@pytest.mark.parametrize("newest_in_wal", [False, True])
def test_dur_09_a_newer_schema_is_refused_and_every_byte_stays(
    place: SessionPlace, tmp_path: Path, newest_in_wal: bool
) -> None:
    place.make()
    other = tmp_path / "other.db"
    shutil.copyfile(stored_database(1), other)
    with closing(sqlite3.connect(other, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA user_version={SCHEMA + 1}")
        database.execute("CREATE TABLE of_a_later_version (a)")
        if not newest_in_wal:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for ending in ("", "-wal"):
            copied = other.with_name(other.name + ending)
            if copied.stat().st_size:
                shutil.copyfile(copied, place.database.with_name(place.database.name + ending))
    before = {one.name: one.read_bytes() for one in place.folder.iterdir()}
    assert ("journal.db-wal" in before) is newest_in_wal
    with pytest.raises(NewerSchema, match="newer version"):
        JournalReader(place.database)
    with pytest.raises(NewerSchema, match="newer version"):
        open_for_writing(place.database)
    with pytest.raises(Unwritable, match="newer version"):
        open_session(place, {"folder": "/f"})
    assert owner_of(place.lease) is None
    assert {name: (place.folder / name).read_bytes() for name in before} == before


def test_a_path_of_any_bytes_is_opened(tmp_path: Path) -> None:
    place = SessionPlace(tmp_path / os.fsdecode(b"a \xff ? # %41"), "s ?")
    database, lease = open_session(place, {"folder": os.fsdecode(b"/f/\xff")})
    database.close()
    with JournalReader(place.database) as reader:
        assert reader.meta() == {"folder": os.fsdecode(b"/f/\xff")}
    lease.release()


async def test_more_facts_than_one_transaction_reads_are_read_in_order(place: SessionPlace) -> None:
    count = CHUNK * 2 + 1
    other = RunId("r2")
    await keep(place, [note(seq * 3, run_id=other if seq % 2 else RUN) for seq in range(1, count + 1)])
    with JournalReader(place.database) as reader:
        assert [seq for seq, _ in reader.facts()] == [seq * 3 for seq in range(1, count + 1)]
        assert [seq for seq, _ in reader.facts(after=9, up_to=15)] == [12, 15]
        assert [seq for seq, _ in reader.facts_of(other)] == [seq * 3 for seq in range(1, count + 1, 2)]
        assert [seq for seq, _ in reader.facts_of(RUN, after=count)] == [
            seq * 3 for seq in range(2, count + 1, 2) if seq * 3 > count
        ]
        assert len(list(reader.facts_of_state())) == count
        assert list(reader.tagged(["text_said"])) == []


async def test_a_reader_changes_nothing_and_sees_what_is_committed_meanwhile(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1))
        await kept.journal.committed()
        with JournalReader(place.database) as reader:
            assert reader.last() == 1
            kept.journal.append(note(2))
            await kept.journal.committed()
            assert reader.last() == 2
            with (
                closing(open_for_reading(place.database)) as database,
                pytest.raises(sqlite3.OperationalError),
            ):
                database.execute("DELETE FROM facts")


async def test_a_session_that_was_left_in_the_middle_of_a_rollback_is_read_from_a_copy(
    place: SessionPlace, tmp_path: Path
) -> None:
    await keep(place, [note(seq, "x" * 500) for seq in range(1, 100)])
    with closing(sqlite3.connect(place.database, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("PRAGMA cache_size=1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE facts SET fact = zeroblob(400)")
        left = tmp_path / "left"
        shutil.copytree(place.folder, left)
    assert (left / "journal.db-journal").stat().st_size
    before = {one.name: one.read_bytes() for one in left.iterdir()}
    assert [seq for seq, _ in stored(left / "journal.db")] == list(range(1, 100))
    assert {name: (left / name).read_bytes() for name in before} == before


def test_a_journal_with_an_owner_that_cannot_be_opened_is_not_copied(place: SessionPlace) -> None:
    database, lease = open_session(place, {})
    database.execute("PRAGMA journal_mode=DELETE")
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unreadable, match="locked"):
        JournalReader(place.database)
    database.close()
    lease.release()


def realistic(count: int) -> list[FactRecord]:
    """Turns of twenty teammates as they are: messages, calls with their output, marks."""
    facts: list[FactRecord] = []
    for number in range(1, count + 1):
        run_id = RunId(f"rose-{number % 20}-01hx")
        call_id = CallId(f"toolu_01{number:022}")
        said = f"I have read the file and found what is wrong in line {number}: the sum is off by one. " * 3
        kind: did.Action
        match number % 6:
            case 0:
                kind = did.TextSaid(at=1.7e9 + number, run_id=run_id, text=said)
            case 1:
                block = {"type": "text", "text": said}
                kind = did.MessageRecorded(
                    at=1.7e9 + number, run_id=run_id, role="assistant", blocks=(block,)
                )
            case 2:
                title = f"src/part_{number}.py"
                kind = did.ToolStarted(
                    at=1.7e9 + number, run_id=run_id, call_id=call_id, tool="Read", title=title
                )
            case 3:
                kind = did.ToolEnded(
                    at=1.7e9 + number,
                    run_id=run_id,
                    call_id=call_id,
                    tool="Read",
                    title=f"src/part_{number}.py",
                    status=ToolStatus.OK,
                    summary="61 lines",
                    detail="    return total + 1\n" * 30,
                    duration_s=0.2,
                )
            case 4:
                kind = did.StepAccepted(at=1.7e9 + number, run_id=run_id, stop_reason="tool_use")
            case _:
                kind = did.StepStarted(at=1.7e9 + number, run_id=run_id)
        facts.append(record(number, kind, entry=number // 20 if number % 6 < 4 else None))
    return facts


async def test_a_session_takes_less_than_twice_what_it_holds(place: SessionPlace) -> None:
    facts = realistic(10_000)
    rows = tuple(run_row(fact.run_id) for fact in facts[:20])
    await keep(place, facts, rows=rows)
    held = sum(len(msgspec.json.encode(fact.fact)) for fact in facts)
    taken = sum(one.stat().st_size for one in place.folder.iterdir())
    assert held > 2_000_000
    assert taken <= 2 * held, f"{taken / held:.2f} times"


async def test_the_wal_stays_small_beside_readers_with_short_transactions(place: SessionPlace) -> None:
    most = 0
    async with Kept(place) as kept:
        with JournalReader(place.database) as reader:
            for start in range(0, 6_000, 20):
                for seq in range(start + 1, start + 21):
                    kept.journal.append(note(seq, "x" * 4_000), as_made(run_row(heartbeat_at=float(seq))))
                await kept.journal.committed()
                assert len(list(reader.facts(after=start))) == 20
                most = max(most, (place.folder / "journal.db-wal").stat().st_size)
    assert place.database.stat().st_size > 3 * WAL_BYTES
    assert most <= WAL_BYTES
    assert (
        not (place.folder / "journal.db-wal").exists() or not (place.folder / "journal.db-wal").stat().st_size
    )


async def test_a_slow_reader_holds_the_end_up_for_a_moment_only(place: SessionPlace) -> None:
    async with Kept(place) as kept:
        kept.journal.append(note(1))
        await kept.journal.committed()
        with closing(open_for_reading(place.database)) as database:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM facts").fetchone()
            kept.journal.append(note(2))
            kept.journal.close()
            await asyncio.to_thread(kept.thread.join, 2)
            assert not kept.thread.is_alive()
    assert [seq for seq, _ in stored(place.database)] == [1, 2]


def test_the_columns_of_the_registry_are_those_of_its_record() -> None:
    assert tuple(field.name for field in msgspec.structs.fields(ROW)) == RUN_COLUMNS
