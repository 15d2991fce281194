"""Ending a scope: tasks that swallow it, calls from inside and by several at once."""

import asyncio
import random
import time
from collections.abc import Coroutine
from typing import Any

import pytest

import quarterdeck.runtime.scopes as scopes_module
from quarterdeck.runtime.scopes import Scope, ScopeCounts, ScopeEnd, ScopeTree
from tests.unit.runtime.swallowers import QUIET, Swallowers, begun, sleep_for_ever, until


# SUP-02. The contract says 0.2 s on a quiet machine; the test machine is shared.
@pytest.mark.parametrize(("times", "within_s"), [(0, 0.2), (1, 0.2), (50, 0.5)])
async def test_SUP_02_a_task_that_swallows_its_cancellation_is_ended_all_the_same(  # noqa: N802 the id of the matrix
    tree: ScopeTree, swallowers: Swallowers, times: int, within_s: float
) -> None:
    scope = tree.open(tree.root, "run")
    task = tree.start(tree.open(scope, "tool"), swallowers.swallow(times), name="stubborn")
    await begun(task)
    began = time.monotonic()
    end = await tree.end(scope)
    assert time.monotonic() - began < within_s
    assert task.done()
    assert swallowers.swallowed == times
    assert (end.left, end.abandoned) == (0, ())
    assert end.took_s < within_s
    assert tree.counts() == QUIET


async def test_SUP_02_an_endless_swallower_is_abandoned_at_two_seconds_and_the_loop_stays_responsive(  # noqa: N802
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    task = tree.start(scope, swallowers.swallow(-1), name="endless")
    good = tree.start(scope, sleep_for_ever(), name="good")
    await begun(task, good)
    lags: list[float] = []
    probe = tree.start(tree.root, measure_lag(lags), name="probe")
    began = time.monotonic()
    end = await tree.end(scope)
    took_s = time.monotonic() - began
    assert 1.9 < took_s < 3.0
    assert end.left == 1
    assert end.abandoned == ("endless",)
    assert good.cancelled()
    assert tree.abandoned["endless"] is task
    assert tree.counts() == ScopeCounts(scopes=1, tasks=1, abandoned=1)

    swallowed, used = swallowers.swallowed, time.process_time()
    await asyncio.sleep(0.5)
    assert swallowers.swallowed == swallowed, "an abandoned task is left alone"
    assert time.process_time() - used < 0.25, "nothing spins around an abandoned task"
    probe.cancel()
    lags.sort()
    assert lags[int(len(lags) * 0.98)] < 0.1

    await swallowers.let_go()
    await until(lambda: tree.counts() == QUIET)
    assert not tree.abandoned


async def measure_lag(lags: list[float]) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.005)
        lags.append(time.monotonic() - began - 0.005)


