"""cleanup = delete: after the end its transcript goes, its findings stay; cleanup = keep: all of it stays."""

import logging
from pathlib import Path

import pytest

from quarterdeck.bootstrap.controller import controller_for
from quarterdeck.bootstrap.past import StoredPast
from quarterdeck.bootstrap.stored import read_messages
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import QuestionAnswered
from quarterdeck.domain.teammates import Cleanup, Lifetime, Outcome
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text
from quarterdeck.state.selectors import DisplayDelays
from quarterdeck.storage.index import SessionIndex
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import RunRecord
from tests.support.durable import durable
from tests.support.restarts import Kept, kept, replayed
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world

DELETES = {"lifetime": Lifetime.TASK, "cleanup": Cleanup.DELETE}


def fork(talk: Conversation) -> Reply:
    """Looks, thinks aloud, and reports."""
    if not talk.results:
        return calls("bash", "An albatross first.", command="echo albatross")
    return says("The report: all is well.")


def curious(talk: Conversation) -> Reply:
    if "blue" in talk.told:
        return says("Blue it is.")
    return calls("ask_person", question="Which colour?", options=["red", "blue"])


ANSWERS = {
    "fork": fork,
    "q": curious,
    "boss": lambda talk: says(f"Told: {talk.last_user_text}"),
    "slow": lambda talk: calls("bash", command=HOLD),
}


async def dropped(here: World, run_id: RunId) -> did.TranscriptDropped:
    """Wait until its transcript is deleted, on disk too."""
    await here.until(lambda state: state.team.by_run[run_id].cleaned_at is not None)
    await here.session.kept()
    (told,) = [one for one in here.told(did.TranscriptDropped) if one.run_id == run_id]
    return told


def row_of(here: World, run_id: RunId) -> RunRecord:
    """Its row in the registry, on disk."""
    assert here.session.keeper is not None
    with JournalReader(here.session.keeper.place.database) as reader:
        (row,) = [one for one in reader.runs() if one.run_id == run_id]
    return row


def messages_of(here: World, run_id: RunId) -> tuple[object, ...]:
    assert here.session.keeper is not None
    return read_messages(here.session.keeper.place.database, (run_id,))


