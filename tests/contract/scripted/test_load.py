"""Many streams at once, each at its own pace."""

import asyncio
import time

import aiohttp

from quarterdeck.llm.scripted.replies import Pace, text_reply
from tests.contract.scripted.scripted import MODEL, always, serving

STREAMS = 100
DELTAS = 20


async def test_a_hundred_streams_keep_their_pace_and_lose_nothing() -> None:
    reply = text_reply("0123456789" * DELTAS, pace=Pace(chars=10, seconds=0.05))
    body = {"model": MODEL, "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with serving(always(reply)) as (server, client):
        url = f"{str(client.base_url).rstrip('/')}/v1/messages"

        async def deltas(session: aiohttp.ClientSession) -> tuple[int, int]:
            """The deltas of one stream, and in how many pieces it came."""
            async with session.post(url, json=body) as response:
                pieces = [piece async for piece in response.content.iter_any()]
            return b"".join(pieces).count(b"event: content_block_delta"), len(pieces)

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            began = time.monotonic()
            streams = await asyncio.gather(*(deltas(session) for _ in range(STREAMS)))
            took = time.monotonic() - began
    assert [count for count, _ in streams] == [DELTAS] * STREAMS
    assert min(pieces for _, pieces in streams) > DELTAS // 4
    # Side by side: one after the other they would take a hundred times as long as one.
    assert (DELTAS + 3) * 0.05 * 0.95 <= took < 20
    assert len(server.request_log) == STREAMS
