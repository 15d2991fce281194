import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from quarterdeck.bootstrap.session import Session
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Identity, SpawnConfig
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent, TextDelta
from quarterdeck.runtime.hooks import TransitionEvent
from quarterdeck.runtime.identity import bind, current_identity
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from tests.support.fake_model import Tally, session_with, text_step, tool_step

MANY = 1_000


def acting() -> RunId | None:
    identity = current_identity.get()
    return identity.run_id if identity is not None else None


def identity_of(session: Session, run_id: RunId) -> Identity:
    mate = session.store.state.team.by_run[run_id]
    return Identity(
        run_id=run_id,
        agent_id=mate.agent_id,
        agent_name=mate.name,
        team_name=mate.team,
        color=mate.color,
        plan_mode_required=False,
        parent_session_id="",
    )


async def register(session: Session, run_id: RunId, callback: Callable[[], None], done: Tally) -> None:
    session.idle.on_idle(run_id, callback)
    done.add()


async def test_a_thousand_interleaved_teammates_never_see_anothers_identity(tmp_path: Path) -> None:
    """In their own task, their tools' tasks, a thread, and a callback of the loop, over many switches."""
    (tmp_path / "note.txt").write_text("hello")
    wrong: list[tuple[str, RunId, RunId | None]] = []
    seen: dict[RunId, set[str]] = {}
    everybody_is_there = asyncio.Event()

    def look(where: str, run_id: RunId) -> None:
        seen.setdefault(run_id, set()).add(where)
        if acting() != run_id:
            wrong.append((where, run_id, acting()))

    async def step(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        run_id = request.run_id
        look("step", run_id)
        if len(seen) == MANY:
            everybody_is_there.set()
        await everybody_is_there.wait()  # so that all of them are in the middle of a step at once
        look("after a switch", run_id)
        on_event(TextDelta("x"))
        asyncio.get_running_loop().call_soon(look, "callback", run_id)
        found = await run_in_thread(acting, name="look")
        seen[run_id].add("thread")
        if found != run_id:
            wrong.append(("thread", run_id, found))
        if len(request.messages) < 4:
            return tool_step(f"{run_id}-{len(request.messages)}", "read", path="note.txt")
        return text_step(f"I am {acting()}.")

    async with session_with(step, tmp_path) as session:

        def watch(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
            if isinstance(action, did.ToolStarted | did.ToolEnded | did.StepAccepted | did.TurnEnded):
                look(type(action).__name__, action.run_id)

        session.store.observe(watch)
        runs = [
            session.supervisor.spawn(SpawnConfig(name=f"mate{number}", prompt="go")).run_id
            for number in range(MANY)
        ]
        ended = asyncio.Event()
        session.store.subscribe(ended.set)
        async with asyncio.timeout(60):
            while not all(run_id in seen and "TurnEnded" in seen[run_id] for run_id in runs if run_id):
                ended.clear()
                await ended.wait()
        by_run = session.store.state.team.by_run
        assert all(by_run[run_id].final_text == f"I am {run_id}." for run_id in runs if run_id)
        assert all(by_run[run_id].tools == 2 for run_id in runs if run_id)
    assert wrong == []
    wanted = {"step", "after a switch", "callback", "thread", "ToolStarted", "ToolEnded", "StepAccepted"}
    assert all(seen[run_id] >= wanted for run_id in runs if run_id)


async def test_idle_callbacks_act_as_whoever_registered_them(tmp_path: Path) -> None:
    """A callback of one teammate's code runs as that teammate, though another one's end calls it."""
    let_go = asyncio.Event()
    called: dict[RunId, RunId | None] = {}
    begun, registered, told = Tally(), Tally(), Tally()

    async def step(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        begun.add()
        await let_go.wait()
        return text_step("Done.")

    def note(run_id: RunId) -> None:
        assert run_id not in called
        called[run_id] = acting()
        told.add()

    async with session_with(step, tmp_path) as session:
        runs = [session.supervisor.spawn(SpawnConfig(name=f"m{n}", prompt="go")).run_id for n in range(200)]
        await begun.reaches(200)
        known = [run_id for run_id in runs if run_id is not None]
        for at, run_id in enumerate(known):
            registrar = known[(at + 1) % len(known)]
            session.scopes.start(
                session.scopes.root,
                register(session, run_id, partial(note, run_id), registered),
                name="register",
                context=bind(identity_of(session, registrar)),
            )
        await registered.reaches(200)
        let_go.set()
        await told.reaches(200)
        assert called == {run_id: known[(at + 1) % len(known)] for at, run_id in enumerate(known)}


async def test_hooks_act_as_whoever_registered_them_and_are_told_whose_transition_it_is(
    tmp_path: Path,
) -> None:
    heard: dict[RunId, list[tuple[str, RunId | None]]] = {}
    told = Tally()

    async def step(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        return text_step("Done.")

    async with session_with(step, tmp_path) as session:

        async def hook(event: TransitionEvent) -> None:
            await asyncio.sleep(0)
            mate = session.store.state.team.by_run[event.run_id]
            assert mate.agent_id == event.agent_id
            heard.setdefault(event.run_id, []).append((event.name, acting()))
            told.add()

        session.hooks.after("ready->executing", hook)
        session.hooks.after("executing->ready", hook)
        runs = [session.supervisor.spawn(SpawnConfig(name=f"m{n}", prompt="go")).run_id for n in range(100)]
        await told.reaches(200)
        expected = [("ready->executing", None), ("executing->ready", None)]
        assert all(heard[run_id] == expected for run_id in runs if run_id)
