"""Everything that can go wrong upstream (RELIABILITY, section 4), as the real SDK meets it."""

import asyncio
import json
import time
from typing import Any

import anthropic
import httpx2
import pytest

from quarterdeck.llm.scripted.replies import (
    Cut,
    ErrorEvent,
    Malformed,
    Pace,
    Reply,
    ScriptedBlock,
    Stall,
    UnknownEvent,
    error_reply,
    text_reply,
)
from quarterdeck.llm.scripted.request_log import Ended
from quarterdeck.llm.scripted.scenario import Scenario
from tests.contract.scripted.scripted import MODEL, always, ask, serving, user

ERRORS = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    413: anthropic.APIStatusError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.InternalServerError,
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@pytest.mark.parametrize("status", list(ERRORS))
async def test_an_error_answer_is_the_sdks_error_of_its_status(status: int) -> None:
    reply = error_reply(status, "Said so", headers={"retry-after": "7"})
    async with serving(always(reply)) as (server, client):
        with pytest.raises(ERRORS[status]) as caught:
            await ask(client, user("Hi"))
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"] == {"type": TYPES[status], "message": "Said so"}
    assert [request.status for request in server.request_log] == [status]


async def test_a_spend_limit_has_its_code_in_the_error() -> None:
    reply = error_reply(429, details={"error_code": "enforced_spend_limit_reached"})
    async with serving(always(reply)) as (_, client):
        with pytest.raises(anthropic.RateLimitError) as caught:
            await ask(client, user("Hi"))
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["error_code"] == "enforced_spend_limit_reached"


async def test_a_proxys_page_is_sent_as_it_is() -> None:
    page = "<html>413 Payload Too Large</html>"
    reply = error_reply(413, body=page, headers={"content-type": "text/html"})
    async with serving(always(reply)) as (_, client):
        with pytest.raises(anthropic.APIStatusError) as caught:
            await ask(client, user("Hi"))
    assert caught.value.response.text == page
    assert caught.value.response.headers["content-type"] == "text/html"


async def test_the_wrong_key_and_the_wrong_model_are_refused() -> None:
    scenario = Scenario(api_key="right", models=("claude-other",))
    async with serving(scenario, key="wrong") as (_, client):
        with pytest.raises(anthropic.AuthenticationError):
            await ask(client, user("Hi"))
    async with serving(scenario, key="right") as (_, client):
        with pytest.raises(anthropic.NotFoundError, match="model: claude-test"):
            await ask(client, user("Hi"))


async def test_an_error_event_ends_a_stream_that_began_well() -> None:
    reply = text_reply("Some text", pace=Pace(chars=3), error_event=ErrorEvent(after=3))
    async with serving(always(reply)) as (server, client):
        deltas: list[str] = []
        with pytest.raises(anthropic.APIStatusError) as caught:
            await read_text(client, deltas)
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is Ended.FAULT), 10)
    assert caught.value.status_code == 200
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert deltas == ["Som"]


async def test_a_clean_cut_looks_like_a_whole_answer_without_a_stop_reason() -> None:
    reply = text_reply("Some text", pace=Pace(chars=3), cut=Cut(after=4))
    async with serving(always(reply)) as (server, client):
        message = await ask(client, user("Hi"))
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is Ended.FAULT), 10)
    assert message.stop_reason is None
    assert message.content[0].to_dict()["text"] == "Some t"


async def test_a_hard_cut_breaks_the_connection_behind_what_was_sent() -> None:
    reply = text_reply("Some text", pace=Pace(chars=3, seconds=0.02), cut=Cut(after=4, how="hard"))
    async with serving(always(reply)) as (server, client):
        deltas: list[str] = []
        with pytest.raises(httpx2.TransportError):
            await read_text(client, deltas)
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is Ended.FAULT), 10)
    assert "".join(deltas) == "Some t"


async def test_a_hard_cut_before_anything_is_a_reset_connection() -> None:
    async with serving(always(text_reply("Hi", cut=Cut(after=0, how="hard")))) as (server, client):
        with pytest.raises(anthropic.APIConnectionError):
            await ask(client, user("Hi"))
    assert [request.ended for request in server.request_log] == [Ended.FAULT]


async def test_a_malformed_event_is_not_json() -> None:
    async with serving(always(text_reply("Hi", malformed=Malformed(after=2)))) as (_, client):
        with pytest.raises(json.JSONDecodeError):
            await ask(client, user("Hi"))


async def test_an_unknown_event_does_not_change_the_rest() -> None:
    plain = text_reply("Some text", pace=Pace(chars=3))
    strange = Reply(**{**plain.model_dump(exclude_unset=True), "unknown_event": UnknownEvent(after=3)})
    async with serving(always(strange)) as (_, client):
        body = await raw_stream(client)
        message = await ask(client, user("Hi"))
    assert "event: weather_report\n" in body
    assert message.content[0].to_dict()["text"] == "Some text"
    assert message.stop_reason == "end_turn"


