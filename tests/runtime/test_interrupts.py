import asyncio
from pathlib import Path

import pytest

from quarterdeck.domain.messages import Message, text_block
from quarterdeck.domain.requests import PlanApproved, PlanRejected, PlanRequest, StepComment
from quarterdeck.domain.teammates import IdleReason, Lifecycle, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, Stall
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said, Text, Thinking, ToolCall, ToolStatus, TurnMark
from quarterdeck.state.selectors import select_request_of
from tests.support.world import HOLD, MAY_HOLD, calls, says, world

THOUGHT = ScriptedBlock(thinking="Let me think about it.")


def stalled(*blocks: ScriptedBlock, after: int) -> Reply:
    return Reply(content=blocks, stall=Stall(after=after, seconds=60), pace={"chars": 1_000, "seconds": 0})  # type: ignore[arg-type]


async def test_text_streamed_so_far_stays_marked_and_enters_the_history(tmp_path: Path) -> None:
    """Neither the unsigned thinking nor the unfinished call does, and the next turn is built on it."""

    def talker(talk: Conversation) -> Reply:
        if "go on" in talk.told:
            return says("Going on.")
        blocks = (
            THOUGHT,
            ScriptedBlock(text="I will now"),
            ScriptedBlock(tool="bash", input={"command": "x" * 50}),
        )
        return stalled(*blocks, after=9)

    async with world({"a": talker}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.until(
            lambda state: any("I will now" in part.text for part in state.transcripts[run_id].live)
        )
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        assert not here.session.supervisor.interrupt(run_id)
        texts = here.entries(run_id, Text)
        assert [(text.text, text.interrupted) for text in texts] == [("I will now", True)]
        assert here.entries(run_id, Thinking) == []
        assert here.entries(run_id, ToolCall) == []
        assert here.state.transcripts[run_id].live == ()
        assert len(here.entries(run_id, TurnMark)) == 1
        assert here.history(run_id) == [
            Message("user", (text_block("go"),)),
            Message("assistant", (text_block("I will now"),)),
        ]
        assert here.told(did.MessageAnswered) == []
        here.session.supervisor.send(run_id, "you", "go on", Way.STEER)
        assert (await here.idle(run_id)).final_text == "Going on."
        sent = here.bodies_of(run_id)[-1]["messages"]
        assert [message["role"] for message in sent] == ["user", "assistant", "user"]
        here.history(run_id)


async def test_nothing_streamed_yet_leaves_nothing_behind(tmp_path: Path) -> None:
    def talker(talk: Conversation) -> Reply:
        return says("Yes.") if "again" in talk.told else says("never seen", delay_s=60)

    async with world({"a": talker}, tmp_path) as here:
        run_id = here.spawn("a")
        async with asyncio.timeout(10):
            await here.server.wait_until(lambda log: any(one.run == run_id for one in log))
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        assert here.entries(run_id, Text) == []
        here.session.supervisor.send(run_id, "you", "again", Way.STEER)
        await here.idle(run_id)
        sent = here.bodies_of(run_id)[-1]["messages"]
        assert [message["role"] for message in sent] == ["user"]
        assert len(sent[0]["content"]) == 2


async def test_open_calls_get_their_own_or_a_synthetic_result_in_order(tmp_path: Path) -> None:
    def three(talk: Conversation) -> Reply:
        if talk.results:
            return says("Later.")
        commands = ("echo first", HOLD, "touch never")
        return Reply(content=tuple(ScriptedBlock(tool="bash", input={"command": one}) for one in commands))

    rules = ("Bash(echo first)", MAY_HOLD, "Bash(touch never)")
    async with world({"a": three}, tmp_path) as here:
        run_id = here.spawn("a", rules=rules)
        await here.until(lambda state: [one.title for one in state.team.by_run[run_id].running] == [HOLD])
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        history = here.history(run_id)
        results = history[-1].content
        ids = [block["id"] for block in history[-2].content]
        assert [block["tool_use_id"] for block in results] == ids
        assert "first" in str(results[0]["content"])
        assert "is_error" not in results[0]
        assert "interrupted" in results[1]["content"]
        assert "Not started" in results[2]["content"]
        assert results[1]["is_error"]
        assert results[2]["is_error"]
        assert not (tmp_path / "never").exists()
        await here.no_process(run_id)
        shown = {call.title: call.status for call in here.entries(run_id, ToolCall)}
        assert shown == {"echo first": ToolStatus.OK, HOLD: ToolStatus.CANCELLED}
        assert here.mate(run_id).running == ()
        here.session.supervisor.send(run_id, "you", "more", Way.STEER)
        assert (await here.idle(run_id)).final_text == "Later."


async def test_text_of_an_accepted_step_is_not_said_again_when_its_tool_is_interrupted(
    tmp_path: Path,
) -> None:
    async with world({"a": lambda _: calls("bash", "On it.", command=HOLD)}, tmp_path) as here:
        run_id = here.spawn("a", rules=(MAY_HOLD,))
        await here.holding(run_id)
        here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        texts = [(text.text, text.interrupted) for text in here.entries(run_id, Text)]
        assert texts == [("On it.", False)]
        assert [message.role for message in here.history(run_id)] == ["user", "assistant", "user"]


@pytest.mark.parametrize("tool", ["bash", "ask_person"])
async def test_the_turns_permission_and_question_are_withdrawn(tool: str, tmp_path: Path) -> None:
    inputs = {"command": "date"} if tool == "bash" else {"question": "Which?"}
    twice = Reply(content=tuple(ScriptedBlock(tool=tool, input=inputs) for _ in range(2)))
    async with world({"a": lambda _: twice}, tmp_path) as here:
        run_id = here.spawn("a")
        request = await here.asked(run_id)
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        assert here.state.inbox.open == ()
        # Not even for a moment is the second one asked.
        assert [fact.request.id for fact in here.told(did.RequestOpened)] == [request.id]
        assert [fact.request_id for fact in here.told(did.RequestWithdrawn)] == [request.id]
        assert here.entries(run_id, ToolCall) == [] or tool == "ask_person"
        assert here.mate(run_id).lifecycle is Lifecycle.READY
        here.history(run_id)


def planner(talk: Conversation) -> Reply:
    if "approved the plan" in talk.told:
        return says(f"Carrying out: {talk.told}")
    if "rejected the plan" in talk.told:
        return calls("submit_plan", plan="1. Better.", answers=[{"comment_id": "c1", "text": "As you say."}])
    return calls("submit_plan", plan="1. Do it.")


async def test_a_submitted_plan_stays_and_its_later_approval_sets_the_mode_and_starts_a_turn(
    tmp_path: Path,
) -> None:
    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(run_id)
        assert here.session.supervisor.interrupt(run_id)
        mate = await here.idle(run_id, IdleReason.INTERRUPTED)
        assert mate.permission_mode is PermissionMode.PLAN
        assert select_request_of(here.state, run_id) == plan
        assert here.requests_of(run_id) == 1
        approved = PlanApproved(PermissionMode.ACCEPT_EDITS, "1. Do it, edited.")
        assert here.session.requests.answer(plan.id, 1, approved) == ""
        assert here.mate(run_id).permission_mode is PermissionMode.ACCEPT_EDITS
        mate = await here.idle(run_id)
        assert "1. Do it, edited." in mate.final_text
        assert [said.sender for said in here.entries(run_id, Said)] == ["you", "you"]
        here.history(run_id)
        assert here.session.requests.answer(plan.id, 1, approved) != ""
        assert here.requests_of(run_id) == 2


async def test_a_plan_rejected_after_an_interrupt_comes_back_as_its_next_version(tmp_path: Path) -> None:
    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(run_id)
        here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        said = PlanRejected("No.", (StepComment("c1", "1. Do it.", "Do it better."),))
        assert here.session.requests.answer(plan.id, 1, said) == ""
        again = await here.asked(run_id)
        assert isinstance(again, PlanRequest)
        assert (again.id, again.version) == (plan.id, 2)
        assert again.text == "1. Better."
        assert again.versions[0].feedback == "No."
        assert again.versions[1].answers[0].text == "As you say."
        assert here.mate(run_id).permission_mode is PermissionMode.PLAN


async def test_interrupting_the_lead_touches_no_teammate(tmp_path: Path) -> None:
    def lead(talk: Conversation) -> Reply:
        if talk.results:
            return stalled(ScriptedBlock(text="Meanwhile I"), after=3)
        return calls("spawn_teammate", name="kid", prompt="Help.")

    def kid(talk: Conversation) -> Reply:
        return says("Held.") if talk.results else calls("bash", command=HOLD)

    async with world({"lead": lead, "kid": kid, "friend": kid}, tmp_path) as here:
        boss = here.spawn("lead", is_lead=True)
        friend = here.spawn("friend", rules=(MAY_HOLD,))
        await here.streaming(boss)
        await here.holding(friend)
        child = next(mate.run_id for mate in here.state.team.by_run.values() if mate.name == "kid")
        request = await here.asked(child)
        before = (here.mate(friend), here.mate(child))
        assert here.session.supervisor.interrupt(boss)
        await here.idle(boss, IdleReason.INTERRUPTED)
        assert (here.mate(friend), here.mate(child)) == before
        assert select_request_of(here.state, child) == request
        here.let_go()
        assert (await here.idle(friend)).final_text == "Held."
