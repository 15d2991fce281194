"""Transcripts of stored sessions by pages, as `StoredArchive` gives them to the screen."""

from pathlib import Path

import pytest

from quarterdeck.bootstrap.archive import StoredArchive
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import IdleReason, Outcome
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Entry, Note, Said, Text, Thinking, ToolCall, ToolStatus, TurnMark
from quarterdeck.storage import lease
from quarterdeck.tui.ports import ArchiveGone
from tests.support.states import ended, opened, run, spawned, working
from tests.support.stored_sessions import NOW, SessionFile, answered, says, told, tool_began, tool_ended

CODER = run("coder")


def turn_over(*, at: float = NOW + 9) -> did.TurnEnded:
    """The coder's turn ends."""
    return did.TurnEnded(
        at=at, run_id=CODER, reason=IdleReason.DONE, final_text="", duration_s=9.0, usage=Usage(output=7)
    )


async def page(state: Path, run_id: RunId = CODER, *, before: int = 10_000, count: int = 50) -> list[Entry]:
    """A page of the session `s1`."""
    return list(await StoredArchive(state, "own").page("s1", run_id, before=before, count=count))


async def test_every_kind_of_entry_comes_back_as_it_was_shown(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1", gap=5)
    file.tell(
        opened(),
        *working("coder", verb="Baking"),
        told("coder", "Fix it."),
        did.ThoughtFinished(at=NOW + 1, run_id=CODER, text="hm"),
        says("coder", "I begin.", at=NOW + 2),
        tool_began("coder", "pytest", at=NOW + 3),
        did.NoteTaken(at=NOW + 4, run_id=CODER, text="a note"),
        tool_ended("coder", "pytest", "1 passed", at=NOW + 5),
        answered("coder"),
        turn_over(),
    )
    file.write()
    said, thought, text, call, note, mark = await page(tmp_path)
    assert isinstance(said, Said)
    assert (said.id, said.text, said.answered) == (1, "Fix it.", True)
    assert thought == Thinking(2, NOW + 1, "hm")
    assert text == Text(3, NOW + 2, "I begin.")
    assert isinstance(call, ToolCall)
    assert (call.id, call.at, call.status, call.detail) == (4, NOW + 3, ToolStatus.OK, "1 passed")
    assert note == Note(5, NOW + 4, "a note")
    assert mark == TurnMark(6, NOW + 9, "Charted", 9.0, Usage(output=7))
    assert list(file.state.transcripts[CODER].entries) == [said, thought, text, call, note, mark]


async def test_pages_go_back_to_the_first_entry(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), *(says("coder", f"line {nth}") for nth in range(1, 1_001)))
    file.write()
    assert [one.id for one in await page(tmp_path, count=3)] == [998, 999, 1_000]
    assert [one.id for one in await page(tmp_path, before=998, count=2)] == [996, 997]
    assert [one.id for one in await page(tmp_path, before=3)] == [1, 2]
    assert await page(tmp_path, before=1) == []
    assert await page(tmp_path, count=0) == []
    assert await page(tmp_path, RunId("nobody")) == []


async def test_a_revived_run_goes_on_with_the_entries_of_its_earlier_lives(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"))
    file.tell(*(says("coder", f"first {nth}") for nth in range(3)), ended("coder", Outcome.FAILED))
    for number, before in ((2, "run-coder"), (3, "run-coder-2")):
        new = RunId(f"run-coder-{number}")
        born = spawned("coder", run_id=new, revived_from=RunId(before))
        first = 4 if number == 2 else 5
        fields = {one: getattr(born, one) for one in born.__struct_fields__}
        file.tell(
            did.TeammateSpawned(**{**fields, "first_entry_id": first}),
            did.TeammateReady(at=NOW, run_id=new),
            did.TurnStarted(at=NOW, run_id=new, verb="Baking", past_verb="Baked"),
            did.TextSaid(at=NOW, run_id=new, text=f"life {number}"),
        )
        if number == 2:
            file.tell(did.TeammateEnded(at=NOW, run_id=new, outcome=Outcome.STOPPED, findings=""))
    file.write()
    third = RunId("run-coder-3")
    texts = [(one.id, one.text) for one in await page(tmp_path, third) if isinstance(one, Text)]
    assert texts == [(1, "first 0"), (2, "first 1"), (3, "first 2"), (4, "life 2"), (5, "life 3")]
    assert [one.id for one in await page(tmp_path, third, before=5, count=2)] == [3, 4]
    assert [one.id for one in await page(tmp_path, RunId("run-coder-2"))] == [1, 2, 3, 4]


async def test_a_call_runs_only_while_somebody_runs_it(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), tool_began("coder", "sleep 9"))
    file.write()
    held = lease.take(file.place.lease)
    (running,) = await page(tmp_path)
    held.release()
    (left,) = await page(tmp_path)
    assert isinstance(running, ToolCall)
    assert isinstance(left, ToolCall)
    assert (running.status, left.status) == (ToolStatus.RUNNING, ToolStatus.CANCELLED)


async def test_a_call_that_a_kill_ended_is_cancelled(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), says("coder", "Off I go."), tool_began("coder", "sleep 9"))
    file.tell(did.TeammateKilled(at=NOW + 1, run_id=CODER, by="you"))
    file.write()
    held = lease.take(file.place.lease)
    said, call = await page(tmp_path)
    held.release()
    assert isinstance(said, Text)
    assert isinstance(call, ToolCall)
    assert (call.status, call.summary) == (ToolStatus.CANCELLED, "cancelled")


async def test_a_session_that_is_gone_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArchiveGone, match="no longer stored"):
        await page(tmp_path)


@pytest.mark.parametrize("session_id", ["..", "../sessions/s1", "", "s1/.."])
async def test_an_id_is_never_a_path(tmp_path: Path, session_id: str) -> None:
    SessionFile(tmp_path, "s1").write()
    with pytest.raises(ArchiveGone, match="no longer stored"):
        await StoredArchive(tmp_path, "own").page(session_id, CODER, before=9, count=9)


async def test_a_damaged_session_is_said_in_one_line(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened())
    file.write()
    file.place.database.write_bytes(b"this is no database" * 1_000)
    with pytest.raises(ArchiveGone, match="s1 can't be read"):
        await page(tmp_path)


async def test_runs_are_those_of_the_other_sessions(tmp_path: Path) -> None:
    for session in ("s1", "own"):
        file = SessionFile(tmp_path, session)
        file.tell(opened(), *working("coder"))
        file.write()
    archive = StoredArchive(tmp_path, "own")
    assert [one.session_id for one in await archive.runs()] == ["s1"]
    assert (await archive.search("nothing said")).hits == ()
