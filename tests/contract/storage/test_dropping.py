"""What a journal holds of a run is deleted, with the fact that says so; a failure holds nothing up."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.bootstrap.stored import read_session
from quarterdeck.bootstrap.stored_archive import BlockingArchive
from quarterdeck.domain.ids import MessageId, RunId
from quarterdeck.domain.teammates import IdleReason, Outcome, Way
from quarterdeck.domain.usage import NO_USAGE
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.index import SessionIndex
from quarterdeck.storage.index_schema import INDEX
from quarterdeck.storage.reader import JournalReader
from tests.support.durable import durable
from tests.support.states import evicted, idle, killed, opened, run, spawned, working
from tests.support.stored_sessions import NOW, SessionFile, says, told, tool_began, tool_ended

CANARY = "zanzibar"
MINE, OTHERS = f"{CANARY} of fork".encode(), f"{CANARY} of other".encode()
DROP = did.TranscriptDropped(at=NOW + 9, run_id=run("fork"), entry_id=5)
NEVER = """
CREATE TRIGGER never BEFORE DELETE ON facts BEGIN SELECT RAISE(ABORT, 'a page that is damaged'); END
"""


def life(name: str) -> list[did.Action]:
    """A run that says, does and is told things with the canary in them, and ends with findings."""
    canary = f"{CANARY} of {name}"
    block = {"type": "text", "text": canary}
    return [
        *working(name, at=NOW),
        did.MessageQueued(
            at=NOW,
            message_id=MessageId("m1"),
            run_id=run(name),
            sender="you",
            text=f"{'please ' * 20}{canary}",
            way=Way.STEER,
        ),
        told(name, f"please {canary}"),
        did.MessageRecorded(at=NOW, run_id=run(name), role="user", blocks=(block,)),
        did.ThoughtFinished(at=NOW, run_id=run(name), text=f"I think of {canary}"),
        says(name, f"{name} says {canary}. " * 500),
        did.MessageRecorded(at=NOW, run_id=run(name), role="assistant", blocks=(block,)),
        tool_began(name, f"grep {canary}"),
        tool_ended(name, f"grep {canary}", f"7 hits of {canary}"),
        did.TurnEnded(
            at=NOW,
            run_id=run(name),
            reason=IdleReason.DONE,
            final_text=f"not the last {canary}",
            duration_s=1.0,
            usage=NO_USAGE,
        ),
        did.TeammateEnded(at=NOW, run_id=run(name), outcome=Outcome.COMPLETED, findings=f"found by {name}"),
    ]


def session(state: Path) -> SessionFile:
    """Two runs that have ended, on disk."""
    file = SessionFile(state, "s1")
    file.tell(opened(at=NOW - 10), *life("fork"), *life("other"))
    return file.write()


def on_disk(place: SessionPlace) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(place.folder.glob("journal.db*")))


def tags_of(place: SessionPlace, name: str) -> set[str]:
    with JournalReader(place.database) as reader:
        return {row[0] for row in reader.select("SELECT tag FROM facts WHERE run_id = ?", (run(name),))}


def test_nothing_of_it_is_left_in_the_file_and_its_record_findings_and_the_other_run_stay(
    tmp_path: Path,
) -> None:
    file = session(tmp_path)
    before = on_disk(file.place)
    file.tell(DROP)
    file.write()
    after = on_disk(file.place)
    assert before.count(MINE) > 400
    assert after.count(MINE) == 0
    assert after.count(OTHERS) == before.count(OTHERS) > 400
    assert tags_of(file.place, "fork") & {"text_said", "thought_finished", "message_recorded"} == set()
    assert {"text_said", "thought_finished", "message_recorded"} <= tags_of(file.place, "other")
    with JournalReader(file.place.database) as reader:
        rows = {row.name: row for row in reader.runs()}
        assert list(reader.facts())[-1][1] == DROP
        assert reader.damage == []
    assert rows["fork"].findings == "found by fork"
    assert rows["fork"].cleaned_at == NOW + 9
    assert rows["other"].cleaned_at is None


def test_the_journal_gives_back_the_state_as_it_is_with_the_transcript_deleted(tmp_path: Path) -> None:
    file = session(tmp_path)
    file.tell(DROP)
    file.write()
    assert durable(read_session(file.place.database).state) == durable(file.state)
    archive = BlockingArchive(tmp_path)
    (left,) = archive.page("s1", run("fork"), before=2**53, count=100)
    assert isinstance(left, Note)
    assert "deleted" in left.text
    assert any(isinstance(entry, Text) for entry in archive.page("s1", run("other"), before=2**53, count=100))


@pytest.mark.parametrize("is_known", [True, False], ids=["known before", "made anew"])
def test_no_search_finds_it_and_the_counts_are_those_of_an_index_that_is_made_anew(
    tmp_path: Path, is_known: bool
) -> None:
    file = session(tmp_path)
    if is_known:
        assert {hit.name for hit in SessionIndex(tmp_path).search(CANARY).hits} == {"fork", "other"}
    file.tell(DROP)
    file.write()
    index = SessionIndex(tmp_path)
    assert {hit.name for hit in index.search(CANARY).hits} == {"other"}
    (one,) = index.sessions()
    assert (one.runs, one.messages) == (2, 2)
    assert index.search("").searched == 3
    assert {stored.name: stored.cleaned_at for stored in index.runs()} == {"fork": NOW + 9, "other": None}
    assert (tmp_path / INDEX).exists()


def test_a_run_without_a_transcript_row_is_dropped_as_well(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(at=NOW), spawned("fork"))
    file.tell(did.TeammateEnded(at=NOW, run_id=run("fork"), outcome=Outcome.FAILED, findings="", error="no"))
    file.tell(DROP)
    file.write()
    assert durable(read_session(file.place.database).state) == durable(file.state)


def test_what_cannot_be_deleted_is_logged_holds_nothing_up_and_is_tried_again_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = session(tmp_path)
    with closing(sqlite3.connect(file.place.database)) as database:
        database.execute(NEVER)
    file.tell(DROP, says("nobody", "on"), *working("later", at=NOW + 20))
    with caplog.at_level(logging.ERROR, "quarterdeck"):
        file.write()  # `write` fails when the disk is said to be stuck
    assert "can't be deleted" in caplog.text
    assert "a page that is damaged" in caplog.text
    assert "text_said" in tags_of(file.place, "fork")
    (left,) = BlockingArchive(tmp_path).page("s1", run("fork"), before=2**53, count=100)
    assert isinstance(left, Note), "what is told to be deleted is not shown"
    assert {hit.name for hit in SessionIndex(tmp_path).search(CANARY).hits} == {"other"}
    with JournalReader(file.place.database) as reader:
        told_facts = [fact for _, fact in reader.facts()]
    assert DROP in told_facts
    assert any(isinstance(fact, did.TeammateSpawned) and fact.name == "later" for fact in told_facts)
    caplog.clear()
    with caplog.at_level(logging.ERROR, "quarterdeck"):
        file.write()  # it still can't
    assert "can't be deleted" in caplog.text
    assert "text_said" in tags_of(file.place, "fork")
    with closing(sqlite3.connect(file.place.database)) as database:
        database.execute("DROP TRIGGER never")
    file.write()
    assert "text_said" not in tags_of(file.place, "fork")
    assert MINE not in on_disk(file.place)
    with JournalReader(file.place.database) as reader:
        assert [key for key in reader.meta() if "undropped" in key] == []


def test_a_damaged_fact_of_it_is_left_as_it_is_and_the_rest_is_emptied(tmp_path: Path) -> None:
    file = session(tmp_path)
    with closing(sqlite3.connect(file.place.database)) as database, database:
        database.execute(
            "UPDATE facts SET fact = ? WHERE tag = 'tool_started' AND run_id = ?", (b"{bad", run("fork"))
        )
    file.tell(DROP)
    file.write()
    with JournalReader(file.place.database) as reader:
        list(reader.facts())
        assert len(reader.damage) == 1
    assert b"{bad" in on_disk(file.place)
    assert MINE not in on_disk(file.place)


def test_a_run_id_of_any_bytes_is_deleted_alone(tmp_path: Path) -> None:
    file = session(tmp_path)
    file.tell(did.TranscriptDropped(at=NOW, run_id=RunId("run-%"), entry_id=1))
    file.write()
    assert "text_said" in tags_of(file.place, "fork")


def test_long_findings_stay_whole_also_of_a_killed_run_that_is_gone(tmp_path: Path) -> None:
    file, long = SessionFile(tmp_path, "s1"), "found " * 200
    file.tell(opened(at=NOW - 10), *idle("fork", said=long), says("fork", CANARY), killed("fork", at=NOW))
    file.write()
    file.tell(evicted("fork"), DROP)
    file.write()
    assert len(file.state.team.by_run[run("fork")].final_text) < len(long)
    with JournalReader(file.place.database) as reader:
        assert [row.findings for row in reader.runs()] == [long]
    assert durable(read_session(file.place.database).state) == durable(file.state)
