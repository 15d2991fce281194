from pathlib import Path
from typing import Any

from quarterdeck.bootstrap.controller import Answers, Conversation
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionScope, PlanApproved, QuestionAnswered
from quarterdeck.domain.teammates import Lifetime, Outcome, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation as Talk
from quarterdeck.llm.scripted.replies import Reply, error_reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said, Text
from quarterdeck.state.selectors import DisplayDelays, select_descendants
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world

BROKEN = "broken"


def counting(talk: Talk) -> Reply:
    """Says how many messages of the person it has heard."""
    heard = sum(message["role"] == "user" for message in talk.messages)
    return says(f"Heard {heard}.")


async def test_a_revival_is_a_new_run_on_the_whole_conversation(tmp_path: Path) -> None:
    async with world({"a": counting}, tmp_path) as here:
        old = here.spawn("a", prompt="one")
        await here.idle(old)
        here.session.supervisor.kill(old)
        result = here.session.supervisor.revive(old, "two")
        assert result.success
        new = result.run_id
        assert new is not None
        assert new != old
        mate = await here.idle(new)
        assert mate.final_text == "Heard 2."
        assert (mate.name, mate.agent_id, mate.revived_from) == ("a", "a@test", old)
        sent = here.bodies_of(new)[0]["messages"]
        assert [message["role"] for message in sent] == ["user", "assistant", "user"]
        assert here.mate(old).outcome is Outcome.KILLED
        assert [said.text for said in here.entries(new, Said)] == ["two"]
        older = here.session.conversations.page(new, before=here.entries(new, Said)[0].id, count=50)
        assert [entry.text for entry in older if isinstance(entry, Said | Text)] == ["one", "Heard 1."]
        ids = [entry.id for entry in (*older, *here.state.transcripts[new].entries)]
        assert ids == list(range(1, len(ids) + 1))


async def test_without_a_message_a_killed_one_waits_for_one(tmp_path: Path) -> None:
    async with world({"a": counting}, tmp_path) as here:
        old = here.spawn("a")
        await here.idle(old)
        here.session.supervisor.kill(old)
        new = here.session.supervisor.revive(old).run_id
        assert new is not None
        await here.until(lambda state: state.team.by_run[new].is_idle)
        await here.idle(here.spawn("witness"))
        assert here.requests_of(new) == 0


