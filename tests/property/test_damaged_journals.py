"""Damaged journals (DUR-02): what can be read is, what is lost is said, and no byte of them changes."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.storage.folders import DATABASE, SessionPlace
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.records import Draft
from quarterdeck.storage.schema import NewerSchema
from tests.support.journals import Kept, as_made, note, run_row

FACTS = 400
IN_ONE_GO = 20
WAL = f"{DATABASE}-wal"
SHM = f"{DATABASE}-shm"
Files = dict[str, bytes]


def text_of(seq: int) -> str:
    """The text of one fact: some are long, some hold what is hard to hold."""
    return f"{seq} " + ("x" * 9_000 if seq % 97 == 0 else "\x00\u2028ü" * (seq % 40))


async def _kept(folder: Path, *, is_closed: bool) -> Files:
    place = SessionPlace(folder, "s")
    async with Kept(place) as kept:
        for seq in range(1, FACTS + 1):
            run_id = RunId(f"r{seq % 3}")
            kept.journal.append(note(seq, text_of(seq), run_id=run_id), as_made(run_row(run_id)))
            kept.journal.draft(Draft(run_id, 0.0, "streams"))
            if seq % IN_ONE_GO == 0:
                await kept.journal.committed()
        if not is_closed:
            return files_in(place.folder)
    return files_in(place.folder)


def files_in(folder: Path) -> Files:
    """The database, its WAL and what SQLite knows of that, as far as they are there."""
    found = {name: folder / name for name in (DATABASE, WAL, SHM)}
    return {name: path.read_bytes() for name, path in found.items() if path.exists()}


@cache
def whole(*, is_closed: bool) -> Files:
    """A session that was left behind: closed, or with its newest part in the WAL."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_kept(Path(folder), is_closed=is_closed))


def read(path: Path) -> tuple[dict[int, did.Action], bool]:
    """All that a reader has, by every way that it offers; whether it says that something is lost."""
    with JournalReader(path) as reader:
        facts = list(reader.facts())
        assert [seq for seq, _ in facts] == sorted({seq for seq, _ in facts})
        list(reader.facts_of_state())
        list(reader.facts_of("r1"))
        list(reader.facts(10, 300))
        list(reader.tagged(["note_taken"], "r2"))
        list(reader.of_entries("r1", 5, 50))
        rows = {row.run_id for row in reader.runs()}
        assert all(draft.run_id.isprintable() for draft in reader.drafts())
        reader.meta()
        try:
            reader.last()
        except Unreadable:
            assert reader.damage
        assert all("\n" not in damage.words for damage in reader.damage)
        return dict(facts), bool(reader.damage) or not rows >= {"r0", "r1", "r2"}


class Damage(msgspec.Struct, frozen=True):
    """What is done to a file."""

    name: str
    how: str
    at: float
    """Which part of it comes before."""
    size: int = 1
    seed: int = 0

    def of(self, files: Files) -> Files:
        """The files with it."""
        found, chance = bytearray(files[self.name]), random.Random(self.seed)
        at = int(self.at * len(found)) if self.at < 1 else min(int(self.at), len(found) - 1)
        here = slice(at, at + self.size)
        match self.how:
            case "cut":
                del found[at:]
            case "flip":
                for where in [at, *(chance.randrange(len(found)) for _ in range(self.size - 1))]:
                    found[where] ^= chance.randint(1, 255)
            case "NUL":
                found[here] = bytes(len(found[here]))
            case "noise":
                found[here] = chance.randbytes(len(found[here]))
        return {**files, self.name: bytes(found)}


def damages(name: str) -> st.SearchStrategy[Damage]:
    """Anywhere in the file, and often in its first bytes, which say how to read the rest."""
    at = st.floats(0, 1, exclude_max=True) | st.integers(1, 200).map(float)
    blocks = st.sampled_from([1, 24, 512, 4_096, 20_000])
    return st.one_of(
        st.builds(Damage, st.just(name), st.just("cut"), at),
        st.builds(Damage, st.just(name), st.just("flip"), at, st.integers(1, 4), st.integers(0, 10**6)),
        st.builds(Damage, st.just(name), st.just("NUL"), at, blocks),
        st.builds(Damage, st.just(name), st.just("noise"), at, blocks, st.integers(0, 10**6)),
    )


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


