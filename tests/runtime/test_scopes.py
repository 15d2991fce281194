"""The scope tree against tasks that do not want to end, and the promise that a cancel goes inwards only."""

import asyncio
import inspect
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quarterdeck.runtime.scopes as scopes_module
from quarterdeck.runtime.scopes import Scope, ScopeCancelled, ScopeCounts, ScopeEnd, ScopeTree

SOURCES = Path(scopes_module.__file__).parents[2]
QUIET = ScopeCounts(scopes=1, tasks=0, abandoned=0)


class Swallowers:
    """Tasks that swallow their cancellation; `let_go` makes them obey, so that a test can end."""

    def __init__(self) -> None:
        self.swallowed = 0
        self._is_let_go = False
        self._tasks: list[asyncio.Task[Any]] = []

    async def swallow(self, times: int) -> None:
        """Swallow that many cancels (-1 = every one)."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        while not self._is_let_go:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if times == 0:
                    raise
                self.swallowed += 1
                times -= 1

    async def let_go(self) -> None:
        self._is_let_go = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Faults(list[tuple[str, BaseException]]):
    """What the tree reported."""

    def __call__(self, name: str, error: BaseException) -> None:
        self.append((name, error))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def tree(faults: Faults) -> ScopeTree:
    return ScopeTree(on_fault=faults)


@pytest.fixture
async def swallowers() -> AsyncIterator[Swallowers]:
    made = Swallowers()
    yield made
    await made.let_go()


async def sleep_for_ever() -> None:
    await asyncio.sleep(3600)


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def begun(*tasks: asyncio.Task[Any]) -> None:
    """Let fresh tasks reach their first await."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


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


async def test_a_killed_task_inside_a_timeout_sees_a_cancellation_and_no_timeout(tree: ScopeTree) -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(60):
                await sleep_for_ever()
        except TimeoutError:
            seen.append("timeout")
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    scope = tree.open(tree.root, "run")
    await begun(tree.start(scope, work(), name="work"))
    await tree.end(scope)
    assert seen == ["cancelled"]


async def test_a_timeout_still_works_in_a_task_that_swallowed_an_interrupt(tree: ScopeTree) -> None:
    async def work() -> str:
        try:
            await sleep_for_ever()
        except asyncio.CancelledError:
            try:
                async with asyncio.timeout(0.01):
                    await sleep_for_ever()
            except TimeoutError:
                return "timed out"
        return "not"

    scope = tree.open(tree.root, "turn")
    task = tree.start(scope, work(), name="work")
    await begun(task)
    tree.cancel(scope)
    async with asyncio.timeout(2):
        assert await task == "timed out"


async def test_a_cancelled_scope_starts_nothing_and_closes_the_coroutine(tree: ScopeTree) -> None:
    outer = tree.open(tree.root, "run")
    inner = tree.open(outer, "turn")
    tree.cancel(outer, reason="interrupted")
    late = tree.open(inner, "tool")
    for scope in (outer, inner, late):
        coroutine = sleep_for_ever()
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
        with pytest.raises(ScopeCancelled, match="tool call was not started"):
            tree.start(scope, coroutine, name="tool call")
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    assert tree.counts() == QUIET


async def test_a_swallower_cannot_start_new_tasks_where_it_was_cancelled(tree: ScopeTree) -> None:
    scope = tree.open(tree.root, "run")
    refused: list[str] = []

    async def work() -> None:
        try:
            await sleep_for_ever()
        except asyncio.CancelledError:
            try:
                tree.start(tree.open(scope, "hidden"), sleep_for_ever(), name="hidden")
            except ScopeCancelled:
                refused.append("hidden")

    await begun(tree.start(scope, work(), name="work"))
    assert (await tree.end(scope)).left == 0
    assert refused == ["hidden"]


async def test_an_interrupt_cancels_once_with_its_reason_and_a_second_one_changes_nothing(
    tree: ScopeTree, swallowers: Swallowers
) -> None:
    scope = tree.open(tree.root, "turn")
    stubborn = tree.start(scope, swallowers.swallow(2), name="stubborn")
    plain = tree.start(scope, sleep_for_ever(), name="plain")
    await begun(stubborn, plain)
    tree.cancel(scope, reason="interrupted by the person")
    tree.cancel(scope, reason="again")
    with pytest.raises(asyncio.CancelledError, match="interrupted by the person"):
        await plain
    assert swallowers.swallowed == 1
    assert not stubborn.done()
    assert scope.is_cancelled
    assert (await tree.end(scope)).left == 0


async def test_SUP_08_an_error_of_a_task_is_told_with_its_name_and_the_siblings_live_on(  # noqa: N802
    tree: ScopeTree, faults: Faults
) -> None:
    scope = tree.open(tree.root, "run")

    async def fail() -> None:
        raise ValueError("broken")

    sibling = tree.start(scope, sleep_for_ever(), name="sibling")
    tree.start(scope, fail(), name="silent")
    await until(lambda: bool(faults))
    assert [(name, repr(error)) for name, error in faults] == [("silent", "ValueError('broken')")]
    with pytest.raises(ValueError, match="broken"):
        await tree.start(scope, fail(), name="awaited")
    assert [name for name, _ in faults] == ["silent", "awaited"]
    assert not sibling.done()
    assert not scope.is_cancelled
    await tree.end(scope)
    assert len(faults) == 2, "a cancellation is no fault"


