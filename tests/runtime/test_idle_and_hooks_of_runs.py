import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionDenied
from quarterdeck.domain.teammates import Lifecycle, Lifetime, Outcome, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, error_reply
from quarterdeck.runtime.hooks import TransitionEvent
from tests.support.log_lines import logged
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world


def hold_once(talk: Conversation) -> Reply:
    return says("Held.") if talk.results else calls("bash", command=HOLD)


def refused(talk: Conversation) -> Reply:
    return error_reply(400, "No.") if talk.results else calls("bash", command=HOLD)


async def kill(here: World, run_id: RunId) -> None:
    assert here.session.supervisor.kill(run_id)


async def let_go(here: World, run_id: RunId) -> None:
    here.let_go()


async def interrupt(here: World, run_id: RunId) -> None:
    assert here.session.supervisor.interrupt(run_id)


@pytest.mark.parametrize(
    ("end", "lifetime", "answer", "outcome"),
    [
        (kill, Lifetime.RESIDENT, hold_once, Outcome.KILLED),
        (let_go, Lifetime.TASK, hold_once, Outcome.COMPLETED),
        (let_go, Lifetime.RESIDENT, refused, Outcome.FAILED),
        (let_go, Lifetime.RESIDENT, hold_once, None),
        (interrupt, Lifetime.RESIDENT, hold_once, None),
    ],
    ids=["kill", "completion", "failure", "turn's end", "interrupt"],
)
async def test_waiters_for_idle_are_released_once_by(
    end: Callable[[World, RunId], Awaitable[None]],
    lifetime: Lifetime,
    answer: Callable[[Conversation], Reply],
    outcome: Outcome | None,
    tmp_path: Path,
) -> None:
    async with world({"a": answer}, tmp_path) as here:
        run_id = here.spawn("a", lifetime=lifetime, rules=(MAY_HOLD,))
        await here.holding(run_id)
        called: list[Lifecycle] = []
        idle = here.session.idle
        idle.on_idle(run_id, lambda: called.append(here.mate(run_id).lifecycle))
        unregister = idle.on_idle(run_id, lambda: called.append(Lifecycle.FAILED))
        unregister()
        waiting = [asyncio.create_task(idle.wait_for_idle(run_id)) for _ in range(3)]
        await asyncio.sleep(0)
        assert called == []
        assert not any(task.done() for task in waiting)
        await end(here, run_id)
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)
        assert here.mate(run_id).outcome is outcome or not here.mate(run_id).is_terminal
        if outcome is not None:
            assert (await here.ended(run_id)).outcome is outcome
        assert len(called) == 1
        assert idle.count() == 0
        idle.on_idle(run_id, lambda: called.append(Lifecycle.READY))  # it is idle: told at once
        assert len(called) == 2


async def test_a_run_inside_a_turn_is_not_idle_whatever_it_waits_for(tmp_path: Path) -> None:
    async with world({"a": lambda _: calls("ask_person", question="Which?")}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.asked(run_id)
        assert here.mate(run_id).lifecycle is Lifecycle.WAITING
        assert not here.mate(run_id).is_idle
        waiting = asyncio.create_task(here.session.idle.wait_for_idle(run_id))
        assert here.session.supervisor.pause(run_id)
        assert not here.mate(run_id).is_idle
        await asyncio.sleep(0)
        assert not waiting.done()
        here.session.supervisor.kill(run_id)
        async with asyncio.timeout(5):
            await waiting


async def test_hooks_hear_of_every_transition_of_a_turn_in_order(tmp_path: Path) -> None:
    def asker(talk: Conversation) -> Reply:
        return says("Done.") if talk.results else calls("bash", command="true")

    async with world({"a": asker}, tmp_path) as here:
        before: list[str] = []
        after: list[str] = []
        complete = asyncio.Event()

        async def hear(event: TransitionEvent) -> None:
            after.append(event.name)
            if event.to is Lifecycle.TERMINATED:
                complete.set()

        here.session.hooks.before("*->*", lambda event: before.append(event.name))
        here.session.hooks.after("*->*", hear)
        run_id = here.spawn("a", lifetime=Lifetime.TASK)
        request = await here.asked(run_id)
        here.session.supervisor.pause(run_id)
        here.session.supervisor.proceed(run_id)
        here.session.requests.answer(request.id, 1, PermissionDenied())
        async with asyncio.timeout(10):
            await complete.wait()
        expected = [
            "created->spawning",
            "spawning->ready",
            "ready->executing",
            "executing->waiting",
            "waiting->paused",
            "paused->waiting",
            "waiting->executing",
            "executing->ready",
            "ready->terminated",
        ]
        assert after == expected
        assert before == expected


async def test_a_hook_that_hangs_or_fails_neither_delays_nor_breaks_the_run(tmp_path: Path) -> None:
    with logged() as reports:
        async with world(None, tmp_path) as here:
            await hang_and_fail(here)
    assert sum("my own fault" in line for line in reports) == 4
    assert any("took more than 0.1 s" in line for line in reports)


async def hang_and_fail(here: World) -> None:
    hooks = here.session.hooks
    hooks._time_limit_s = 0.1
    started = asyncio.Event()
    cancelled = asyncio.Event()

    async def hang(event: TransitionEvent) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def fail(event: TransitionEvent) -> None:
        raise ValueError("my own fault")

    hooks.before("ready->executing", hang)
    hooks.before("ready->executing", fail)
    hooks.after("executing->ready", fail)
    run_id = here.spawn("a")
    mate = await here.idle(run_id)
    assert mate.final_text == "Done."
    assert started.is_set()
    async with asyncio.timeout(5):
        await cancelled.wait()
    here.session.supervisor.send(run_id, "you", "again", Way.STEER)
    await here.until(lambda _: here.requests_of(run_id) == 2)
    await here.idle(run_id)
    assert not here.mate(run_id).is_terminal


async def test_a_kill_runs_its_hooks_beside_and_waits_for_none(tmp_path: Path) -> None:
    async with world({"a": hold_once}, tmp_path) as here:
        seen: list[tuple[str, Outcome | None]] = []
        both = asyncio.Event()
        forever = asyncio.Event()

        async def slow(event: TransitionEvent) -> None:
            seen.append((event.name, here.mate(event.run_id).outcome))
            if len(seen) == 2:
                both.set()
            await forever.wait()

        here.session.hooks.before("*->terminated", slow)
        here.session.hooks.after("executing->terminated", slow)
        run_id = here.spawn("a", rules=(MAY_HOLD,))
        await here.holding(run_id)
        assert here.session.supervisor.kill(run_id)
        assert here.mate(run_id).outcome is Outcome.KILLED
        assert seen == []
        async with asyncio.timeout(5):
            await both.wait()
        assert seen == [("executing->terminated", Outcome.KILLED)] * 2
        await here.until(lambda state: (proof := state.team.by_run[run_id].kill) and proof.is_complete)
        forever.set()
