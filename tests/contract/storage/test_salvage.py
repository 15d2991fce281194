"""DUR-02: a damaged session that goes on: the damaged file keeps every byte, and the rest goes on anew."""

import stat
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.resuming import take_over
from quarterdeck.bootstrap.salvage import salvage
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.bootstrap.stored import read_session
from quarterdeck.config.settings import SettingsFault
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import reduce
from quarterdeck.storage import renewal
from quarterdeck.storage.folders import DATABASE, SessionPlace
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.reader import JournalReader
from tests.support.durable import durable
from tests.support.states import NOW, evicted, idle, killed, run
from tests.support.stored_sessions import SessionFile, says

SAID = 300


def files_in(folder: Path) -> dict[str, bytes]:
    """The database and its WAL; an empty WAL is what a reader made."""
    found = {name: folder / name for name in (DATABASE, f"{DATABASE}-wal")}
    return {name: path.read_bytes() for name, path in found.items() if path.exists() and path.stat().st_size}


def config(tmp_path: Path) -> SessionConfig:
    return SessionConfig(
        folder=tmp_path,
        team="shop",
        endpoint=Endpoint(api_key="k", auth_token=None, base_url="http://127.0.0.1:9"),
        model="m",
        keep=Keep(tmp_path / "state"),
    )


def a_session(tmp_path: Path) -> SessionPlace:
    """One that has much to read."""
    file = SessionFile(tmp_path / "state", "s1")
    file.tell(
        did.SessionOpened(
            at=1.0, session_id="s1", folder=str(tmp_path), team="shop", model="m", endpoint="e"
        ),
        *idle("coder"),
    )
    for number in range(SAID):
        file.tell(says("coder", f"said {number} {'x' * 200}"))
    file.write()
    return file.place


def spoil(place: SessionPlace, how: str) -> None:
    """Damage the database file as a bad disk does."""
    found = bytearray(place.database.read_bytes())
    at = found.index(b"said 150 ")
    page = at - at % 4_096
    match how:
        case "a page of zeros":
            found[page : page + 4_096] = bytes(4_096)
        case "a changed byte":
            found[at + 5] ^= 1
        case "its end is cut off":
            del found[int(len(found) * 0.8) :]
        case "a row is gone without a fault":
            assert found[page] == 13
            count = int.from_bytes(found[page + 3 : page + 5])
            found[page + 3 : page + 5] = (count - 1).to_bytes(2)
    place.database.write_bytes(bytes(found))


def facts_in(place: SessionPlace) -> tuple[list[tuple[int, Any]], bool]:
    with JournalReader(place.database) as reader:
        return list(reader.facts()), bool(reader.damage)


async def goes_on(tmp_path: Path) -> Session:
    """What `--resume` does, and a fact more."""
    resumed = take_over(tmp_path / "state", "s1", config(tmp_path))
    session = Session(resumed.config, found=resumed.found)
    session.open()
    session.dispatch(did.RuleGiven(at=2.0, rule="Read", team="shop"))
    await session.kept()
    return session


@pytest.mark.parametrize(
    "how", ["a page of zeros", "a changed byte", "its end is cut off", "a row is gone without a fault"]
)
async def test_dur_02_the_damaged_file_keeps_every_byte_and_the_session_goes_on_in_a_new_one(
    tmp_path: Path, how: str
) -> None:
    place = a_session(tmp_path)
    spoil(place, how)
    before, (readable, is_said) = files_in(place.folder), facts_in(place)
    assert is_said
    assert len(readable) > SAID * 0.6
    session = await goes_on(tmp_path)
    notice = session.store.state.session.notice
    assert notice is not None
    assert "can't be read; the rest is here, and the damaged file is kept beside it" in notice.text
    assert notice.is_fault
    await session.close()
    aside = place.folder / "damaged-1"
    assert files_in(aside) == before
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in (*aside.iterdir(), place.database)} == {0o600}
    now, is_damaged = facts_in(place)
    assert not is_damaged
    assert now[: len(readable)] == readable
    assert any(isinstance(fact, did.RuleGiven) for _, fact in now)
    found = read_session(place.database)
    assert durable(found.state) == durable(session.store.state)
    assert not list(place.folder.glob("journal.new*"))
    again = await goes_on(tmp_path)
    await again.close()
    assert not (place.folder / "damaged-2").exists(), "it is damaged once"


