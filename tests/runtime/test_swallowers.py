import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message, text_block
from quarterdeck.domain.teammates import KillProof, Outcome, SpawnConfig
from quarterdeck.domain.usage import NO_USAGE
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent, TextDelta


class SwallowingModel:
    """A model at our own seam whose step ignores its cancellation a number of times (None = for ever)."""

    not_before: asyncio.Event | None = None

    def __init__(self, times: int | None) -> None:
        self._left = times
        self.streaming = asyncio.Event()
        self.told_after_abort: list[str] = []
        self.requests = 0
        self._aborted = False

    def release(self) -> None:
        """Swallow no more."""
        self._left = 0

    async def warm_up(self) -> None:
        return

    async def list_models(self) -> tuple[str, ...]:
        return ("m",)

    async def close(self) -> None:
        return

    def abort(self, run_id: RunId) -> int:
        self._aborted = True
        return 1

    async def stream_step(self, request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        self.requests += 1
        on_event(TextDelta("so far"))
        self.streaming.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if self._left is not None:
                    self._left -= 1
                    if self._left < 0:
                        raise
                try:
                    on_event(TextDelta("after the kill"))
                    self.told_after_abort.append("text")
                except Exception as refused:
                    self.told_after_abort.append(type(refused).__name__)


@asynccontextmanager
async def swallower(times: int | None, folder: Path) -> AsyncIterator[tuple[Session, SwallowingModel, RunId]]:
    model = SwallowingModel(times)
    config = SessionConfig(folder=folder, team="t", endpoint=Endpoint("k", None, None), model="m")
    session = Session(config, model)
    session.open()
    run_id = session.supervisor.spawn(SpawnConfig(name="deaf", prompt="go")).run_id
    assert run_id is not None
    await model.streaming.wait()
    yield session, model, run_id
    model.release()  # or the test's own loop would never close


async def proof(session: Session, run_id: RunId, holds: Callable[[KillProof], bool]) -> KillProof:
    changed = asyncio.Event()
    session.store.subscribe(changed.set)
    async with asyncio.timeout(10):
        while True:
            kill = session.store.state.team.by_run[run_id].kill
            if kill is not None and holds(kill):
                return kill
            changed.clear()
            await changed.wait()


@pytest.mark.parametrize("times", [1, 50])
async def test_one_that_swallows_its_cancellation_some_times_still_ends_soon(
    times: int, tmp_path: Path
) -> None:
    async with swallower(times, tmp_path) as (session, model, run_id):
        assert session.supervisor.kill(run_id)
        found = await proof(session, run_id, lambda kill: kill.task_ended_s is not None)
        assert not found.detached
        assert found.task_ended_s is not None
        assert found.task_ended_s < 1.0
        assert set(model.told_after_abort) == {"RunRevoked"}
        assert model.requests == 1
        await session.close()


async def test_one_that_swallows_for_ever_is_detached_and_stays_so_on_the_screen(tmp_path: Path) -> None:
    async with swallower(None, tmp_path) as (session, model, run_id):
        assert session.supervisor.kill(run_id)
        mate = session.store.state.team.by_run[run_id]
        assert mate.outcome is Outcome.KILLED  # at once, whatever its code does
        found = await proof(session, run_id, lambda kill: kill.detached)
        assert found.task_ended_s is not None
        assert 1.5 < found.task_ended_s < 4.0
        assert not found.is_complete
        assert set(model.told_after_abort) == {"RunRevoked"}
        session.housekeeping.tick()
        assert run_id in session.store.state.team.rows
        other = session.supervisor.spawn(SpawnConfig(name="next", prompt=""))
        assert other.success
        await session.close()


async def test_an_interrupt_of_one_that_swallows_for_ever_leaves_the_teammate_usable(tmp_path: Path) -> None:
    async with swallower(None, tmp_path) as (session, _, run_id):
        assert session.supervisor.interrupt(run_id)
        async with asyncio.timeout(10):
            await session.idle.wait_for_idle(run_id)
        mate = session.store.state.team.by_run[run_id]
        assert mate.is_idle
        history = session.conversations.history(run_id)
        assert history[-1] == Message(role="assistant", content=(text_block("so far"),))
        assert NO_USAGE.requests == mate.usage.requests
        session.supervisor.kill(run_id)
        await session.close()
