"""SEC-08: whose code is running is always right, or refused; in tasks, threads, callbacks and hooks."""

import asyncio
import random
from collections import defaultdict

import pytest

from quarterdeck.domain.ids import AgentId, RunId
from quarterdeck.domain.teammates import Identity, Lifecycle
from quarterdeck.runtime.hooks import Hooks, TransitionEvent
from quarterdeck.runtime.identity import NoIdentity, bind, current_identity, require_identity
from quarterdeck.runtime.idle import IdleWaiters
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.threads import run_in_thread

MANY = 1000
PLACES = {
    "start",
    "after an await",
    "thread",
    "call_soon",
    "call_later",
    "done callback",
    "inner task",
    "idle callback",
    "hook",
    "end",
}


def identity_of(number: int) -> Identity:
    return Identity(RunId(f"run-{number}"), AgentId(f"a{number}@team"), f"a{number}", "team", 1, False, "s")


class Crowd:
    """One thousand runs, each of which notes in every place whose code it finds itself to be."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.tree = ScopeTree(on_fault=lambda name, error: self.faults.append(f"{name}: {error!r}"))
        self.hooks = Hooks(self.tree, on_fault=self.faults.append)
        self.idle = IdleWaiters(is_idle=lambda run_id: False, on_fault=self.faults.append)
        self.seen: dict[str, list[tuple[int, RunId]]] = defaultdict(list)
        self.dice = random.Random(8)

    def note(self, place: str, number: int) -> None:
        self.seen[place].append((number, require_identity().run_id))

    async def live(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        run_id = require_identity().run_id
        self.note("start", number)
        self.idle.on_idle(run_id, lambda: self.note("idle callback", number))
        self.hooks.after("executing->ready", lambda event: self.note("hook", number))
        called = asyncio.Event()
        loop.call_soon(self.note, "call_soon", number)
        loop.call_later(self.dice.random() / 100, self.note, "call_later", number)
        inner = self.tree.start(self.tree.root, self.live_inside(number, called), name=f"inner {number}")
        inner.add_done_callback(lambda task: self.note("done callback", number))
        for _ in range(self.dice.randrange(5)):
            await asyncio.sleep(0)
        self.note("after an await", number)
        thread_saw = await run_in_thread(lambda: require_identity().run_id, name=f"thread {number}")
        self.seen["thread"].append((number, thread_saw))
        await called.wait()
        # Each run releases another one's waiter: the callback must not see who released it.
        self.idle.release(RunId(f"run-{(number + 1) % MANY}"))
        await asyncio.sleep(0.02)
        self.note("end", number)

    async def live_inside(self, number: int, called: asyncio.Event) -> None:
        await asyncio.sleep(0)
        self.note("inner task", number)
        called.set()


async def test_SEC_08_a_thousand_interleaved_runs_never_see_another_identity() -> None:  # noqa: N802
    crowd = Crowd()
    tasks = [
        crowd.tree.start(
            crowd.tree.open(crowd.tree.root, "run"),
            crowd.live(number),
            name=f"run {number}",
            context=bind(identity_of(number)),
        )
        for number in range(MANY)
    ]
    async with asyncio.timeout(60):
        await asyncio.wait(tasks)
        for number in range(MANY):  # those whose neighbour released before they had registered
            crowd.idle.release(RunId(f"run-{number}"))
        event = TransitionEvent(
            RunId("run-0"), AgentId("a0@team"), Lifecycle.EXECUTING, Lifecycle.READY, at=0.0
        )
        await crowd.hooks.run_after(event, time_limit_s=30)
    assert crowd.faults == []
    assert set(crowd.seen) == PLACES
    for place, seen in crowd.seen.items():
        wrong = [(number, run_id) for number, run_id in seen if run_id != f"run-{number}"]
        assert wrong == [], place
        assert sorted(number for number, _ in seen) == list(range(MANY)), place
    assert current_identity.get() is None


def test_outside_every_run_an_identity_is_refused() -> None:
    with pytest.raises(NoIdentity):
        require_identity()


def test_bind_leaves_the_current_context_alone() -> None:
    context = bind(identity_of(1))
    assert current_identity.get() is None
    assert context.run(require_identity).run_id == "run-1"


async def test_a_task_of_the_program_is_nobodys_even_when_a_teammate_started_it() -> None:
    tree = ScopeTree(on_fault=lambda name, error: None)

    async def who() -> Identity | None:
        return current_identity.get()

    async def teammate() -> tuple[Identity | None, Identity | None]:
        return await tree.start_task(who(), name="writer"), await tree.start(tree.root, who(), name="tool")

    program, tool = await tree.start(tree.root, teammate(), name="run", context=bind(identity_of(3)))
    assert program is None
    assert tool == identity_of(3)


async def test_an_error_is_told_as_the_identity_of_the_task_that_raised_it() -> None:
    told: list[RunId] = []
    tree = ScopeTree(on_fault=lambda name, error: told.append(require_identity().run_id))

    async def fail() -> None:
        raise ValueError("broken")

    tasks = [
        tree.start(tree.root, fail(), name="run", context=bind(identity_of(number))) for number in range(5)
    ]
    await asyncio.wait(tasks)
    await asyncio.sleep(0)
    assert told == [f"run-{number}" for number in range(5)]
