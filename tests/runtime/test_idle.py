"""Idle waiters: each is told once, in its own context, and one that fails keeps no other waiting."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.idle import IdleWaiters

ADA, BOB = RunId("run-ada"), RunId("run-bob")
owner: ContextVar[str] = ContextVar("owner", default="nobody")


class Bench:
    """Waiters over a set of idle runs, and what happened."""

    def __init__(self) -> None:
        self.idle_runs: set[RunId] = set()
        self.faults: list[str] = []
        self.calls: list[str] = []
        self.waiters = IdleWaiters(is_idle=self.idle_runs.__contains__, on_fault=self.faults.append)

    def noting(self, text: str) -> Callable[[], None]:
        return lambda: self.calls.append(text)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_callback_is_called_when_its_run_is_released_and_only_once(bench: Bench) -> None:
    bench.waiters.on_idle(ADA, bench.noting("ada"))
    bench.waiters.on_idle(BOB, bench.noting("bob"))
    assert bench.calls == []
    bench.waiters.release(ADA)
    bench.waiters.release(ADA)
    assert bench.calls == ["ada"]


def test_a_callback_for_an_idle_run_is_called_at_once_and_never_again(bench: Bench) -> None:
    bench.idle_runs.add(ADA)
    unregister = bench.waiters.on_idle(ADA, bench.noting("ada"))
    assert bench.calls == ["ada"]
    bench.waiters.release(ADA)
    unregister()
    assert bench.calls == ["ada"]


def test_an_unregistered_callback_is_not_called(bench: Bench) -> None:
    unregister = bench.waiters.on_idle(ADA, bench.noting("gone"))
    bench.waiters.on_idle(ADA, bench.noting("stays"))
    unregister()
    unregister()
    bench.waiters.release(ADA)
    assert bench.calls == ["stays"]


def test_a_callback_that_raises_is_reported_and_keeps_no_other_from_running(bench: Bench) -> None:
    def fail() -> None:
        raise ValueError("broken")

    bench.waiters.on_idle(ADA, bench.noting("first"))
    bench.waiters.on_idle(ADA, fail)
    bench.waiters.on_idle(ADA, bench.noting("last"))
    bench.waiters.release(ADA)
    assert bench.calls == ["first", "last"]
    assert len(bench.faults) == 1
    assert "fail of run-ada failed: ValueError: broken" in bench.faults[0]
    bench.idle_runs.add(BOB)
    bench.waiters.on_idle(BOB, fail)
    assert len(bench.faults) == 2


def test_a_callback_that_unregisters_the_next_one_and_registers_another_is_obeyed(bench: Bench) -> None:
    def rearrange() -> None:
        unregister()
        bench.waiters.on_idle(ADA, bench.noting("next time"))

    bench.waiters.on_idle(ADA, rearrange)
    unregister = bench.waiters.on_idle(ADA, bench.noting("unregistered"))
    bench.waiters.release(ADA)
    assert bench.calls == []
    bench.waiters.release(ADA)
    assert bench.calls == ["next time"]


def test_a_callback_that_registers_itself_again_is_called_once_per_release(bench: Bench) -> None:
    def again() -> None:
        bench.calls.append("again")
        assert len(bench.calls) < 10
        bench.waiters.on_idle(ADA, again)

    bench.waiters.on_idle(ADA, again)
    bench.waiters.release(ADA)
    assert bench.calls == ["again"]
    bench.waiters.release(ADA)
    assert bench.calls == ["again", "again"]


def test_a_callback_runs_in_the_context_in_which_it_was_registered(bench: Bench) -> None:
    seen: list[str] = []
    for name in ("ada", "bob"):
        token = owner.set(name)
        bench.waiters.on_idle(ADA, lambda: seen.append(owner.get()))
        owner.reset(token)
    bench.waiters.release(ADA)
    assert seen == ["ada", "bob"]


async def test_everybody_who_waits_returns_at_the_release(bench: Bench) -> None:
    tasks = [asyncio.create_task(bench.waiters.wait_for_idle(ADA)) for _ in range(3)]
    other = asyncio.create_task(bench.waiters.wait_for_idle(BOB))
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    bench.waiters.release(ADA)
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert not other.done()
    bench.waiters.release(BOB)
    await other


async def test_waiting_for_an_idle_run_returns_at_once(bench: Bench) -> None:
    bench.idle_runs.add(ADA)
    async with asyncio.timeout(1):
        await bench.waiters.wait_for_idle(ADA)


async def test_one_who_stops_waiting_leaves_nothing_behind(bench: Bench) -> None:
    for _ in range(10):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.waiters.wait_for_idle(ADA), 0.001)
    assert bench.waiters.count() == 0
    bench.waiters.release(ADA)
    assert bench.faults == []
