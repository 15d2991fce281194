"""Hooks: they are told of their transition, and can neither veto, nor delay, nor break the run."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar

import pytest

import quarterdeck.runtime.scopes as scopes_module
from quarterdeck.domain.ids import AgentId, RunId
from quarterdeck.domain.teammates import Lifecycle
from quarterdeck.runtime.hooks import BadTransition, Hooks, TransitionEvent
from quarterdeck.runtime.scopes import ScopeTree

plugin: ContextVar[str] = ContextVar("plugin", default="none")


def event_of(from_: Lifecycle | None, to: Lifecycle) -> TransitionEvent:
    return TransitionEvent(RunId("run-1"), AgentId("ada@team"), from_, to, at=1.0)


WAITS = event_of(Lifecycle.EXECUTING, Lifecycle.WAITING)
KILLED = event_of(Lifecycle.EXECUTING, Lifecycle.TERMINATED)


class Bench:
    """Hooks with a tree, and everything that was reported."""

    def __init__(self, time_limit_s: float = 5.0) -> None:
        self.faults: list[str] = []
        self.tree = ScopeTree(on_fault=lambda name, error: self.faults.append(f"tree: {name}: {error!r}"))
        self.hooks = Hooks(self.tree, on_fault=self.faults.append, time_limit_s=time_limit_s)
        self.calls: list[str] = []

    def noting(self, text: str) -> Callable[[TransitionEvent], None]:
        return lambda event: self.calls.append(text)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_a_hook_is_called_before_or_after_its_own_transition_with_the_event(bench: Bench) -> None:
    events: list[TransitionEvent] = []

    async def keep(event: TransitionEvent) -> None:
        await asyncio.sleep(0)
        events.append(event)

    bench.hooks.before("executing->waiting", keep)
    bench.hooks.after("executing->waiting", bench.noting("after"))
    bench.hooks.before("waiting->executing", bench.noting("other transition"))
    await bench.hooks.run_before(WAITS)
    assert events == [WAITS]
    assert bench.calls == []
    await bench.hooks.run_after(WAITS)
    assert bench.calls == ["after"]
    assert len(events) == 1
    assert bench.faults == []


@pytest.mark.parametrize(
    ("transition", "event", "is_called"),
    [
        ("*->terminated", KILLED, True),
        ("*->terminated", WAITS, False),
        ("executing->*", WAITS, True),
        ("*->*", event_of(None, Lifecycle.SPAWNING), True),
        ("created->spawning", event_of(None, Lifecycle.SPAWNING), True),
        ("created->*", WAITS, False),
        (" executing -> waiting ", WAITS, True),
    ],
)
async def test_a_transition_may_name_any_state_by_a_star(
    bench: Bench, transition: str, event: TransitionEvent, is_called: bool
) -> None:
    bench.hooks.after(transition, bench.noting("called"))
    await bench.hooks.run_after(event)
    assert bench.calls == (["called"] if is_called else [])


@pytest.mark.parametrize(
    "transition", ["", "executing", "executing-waiting", "working->waiting", "*->", "*->created"]
)
def test_a_transition_that_no_run_can_make_is_refused(transition: str) -> None:
    bench = Bench()
    with pytest.raises(BadTransition):
        bench.hooks.before(transition, bench.noting("never"))


async def test_an_unregistered_hook_is_not_called_and_unregistering_twice_is_no_error(bench: Bench) -> None:
    unregister = bench.hooks.before("*->*", bench.noting("gone"))
    bench.hooks.before("*->*", bench.noting("stays"))
    unregister()
    unregister()
    await bench.hooks.run_before(WAITS)
    assert bench.calls == ["stays"]


async def test_a_failing_hook_is_reported_and_the_others_run(bench: Bench) -> None:
    def fail(event: TransitionEvent) -> None:
        raise ValueError("broken")

    async def fail_later(event: TransitionEvent) -> None:
        await asyncio.sleep(0)
        raise KeyError("later")

    async def leave(event: TransitionEvent) -> None:
        sys.exit(3)

    async def give_up(event: TransitionEvent) -> None:
        raise asyncio.CancelledError

    for hook in (fail, fail_later, leave, give_up, bench.noting("good")):
        bench.hooks.before("executing->waiting", hook)
    await bench.hooks.run_before(WAITS)
    await until(lambda: len(bench.faults) == 4)
    assert bench.calls == ["good"]
    told = "\n".join(bench.faults)
    for words in (
        "fail before executing->waiting of ada@team failed: ValueError: broken",
        "KeyError: 'later'",
    ):
        assert words in told
    assert "SystemExit: 3" in told
    assert "give_up before executing->waiting of ada@team was cancelled." in told


async def test_a_slow_hook_holds_nobody_up_beyond_the_limit_and_is_ended(bench: Bench) -> None:
    ended = asyncio.Event()

    async def hang(event: TransitionEvent) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    bench.hooks.before("*->*", hang)
    began = time.monotonic()
    await bench.hooks.run_before(WAITS, time_limit_s=0.05)
    assert 0.04 < time.monotonic() - began < 1
    async with asyncio.timeout(5):
        await ended.wait()
    await until(lambda: bench.tree.counts().tasks == 0)
    assert len(bench.faults) == 1
    assert (
        "hang before executing->waiting of ada@team took more than 0.05 s and was ended." in bench.faults[0]
    )


async def test_a_hook_that_swallows_its_end_holds_nobody_up_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes_module, "GIVE_UP_S", 0.2)
    bench = Bench(time_limit_s=0.05)
    is_let_go = False

    async def swallow(event: TransitionEvent) -> None:
        while not is_let_go:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    bench.hooks.after("*->*", swallow)
    began = time.monotonic()
    await bench.hooks.run_after(WAITS)
    assert time.monotonic() - began < 1
    await until(lambda: len(bench.tree.abandoned) == 1)
    is_let_go = True
    for task in list(bench.tree.abandoned.values()):
        task.cancel()
    await until(lambda: not bench.tree.abandoned)


async def test_hooks_run_at_the_same_time_and_not_one_after_the_other(bench: Bench) -> None:
    met = asyncio.Barrier(3)

    async def meet(event: TransitionEvent) -> None:
        await met.wait()
        bench.calls.append("met")

    for _ in range(3):
        bench.hooks.before("*->*", meet)
    await bench.hooks.run_before(WAITS)
    assert bench.calls == ["met"] * 3


async def test_a_kill_waits_for_no_hook_and_still_runs_those_of_both_kinds(bench: Bench) -> None:
    gate = asyncio.Event()

    async def slow(event: TransitionEvent) -> None:
        await gate.wait()
        bench.calls.append("before")

    bench.hooks.before("*->terminated", slow)
    bench.hooks.after("executing->terminated", bench.noting("after"))
    bench.hooks.run_beside(KILLED)
    assert bench.calls == []
    await until(lambda: bench.calls == ["after"])
    gate.set()
    await until(lambda: bench.calls == ["after", "before"])
    await until(lambda: bench.tree.counts().tasks == 0)


async def test_a_kill_gives_a_hook_no_more_time_than_its_limit() -> None:
    bench = Bench(time_limit_s=0.05)

    async def hang(event: TransitionEvent) -> None:
        await asyncio.sleep(3600)

    bench.hooks.after("*->terminated", hang)
    bench.hooks.run_beside(KILLED)
    await until(lambda: len(bench.faults) == 1)
    await until(lambda: bench.tree.counts().tasks == 0)


async def test_a_run_that_is_killed_while_its_hooks_run_leaves_and_the_hooks_go_on(bench: Bench) -> None:
    gate = asyncio.Event()

    async def slow(event: TransitionEvent) -> None:
        await gate.wait()
        bench.calls.append("finished")

    bench.hooks.before("*->*", slow)
    scope = bench.tree.open(bench.tree.root, "run")
    bench.tree.start(scope, bench.hooks.run_before(WAITS), name="run")
    await asyncio.sleep(0)
    end = await bench.tree.end(scope)
    assert (end.left, end.took_s < 0.2) == (0, True)
    gate.set()
    await until(lambda: bench.calls == ["finished"])


async def test_a_hook_runs_in_the_context_in_which_it_was_registered_each_time_anew(bench: Bench) -> None:
    seen: list[str] = []

    def look(event: TransitionEvent) -> None:
        seen.append(plugin.get())
        plugin.set("spoiled")

    token = plugin.set("metrics")
    bench.hooks.after("*->*", look)
    plugin.reset(token)
    await bench.hooks.run_after(WAITS)
    await bench.hooks.run_after(WAITS)
    assert seen == ["metrics", "metrics"]
    assert plugin.get() == "none"


async def test_hooks_that_cannot_run_any_more_are_reported(bench: Bench) -> None:
    bench.hooks.after("*->terminated", bench.noting("late"))
    await bench.tree.end(bench.tree.root)
    async with asyncio.timeout(1):
        await bench.hooks.run_after(KILLED)
    assert bench.calls == []
    assert len(bench.faults) == 1
    assert "was not run" in bench.faults[0]


async def test_nothing_is_left_in_the_tree_after_many_transitions(bench: Bench) -> None:
    bench.hooks.before("*->*", bench.noting("x"))
    before = bench.tree.counts()
    for _ in range(50):
        await bench.hooks.run_before(WAITS)
    await until(lambda: bench.tree.counts() == before)
    assert len(bench.calls) == 50
