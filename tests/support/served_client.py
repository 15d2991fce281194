"""A model client joined to a loopback server that a test scripts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import user_message
from quarterdeck.llm.client import ModelClient
from quarterdeck.llm.faults import ModelFault
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import StreamEvent
from tests.support.raw_model import (
    RawModel,
    Received,
    Reply,
    Script,
    message_start,
    raw_model,
    stream_of,
    text_block_events,
)

KEY = "sk-test-abcdefgh12345678"
START = stream_of(message_start())
HALF = START + stream_of(*text_block_events(0, "half")[:-1])
"""A stream that ends in the middle of a text block."""
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def request_of(run: str = "run-1", **fields: Any) -> ModelRequest:
    """A small request; `fields` replace its own."""
    whole: dict[str, Any] = {
        "model": "claude-test",
        "system": (),
        "tools": (),
        "messages": (user_message("hi"),),
    }
    return ModelRequest(run_id=RunId(run), **{**whole, **fields})


@asynccontextmanager
async def served(script: Script, **deadlines: float) -> AsyncIterator[tuple[ModelClient, RawModel]]:
    """A client of a server that runs `script` for each request."""
    async with raw_model(script) as model:
        client = ModelClient(api_key=KEY, auth_token=None, base_url=model.url, **deadlines)
        try:
            yield client, model
        finally:
            await client.close()


def sends(*pieces: bytes, then: Callable[[Reply], Awaitable[None]] | None = None, **head: Any) -> Script:
    """A script that sends a head and `pieces`, and then ends the connection or does `then`."""

    async def script(reply: Reply, _: Received) -> None:
        await reply.head(**head)
        for piece in pieces:
            await reply.send(piece)
        if then is not None:
            await then(reply)

    return script


def ignore(_: StreamEvent) -> None:
    """What a test does with events that it does not look at."""


async def fault_of(script: Script, **deadlines: float) -> ModelFault:
    """What one step against `script` fails with."""
    async with served(script, **deadlines) as (client, _):
        with pytest.raises(ModelFault) as caught:
            await client.stream_step(request_of(), ignore)
    return caught.value


async def stay(reply: Reply) -> None:
    """Send nothing more, and wait until the client goes."""
    await reply.wait_gone()


async def reset(reply: Reply) -> None:
    """End the connection hard."""
    reply.reset()