async def test_an_error_on_the_way_out_of_a_killed_task_is_told(tree: ScopeTree, faults: Faults) -> None:
    async def work() -> None:
        try:
            await sleep_for_ever()
        finally:
            raise OSError("disk full")

    scope = tree.open(tree.root, "run")
    await begun(tree.start(scope, work(), name="writer"))
    assert (await tree.end(scope)).left == 0
    assert [name for name, _ in faults] == ["writer"]


async def test_finished_scopes_leave_nothing_in_the_tree(tree: ScopeTree) -> None:
    run = tree.open(tree.root, "run")

    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    total = 0
    for _ in range(300):
        turn = tree.open(run, "turn")
        total += await tree.start(tree.open(turn, "tool"), work(), name="tool")
        tree.close(turn)
        await tree.end(turn)
    assert total == 300
    tree.close(run)
    assert tree.counts() == QUIET


async def test_a_closed_scope_waits_for_its_last_task_and_takes_no_new_one(tree: ScopeTree) -> None:
    scope = tree.open(tree.root, "turn")
    ready = asyncio.Event()

    async def work() -> None:
        await ready.wait()

    task = tree.start(scope, work(), name="work")
    tree.close(scope)
    with pytest.raises(ScopeCancelled):
        tree.start(scope, work(), name="late")
    assert tree.counts() == ScopeCounts(scopes=2, tasks=1, abandoned=0)
    ready.set()
    await task
    await until(lambda: tree.counts() == QUIET)
    assert not task.cancelled()


async def test_ending_the_root_ends_everything(tree: ScopeTree) -> None:
    tasks = [tree.start(tree.open(tree.root, "run"), sleep_for_ever(), name="run") for _ in range(5)]
    tasks.append(tree.start_task(sleep_for_ever(), name="writer"))
    await begun(*tasks)
    assert (await tree.end(tree.root)).left == 0
    assert all(task.cancelled() for task in tasks)


Shape = list[int]


async def cancel_one(parents: Shape, tasks_each: int, chosen: int, *, by_end: bool) -> None:
    """Build a tree (node i+1 hangs on parents[i]), cancel one, compare with plain reachability."""
    tree = ScopeTree(on_fault=Faults())
    nodes: list[Scope] = [tree.root]
    for parent in parents:
        nodes.append(tree.open(nodes[parent], "node"))
    tasks = [[tree.start(node, sleep_for_ever(), name="task") for _ in range(tasks_each)] for node in nodes]
    await asyncio.sleep(0)
    inside = {chosen}
    for index, parent in enumerate(parents, start=1):
        if parent in inside:
            inside.add(index)
    if by_end:
        assert (await tree.end(nodes[chosen])).left == 0
    else:
        tree.cancel(nodes[chosen])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for index, node in enumerate(nodes):
        assert node.is_cancelled == (index in inside)
        assert all(task.cancelled() == (index in inside) for task in tasks[index])
    assert tree.counts().tasks == tasks_each * (len(nodes) - len(inside))
    await tree.end(tree.root)
    assert tree.counts() == QUIET


@settings(max_examples=80, deadline=None)
@given(
    picks=st.lists(st.integers(0, 10_000), max_size=25),
    tasks_each=st.integers(1, 3),
    chosen=st.integers(0, 10_000),
    by_end=st.booleans(),
)
def test_a_cancel_reaches_all_inside_and_nothing_outside(
    picks: list[int], tasks_each: int, chosen: int, by_end: bool
) -> None:
    parents = [pick % (index + 1) for index, pick in enumerate(picks)]
    asyncio.run(cancel_one(parents, tasks_each, chosen % (len(parents) + 1), by_end=by_end))


PROGRAM = """
import asyncio, sys, time
from quarterdeck.runtime.scopes import ScopeTree, exit_now
from quarterdeck.runtime.threads import run_in_thread

async def swallow():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def main():
    tree = ScopeTree(on_fault=lambda name, error: print(name, error))
    scope = tree.open(tree.root, "run")
    {task}
    {thread}
    await asyncio.sleep(0.1)
    end = await tree.end(scope)
    sys.stdout.write(f"left {{end.left}}")
    exit_now(7)

asyncio.run(main())
sys.exit(5)
"""
TASK = 'tree.start(scope, swallow(), name="endless")'
THREAD = 'tree.start(scope, run_in_thread(lambda: time.sleep(60), name="sleep"), name="tool")'


@pytest.mark.parametrize(
    ("task", "thread", "code", "printed"),
    [
        (TASK, THREAD, 7, "left 1"),
        (TASK, "", 7, "left 1"),
        ("", THREAD, 7, "left 0"),
        ("", "", 5, "left 0"),
    ],
    ids=["a task and a thread", "a task", "a thread", "nothing abandoned"],
)
def test_the_program_leaves_in_time_with_its_code_and_all_it_printed(
    task: str, thread: str, code: int, printed: str
) -> None:
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(task=task, thread=thread)],
        env={"PYTHONPATH": str(SOURCES), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert time.monotonic() - began < 8
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, printed, "")


BLOCKED = """
import os, sys
from quarterdeck.runtime.scopes import exit_now
os.set_blocking(1, False)
try:
    while True:
        os.write(1, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(1, True)
sys.stdout.write("one more")
exit_now(7)
"""


def test_a_terminal_that_takes_no_more_bytes_does_not_hold_the_exit() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", BLOCKED],
        env={"PYTHONPATH": str(SOURCES), "PATH": ""},
        stdout=subprocess.PIPE,
    )
    try:
        assert program.wait(timeout=10) == 7
    finally:
        program.kill()
        program.communicate()


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
