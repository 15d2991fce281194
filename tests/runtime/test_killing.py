import asyncio
from pathlib import Path

from quarterdeck.bootstrap.controller import Teammates
from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.domain.teammates import Lifecycle, Lifetime, Outcome, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, Stall
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Text, ToolCall
from quarterdeck.state.selectors import select_descendants
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world


def worker(talk: Conversation) -> Reply:
    return says("Held.") if talk.results else calls("bash", "On it.", command=HOLD)


def boss(talk: Conversation) -> Reply:
    match talk.results:
        case 0:
            return calls("spawn_teammate", name="kid", prompt="Help.")
        case 1:
            return Reply(text="Waiting", stall=Stall(after=3, seconds=60))
    return says("Done.")


def kid(talk: Conversation) -> Reply:
    return says("Waiting.") if talk.results else calls("spawn_teammate", name="grandkid", prompt="Help.")


def named(here: World, name: str) -> RunId:
    return next(mate.run_id for mate in here.state.team.by_run.values() if mate.name == name)


async def test_a_kill_is_one_fact_and_true_once(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=(MAY_HOLD,))
        await here.holding(run_id)
        here.session.supervisor.send(run_id, "you", "later", Way.QUEUE)
        sequence = here.session.store.sequence
        kill = here.session.supervisor.kill
        assert [kill(run_id), *(kill(run_id) for _ in range(4))] == [True, False, False, False, False]
        assert not kill(RunId("nobody"))
        fact = next(one for one in here.facts[::-1] if isinstance(one, did.TeammateKilled))
        assert fact.run_id == run_id
        mate = here.mate(run_id)
        assert mate.lifecycle is Lifecycle.TERMINATED
        assert (mate.outcome, mate.notified, mate.running) == (Outcome.KILLED, True, ())
        assert mate.ended_at == fact.at
        assert run_id not in here.state.mail
        assert len(here.state.transcripts[run_id].entries) == 1
        assert here.session.store.sequence > sequence
        await here.until(lambda state: (proof := state.team.by_run[run_id].kill) and proof.is_complete)
        proof = here.mate(run_id).kill
        assert proof is not None
        assert proof.processes_total >= 1
        assert proof.processes_left == 0
        assert proof.requests_since == 0
        assert here.session.processes.owner_facts(run_id).left == 0
        assert len(here.told(did.TeammateKilled)) == 1
        history = here.history(run_id)
        assert "interrupted" in str(history[-1].content[0]["content"])