async def test_dur_02_pages_of_the_new_journal_are_those_that_could_be_read(tmp_path: Path) -> None:
    place = a_session(tmp_path)
    spoil(place, "a changed byte")
    session = await goes_on(tmp_path)
    await session.close()
    with JournalReader(place.database) as reader:
        entries = [row[0] for row in reader.select("SELECT entry FROM facts WHERE tag = 'text_said'")]
        assert entries == list(range(entries[0], entries[0] + SAID - 1))
        (row,) = reader.runs()
        assert row.run_id == run("coder")
        assert reader.meta()["folder"] == str(tmp_path)


def test_dur_02_a_crash_before_the_new_one_is_in_place_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_session(tmp_path)
    spoil(place, "a page of zeros")
    before = files_in(place.folder)

    def crash(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        salvage(place)
    monkeypatch.undo()
    assert files_in(place.folder) == before
    assert files_in(place.folder / "damaged-1") == before
    salvage(place)
    assert files_in(place.folder / "damaged-2") == before
    assert facts_in(place)[1] is False


def test_dur_02_without_room_for_a_new_one_it_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_session(tmp_path)
    spoil(place, "a page of zeros")
    before = files_in(place.folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(renewal, "open_for_writing", full)
    with pytest.raises(SettingsFault, match=r"damaged, and can't be set aside \(No space left on device\)"):
        take_over(tmp_path / "state", "s1", config(tmp_path))
    assert files_in(place.folder) == before
    assert owner_of(place.lease) is None
    assert place.database.name == DATABASE


async def test_dur_02_a_whole_session_is_not_set_aside(tmp_path: Path) -> None:
    place = a_session(tmp_path)
    inode = place.database.stat().st_ino
    session = await goes_on(tmp_path)
    await session.close()
    assert place.database.stat().st_ino == inode
    assert not list(place.folder.glob("damaged-*"))


async def test_dur_02_a_transcript_that_was_deleted_stays_so_and_its_findings_stay_too(
    tmp_path: Path,
) -> None:
    place = a_session(tmp_path)
    file = SessionFile(tmp_path / "state", "s1")
    with JournalReader(place.database) as reader:
        for seq, fact in reader.facts():
            file.state, file.sequence = reduce(file.state, fact), seq
    file.tell(
        *idle("fork", said="Found by the fork."),
        says("fork", "Not to be kept."),
        killed("fork"),
        did.TranscriptDropped(at=NOW, run_id=run("fork"), entry_id=3),
    )
    file.write()
    spoil(place, "a changed byte")
    session = await goes_on(tmp_path)
    await session.close()
    mate = read_session(place.database).state.team.by_run[run("fork")]
    assert mate.cleaned_at == NOW
    assert mate.final_text == "Found by the fork."
    assert b"Not to be kept" not in place.database.read_bytes()


async def test_dur_02_the_new_registry_has_all_findings_of_runs_that_are_gone(tmp_path: Path) -> None:
    place, long = a_session(tmp_path), "found " * 200
    file = SessionFile(tmp_path / "state", "s1")
    with JournalReader(place.database) as reader:
        for seq, fact in reader.facts():
            file.state, file.sequence = reduce(file.state, fact), seq
    file.tell(*idle("gone", said=long), killed("gone"))
    file.write()
    file.tell(evicted("gone"))
    file.write()
    spoil(place, "a changed byte")
    session = await goes_on(tmp_path)
    await session.close()
    with JournalReader(place.database) as reader:
        assert {row.name: row.findings for row in reader.runs()} == {"coder": "", "gone": long}
