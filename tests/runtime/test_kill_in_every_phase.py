import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime, Outcome, WaitsOn
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_request_of
from tests.support.world import World, calls, says, world

TIMES = 50
SLEEP = "sleep 60"


def started(world: World, prefix: str, **fields: Any) -> list[RunId]:
    return [world.spawn(f"{prefix}{number}", **fields) for number in range(TIMES)]


async def kill_all_and_check(here: World, runs: list[RunId]) -> None:
    """Kill each once; then nothing of any is left, and the server hears of none of them again."""
    seen: dict[RunId, int] = {}
    for run_id in runs:
        seen[run_id] = here.requests_of(run_id)
        assert here.session.supervisor.kill(run_id)
        assert not here.session.supervisor.kill(run_id)
        mate = here.mate(run_id)
        assert mate.outcome is Outcome.KILLED
        assert mate.running == ()
        assert select_request_of(here.state, run_id) is None
        assert here.state.mail.get(run_id) is None
    await here.until(
        lambda state: all(
            (proof := state.team.by_run[run_id].kill) is not None and proof.is_complete for run_id in runs
        )
    )
    for number in range(3):
        # Others still get through to the server, so that silence means that nothing was sent.
        await spoken(here, here.spawn(f"witness{number}"))
    assert {run_id: here.requests_of(run_id) for run_id in runs} == seen
    for run_id in runs:
        assert here.session.processes.owner_facts(run_id).left == 0
        assert here.mate(run_id).outcome is Outcome.KILLED


async def spoken(here: World, run_id: RunId) -> None:
    await here.until(lambda state: state.team.by_run[run_id].final_text == "Done.")


def terminal_counter(here: World) -> Callable[[RunId], int]:
    ends: dict[RunId, int] = {}

    def observe(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        if isinstance(action, did.TeammateEnded | did.TeammateKilled) and after is not before:
            ends[action.run_id] = ends.get(action.run_id, 0) + 1

    here.session.store.observe(observe)
    return lambda run_id: ends.get(run_id, 0)


@pytest.mark.slow
async def test_fifty_killed_while_starting_never_ask_the_model(tmp_path: Path) -> None:
    async with world({}, tmp_path) as here:
        ends = terminal_counter(here)
        runs = started(here, "a")
        await kill_all_and_check(here, runs)
        assert all(ends(run_id) == 1 for run_id in runs)
        assert all(here.requests_of(run_id) == 0 for run_id in runs)


@pytest.mark.slow
async def test_fifty_killed_while_streaming_make_no_further_request(tmp_path: Path) -> None:
    long = says("word " * 4_000, pace={"chars": 10, "seconds": 0.05})
    async with world({"a": lambda _: long}, tmp_path) as here:
        ends = terminal_counter(here)
        runs = started(here, "a")
        await here.until(lambda state: all(state.transcripts[run_id].live for run_id in runs))
        await kill_all_and_check(here, runs)
        assert all(ends(run_id) == 1 for run_id in runs)
        assert all(here.requests_of(run_id) == 1 for run_id in runs)


@pytest.mark.slow
async def test_fifty_killed_while_they_wait_for_a_permission_leave_the_inbox(tmp_path: Path) -> None:
    async with world({"a": lambda _: calls("bash", command="date")}, tmp_path) as here:
        ends = terminal_counter(here)
        runs = started(here, "a")
        await here.until(lambda state: len(state.inbox.open) == TIMES)
        assert all(here.mate(run_id).waits_on is WaitsOn.PERMISSION for run_id in runs)
        await kill_all_and_check(here, runs)
        assert here.state.inbox.open == ()
        assert all(ends(run_id) == 1 for run_id in runs)


@pytest.mark.slow
async def test_fifty_killed_while_they_wait_for_a_plan_leave_the_inbox(tmp_path: Path) -> None:
    async with world({"a": lambda _: calls("submit_plan", plan="1. Do it.")}, tmp_path) as here:
        ends = terminal_counter(here)
        runs = started(here, "a", plan_mode_required=True)
        await here.until(lambda state: len(state.inbox.open) == TIMES)
        assert all(here.mate(run_id).waits_on is WaitsOn.PLAN for run_id in runs)
        await kill_all_and_check(here, runs)
        assert here.state.inbox.open == ()
        assert all(ends(run_id) == 1 for run_id in runs)


@pytest.mark.slow
async def test_fifty_killed_in_a_tool_leave_no_process(tmp_path: Path) -> None:
    async with world({"a": lambda _: calls("bash", command=SLEEP)}, tmp_path) as here:
        ends = terminal_counter(here)
        runs = started(here, "a", rules=(f"Bash({SLEEP})",))
        await here.until(
            lambda state: all(state.team.by_run[run_id].running for run_id in runs), within_s=60.0
        )
        await kill_all_and_check(here, runs)
        assert all(ends(run_id) == 1 for run_id in runs)


@pytest.mark.slow
async def test_fifty_killed_while_finishing_end_exactly_once(tmp_path: Path) -> None:
    async with world({"a": lambda _: says("Done.")}, tmp_path) as here:
        ends = terminal_counter(here)
        loop = asyncio.get_running_loop()
        killed: list[RunId] = []

        def kill_now(run_id: RunId) -> None:
            if here.session.supervisor.kill(run_id):
                killed.append(run_id)

        def observe(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
            if isinstance(action, did.StepAccepted):
                loop.call_soon(kill_now, action.run_id)

        here.session.store.observe(observe)
        runs = started(here, "a", lifetime=Lifetime.TASK)
        await here.until(lambda state: all(state.team.by_run[run_id].is_terminal for run_id in runs))
        await here.until(
            lambda state: all(
                (proof := state.team.by_run[run_id].kill) is not None and proof.is_complete
                for run_id in killed
            )
        )
        assert all(ends(run_id) == 1 for run_id in runs)
        assert all(here.requests_of(run_id) == 1 for run_id in runs)
        for run_id in runs:
            expected = Outcome.KILLED if run_id in killed else Outcome.COMPLETED
            assert here.mate(run_id).outcome is expected
        assert killed, "no kill came in time to test anything"