def lay(folder: Path, files: Files) -> Path:
    """Put the files of a session there, and nothing else."""
    place = SessionPlace(folder, "s")
    shutil.rmtree(place.folder, ignore_errors=True)
    place.make()
    for name, found in files.items():
        (place.folder / name).write_bytes(found)
    return place.database


def check_damaged(folder: Path, before: Files, damage: Damage) -> None:
    """Read it; nothing but the two faults is raised, nothing is made up, nothing is written."""
    files = damage.of(before)
    path, how = lay(folder, files), f"{damage.name} {damage.how}"
    try:
        found, is_said = read(path)
    except (Unreadable, NewerSchema) as fault:
        event(f"{how}: {type(fault).__name__}")
    else:
        event(
            f"{how}: {'all' if len(found) == FACTS else 'a part'} is read, {'said' if is_said else 'silent'}"
        )
        wrong = [seq for seq, fact in found.items() if getattr(fact, "text", "") != text_of(seq)]
        assert wrong == []
        # Without the -shm file the end of a WAL that is cut off or torn looks as if it had never been.
        is_blind = damage.name == WAL and SHM not in files
        most_unsaid = (FACTS if damage.how == "cut" else IN_ONE_GO) if is_blind else 0
        assert is_said or len(found) >= FACTS - most_unsaid
    after = files_in(path.parent)
    is_left = all(after[name] == stored for name, stored in files.items() if name != SHM)
    assert is_left, "a byte of it has changed"


_settings = settings(max_examples=100, suppress_health_check=list(HealthCheck))


def test_dur_02_what_is_whole_is_read_whole_and_without_a_complaint(scratch: Path) -> None:
    for is_closed in (True, False):
        files = whole(is_closed=is_closed)
        assert (WAL in files) is not is_closed
        found, is_said = read(lay(scratch, files))
        assert len(found) == FACTS
        assert is_said is False


@_settings
@given(damage=damages(DATABASE))
def test_dur_02_a_damaged_database_is_read_as_far_as_it_can_be_and_left_as_it_is(
    damage: Damage, scratch: Path
) -> None:
    check_damaged(scratch, whole(is_closed=True), damage)


@_settings
@given(damage=damages(WAL))
def test_dur_02_a_damaged_wal_is_read_as_far_as_it_can_be_and_all_that_is_lost_is_said(
    damage: Damage, scratch: Path
) -> None:
    check_damaged(scratch, whole(is_closed=False), damage)


@_settings
@given(damage=damages(WAL))
def test_dur_02_a_damaged_wal_is_read_as_far_as_it_can_be_also_without_what_sqlite_knew_of_it(
    damage: Damage, scratch: Path
) -> None:
    files = whole(is_closed=False)
    check_damaged(scratch, {name: files[name] for name in (DATABASE, WAL)}, damage)


@_settings
@given(damage=damages(SHM))
def test_dur_02_what_sqlite_knew_of_the_wal_is_believed_only_when_it_is_whole(
    damage: Damage, scratch: Path
) -> None:
    with JournalReader(lay(scratch, damage.of(whole(is_closed=False)))) as reader:
        assert len(list(reader.facts())) == FACTS
        assert reader.damage == []


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_dur_02_a_wal_that_is_cut_inside_its_last_transaction_is_said(scratch: Path, pages: int) -> None:
    files = whole(is_closed=False)
    cut = files[WAL][: -pages * (4_096 + 24) + 100]
    facts, is_said = read(lay(scratch, {**files, WAL: cut}))
    assert len(facts) < FACTS
    assert is_said


def test_dur_02_a_wal_that_is_gone_is_said(scratch: Path) -> None:
    files = whole(is_closed=False)
    with JournalReader(lay(scratch, {DATABASE: files[DATABASE], SHM: files[SHM]})) as reader:
        assert len(list(reader.facts())) < FACTS
        assert reader.damage