async def test_a_run_that_ended_by_itself_cannot_be_killed(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        run_id = here.spawn("a", lifetime=Lifetime.TASK)
        mate = await here.ended(run_id)
        assert not here.session.supervisor.kill(run_id)
        assert here.mate(run_id) == mate
        assert here.mate(run_id).kill is None


async def test_a_parent_takes_what_it_spawned_and_never_what_the_person_spawned(tmp_path: Path) -> None:
    answers = {"boss": boss, "kid": kid, "grandkid": worker, "friend": worker}
    async with world(answers, tmp_path) as here:
        top = here.spawn("boss")
        friend = here.spawn("friend", rules=(MAY_HOLD,))
        await here.holding(friend)
        await here.until(lambda state: len(state.team.by_run) == 4)
        await here.asked(named(here, "grandkid"))
        await here.streaming(top)
        family = select_descendants(here.state.team, top)
        assert set(family) == {named(here, "kid"), named(here, "grandkid")}
        teammates = Teammates(here.session)
        assert teammates.descendants(top) == family
        receipt = teammates.kill([top, *family])
        assert receipt.text.startswith("3 killed")
        assert all(here.mate(run_id).outcome is Outcome.KILLED for run_id in (top, *family))
        assert not here.mate(friend).is_terminal
        await here.until(
            lambda state: all(
                (proof := state.team.by_run[run_id].kill) and proof.is_complete for run_id in (top, *family)
            )
        )
        here.let_go()
        assert (await here.idle(friend)).final_text == "Held."
        assert not teammates.kill([top]).done


async def test_killing_only_the_parent_leaves_its_child_at_work(tmp_path: Path) -> None:
    async with world({"boss": boss, "kid": worker}, tmp_path) as here:
        top = here.spawn("boss")
        await here.streaming(top)
        child = named(here, "kid")
        await here.asked(child)
        here.session.supervisor.kill(top)
        await here.idle(here.spawn("witness"))
        assert not here.mate(child).is_terminal
        assert here.state.inbox.open != ()


async def test_all_twenty_are_gone_within_two_seconds(tmp_path: Path) -> None:
    """SUP-06: five times over, in every phase."""
    talk = Reply(text="word " * 100, stall=Stall(after=4, seconds=60))
    ask = calls("bash", command="date")
    plan = calls("submit_plan", plan="1. Do.")
    async with world(
        {"tool": worker, "talk": lambda _: talk, "ask": lambda _: ask, "plan": lambda _: plan}, tmp_path
    ) as here:
        runs = [
            here.spawn(f"{kind}{number}", rules=(MAY_HOLD,))
            for number in range(5)
            for kind in ("tool", "talk", "ask", "plan")
        ]
        await here.until(
            lambda state: (
                len(state.inbox.open) == 10
                and sum(bool(state.transcripts[run_id].live) for run_id in runs) == 5
                and sum(bool(state.team.by_run[run_id].running) for run_id in runs) >= 5
            )
        )
        teammates = Teammates(here.session)
        assert teammates.kill(runs).text.startswith("20 killed")
        for _ in range(4):
            assert not teammates.kill(runs).done
        assert here.state.inbox.open == ()
        await here.until(
            lambda state: all(
                (proof := state.team.by_run[run_id].kill) and proof.is_complete for run_id in runs
            ),
            within_s=5.0,
        )
        times = [proof.task_ended_s for run_id in runs if (proof := here.mate(run_id).kill) is not None]
        assert all(took is not None and took < 2.0 for took in times)
        seen = len(here.server.request_log)
        await here.idle(here.spawn("witness"))
        assert len(here.server.request_log) == seen + 1
        assert sum(isinstance(fact, did.TeammateKilled) for fact in here.facts) == 20
        for run_id in runs:
            here.history(run_id)


async def test_the_whole_conversation_is_kept_though_the_window_is_cut(tmp_path: Path) -> None:
    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=(MAY_HOLD,))
        await here.holding(run_id)
        here.session.supervisor.kill(run_id)
        assert len(here.state.transcripts[run_id].entries) == 1
        whole = here.session.conversations.page(run_id, before=10_000, count=100)
        assert [type(entry).__name__ for entry in whole] == ["Said", "Text", "ToolCall"]
        call = whole[-1]
        assert isinstance(call, ToolCall)
        assert call.status == "cancelled"


async def test_late_facts_of_a_killed_run_change_nothing(tmp_path: Path) -> None:
    stalls = Reply(content=(ScriptedBlock(text="so far"),), stall=Stall(after=3, seconds=60))
    async with world({"a": lambda _: stalls}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.streaming(run_id)
        here.session.supervisor.kill(run_id)
        async with asyncio.timeout(5):
            await here.session.idle.wait_for_idle(run_id)
        state = here.state
        now = here.session.clock.wall()
        here.session.dispatch(did.TextSaid(at=now, run_id=run_id, text="late"))
        here.session.dispatch(did.TurnStarted(at=now, run_id=run_id, verb="x", past_verb="y"))
        late = did.ToolStarted(at=now, run_id=run_id, call_id=CallId("c"), tool="Bash", title="x")
        here.session.dispatch(late)
        assert here.state.team.by_run[run_id] == state.team.by_run[run_id]
        assert here.entries(run_id, Text) == []
        assert not here.session.epochs.is_live(run_id)
