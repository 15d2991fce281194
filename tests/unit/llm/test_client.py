"""The client against a loopback server that sends hand-made bytes: nothing here is recorded traffic."""

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import user_message
from quarterdeck.llm.client import ModelClient
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import StreamEvent, StreamOpened, TextDelta
from tests.support.raw_model import Received, Reply, answer, raw_model

REQUEST = ModelRequest(
    run_id=RunId("run-1"), model="claude-test", system=(), tools=(), messages=(user_message("hi"),)
)


async def test_an_answer_streams_and_comes_to_a_whole_step() -> None:
    async def script(reply: Reply, _: Received) -> None:
        await reply.head()
        await reply.send(answer("Hello."))

    seen: list[StreamEvent] = []
    async with raw_model(script) as model:
        client = ModelClient(api_key="sk-test-123456789", auth_token=None, base_url=model.url)
        step = await client.stream_step(REQUEST, seen.append)
        await client.close()
    assert step.message.content == ({"type": "text", "text": "Hello."},)
    assert step.stop_reason == "end_turn"
    assert (step.usage.input, step.usage.output, step.usage.requests) == (3, 7, 1)
    assert seen[:2] == [StreamOpened(), TextDelta("Hello.")]
    assert model.received[0].headers["x-quarterdeck-run"] == "run-1"
    assert model.received[0].json()["stream"] is True
