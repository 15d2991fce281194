"""The measure that streams are compared with: a bare loop over the SDK's typed events, default transport.

`python -m tests.benchmarks.sdk_loop URL STREAMS SECONDS RATE`; prints one line of JSON.
"""

import asyncio
import gc
import json
import sys
import time

import anthropic
import httpx2

from tests.benchmarks.machine import keep_to_first_core


async def loop_over(url: str, streams: int, seconds: float, rate: int) -> dict[str, float]:
    """CPU of this process per event, from when all streams run."""
    limits = httpx2.Limits(max_connections=streams + 10, max_keepalive_connections=streams + 10)
    client = anthropic.AsyncAnthropic(
        api_key="test",
        base_url=url,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(limits=limits, trust_env=False),
    )
    counted = 0
    opened = asyncio.Semaphore(0)

    async def one() -> None:
        nonlocal counted
        stream = await client.messages.create(
            model=f"paced-{rate}",
            max_tokens=1000,
            messages=[{"role": "user", "content": "go"}],
            stream=True,
        )
        opened.release()
        async for event in stream:
            if event.type == "content_block_delta":
                counted += 1

    tasks = [asyncio.ensure_future(one()) for _ in range(streams)]
    for _ in tasks:
        await opened.acquire()
    await asyncio.sleep(1.0)
    gc.collect()
    gc.freeze()
    cpu, began, first = time.process_time(), time.monotonic(), counted
    await asyncio.sleep(seconds)
    events = counted - first
    figures = {
        "us_per_event": (time.process_time() - cpu) / events * 1e6,
        "events_per_s": events / (time.monotonic() - began),
    }
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()
    return figures


if __name__ == "__main__":
    keep_to_first_core()
    sys.stdout.write(
        json.dumps(
            asyncio.run(loop_over(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
        )
    )