async def test_twenty_runs_with_an_endless_swallower_each_end_together_in_two_seconds(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    runs = [tree.open(tree.root, "run") for _ in range(20)]
    for scope in runs:
        tree.start(scope, swallowers.swallow(-1), name="endless")
    await begun()
    began = time.monotonic()
    ends = await asyncio.gather(*(tree.end(scope) for scope in runs))
    assert time.monotonic() - began < 3.0
    names = [name for end in ends for name in end.abandoned]
    assert len(set(names)) == 20
    assert set(names) == set(tree.abandoned)


async def test_both_of_two_that_end_a_scope_at_once_and_one_that_comes_later_get_the_result(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    tree.start(scope, swallowers.swallow(5), name="stubborn")
    await begun()
    first, second = await asyncio.gather(tree.end(scope), tree.end(scope))
    assert first == second == await tree.end(scope)
    assert first.left == 0


async def test_an_empty_scope_ends_at_once(tree: ScopeTree) -> None:
    end = await tree.end(tree.open(tree.root, "turn"))
    assert (end.left, end.abandoned) == (0, ())
    assert tree.counts() == QUIET


async def test_the_ending_goes_on_when_the_one_who_asked_for_it_is_cancelled(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    task = tree.start(scope, swallowers.swallow(20), name="stubborn")
    await begun(task)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tree.end(scope), 0.005)
    async with asyncio.timeout(2):
        await asyncio.wait({task})
    assert swallowers.swallowed == 20


async def test_a_task_that_ends_its_own_scope_is_neither_cancelled_nor_waited_for(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    ends: list[ScopeEnd] = []

    async def run() -> str:
        tree.start(tree.open(scope, "tool"), swallowers.swallow(3), name="tool")
        await asyncio.sleep(0)
        ends.append(await tree.end(scope))
        await asyncio.sleep(0.01)
        return "finished"

    async with asyncio.timeout(2):
        assert await tree.start(scope, run(), name="run") == "finished"
    assert swallowers.swallowed == 3
    assert (ends[0].left, ends[0].abandoned) == (0, ())
    assert tree.counts() == QUIET


async def test_two_tasks_inside_that_both_end_their_scope_do_not_wait_for_each_other(tree: ScopeTree) -> None:
    scope = tree.open(tree.root, "run")

    ends: list[ScopeEnd] = []

    async def run() -> None:
        try:
            await sleep_for_ever()
        finally:
            ends.append(await tree.end(scope))

    tasks = [tree.start(scope, run(), name="run") for _ in range(2)]
    await begun(*tasks)
    tree.cancel(scope)
    async with asyncio.timeout(1):
        await asyncio.wait(tasks)
    assert [(end.left, end.abandoned) for end in ends] == [(0, ()), (0, ())]


async def test_a_run_that_ends_its_own_scope_in_its_finally_still_gets_there_when_it_is_killed(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    records: list[int] = []

    async def run() -> None:
        try:
            await sleep_for_ever()
        finally:
            records.append((await tree.end(scope)).left)

    task = tree.start(scope, run(), name="run")
    tree.start(tree.open(scope, "tool"), swallowers.swallow(-1), name="tool")
    await begun(task)
    killed = tree.start(tree.root, tree.end(scope), name="kill")
    async with asyncio.timeout(1.5):
        await asyncio.wait({task})
    assert records == [1], "the swallowing tool was still there"
    end = await killed
    assert end.abandoned == ("tool",)
    assert end.took_s < 3


async def test_a_kill_that_comes_while_a_run_ends_itself_ends_the_run_too(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "run")
    passed: list[str] = []

    async def run() -> None:
        await tree.end(scope)
        passed.append("own end")
        await sleep_for_ever()

    tree.start(scope, swallowers.swallow(-1), name="tool")
    task = tree.start(scope, run(), name="run")
    await begun(task)
    end = await tree.end(scope)
    assert task.cancelled()
    assert passed == ["own end"]
    assert end.abandoned == ("tool",)


async def test_what_was_abandoned_in_an_inner_scope_counts_for_the_outer_one(
    tree: ScopeTree, swallowers: Swallowers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes_module, "GIVE_UP_S", 0.2)
    run, other = tree.open(tree.root, "run"), tree.open(tree.root, "other")
    turn = tree.open(run, "turn")
    tree.start(turn, swallowers.swallow(-1), name="tool")
    await begun()
    assert (await tree.end(turn)).abandoned == ("tool",)
    assert (await tree.end(run)).abandoned == ("tool",)
    assert (await tree.end(run)).left == 1
    assert (await tree.end(other)).left == 0


async def test_an_outer_ending_and_an_inner_one_at_once_both_come_to_their_end(
    tree: ScopeTree, swallowers: Swallowers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes_module, "GIVE_UP_S", 0.2)
    run = tree.open(tree.root, "run")
    turn = tree.open(run, "turn")
    tree.start(turn, swallowers.swallow(-1), name="tool")
    tree.start(run, swallowers.swallow(-1), name="run")
    await begun()
    async with asyncio.timeout(2):
        outer, inner = await asyncio.gather(tree.end(run), tree.end(turn))
    assert set(outer.abandoned) == {"run", "tool"}
    assert inner.abandoned == ("tool",)


async def test_a_loop_that_stood_still_costs_a_task_that_would_end_no_chance(
    tree: ScopeTree, swallowers: Swallowers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes_module, "GIVE_UP_S", 0.2)
    scope = tree.open(tree.root, "run")
    task = tree.start(scope, swallowers.swallow(40), name="stubborn")

    async def block() -> None:
        try:
            await sleep_for_ever()
        finally:
            time.sleep(0.4)  # noqa: ASYNC251 the fault under test

    tree.start(scope, block(), name="blocker")
    await begun(task)
    end = await tree.end(scope)
    assert end.abandoned == ()
    assert swallowers.swallowed == 40


async def test_an_end_that_is_called_from_many_places_at_random_times_returns(tree: ScopeTree) -> None:
    dice = random.Random(7)
    for _ in range(30):
        swallowers = Swallowers()
        scope = tree.open(tree.root, "run")
        inner = tree.open(scope, "turn")

        async def call(at: Scope, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            await tree.end(at)

        for where in (scope, inner):
            tree.start(where, swallowers.swallow(dice.randrange(8)), name="stubborn")
            tree.start(where, call(dice.choice((scope, inner)), dice.random() * 0.005), name="from inside")
        callers: list[Coroutine[Any, Any, object]] = [
            call(dice.choice((scope, inner)), dice.random() * 0.005) for _ in range(3)
        ]
        async with asyncio.timeout(2):
            await asyncio.gather(*callers)
            assert (await tree.end(scope)).left == 0
    assert tree.counts() == QUIET
