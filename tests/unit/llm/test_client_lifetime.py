"""How a stream ends from outside: stalls, aborts, cancels, closing. All streams are made by hand."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.llm.client import ModelClient
from quarterdeck.llm.faults import FaultKind, ModelFault
from quarterdeck.llm.steps import StreamEvent, StreamOpened, TextDelta
from tests.support.raw_model import (
    PING,
    Received,
    Reply,
    answer,
    block_start,
    block_stop,
    frame,
    message_start,
    stream_of,
    text_block_events,
)
from tests.support.served_client import HALF, START, fault_of, ignore, request_of, sends, served, stay


async def pinging(reply: Reply) -> None:
    while not reply.gone.is_set():
        await reply.send(frame(PING))
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("then", [stay, pinging])
@pytest.mark.parametrize("wire", [b"", START, HALF])
async def test_silence_and_pings_alone_are_a_stall(
    wire: bytes, then: Callable[[Reply], Awaitable[None]]
) -> None:
    fault = await fault_of(sends(wire, then=then), first_event_s=0.15, content_event_s=0.1)
    assert fault.kind is FaultKind.stalled


async def test_no_answer_at_all_is_a_stall() -> None:
    async def script(reply: Reply, _: Received) -> None:
        await reply.wait_gone()

    assert (await fault_of(script, first_event_s=0.1)).kind is FaultKind.stalled


async def test_content_keeps_a_stream_alive_and_a_running_server_tool_may_take_the_long_time() -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    began = stream_of(message_start(), block_start(0, search), block_stop(0))

    async def script(reply: Reply, _: Received) -> None:
        await reply.head()
        await reply.send(began)
        await asyncio.sleep(0.3)  # The duration itself is tested: longer than content may take.
        await reply.send(stream_of(*text_block_events(1, "found"))[:-60])
        await reply.wait_gone()

    started = asyncio.get_running_loop().time()
    fault = await fault_of(script, first_event_s=30, content_event_s=0.1)
    assert fault.kind is FaultKind.stalled
    assert 0.3 < asyncio.get_running_loop().time() - started < 5


@pytest.mark.parametrize("wire", [None, b"", HALF])
async def test_abort_closes_the_stream_and_refuses_the_run_even_when_its_coroutine_swallows_everything(
    wire: bytes | None,
) -> None:
    async def script(reply: Reply, received: Received) -> None:
        if received.headers["x-quarterdeck-run"] == "other":
            await reply.head()
            await reply.send(answer())
            return
        if wire is not None:
            await reply.head()
            await reply.send(wire)
        await reply.wait_gone()

    faults: list[FaultKind] = []
    over = asyncio.Event()

    async def stubborn(client: ModelClient) -> None:
        while len(faults) < 5 and not over.is_set():
            try:
                await client.stream_step(request_of(), ignore)
            except asyncio.CancelledError:
                continue
            except ModelFault as fault:
                faults.append(fault.kind)

    async with served(script) as (client, model), asyncio.timeout(10):
        task = asyncio.create_task(stubborn(client))
        await model.asked.wait()
        assert client.abort(RunId("run-1")) == 1
        assert client.abort(RunId("run-1")) == 0
        await model.replies[0].gone.wait()
        await asyncio.wait([task], timeout=5)
        over.set()
        assert faults == [FaultKind.aborted] * 5
        assert len(model.received) == 1
        assert (await client.stream_step(request_of("other"), ignore)).stop_reason == "end_turn"


async def test_abort_in_the_middle_of_a_read_tells_nothing_more() -> None:
    seen: list[StreamEvent] = []
    async with served(sends(answer("one") * 3)) as (client, _):

        def on_event(event: StreamEvent) -> None:
            seen.append(event)
            if isinstance(event, TextDelta):
                client.abort(RunId("run-1"))

        with pytest.raises(ModelFault) as caught:
            await client.stream_step(request_of(), on_event)
    assert caught.value.kind is FaultKind.aborted
    assert seen == [StreamOpened(), TextDelta("one")]


async def test_abort_closes_every_stream_of_a_run_and_counts_them() -> None:
    async def script(reply: Reply, _: Received) -> None:
        await reply.head()
        await reply.wait_gone()

    opened = asyncio.Semaphore(0)
    async with served(script) as (client, model), asyncio.timeout(10):
        tasks = [
            asyncio.create_task(client.stream_step(request_of(), lambda _: opened.release()))
            for _ in range(4)
        ]
        for _ in tasks:
            await opened.acquire()
        assert client.abort(RunId("run-1")) == 4
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [end.kind for end in ends if isinstance(end, ModelFault)] == [FaultKind.aborted] * 4
        for reply in model.replies:
            await reply.gone.wait()


async def test_a_cancelled_step_raises_cancelled_and_lets_go_of_the_connection() -> None:
    async with served(sends(HALF, then=stay)) as (client, model), asyncio.timeout(10):
        said = asyncio.Event()
        task = asyncio.create_task(client.stream_step(request_of(), lambda _: said.set()))
        await said.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.replies[0].gone.wait()
        assert client.abort(RunId("run-1")) == 0


async def test_closing_the_client_ends_open_streams_with_a_fault() -> None:
    async with served(sends(HALF, then=stay)) as (client, _), asyncio.timeout(10):
        said = asyncio.Event()
        task = asyncio.create_task(client.stream_step(request_of(), lambda _: said.set()))
        await said.wait()
        await client.close()
        with pytest.raises(ModelFault):
            await task
        with pytest.raises(ModelFault):
            await client.stream_step(request_of(), ignore)
