"""Answers that call tools but end oddly, and ends that are nobody's fault: the log has no word of those."""

from pathlib import Path

import pytest

from quarterdeck.domain.teammates import Lifetime, Outcome, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, error_reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, ToolCall, ToolStatus
from tests.support.recorded_turns import silence
from tests.support.world import HOLD, MAY_HOLD, calls, says, world

TOUCH = "touch ran"
ODD = {
    "refusal": "refused",
    "solar_flare": "unknown reason: solar_flare",
    "model_context_window_exceeded": "no longer fits",
}


def odd(reason: str) -> Reply:
    """Two whole calls, and then no wish to see their results."""
    call = ScriptedBlock(tool="bash", input={"command": TOUCH})
    return Reply(content=(call, call), stop_reason=reason)


@pytest.mark.parametrize("reason", ODD)
async def test_calls_of_an_answer_that_ended_oddly_do_not_run_and_the_turn_ends(
    reason: str, tmp_path: Path
) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Fine.") if "again" in talk.told else odd(reason)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=(f"Bash({TOUCH})",))
        await here.idle(run_id)
        assert here.requests_of(run_id) == 1
        assert ODD[reason] in here.entries(run_id, Note)[0].text
        assert not (tmp_path / "ran").exists()
        results = here.history(run_id)[-1].content
        assert all(block["is_error"] and block["content"].startswith("Not run: ") for block in results)
        assert len(results) == 2
        here.session.supervisor.send(run_id, "you", "again", Way.STEER)
        await here.until(lambda state: state.team.by_run[run_id].final_text == "Fine.")
        assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "pause_turn"])
async def test_calls_of_an_answer_that_ended_well_run_whatever_its_reason_says(
    reason: str, tmp_path: Path
) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Fine.") if talk.results else odd(reason)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=(f"Bash({TOUCH})",))
        assert (await here.idle(run_id)).final_text == "Fine."
        assert [call.status for call in here.entries(run_id, ToolCall)] == [ToolStatus.OK] * 2


async def test_a_task_that_was_refused_in_the_middle_of_its_calls_has_failed(tmp_path: Path) -> None:
    async with world({"a": lambda _: odd("refusal")}, tmp_path) as here:
        mate = await here.ended(here.spawn("a", lifetime=Lifetime.TASK))
        assert mate.outcome is Outcome.FAILED
        assert "refused" in mate.error


async def test_a_refused_tool_a_failed_request_and_a_kill_are_not_logged(tmp_path: Path) -> None:
    def reader(talk: Conversation) -> Reply:
        return says("Not there.") if talk.results else calls("read", path="nowhere.txt")

    answers = {
        "reader": reader,
        "faulty": lambda _: error_reply(400),
        "holder": lambda _: calls("bash", command=HOLD),
    }
    with silence():
        async with world(answers, tmp_path) as here:
            reads, fails = here.spawn("reader"), here.spawn("faulty")
            holds = here.spawn("holder", rules=(MAY_HOLD,))
            await here.idle(reads)
            assert here.entries(reads, ToolCall)[0].status is ToolStatus.REFUSED
            assert (await here.ended(fails)).outcome is Outcome.FAILED
            await here.holding(holds)
            assert here.session.supervisor.interrupt(holds)
            await here.until(lambda _: here.told(did.TurnEnded)[-1].run_id == holds)
            here.session.supervisor.send(holds, "you", "again", Way.STEER)
            await here.holding(holds)
            assert here.session.supervisor.kill(holds)
            assert (await here.ended(holds)).outcome is Outcome.KILLED
