"""Two things at once: a key of the person and the teammate's own next step in the same round of the loop."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from quarterdeck.bootstrap.controller import Teammates
from quarterdeck.domain.requests import PlanApproved, PlanRejected
from quarterdeck.domain.teammates import IdleReason, Lifecycle, Outcome, PermissionMode
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Said
from tests.support.world import World, calls, says, world


def planner(talk: Conversation) -> Reply:
    return says("Noted.") if talk.results else calls("submit_plan", plan="# Plan\n1. Look.")


def asker(talk: Conversation) -> Reply:
    return says("Noted.") if talk.results else calls("ask_person", question="Which?")


def boss(talk: Conversation) -> Reply:
    return says("Noted.") if talk.results else calls("spawn_teammate", name="kid", prompt="Help.")


def as_its_tool_begins(here: World, act: Callable[[], object]) -> None:
    """Call `act` in the round of the loop in which the tool's own code would begin, just before it."""

    def observe(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        if isinstance(action, did.ToolStarted):
            asyncio.get_running_loop().call_soon(act)

    here.session.store.observe(observe)


@pytest.mark.parametrize("first", ["answer", "interrupt"])
async def test_an_answer_to_a_plan_is_not_lost_to_an_interrupt_in_the_same_moment(
    first: str, tmp_path: Path
) -> None:
    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(run_id)

        def answer() -> None:
            approval = PlanApproved(PermissionMode.DEFAULT, None)
            assert here.session.requests.answer(plan.id, 1, approval) == ""

        def interrupt() -> None:
            assert here.session.supervisor.interrupt(run_id)

        for act in (answer, interrupt) if first == "answer" else (interrupt, answer):
            act()
        await here.until(lambda state: state.team.by_run[run_id].steps == 2)
        await here.idle(run_id)
        assert here.mate(run_id).permission_mode is PermissionMode.DEFAULT
        told = [said.text for said in here.entries(run_id, Said)]
        assert len(told) == 2
        assert told[1].startswith("The person approved the plan.")
        here.history(run_id)


async def test_a_rejection_is_not_lost_to_an_interrupt_in_the_same_moment(tmp_path: Path) -> None:
    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(run_id)
        assert here.session.supervisor.interrupt(run_id)
        assert here.session.requests.answer(plan.id, 1, PlanRejected("Not so.", ())) == ""
        await here.until(lambda state: state.team.by_run[run_id].steps == 2)
        assert here.mate(run_id).permission_mode is PermissionMode.PLAN
        assert "Not so." in here.entries(run_id, Said)[-1].text


async def test_asked_to_stop_as_it_begins_to_ask_it_gives_its_report(tmp_path: Path) -> None:
    async with world({"a": asker}, tmp_path) as here:
        run_id = here.spawn("a")
        as_its_tool_begins(here, lambda: here.session.supervisor.stop(run_id))
        mate = await here.ended(run_id)
        assert (mate.outcome, mate.final_text) == (Outcome.STOPPED, "Noted.")
        assert not here.state.inbox.by_id


@pytest.mark.parametrize("verb", ["kill", "interrupt"])
async def test_ended_as_its_tool_begins_it_starts_no_child(verb: str, tmp_path: Path) -> None:
    async with world({"a": boss}, tmp_path) as here:
        run_id = here.spawn("a")
        act = getattr(here.session.supervisor, verb)
        as_its_tool_begins(here, lambda: act(run_id))
        if verb == "kill":
            await here.until(lambda state: (kill := state.team.by_run[run_id].kill) and kill.is_complete)
        else:
            await here.idle(run_id, IdleReason.INTERRUPTED)
        assert [mate.name for mate in here.state.team.by_run.values()] == ["a"]


async def test_the_brake_holds_one_that_is_still_spawning(tmp_path: Path) -> None:
    async with world({}, tmp_path) as here:
        teammates = Teammates(here.session)
        old = here.spawn("old")
        await here.idle(old)
        run_id = here.spawn("new")
        assert here.mate(run_id).lifecycle is Lifecycle.SPAWNING
        assert teammates.pause_all().text.startswith("2 paused")
        await here.until(lambda state: state.team.by_run[run_id].lifecycle is Lifecycle.PAUSED)
        witness = here.spawn("witness")
        await here.idle(witness)
        assert here.requests_of(run_id) == 0
        here.session.supervisor.kill(witness)
        assert teammates.pause_all().text.startswith("2 go on")
        await here.idle(run_id)
        assert here.requests_of(run_id) == 1


async def test_the_brake_taken_off_at_once_holds_nobody(tmp_path: Path) -> None:
    async with world({}, tmp_path) as here:
        run_id = here.spawn("new")
        assert here.session.supervisor.pause(run_id)
        assert not here.session.supervisor.pause(run_id)
        assert here.session.supervisor.proceed(run_id)
        assert not here.session.supervisor.proceed(run_id)
        await here.idle(run_id)
        assert not here.told(did.TeammatePaused)


@pytest.mark.parametrize("takes_back", [True, False])
async def test_a_stop_of_one_that_is_still_spawning_is_the_same_in_the_state_and_in_its_life(
    takes_back: bool, tmp_path: Path
) -> None:
    async with world({}, tmp_path) as here:
        run_id = here.spawn("new")
        assert here.session.supervisor.pause(run_id)
        assert here.session.supervisor.stop(run_id)
        taken = takes_back and here.session.supervisor.take_back_stop(run_id)
        if taken:
            await here.until(lambda state: state.team.by_run[run_id].lifecycle is Lifecycle.PAUSED)
        else:
            assert (await here.ended(run_id)).outcome is Outcome.STOPPED


async def test_a_write_that_was_interrupted_in_its_thread_is_not_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()

    def writer(talk: Conversation) -> Reply:
        return says("Noted.") if talk.results else calls("write", path="new.txt", content="late")

    async with world({"a": writer}, tmp_path) as here:
        place = here.session.workspace.place
        loop_thread = threading.get_ident()

        def slow_place(path: str) -> object:
            if threading.get_ident() != loop_thread:
                begun.set()
                go.wait(20)
            return place(path)

        monkeypatch.setattr(here.session.workspace, "place", slow_place)
        run_id = here.spawn("a", rules=("Edit",))
        assert await run_in_thread(lambda: begun.wait(20), name="look on")
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        writers = [one for one in threading.enumerate() if one.name == "file work"]
        assert writers
        go.set()
        for one in writers:
            await run_in_thread(partial(one.join, 20), name="look on")
        assert not (tmp_path / "new.txt").exists()