async def test_findings_are_on_disk_before_the_transcript_goes_and_stay(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        keeper = here.session.keeper
        assert keeper is not None
        committed_at_drop: list[tuple[int, int]] = []
        ends: list[int] = []

        def watch(sequence: int, action: did.Action, before: object, after: object) -> None:
            if isinstance(action, did.TeammateEnded):
                ends.append(sequence)
            if isinstance(action, did.TranscriptDropped):
                committed_at_drop.append((keeper.journal.last_committed, ends[0]))

        here.session.store.observe(watch)
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        await dropped(here, run_id)
        ((committed, ended),) = committed_at_drop
        assert committed >= ended, "the end was not on disk yet"
        mate, row = here.mate(run_id), row_of(here, run_id)
        assert mate.outcome is Outcome.COMPLETED
        assert mate.final_text == row.findings == "The report: all is well."
        assert (row.cleanup, row.cleaned_at, row.captured) == ("delete", mate.cleaned_at, True)
        assert mate.usage.total > 0
        assert messages_of(here, run_id) == ()
        assert [type(entry) for entry in here.state.transcripts[run_id].entries] == [Note]
        assert durable(await replayed(here)) == durable(here.state)
        assert SessionIndex(tmp_path / "state").search("albatross").hits == ()
        await here.session.close()
        left = b"".join(path.read_bytes() for path in keeper.place.folder.glob("journal.db*"))
        assert b"albatross first" not in left
        assert b"The report: all is well." in left


async def test_its_pages_say_so_before_and_after_its_row_has_left(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin(delays=DisplayDelays(completed=0.5))
        port = controller_for(here.session, tmp_path / "settings.toml", lambda prefix: ()).conversation
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        await dropped(here, run_id)
        for is_gone in (False, True):
            await here.until(lambda state, gone=is_gone: not gone or run_id in state.team.history)  # type: ignore[misc]
            (note,) = await port.page(run_id, before=2**53, count=100)
            assert isinstance(note, Note)
            assert "deleted" in note.text
        after = await sessions.crash(here)
        port = controller_for(after.session, tmp_path / "settings.toml", lambda prefix: ()).conversation
        assert await port.page(run_id, before=2**53, count=100) == (note,)


async def test_a_run_that_is_kept_keeps_all_of_it(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        keeps = here.spawn("fork", lifetime=Lifetime.TASK, rules=("Bash(echo albatross)",))
        await here.ended(keeps)
        here.session.housekeeping.tick()
        await here.session.kept()
        assert here.told(did.TranscriptDropped) == []
        assert len(messages_of(here, keeps)) == 4
        assert row_of(here, keeps).cleanup == "keep"
        assert here.entries(keeps, Text)


async def test_its_requester_is_told_its_findings_all_the_same(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        boss = here.spawn("boss")
        await here.idle(boss)
        run_id = here.spawn("fork", parent=boss, rules=("Bash(echo albatross)",), **DELETES)
        await dropped(here, run_id)
        await here.until(lambda state: "all is well" in state.team.by_run[boss].final_text)
        assert here.mate(run_id).announced_at is not None


async def test_it_cannot_be_revived_and_that_is_said(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path) as here:
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        await here.until(lambda state: state.team.by_run[run_id].cleaned_at is not None)
        revived = here.session.supervisor.revive(run_id, "go on")
        assert not revived.success
        assert "transcript of fork was deleted" in revived.error
        assert len(here.state.team.by_run) == 1


async def test_in_memory_too_nothing_of_it_is_left(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path) as here:
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        await here.until(lambda state: state.team.by_run[run_id].cleaned_at is not None)
        conversations = here.session.conversations
        assert [type(one) for one in conversations.page(run_id, before=2**53, count=99)] == [Note]
        assert conversations.history(run_id) == []


async def test_a_killed_one_is_deleted_too(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("slow", rules=(MAY_HOLD,), **DELETES)
        await here.holding(run_id)
        assert here.session.supervisor.kill(run_id)
        await dropped(here, run_id)
        await here.until(
            lambda state: (kill := state.team.by_run[run_id].kill) is not None and kill.is_complete
        )
        await here.session.kept()
        assert messages_of(here, run_id) == ()
        assert durable(await replayed(here)) == durable(here.state)


async def test_what_an_abandoned_task_still_says_to_itself_is_not_kept(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        await dropped(here, run_id)
        late = did.MessageRecorded(
            at=1.0, run_id=run_id, role="user", blocks=({"type": "text", "text": "late"},)
        )
        here.session.dispatch(late)
        await here.session.kept()
        assert messages_of(here, run_id) == ()


async def test_while_somebody_reads_it_it_stays(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        here.session.dispatch(did.TeammateViewed(at=1.0, run_id=run_id))
        await here.ended(run_id)
        for _ in range(3):
            here.session.housekeeping.tick()
            await here.session.kept()
        assert here.mate(run_id).cleaned_at is None
        assert here.entries(run_id, Text)
        here.session.dispatch(did.TeammateViewed(at=2.0, run_id=None))
        here.session.housekeeping.tick()
        await dropped(here, run_id)


async def test_a_kill_9_between_the_end_and_the_deletion_leaves_it_to_the_next_start(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        here.session.dispatch(did.TeammateViewed(at=1.0, run_id=run_id))  # holds it off
        await here.ended(run_id)
        after = await sessions.crash(here)
        await dropped(after, run_id)
        assert messages_of(after, run_id) == ()
        assert after.mate(run_id).final_text == "The report: all is well."
        again = await sessions.crash(after)
        assert again.told(did.TranscriptDropped) == []
        assert again.mate(run_id).cleaned_at == after.mate(run_id).cleaned_at


async def test_one_that_the_end_of_the_program_cut_off_is_captured_and_deleted_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        before = sessions.begin()
        run_id = before.spawn("slow", rules=(MAY_HOLD,), **DELETES)
        await before.holding(run_id)
        await before.session.close()
        assert before.told(did.TranscriptDropped) == []
        after = sessions.come_back(tmp_path / "state", before.session.id)
        await dropped(after, run_id)
        assert after.mate(run_id).outcome is Outcome.UNKNOWN
        assert row_of(after, run_id).captured
        assert messages_of(after, run_id) == ()


async def test_an_open_request_keeps_it_until_it_is_answered_and_the_life_after_has_ended(
    tmp_path: Path,
) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        before = sessions.begin()
        run_id = before.spawn("q", **DELETES)
        question = await before.asked(run_id)
        after = await sessions.crash(before)
        after.session.housekeeping.tick()
        await after.session.kept()
        assert after.mate(run_id).cleaned_at is None, "the answer revives it on its conversation"
        assert not after.session.answer(question.id, 1, QuestionAnswered("blue"))
        await after.until(lambda state: len(state.team.by_run) == 2)
        new = next(one for one, mate in after.state.team.by_run.items() if mate.revived_from == run_id)
        await dropped(after, new)
        after.session.housekeeping.tick()
        await dropped(after, run_id)
        assert after.mate(new).final_text == "Blue it is."
        assert messages_of(after, run_id) == messages_of(after, new) == ()
        assert durable(await replayed(after)) == durable(after.state)


async def test_the_timeline_has_nothing_of_it_either_also_when_it_was_read_before(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        assert here.session.keeper is not None
        past = StoredPast(here.session.keeper.place.database, here.session.kept)
        run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
        here.session.dispatch(did.TeammateViewed(at=1.0, run_id=run_id))  # holds it off
        await here.ended(run_id)
        before = await past.facts()
        assert "albatross" in str(before)
        shown = (await past.state_at(before[-1][0])).transcripts[run_id]
        assert "albatross" in str(shown.entries)
        here.session.dispatch(did.TeammateViewed(at=2.0, run_id=None))
        here.session.housekeeping.tick()
        await dropped(here, run_id)
        after = await past.facts()
        said = [fact for _, fact in after if isinstance(fact, did.TextSaid | did.ToolEnded)]
        assert "albatross" not in str(said)
        assert durable(await past.state_at(after[-1][0])) == durable(here.state)
        assert "albatross" not in str((await past.state_at(before[-1][0])).transcripts[run_id].entries)


async def test_a_deletion_that_fails_is_logged_and_the_team_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("a page that is damaged")

    monkeypatch.setattr("quarterdeck.storage.writer.drop_transcript", fail)
    monkeypatch.setattr(logging.getLogger("quarterdeck"), "propagate", True)
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        with caplog.at_level(logging.ERROR, "quarterdeck"):
            run_id = here.spawn("fork", rules=("Bash(echo albatross)",), **DELETES)
            await dropped(here, run_id)
        assert "a page that is damaged" in caplog.text
        assert len(messages_of(here, run_id)) == 4
        await here.idle(here.spawn("boss"))
        assert durable(await replayed(here)) == durable(here.state)
        monkeypatch.undo()
        after = await _next_start(sessions, here)
        await after.session.kept()
        assert messages_of(after, run_id) == ()


async def _next_start(sessions: Kept, here: World) -> World:
    after = await sessions.crash(here)
    await after.idle(after.spawn("boss-2"))  # the writer is at work
    return after
