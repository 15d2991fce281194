"""Daemon threads: nobody waits for one that was abandoned, and its late effects are refused."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.epochs import Epochs, RunRevoked
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.threads import (
    DaemonThreads,
    abandoned_threads,
    call_within,
    only_this_thread,
    run_in_thread,
)

mark: ContextVar[str] = ContextVar("mark", default="none")


@pytest.fixture
async def gate() -> AsyncIterator[threading.Event]:
    """Blocks threads until it is set; the end of the test sets it."""
    event = threading.Event()
    yield event
    event.set()
    await until(lambda: not abandoned_threads())


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_a_call_runs_in_a_daemon_thread_in_a_copy_of_the_context() -> None:
    mark.set("caller")

    def look() -> tuple[str, bool, bool, str]:
        seen = mark.get()
        mark.set("thread")
        thread = threading.current_thread()
        return seen, thread.daemon, thread is threading.main_thread(), thread.name

    assert await run_in_thread(look, name="grep") == ("caller", True, False, "grep")
    assert mark.get() == "caller"


async def test_what_the_function_raises_arrives() -> None:
    def fail() -> None:
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        await run_in_thread(fail, name="read")


async def test_a_stop_iteration_arrives_as_an_error_and_does_not_hang() -> None:
    def fail() -> int:
        return next(iter(()))

    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="StopIteration") as raised:
            await run_in_thread(fail, name="read")
    assert isinstance(raised.value.__cause__, StopIteration)


async def test_a_cancelled_call_is_abandoned_at_once_and_listed_until_it_ends(gate: threading.Event) -> None:
    task = asyncio.create_task(run_in_thread(gate.wait, name="slow tool"))
    await asyncio.sleep(0)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.2
    assert abandoned_threads() == ("slow tool",)
    gate.set()
    await until(lambda: abandoned_threads() == ())


async def test_SUP_03_a_kill_does_not_wait_for_a_blocked_thread_and_its_late_write_is_refused(  # noqa: N802
    gate: threading.Event,
) -> None:
    tree = ScopeTree(on_fault=lambda name, error: None)
    epochs = Epochs()
    run_id = RunId("run-1")
    epochs.open(run_id)
    written: list[str] = []
    refused = threading.Event()

    def tool() -> None:
        gate.wait()
        try:
            epochs.check(run_id)
        except RunRevoked:
            refused.set()
            raise
        written.append("late")

    scope = tree.open(tree.root, "run")
    task = tree.start(scope, run_in_thread(tool, name="tool"), name="tool call")
    await asyncio.sleep(0)
    epochs.revoke(run_id)
    end = await tree.end(scope)
    assert (end.left, end.took_s < 0.2, task.cancelled()) == (0, True, True)
    gate.set()
    await until(lambda: not abandoned_threads())
    assert refused.is_set()
    assert written == []
    assert epochs.refused[run_id] == 1


async def test_threads_are_used_again() -> None:
    pool = DaemonThreads()
    used = [await pool.run(threading.current_thread, name=f"call {number}") for number in range(200)]
    assert len(set(used)) == 1


async def test_no_more_calls_run_at_once_than_the_pool_has_threads_and_all_get_their_turn() -> None:
    pool = DaemonThreads(most_threads=3, most_idle=1)
    lock = threading.Lock()
    running = peak = 0

    def work() -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.002)  # so that calls overlap
        with lock:
            running -= 1
        return 1

    async with asyncio.timeout(10):
        done = await asyncio.gather(*(pool.run(work, name=f"call {number}") for number in range(60)))
    assert sum(done) == 60
    assert 1 < peak <= 3


async def test_an_abandoned_call_takes_no_place_in_the_pool(gate: threading.Event) -> None:
    pool = DaemonThreads(most_threads=1)
    blocked = asyncio.create_task(pool.run(gate.wait, name="blocked"))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.run(lambda: "ran", name="waiting"))
    await asyncio.sleep(0)
    blocked.cancel()
    async with asyncio.timeout(5):
        assert await waiting == "ran"
        assert await pool.run(lambda: "again", name="next") == "again"
    assert pool.abandoned() == ("blocked",)
    gate.set()
    await until(lambda: pool.abandoned() == ())


async def test_a_call_that_is_cancelled_before_its_turn_never_runs(gate: threading.Event) -> None:
    pool = DaemonThreads(most_threads=1)
    ran: list[str] = []
    first = asyncio.create_task(pool.run(gate.wait, name="first"))
    await asyncio.sleep(0)
    second = asyncio.create_task(pool.run(lambda: ran.append("second"), name="second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert pool.abandoned() == ()
    gate.set()
    await first
    await pool.run(lambda: ran.append("third"), name="third")
    assert ran == ["third"]


def test_a_thread_that_ends_after_its_loop_was_closed_does_no_harm() -> None:
    gate = threading.Event()
    ended = threading.Event()
    pool = DaemonThreads()

    def tool() -> None:
        gate.wait()
        ended.set()

    async def main() -> None:
        await asyncio.wait_for(pool.run(tool, name="tool"), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    gate.set()
    assert ended.wait(5)
    deadline = time.monotonic() + 5
    while pool.abandoned():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_call_within_tells_whether_the_function_ended_in_time() -> None:
    gate = threading.Event()
    assert call_within(lambda: None, name="quick", time_limit_s=5)
    assert not call_within(gate.wait, name="stuck", time_limit_s=0.05)
    gate.set()


async def test_what_belongs_to_one_thread_is_refused_on_any_other() -> None:
    check = only_this_thread("The store was told something")
    check()
    with pytest.raises(RuntimeError, match=r"The store was told something from a foreign thread\."):
        await run_in_thread(check, name="elsewhere")
