from pathlib import Path

import pytest

from quarterdeck.domain.requests import (
    Answer,
    PermissionGiven,
    PermissionScope,
    PlanApproved,
    QuestionAnswered,
)
from quarterdeck.domain.teammates import IdleReason, Lifecycle, Outcome, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Pace, Reply, ScriptedBlock
from quarterdeck.state.entries import Said, ToolCall, ToolStatus
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world


async def pass_time(here: World) -> None:
    """Others get through a whole turn meanwhile, so that silence means that nothing was started."""
    for _ in range(3):
        other = here.spawn("witness")
        await here.idle(other)
        here.session.supervisor.kill(other)


def two_tools(talk: Conversation) -> Reply:
    if talk.results:
        return says("Both done.")
    blocks = (ScriptedBlock(tool="bash", input={"command": one}) for one in (HOLD, "touch second"))
    return Reply(content=tuple(blocks))


async def test_the_running_tool_finishes_and_nothing_new_starts_until_continued(tmp_path: Path) -> None:
    async with world({"a": two_tools}, tmp_path) as here:
        run_id = here.spawn("a", rules=(MAY_HOLD, "Bash(touch second)"))
        await here.holding(run_id)
        assert here.session.supervisor.pause(run_id)
        assert not here.session.supervisor.pause(run_id)
        assert here.mate(run_id).lifecycle is Lifecycle.PAUSED
        here.let_go()
        await here.until(lambda state: not state.team.by_run[run_id].running)
        assert [call.status for call in here.entries(run_id, ToolCall)] == [ToolStatus.OK]
        await pass_time(here)
        assert not (tmp_path / "second").exists()
        assert here.requests_of(run_id) == 1
        assert here.session.supervisor.proceed(run_id)
        assert not here.session.supervisor.proceed(run_id)
        assert (await here.idle(run_id)).final_text == "Both done."
        assert (tmp_path / "second").exists()
        assert here.requests_of(run_id) == 2


async def test_the_running_response_finishes_and_its_tools_wait(tmp_path: Path) -> None:
    def talker(talk: Conversation) -> Reply:
        if talk.results:
            return says("Done.")
        return calls("bash", "word " * 30, command="touch file").model_copy(
            update={"pace": Pace(chars=10, seconds=0.02)}
        )

    async with world({"a": talker}, tmp_path) as here:
        run_id = here.spawn("a", rules=("Bash(touch file)",))
        await here.streaming(run_id)
        assert here.session.supervisor.pause(run_id)
        await here.until(lambda state: state.team.by_run[run_id].steps == 1)
        await pass_time(here)
        assert not (tmp_path / "file").exists()
        here.session.supervisor.proceed(run_id)
        await here.idle(run_id)
        assert (tmp_path / "file").exists()


ASKS: dict[str, tuple[Reply, Answer]] = {
    "permission": (calls("bash", command="touch file"), PermissionGiven(PermissionScope.ONCE)),
    "question": (calls("ask_person", question="Which?"), QuestionAnswered("blue")),
    "plan": (calls("submit_plan", plan="1. Do."), PlanApproved(PermissionMode.DEFAULT)),
}


@pytest.mark.parametrize("kind", ASKS)
async def test_an_answer_given_meanwhile_is_kept_and_acted_on_at_continue(kind: str, tmp_path: Path) -> None:
    reply, answer = ASKS[kind]

    def asker(talk: Conversation) -> Reply:
        return says(f"Got: {talk.last_result_text}") if talk.results else reply

    async with world({"a": asker}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=kind == "plan")
        request = await here.asked(run_id)
        assert here.session.supervisor.pause(run_id)
        assert here.mate(run_id).place is Lifecycle.WAITING
        assert here.session.requests.answer(request.id, 1, answer) == ""
        assert here.state.inbox.open == ()
        await here.until(lambda state: state.team.by_run[run_id].place is Lifecycle.EXECUTING)
        assert here.mate(run_id).lifecycle is Lifecycle.PAUSED
        await pass_time(here)
        assert here.requests_of(run_id) == 1
        assert not (tmp_path / "file").exists()
        assert here.session.supervisor.proceed(run_id)
        mate = await here.idle(run_id)
        assert here.requests_of(run_id) == 2
        match kind:
            case "permission":
                assert (tmp_path / "file").exists()
            case "question":
                assert "blue" in mate.final_text
            case "plan":
                assert "approved" in mate.final_text
                assert mate.permission_mode is PermissionMode.DEFAULT


async def test_messages_to_a_paused_idle_teammate_wait(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        run_id = here.spawn("a")
        await here.idle(run_id)
        assert here.session.supervisor.pause(run_id)
        assert here.mate(run_id).is_idle
        here.session.supervisor.send(run_id, "you", "hello", Way.STEER)
        await pass_time(here)
        assert here.requests_of(run_id) == 1
        assert len(here.state.mail[run_id]) == 1
        here.session.supervisor.proceed(run_id)
        await here.until(lambda _: here.requests_of(run_id) == 2)
        assert [said.text for said in here.entries(run_id, Said)] == ["go", "hello"]


async def test_a_paused_run_can_be_interrupted_and_killed(tmp_path: Path) -> None:
    async with world({"a": two_tools}, tmp_path) as here:
        runs = [here.spawn(f"a{n}", rules=(MAY_HOLD, "Bash(touch second)")) for n in range(2)]
        for run_id in runs:
            await here.holding(run_id)
            here.session.supervisor.pause(run_id)
        assert here.session.supervisor.interrupt(runs[0])
        mate = await here.idle(runs[0], IdleReason.INTERRUPTED)
        assert mate.lifecycle is Lifecycle.PAUSED
        assert here.session.supervisor.proceed(runs[0])
        assert here.mate(runs[0]).lifecycle is Lifecycle.READY
        assert here.session.supervisor.kill(runs[1])
        assert here.mate(runs[1]).outcome is Outcome.KILLED
        assert not here.session.supervisor.pause(runs[1])
        assert not here.session.supervisor.proceed(runs[1])
        assert not (tmp_path / "second").exists()
