"""A scripted model on loopback, and the real SDK's client for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
from anthropic.types import Message, MessageParam

from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.llm.scripted.responder import Responder
from quarterdeck.llm.scripted.scenario import Rule, Scenario
from quarterdeck.llm.scripted.server import ScriptedServer

MODEL = "claude-test"


@asynccontextmanager
async def serving(
    responder: Responder, *, key: str = "any", **options: Any
) -> AsyncIterator[tuple[ScriptedServer, anthropic.AsyncAnthropic]]:
    """A started server, and a client that never retries."""
    server = ScriptedServer(responder, **options)
    client = anthropic.AsyncAnthropic(base_url=await server.start(), api_key=key, max_retries=0, timeout=20)
    try:
        yield server, client
    finally:
        await client.close()
        await server.close()


def user(text: str) -> MessageParam:
    """A user message of one text."""
    return {"role": "user", "content": text}


async def ask(client: anthropic.AsyncAnthropic, *messages: Any, **fields: Any) -> Message:
    """The whole streamed answer to some messages, as the SDK puts it together."""
    body: dict[str, Any] = {"model": MODEL, "max_tokens": 1000, "messages": list(messages), **fields}
    async with client.messages.stream(**body) as stream:
        return await stream.get_final_message()


def always(reply: Reply, **settings: Any) -> Scenario:
    """A scenario with one answer to everything."""
    return Scenario(default=Rule(**reply.model_dump(exclude={"rule"}, exclude_unset=True)), **settings)
