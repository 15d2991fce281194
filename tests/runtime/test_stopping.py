from pathlib import Path
from typing import Any

import pytest

from quarterdeck.domain.teammates import Lifecycle, Outcome, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, Stall, error_reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said, ToolCall, ToolStatus
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world

SECOND = "touch second"
RULES = (MAY_HOLD, f"Bash({SECOND})")


def is_closing(talk: Conversation) -> bool:
    return talk.request.get("tool_choice") == {"type": "none"}


def worker(talk: Conversation) -> Reply:
    """Two tools in one step; a report when it must not use tools; more tools after that."""
    if is_closing(talk):
        return says("Report: half done.")
    if talk.results:
        return says("All done.")
    blocks = (ScriptedBlock(tool="bash", input={"command": one}) for one in (HOLD, SECOND))
    return Reply(content=tuple(blocks))


async def test_the_current_tool_completes_then_one_closing_step_without_tools(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        assert here.session.supervisor.stop(run_id)
        assert not here.session.supervisor.stop(run_id)
        mate = here.mate(run_id)
        assert mate.lifecycle is Lifecycle.TERMINATING
        assert mate.stop_deadline_at is not None
        assert 55 < mate.stop_deadline_at - here.session.clock.wall() <= 60
        assert mate.running
        here.let_go()
        mate = await here.ended(run_id)
        assert (mate.outcome, mate.final_text) == (Outcome.STOPPED, "Report: half done.")
        assert [call.status for call in here.entries(run_id, ToolCall)] == [ToolStatus.OK]
        assert not (tmp_path / "second").exists()
        assert here.requests_of(run_id) == 2
        last = here.bodies_of(run_id)[-1]
        assert last["tool_choice"] == {"type": "none"}
        results = last["messages"][-1]["content"]
        assert "through" in str(results[0]["content"])
        assert "asked to stop" in results[1]["content"]
        assert len(here.told(did.ClosingStepStarted)) == 1
        here.history(run_id)


@pytest.mark.parametrize("tool", ["bash", "ask_person", "submit_plan"])
async def test_its_open_requests_are_withdrawn_plans_too(tool: str, tmp_path: Path) -> None:
    inputs: dict[str, Any] = {
        "bash": {"command": "date"},
        "ask_person": {"question": "Which?"},
        "submit_plan": {"plan": "1. Do."},
    }[tool]

    def asker(talk: Conversation) -> Reply:
        return says("Report.") if is_closing(talk) else calls(tool, **inputs)

    async with world({"a": asker}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.asked(run_id)
        here.session.supervisor.stop(run_id)
        assert here.state.inbox.open == ()
        assert (await here.ended(run_id)).outcome is Outcome.STOPPED
        assert here.requests_of(run_id) == 2
        here.history(run_id)


async def test_an_idle_one_gives_its_report_and_ends(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", prompt="")
        await here.until(lambda state: state.team.by_run[run_id].is_idle)
        here.session.supervisor.stop(run_id)
        assert (await here.ended(run_id)).final_text == "Report: half done."


async def test_what_was_said_before_the_closing_step_is_heard_in_it(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        here.session.supervisor.send(run_id, "you", "Say what is left.", Way.QUEUE)
        here.session.supervisor.stop(run_id)
        here.let_go()
        await here.ended(run_id)
        assert [said.text for said in here.entries(run_id, Said)] == ["go", "Say what is left."]
        assert "Say what is left." in str(here.bodies_of(run_id)[-1]["messages"][-1])


async def test_a_paused_one_goes_straight_to_its_closing_step(tmp_path: Path) -> None:
    """Nothing that waited at the gate of the pause may slip through when the stop opens it."""
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        here.session.supervisor.pause(run_id)
        here.let_go()
        await here.until(lambda state: not state.team.by_run[run_id].running)
        assert here.session.supervisor.stop(run_id)
        assert (await here.ended(run_id)).outcome is Outcome.STOPPED
        assert not (tmp_path / "second").exists()
        assert [is_closing(Conversation(body)) for body in here.bodies_of(run_id)] == [False, True]


async def test_a_paused_one_between_two_steps_makes_no_step_but_the_closing_one(tmp_path: Path) -> None:
    def one_tool(talk: Conversation) -> Reply:
        return says("Report.") if is_closing(talk) else calls("bash", command=HOLD)

    async with world({"a": one_tool}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        here.session.supervisor.pause(run_id)
        here.let_go()
        await here.until(lambda state: state.team.by_run[run_id].reported_tools == 1)
        here.session.supervisor.stop(run_id)
        assert (await here.ended(run_id)).outcome is Outcome.STOPPED
        assert [is_closing(Conversation(body)) for body in here.bodies_of(run_id)] == [False, True]


async def test_it_can_be_taken_back_until_the_closing_step_has_started(tmp_path: Path) -> None:
    def slow_report(talk: Conversation) -> Reply:
        if is_closing(talk):
            return Reply(text="Report: " * 9, stall=Stall(after=3, seconds=60))
        return worker(talk)

    async with world({"a": slow_report}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        here.session.supervisor.stop(run_id)
        assert here.session.supervisor.take_back_stop(run_id)
        assert not here.session.supervisor.take_back_stop(run_id)
        assert here.mate(run_id).lifecycle is Lifecycle.EXECUTING
        here.let_go()
        assert (await here.idle(run_id)).final_text == "All done."
        assert (tmp_path / "second").exists()
        here.session.supervisor.stop(run_id)
        await here.until(lambda state: state.team.by_run[run_id].is_closing)
        assert not here.session.supervisor.take_back_stop(run_id)
        assert here.mate(run_id).lifecycle is Lifecycle.TERMINATING


async def test_taken_back_at_the_last_moment_the_turn_is_played_on(tmp_path: Path) -> None:
    """After the tool has seen the stop, before the closing step: the turn may not be lost between them."""
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        taken: list[bool] = []

        def observe(sequence: int, action: did.Action, before: object, after: object) -> None:
            if isinstance(action, did.TurnEnded) and not taken:
                taken.append(here.session.supervisor.take_back_stop(run_id))

        here.session.store.observe(observe)
        here.session.supervisor.stop(run_id)
        here.let_go()
        mate = await here.idle(run_id)
        assert taken == [True]
        assert mate.final_text == "All done."
        assert not mate.is_terminal
        assert here.told(did.ClosingStepStarted) == []


async def test_a_stop_taken_back_from_a_paused_one_leaves_it_paused(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.holding(run_id)
        here.session.supervisor.pause(run_id)
        here.session.supervisor.stop(run_id)
        assert here.session.supervisor.take_back_stop(run_id)
        assert here.mate(run_id).lifecycle is Lifecycle.PAUSED
        here.let_go()
        await here.until(lambda state: not state.team.by_run[run_id].running)
        await here.idle(here.spawn("witness"))
        assert not (tmp_path / "second").exists()
        here.session.supervisor.proceed(run_id)
        assert (await here.idle(run_id)).final_text == "All done."


async def deadline(here: World) -> None:
    run_id = here.spawn("a", rules=RULES)
    await here.holding(run_id)
    here.session.supervisor.stop(run_id)
    here.session.housekeeping.tick()
    assert not here.mate(run_id).is_terminal
    mate = await here.ended(run_id)
    assert mate.outcome is Outcome.STOPPED
    assert mate.ended_by == "its deadline"
    await here.until(lambda state: (proof := state.team.by_run[run_id].kill) and proof.is_complete)
    assert here.session.processes.owner_facts(run_id).left == 0
    assert here.requests_of(run_id) == 1


async def test_past_the_deadline_it_is_killed_with_outcome_stopped(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path, stop_deadline_s=0.6) as here:
        await deadline(here)


async def test_without_an_answer_to_its_closing_step_it_is_stopped_all_the_same(tmp_path: Path) -> None:
    def broken(talk: Conversation) -> Reply:
        return error_reply(500, "Out of order") if is_closing(talk) else says("Hello.")

    async with world({"a": broken}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.idle(run_id)
        here.session.supervisor.stop(run_id)
        mate = await here.ended(run_id)
        assert mate.outcome is Outcome.STOPPED
        assert "Out of order" in mate.error
