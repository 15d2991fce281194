"""A model at our own seam (`runtime.ports.ModelPort`), for more runs than a server needs to see."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, Message, ToolUse, text_block
from quarterdeck.domain.usage import Usage
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent

StepOf = Callable[[ModelRequest, Callable[[StreamEvent], None]], Awaitable[Step]]


class Tally:
    """Counts what happens; whoever waits for a number is told by the one that reaches it."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def add(self) -> None:
        """One more."""
        self.count += 1
        self._changed.set()

    async def reaches(self, number: int, *, within_s: float = 30.0) -> None:
        """Wait until so many happened."""
        async with asyncio.timeout(within_s):
            while self.count < number:
                self._changed.clear()
                await self._changed.wait()


class FakeModel:
    """Answers by a coroutine function; keeps nothing."""

    def __init__(self, step: StepOf) -> None:
        self._step = step
        self.not_before: asyncio.Event | None = None

    async def warm_up(self) -> None:
        """Nothing to warm up."""

    async def list_models(self) -> tuple[str, ...]:
        """One model."""
        return ("m",)

    async def close(self) -> None:
        """Nothing to close."""

    def abort(self, run_id: RunId) -> int:
        """No connection is ever open."""
        return 0

    async def stream_step(self, request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        """What the function answers."""
        return await self._step(request, on_event)


def text_step(text: str) -> Step:
    """A step that ends the turn."""
    return Step(
        message=Message(role="assistant", content=(text_block(text),)),
        stop_reason="end_turn",
        usage=Usage(input=1, output=1, requests=1),
    )


def tool_step(call_id: str, tool: str, **inputs: Any) -> Step:
    """A step that calls one tool."""
    block: Block = {"type": "tool_use", "id": call_id, "name": tool, "input": inputs}
    return Step(
        message=Message(role="assistant", content=(block,)),
        tool_uses=(ToolUse(id=call_id, name=tool, input=inputs),),
        stop_reason="tool_use",
        usage=Usage(input=1, output=1, requests=1),
    )


@asynccontextmanager
async def session_with(step: StepOf, folder: Path, **config: Any) -> AsyncIterator[Session]:
    """A session whose model is `step`."""
    endpoint = Endpoint("k", None, None)
    session = Session(
        SessionConfig(folder=folder, team="t", endpoint=endpoint, model="m", **config), FakeModel(step)
    )
    session.open()
    try:
        yield session
    finally:
        await session.close()