def test_dur_02_a_wal_that_is_in_the_database_already_may_go(scratch: Path) -> None:
    with closing(sqlite3.connect(lay(scratch, whole(is_closed=False)))) as database:
        database.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        files = files_in(scratch / "sessions" / "s")
    assert len(files[WAL]) > 100_000
    for left in (b"", files[WAL][:40], files[WAL][:3_000]):
        facts, is_said = read(lay(scratch, {**files, WAL: left}))
        assert len(facts) == FACTS
        assert is_said is False
    facts, is_said = read(lay(scratch, {**files, WAL: files[WAL][:50_000]}))
    assert is_said, "what is left of it hides what is newer"


def test_dur_02_what_a_killed_process_was_just_writing_is_no_damage(scratch: Path) -> None:
    """It was never acknowledged: the frames are there, and SQLite has not noted them."""
    files = whole(is_closed=False)
    frame = files[WAL][-(4_096 + 24) :]
    for torn in (frame, frame[:2_000], bytes(4_120)):
        facts, is_said = read(lay(scratch, {**files, WAL: files[WAL] + torn}))
        assert len(facts) == FACTS
        assert is_said is False


def test_dur_02_facts_before_and_behind_a_damaged_page_are_read(scratch: Path) -> None:
    files = whole(is_closed=True)
    found = bytearray(files[DATABASE])
    at = found.index(b'"200 ')
    page = at - at % 4_096
    found[page : page + 4_096] = bytes(4_096)
    facts, is_said = read(lay(scratch, {DATABASE: bytes(found)}))
    assert is_said
    assert 200 not in facts
    assert {1, 100, 300, FACTS} <= set(facts)
    assert len(facts) > FACTS * 0.9


def test_dur_02_facts_that_are_gone_without_a_fault_are_missed_by_who_reads_all(scratch: Path) -> None:
    found = bytearray(whole(is_closed=True)[DATABASE])
    at = found.index(b'"200 ')
    page = at - at % 4_096
    assert found[page] == 13, "a leaf of a table"
    count = int.from_bytes(found[page + 3 : page + 5])
    found[page + 3 : page + 5] = (count - 1).to_bytes(2)
    with JournalReader(lay(scratch, {DATABASE: bytes(found)})) as reader:
        assert len(list(reader.facts())) == FACTS - 1
        assert reader.damage


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
def test_dur_02_a_database_whose_end_is_cut_off_is_read_up_to_there(scratch: Path, part: float) -> None:
    found = whole(is_closed=True)[DATABASE]
    facts, is_said = read(lay(scratch, {DATABASE: found[: int(len(found) * part)]}))
    assert is_said
    assert len(facts) > FACTS * part / 2


@pytest.mark.parametrize(
    "stored", [b"", b"\x00" * 8_192, b"not a database, but some text", b"SQLite format 3\x00"]
)
def test_dur_02_a_file_that_is_no_database_has_nothing_to_read(scratch: Path, stored: bytes) -> None:
    path = lay(scratch, {DATABASE: stored})
    try:
        with JournalReader(path) as reader:
            assert reader.is_empty
            assert list(reader.facts()) == []
    except Unreadable:
        assert stored
    assert path.read_bytes() == stored


@pytest.mark.parametrize("size", [0, 10, 32, 40])
def test_dur_02_a_wal_that_was_only_begun_is_no_damage(scratch: Path, size: int) -> None:
    closed, wal = whole(is_closed=True)[DATABASE], whole(is_closed=False)[WAL]
    facts, is_said = read(lay(scratch, {DATABASE: closed, WAL: wal[:size]}))
    assert len(facts) == FACTS
    assert is_said is False


def test_dur_02_nothing_where_a_journal_should_be_is_said(scratch: Path) -> None:
    with pytest.raises(Unreadable, match="has no journal"):
        JournalReader(scratch / "sessions" / "none" / DATABASE)
    with pytest.raises(Unreadable, match="has no journal"):
        JournalReader(scratch)