async def test_a_name_that_was_taken_meanwhile_becomes_the_next_number(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        old = here.spawn("coder", prompt="")
        here.session.supervisor.kill(old)
        here.spawn("Coder", prompt="")
        second = here.session.supervisor.revive(old)
        third = here.session.supervisor.revive(old)
        assert second.agent_id == "coder-2@test"
        assert third.agent_id == "coder-3@test"
        assert second.run_id is not None
        assert here.mate(second.run_id).name == "coder-2"


async def test_who_lives_or_never_was_cannot_be_revived(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        run_id = here.spawn("a", prompt="")
        assert "has not ended" in here.session.supervisor.revive(run_id).error
        unknown = here.session.supervisor.revive(RunId("run-0"))
        assert not unknown.success
        assert unknown.error


def failing_once(talk: Talk, folder: Path) -> Reply:
    if not talk.results:
        return calls("bash", command="echo tool >> ran")
    return error_reply(500, "Out of order") if (folder / BROKEN).exists() else says("Finished.")


async def failed(here: World, **fields: Any) -> RunId:
    (here.folder / BROKEN).touch()
    run_id = here.spawn("a", rules=("Bash(echo tool >> ran)",), **fields)
    mate = await here.ended(run_id)
    assert mate.outcome is Outcome.FAILED
    assert "Out of order" in mate.error
    (here.folder / BROKEN).unlink()
    return run_id


async def test_a_failed_run_goes_on_in_the_middle_of_its_turn(tmp_path: Path) -> None:
    """Without a word: the same request is sent again, and the tool does not run again."""
    async with world({"a": lambda talk: failing_once(talk, tmp_path)}, tmp_path) as here:
        old = await failed(here)
        new = here.session.supervisor.revive(old).run_id
        assert new is not None
        assert (await here.idle(new)).final_text == "Finished."
        assert (tmp_path / "ran").read_text() == "tool\n"
        assert here.requests_of(new) == 1
        here.history(new)


async def test_a_failed_task_that_is_revived_completes(tmp_path: Path) -> None:
    async with world({"a": lambda talk: failing_once(talk, tmp_path)}, tmp_path) as here:
        old = await failed(here, lifetime=Lifetime.TASK)
        new = here.session.supervisor.revive(old, "Go on.").run_id
        assert new is not None
        mate = await here.ended(new)
        assert (mate.outcome, mate.final_text) == (Outcome.COMPLETED, "Finished.")
        assert [said.text for said in here.entries(new, Said)] == ["Go on."]


def inbox_of(here: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is open and what is suspended."""
    return here.state.inbox.open, here.state.inbox.suspended


async def test_a_suspended_plan_comes_back_with_its_run(tmp_path: Path) -> None:
    def planner(talk: Talk) -> Reply:
        return says(talk.told) if "approved" in talk.told else calls("submit_plan", plan="1. Do.")

    async with world({"a": planner}, tmp_path) as here:
        old = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(old)
        here.session.supervisor.kill(old, outcome=Outcome.TIMED_OUT)
        assert here.mate(old).outcome is Outcome.TIMED_OUT
        assert inbox_of(here) == ((), (plan.id,))
        approved = PlanApproved(PermissionMode.DEFAULT)
        assert here.session.requests.answer(plan.id, 1, approved) != ""
        new = here.session.supervisor.revive(old).run_id
        assert new is not None
        again = here.state.inbox.by_id[plan.id]
        assert again.run_id == new
        assert inbox_of(here) == ((plan.id,), ())
        assert here.mate(new).permission_mode is PermissionMode.PLAN
        await here.until(lambda state: not state.team.by_run[new].lifecycle.is_terminal)
        version = here.state.inbox.by_id[plan.id].version
        assert here.session.requests.answer(plan.id, version, approved) == ""
        await here.until(lambda state: "approved" in state.team.by_run[new].final_text)
        assert here.mate(new).permission_mode is PermissionMode.DEFAULT


async def test_a_revived_child_is_spoken_to_by_the_person(tmp_path: Path) -> None:
    """It was its parent that started it, but it is the person who revives it."""
    async with world({"kid": counting}, tmp_path) as here:
        parent = here.spawn("parent", prompt="")
        old = here.spawn("kid", parent=parent)
        await here.idle(old)
        assert [said.sender for said in here.entries(old, Said)] == ["parent"]
        here.session.supervisor.kill(old)
        new = here.session.supervisor.revive(old, "It's me.").run_id
        assert new is not None
        await here.idle(new)
        assert [said.sender for said in here.entries(new, Said)] == ["you"]
        assert here.mate(new).parent == parent


async def test_its_own_rules_and_mode_are_still_its_own(tmp_path: Path) -> None:
    def worker(talk: Talk) -> Reply:
        return says("Done.") if talk.last_result else calls("bash", command="date")

    async with world({"a": worker}, tmp_path) as here:
        old = here.spawn("a")
        request = await here.asked(old)
        receipt = Answers(here.session).allow(
            request.id, 1, scope=PermissionScope.TEAMMATE, rule="Bash(date)"
        )
        assert receipt.done
        await here.idle(old)
        here.session.supervisor.kill(old)
        here.spawn("a", prompt="")
        new = here.session.supervisor.revive(old, "again").run_id
        assert new is not None
        assert here.mate(new).name == "a-2"
        await here.idle(new)
        assert here.mate(new).tools == 1
        assert here.state.inbox.open == ()


async def test_an_evicted_run_is_revived_from_the_history(tmp_path: Path) -> None:
    async with world({"a": counting}, tmp_path, delays=DisplayDelays(killed=0.1)) as here:
        old = here.spawn("a")
        await here.idle(old)
        here.session.supervisor.kill(old)
        await here.until(lambda state: old in state.team.history)
        assert old not in here.state.transcripts
        pages = await Conversation(here.session).page(old, before=10_000, count=50)
        assert [entry.text for entry in pages if isinstance(entry, Said | Text)] == ["go", "Heard 1."]
        new = here.session.supervisor.revive(old, "two").run_id
        assert new is not None
        assert (await here.idle(new)).final_text == "Heard 2."


async def test_after_a_stop_the_conversation_goes_on_behind_the_report(tmp_path: Path) -> None:
    async with world({"a": counting}, tmp_path) as here:
        old = here.spawn("a", rules=(MAY_HOLD,))
        await here.idle(old)
        here.session.supervisor.stop(old)
        await here.ended(old)
        new = here.session.supervisor.revive(old, "And now?").run_id
        assert new is not None
        assert (await here.idle(new)).final_text == "Heard 3."
        assert here.session.supervisor.send(old, "you", "too late", Way.STEER) is None


async def test_killed_in_a_tool_its_next_life_knows_that_the_call_has_no_result(tmp_path: Path) -> None:
    def worker(talk: Talk) -> Reply:
        return says("I see.") if "what now" in talk.told else calls("bash", command=HOLD)

    async with world({"a": worker}, tmp_path) as here:
        old = here.spawn("a", rules=(MAY_HOLD,))
        await here.holding(old)
        here.session.supervisor.kill(old)
        new = here.session.supervisor.revive(old, "what now").run_id
        assert new is not None
        await here.idle(new)
        last = here.bodies_of(new)[0]["messages"][-1]["content"]
        assert [block["type"] for block in last] == ["tool_result", "text"]
        assert last[0]["is_error"]


async def test_what_it_had_not_read_before_it_failed_is_read_in_its_next_life(tmp_path: Path) -> None:
    async with world({"a": lambda talk: failing_once(talk, tmp_path)}, tmp_path) as here:
        (tmp_path / BROKEN).touch()
        ended: list[RunId] = []

        def observe(sequence: int, action: object, before: object, after: object) -> None:
            if isinstance(action, did.ToolEnded) and not ended:
                ended.append(action.run_id)
                here.session.supervisor.send(action.run_id, "you", "Mind the gap.", Way.QUEUE)

        here.session.store.observe(observe)
        old = here.spawn("a", rules=("Bash(echo tool >> ran)",))
        assert (await here.ended(old)).outcome is Outcome.FAILED
        assert here.state.mail.get(old) is None
        (tmp_path / BROKEN).unlink()
        new = here.session.supervisor.revive(old).run_id
        assert new is not None
        await here.idle(new)
        assert [said.text for said in here.entries(new, Said)] == ["Mind the gap."]
        again = here.session.supervisor.revive(old).run_id
        assert again is not None
        assert again not in here.state.mail


async def test_a_child_reports_to_its_parent_in_whatever_life_that_is(tmp_path: Path) -> None:
    def boss(talk: Talk) -> Reply:
        if "ended" in talk.told:
            return says("I know.")
        return says("Waiting.") if talk.results else calls("spawn_teammate", name="kid", prompt="Help.")

    def kid(talk: Talk) -> Reply:
        return says("Held.") if talk.results else calls("ask_person", question="Which?")

    async with world({"boss": boss, "kid": kid}, tmp_path) as here:
        old = here.spawn("boss", lifetime=Lifetime.TASK)
        await here.idle(old)
        child = next(mate.run_id for mate in here.state.team.by_run.values() if mate.name == "kid")
        question = await here.asked(child)
        here.session.supervisor.kill(old)
        new = here.session.supervisor.revive(old, "Wait for it.").run_id
        assert new is not None
        await here.idle(new)
        assert not here.mate(new).is_terminal
        assert select_descendants(here.state.team, new) == (child,)
        assert here.session.requests.answer(question.id, 1, QuestionAnswered("blue")) == ""
        mate = await here.ended(new)
        assert (mate.outcome, mate.final_text) == (Outcome.COMPLETED, "I know.")