async def test_a_stall_goes_on_when_it_is_over() -> None:
    async with serving(always(text_reply("Some text", stall=Stall(after=2, seconds=0.4)))) as (_, client):
        began = time.monotonic()
        message = await ask(client, user("Hi"))
        took = time.monotonic() - began
    assert took >= 0.4
    assert message.stop_reason == "end_turn"


async def test_a_stall_without_pings_is_a_read_timeout_and_with_pings_is_none() -> None:
    silent = text_reply("Hi", stall=Stall(after=2, seconds=60))
    async with serving(always(silent)) as (server, client):
        with pytest.raises(httpx2.TransportError):
            await ask(client, user("Hi"), timeout=httpx2.Timeout(10, read=0.3))
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is Ended.CLIENT_GONE), 10)
    pinging = text_reply("Hi", stall=Stall(after=2, seconds=1.5, ping_every_s=0.05))
    async with serving(always(pinging)) as (_, client):
        message = await ask(client, user("Hi"), timeout=httpx2.Timeout(10, read=1.0))
    assert message.stop_reason == "end_turn"


async def test_pings_come_between_the_events_of_a_paced_stream() -> None:
    reply = text_reply("0123456789", pace=Pace(chars=1, seconds=0.05), ping_every_s=0.02)
    async with serving(always(reply)) as (_, client):
        body = await raw_stream(client)
    kinds = [line.removeprefix("event: ") for line in body.splitlines() if line.startswith("event: ")]
    assert kinds.count("ping") >= 3
    assert kinds[-1] == "message_stop"


async def test_broken_tool_input_is_sent_as_written() -> None:
    raw = '{"path": "a.py", "content": "impor'
    reply = Reply(content=(ScriptedBlock(tool="write", raw_input=raw),), stop_reason="max_tokens")
    async with serving(always(reply)) as (_, client):
        body = await raw_stream(client)
        message = await ask(client, user("Hi"))
    sent = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]
    pieces = [event["delta"]["partial_json"] for event in sent if event["type"] == "content_block_delta"]
    assert "".join(pieces) == raw
    assert message.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    "reason", ["refusal", "pause_turn", "model_context_window_exceeded", "max_tokens", "a_new_one"]
)
async def test_any_stop_reason_can_be_scripted(reason: str) -> None:
    async with serving(always(text_reply("Hi", stop_reason=reason))) as (_, client):
        body = await raw_stream(client)
    assert f'"stop_reason":"{reason}"' in body


async def test_blocks_of_any_kind_are_sent_whole() -> None:
    block = {"type": "redacted_thinking", "data": "abc"}
    async with serving(always(Reply(content=(ScriptedBlock(raw=block),), text="Hi"))) as (_, client):
        message = await ask(client, user("Hi"))
    assert message.content[0].to_dict() == block


async def test_a_delay_holds_the_whole_response_back() -> None:
    async with serving(always(text_reply("Hi", delay_s=0.3))) as (_, client):
        began = time.monotonic()
        await ask(client, user("Hi"))
        took = time.monotonic() - began
    assert took >= 0.3


async def test_a_responder_in_python_answers_with_the_same_replies() -> None:
    class TwiceBusy:
        def __init__(self) -> None:
            self.asked = 0

        def reply(self, request: Any, headers: Any) -> Reply:
            self.asked += 1
            return (
                error_reply(529) if self.asked <= 2 else text_reply(f"Hello, {headers['x-quarterdeck-run']}")
            )

    async with serving(TwiceBusy()) as (_, client):
        for _ in range(2):
            with pytest.raises(anthropic.APIStatusError):
                await ask(client, user("Hi"), extra_headers={"x-quarterdeck-run": "run-7"})
        message = await ask(client, user("Hi"), extra_headers={"x-quarterdeck-run": "run-7"})
    assert message.content[0].to_dict()["text"] == "Hello, run-7"


async def raw_stream(client: anthropic.AsyncAnthropic) -> str:
    """The bytes of a stream as text."""
    body: dict[str, Any] = {"model": MODEL, "max_tokens": 9, "stream": True, "messages": [user("Hi")]}
    async with httpx2.AsyncClient() as plain:
        return (await plain.post(f"{str(client.base_url).rstrip('/')}/v1/messages", json=body)).text


async def read_text(client: anthropic.AsyncAnthropic, into: list[str]) -> None:
    """Read a stream's text deltas as they come."""
    async with client.messages.stream(model=MODEL, max_tokens=9, messages=[user("Hi")]) as stream:
        async for piece in stream.text_stream:
            into.append(piece)
