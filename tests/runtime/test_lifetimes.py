from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionGiven, PermissionScope, PlanApproved, QuestionAnswered
from quarterdeck.domain.teammates import IdleReason, Lifetime, Outcome, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, error_reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world


def hold_once(talk: Conversation) -> Reply:
    return says("Held.") if talk.results else calls("bash", command=HOLD)


def boss(talk: Conversation) -> Reply:
    if "ended" in talk.told:
        return says(f"I know: {talk.told}")
    if talk.results:
        return says("Waiting for the kid.")
    return calls("spawn_teammate", name="kid", prompt="Help.")


async def family(here: World) -> tuple[RunId, RunId]:
    """A task-lived boss that waits for the kid it spawned."""
    parent = here.spawn("boss", lifetime=Lifetime.TASK)
    await here.until(lambda state: len(state.team.by_run) == 2)
    kid = next(run_id for run_id in here.state.team.by_run if run_id != parent)
    return parent, kid


async def test_a_task_lived_run_completes_with_its_last_text_as_the_finding(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Found it: 42.") if talk.results else calls("list", "First I look.", path=".")

    async with world({"a": worker}, tmp_path) as here:
        mate = await here.ended(here.spawn("a", lifetime=Lifetime.TASK))
        assert mate.outcome is Outcome.COMPLETED
        assert mate.final_text == "Found it: 42."
        assert [fact.findings for fact in here.told(did.TeammateEnded)] == ["Found it: 42."]


async def test_a_resident_stays_idle_and_takes_the_next_message(tmp_path: Path) -> None:
    async with world({"a": lambda talk: says(f"Heard {talk.last_user_text}.")}, tmp_path) as here:
        run_id = here.spawn("a", prompt="one")
        assert (await here.idle(run_id)).final_text == "Heard one."
        assert here.session.supervisor.send(run_id, "you", "two", Way.STEER) is not None
        await here.until(lambda state: state.team.by_run[run_id].final_text == "Heard two.")
        assert not (await here.idle(run_id)).is_terminal
        assert here.requests_of(run_id) == 2


async def test_idling_costs_no_request(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        quiet = here.spawn("quiet")
        await here.idle(quiet)
        for number in range(3):
            await here.idle(here.spawn(f"other{number}"))
        assert here.requests_of(quiet) == 1


async def test_a_task_with_a_queued_message_answers_it_before_it_completes(tmp_path: Path) -> None:
    async with world({"a": hold_once}, tmp_path) as here:
        run_id = here.spawn("a", lifetime=Lifetime.TASK, rules=(MAY_HOLD,))
        await here.holding(run_id)
        here.session.supervisor.send(run_id, "you", "And then this.", Way.QUEUE)
        here.let_go()
        mate = await here.ended(run_id)
        assert mate.outcome is Outcome.COMPLETED
        assert [said.text for said in here.entries(run_id, Said)] == ["go", "And then this."]
        assert here.requests_of(run_id) == 3
        assert len(here.told(did.MessageAnswered)) == 2


async def test_a_task_with_an_open_request_does_not_complete(tmp_path: Path) -> None:
    """A plan stays in the inbox when its turn was interrupted; the run may not be over before its answer."""

    def planner(talk: Conversation) -> Reply:
        if "approved" in talk.told:
            return says("Carried out.")
        return says("Fine.") if "never mind" in talk.told else calls("submit_plan", plan="1. Do it.")

    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", lifetime=Lifetime.TASK, plan_mode_required=True)
        plan = await here.asked(run_id)
        assert here.session.supervisor.interrupt(run_id)
        await here.idle(run_id, IdleReason.INTERRUPTED)
        here.session.supervisor.send(run_id, "you", "never mind", Way.STEER)
        mate = await here.idle(run_id)
        assert mate.final_text == "Fine."
        assert not mate.is_terminal
        assert not here.session.requests.answer(plan.id, 1, PlanApproved(PermissionMode.DEFAULT))
        mate = await here.ended(run_id)
        assert (mate.outcome, mate.final_text) == (Outcome.COMPLETED, "Carried out.")


async def test_a_question_is_waited_for(tmp_path: Path) -> None:
    def asker(talk: Conversation) -> Reply:
        if talk.results:
            return says(f"They said {talk.last_result_text}")
        return calls("ask_person", question="Which?", options=["red", "blue"])

    async with world({"a": asker}, tmp_path) as here:
        run_id = here.spawn("a", lifetime=Lifetime.TASK)
        question = await here.asked(run_id)
        assert not here.mate(run_id).is_terminal
        assert not here.session.requests.answer(question.id, 1, QuestionAnswered("blue"))
        assert "blue" in (await here.ended(run_id)).final_text
        again = here.session.requests.answer(question.id, 1, QuestionAnswered("red"))
        assert "nothing was answered" in again


async def test_a_parent_waits_for_its_child_and_gets_its_report_as_a_message(tmp_path: Path) -> None:
    async with world({"boss": boss, "kid": hold_once}, tmp_path) as here:
        parent, kid = await family(here)
        request = await here.asked(kid)
        await here.until(lambda state: state.team.by_run[parent].final_text == "Waiting for the kid.")
        assert not here.mate(parent).is_terminal
        here.let_go()
        assert not here.session.requests.answer(request.id, 1, PermissionGiven(PermissionScope.ONCE))
        assert (await here.ended(kid)).final_text == "Held."
        mate = await here.ended(parent)
        assert mate.outcome is Outcome.COMPLETED
        reports = [said for said in here.entries(parent, Said) if said.sender == "kid"]
        assert len(reports) == 1
        assert "Held." in reports[0].text
        assert "from kid" in mate.final_text
        assert "not the person" in mate.final_text


async def test_a_child_that_failed_is_reported_with_its_reason(tmp_path: Path) -> None:
    broken = error_reply(400, "Not like this")
    async with world({"boss": boss, "kid": lambda _: broken}, tmp_path) as here:
        parent, kid = await family(here)
        assert (await here.ended(kid)).outcome is Outcome.FAILED
        final = (await here.ended(parent)).final_text
        assert "failed" in final
        assert "Not like this" in final


async def test_a_parent_completes_after_its_child_was_killed(tmp_path: Path) -> None:
    async with world({"boss": boss, "kid": hold_once}, tmp_path) as here:
        parent, kid = await family(here)
        await here.asked(kid)
        await here.idle(parent)
        assert here.session.supervisor.kill(kid)
        mate = await here.ended(parent)
        assert mate.outcome is Outcome.COMPLETED
        assert here.mate(kid).notified
        assert [said.sender for said in here.entries(parent, Said)] == ["you", "kid"]
        assert "killed after" in mate.final_text


async def test_a_task_whose_model_refuses_is_not_called_completed(tmp_path: Path) -> None:
    async with world({"a": lambda _: says("I won't.", stop_reason="refusal")}, tmp_path) as here:
        mate = await here.ended(here.spawn("a", lifetime=Lifetime.TASK))
        assert mate.outcome is Outcome.FAILED
        assert "refused" in mate.error
        assert mate.final_text == "I won't."


async def test_a_task_that_was_interrupted_stays_and_completes_after_its_next_turn(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("All done.") if "again" in talk.told else calls("bash", command=HOLD)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", lifetime=Lifetime.TASK, rules=(MAY_HOLD,))
        await here.holding(run_id)
        here.session.supervisor.interrupt(run_id)
        assert not (await here.idle(run_id, IdleReason.INTERRUPTED)).is_terminal
        here.session.supervisor.send(run_id, "you", "again", Way.STEER)
        assert (await here.ended(run_id)).final_text == "All done."
