"""The scope tree: a cancel goes inwards only, errors are told, nothing starts where it is over."""

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.runtime.scopes import Scope, ScopeCancelled, ScopeCounts, ScopeTree
from tests.unit.runtime.swallowers import QUIET, Faults, Swallowers, begun, sleep_for_ever, until


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
