"""The client against a loopback server that sends hand-made bytes: nothing here is recorded traffic."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.llm.client import ModelClient
from quarterdeck.llm.faults import FaultKind, ModelFault
from quarterdeck.llm.steps import StreamEvent, StreamOpened, TextDelta
from quarterdeck.llm.transport import proxy_for
from tests.support.raw_model import (
    Received,
    Reply,
    Script,
    answer,
    frame,
    raw_model,
    stream_of,
)
from tests.support.served_client import (
    CHUNKED,
    HALF,
    KEY,
    fault_of,
    ignore,
    request_of,
    reset,
    sends,
    served,
    stay,
)


async def test_an_answer_streams_and_comes_to_a_whole_step() -> None:
    seen: list[StreamEvent] = []
    async with served(sends(answer("Hello."))) as (client, model):
        step = await client.stream_step(request_of(), seen.append)
    assert step.message.content == ({"type": "text", "text": "Hello."},)
    assert step.stop_reason == "end_turn"
    assert (step.usage.input, step.usage.output, step.usage.requests) == (3, 7, 1)
    assert seen[:2] == [StreamOpened(), TextDelta("Hello.")]
    received = model.received[0]
    assert received.path == "/v1/messages"
    assert received.headers["x-quarterdeck-run"] == "run-1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["anthropic-version"]
    assert received.json()["stream"] is True
    assert KEY in received.headers.get("x-api-key", "") + received.headers.get("authorization", "")


async def test_an_answer_in_single_bytes_is_the_same_answer() -> None:
    wire = answer("é🚢")
    async with served(sends(*(wire[at : at + 1] for at in range(len(wire))))) as (client, _):
        step = await client.stream_step(request_of(), ignore)
    assert step.message.content == ({"type": "text", "text": "é🚢"},)


async def test_a_compressed_stream_is_read_too() -> None:
    packed = gzip.compress(answer("small"))
    async with served(sends(packed, content_encoding="gzip")) as (client, _):
        step = await client.stream_step(request_of(), ignore)
    assert step.message.content == ({"type": "text", "text": "small"},)
    broken = await fault_of(sends(b"no gzip at all", content_encoding="gzip"))
    assert broken.kind is FaultKind.malformed


async def test_steps_one_after_the_other_share_one_connection() -> None:
    async def script(reply: Reply, _: Received) -> None:
        await reply.whole(answer())

    async with served(script) as (client, model):
        for _ in range(3):
            await client.stream_step(request_of(), ignore)
    assert len(model.received) == 3
    assert model.connections == 1


async def test_a_body_that_ends_a_little_after_the_message_keeps_its_connection() -> None:
    async def script(reply: Reply, _: Received) -> None:
        reply.keeps_open = True
        await reply.send(CHUNKED + b"%x\r\n%s\r\n" % (len(answer()), answer()))
        await asyncio.sleep(0.02)  # Paces the sending, so that the end is a read of its own.
        await reply.send(b"0\r\n\r\n")

    async with served(script) as (client, model):
        for _ in range(3):
            await client.stream_step(request_of(), ignore)
    assert model.connections == 1


async def test_a_body_that_never_ends_does_not_hold_a_whole_step_back() -> None:
    async with served(sends(answer("done"), then=stay)) as (client, model), asyncio.timeout(5):
        step = await client.stream_step(request_of(), ignore)
        await model.replies[0].gone.wait()
    assert step.message.content == ({"type": "text", "text": "done"},)


def error_body(kind: str, message: str, **more: Any) -> bytes:
    error = {"type": kind, "message": message, **more}
    return frame({"type": "error", "error": error, "request_id": "req_1"}).split(b"data: ")[1].strip()


HTML = b"<html><h1>413 Request Entity Too Large</h1><center>cloudflare</center></html>"
STATUSES = [
    (400, error_body("invalid_request_error", "max_tokens: bad"), FaultKind.bad_request),
    (
        400,
        error_body("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        FaultKind.too_large,
    ),
    (400, error_body("invalid_request_error", "Your credit balance is too low"), FaultKind.spend_limit),
    (401, error_body("authentication_error", "invalid x-api-key"), FaultKind.authentication),
    (402, error_body("billing_error", "pay"), FaultKind.spend_limit),
    (403, error_body("permission_error", "not yours"), FaultKind.permission),
    (404, error_body("not_found_error", "model: nope"), FaultKind.not_found),
    (413, HTML, FaultKind.too_large),
    (429, error_body("rate_limit_error", "slow down"), FaultKind.rate_limited),
    (
        429,
        error_body("rate_limit_error", "limit", details={"error_code": "enforced_spend_limit_reached"}),
        FaultKind.spend_limit,
    ),
    (500, error_body("api_error", "Internal server error"), FaultKind.server),
    (502, b"", FaultKind.server),
    (503, b"\xff\xfe not text", FaultKind.server),
    (529, error_body("overloaded_error", "Overloaded"), FaultKind.overloaded),
    (307, b"", FaultKind.bad_request),
    (418, b"{", FaultKind.bad_request),
]


@pytest.mark.parametrize(("status", "body", "kind"), STATUSES)
async def test_an_error_answer_is_one_fault_of_its_kind_after_one_request(
    status: int, body: bytes, kind: FaultKind
) -> None:
    script = sends(body, status=status, kind="application/json", location="http://127.0.0.1:9/elsewhere")
    async with served(script) as (client, model):
        with pytest.raises(ModelFault) as caught:
            await client.stream_step(request_of(), ignore)
    assert (caught.value.kind, caught.value.status) == (kind, status)
    assert str(status) in caught.value.message
    assert "\n" not in caught.value.message
    assert len(model.received) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "4294967296"}, 4294967296.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "-5"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_told_in_seconds(headers: dict[str, Any], seconds: float | None) -> None:
    fault = await fault_of(sends(error_body("rate_limit_error", "slow"), status=429, **headers))
    assert fault.retry_after_s == seconds


async def test_a_fault_carries_the_request_id_and_neither_key_nor_control_characters() -> None:
    hostile = f"bad \x1b]52;c;evil\x07 key {KEY} and Bearer abcdef \u202e end\nsecond line " + "x" * 900
    fault = await fault_of(
        sends(error_body("invalid_request_error", hostile), status=400, request_id="req_7")
    )
    assert fault.request_id == "req_7"
    assert all(char.isprintable() for char in fault.message)
    assert KEY not in fault.message + repr(fault)
    assert "abcdef" not in fault.message
    assert len(fault.message) < 400


async def test_a_pairing_error_is_recognised() -> None:
    words = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1"
    fault = await fault_of(sends(error_body("invalid_request_error", words), status=400))
    assert fault.is_pairing
    other = await fault_of(sends(error_body("invalid_request_error", "temperature: bad"), status=400))
    assert not other.is_pairing


OVERLOADED = stream_of({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
STREAMS = [
    (sends(HALF), FaultKind.incomplete),
    (sends(answer()[: answer().index(b"event: message_stop")]), FaultKind.incomplete),
    (sends(answer()[: answer().index(b"text_delta")]), FaultKind.incomplete),
    (sends(HALF, b"event: content_block_delta\ndata: \xe2\x82"), FaultKind.incomplete),
    (sends(HALF, transfer_encoding="chunked"), FaultKind.connection),
    (sends(HALF, then=reset), FaultKind.incomplete),
    (
        sends(b"%x\r\n%s\r\n" % (len(HALF), HALF), then=reset, transfer_encoding="chunked"),
        FaultKind.connection,
    ),
    (sends(HALF, content_length="90000"), FaultKind.connection),
    (sends(HALF, OVERLOADED), FaultKind.overloaded),
    (sends(HALF, b"event: error\ndata: upstream connect error\n\n"), FaultKind.server),
    (sends(HALF, b'event: content_block_delta\ndata: {"type":\n\n'), FaultKind.malformed),
    (sends(b"<html>Log in to the wireless network</html>", kind="text/html"), FaultKind.malformed),
    (sends(b'{"type":"message","content":[]}', kind="application/json"), FaultKind.malformed),
    (sends(b"", kind="text/event-stream"), FaultKind.incomplete),
    (sends(b"\x00\xff\xfe" * 500), FaultKind.incomplete),
]


@pytest.mark.parametrize(("script", "kind"), STREAMS)
async def test_a_stream_that_is_not_whole_is_a_fault_of_its_kind(script: Script, kind: FaultKind) -> None:
    fault = await fault_of(script)
    assert fault.kind is kind
    assert fault.message.endswith(".")


async def test_a_fault_in_mid_stream_carries_the_request_id_of_its_response() -> None:
    fault = await fault_of(sends(HALF, request_id="req_8"))
    assert (fault.kind, fault.request_id) == (FaultKind.incomplete, "req_8")


async def test_no_server_no_http_and_an_impossible_address_are_connection_faults() -> None:
    async def no_http(reply: Reply, _: Received) -> None:
        await reply.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    async def hang_up(reply: Reply, _: Received) -> None:
        reply.reset()

    assert (await fault_of(no_http)).kind is FaultKind.connection
    assert (await fault_of(hang_up)).kind is FaultKind.connection
    for url in (
        "http://127.0.0.1:1",
        "http://no-such-host.invalid",
        "not an address",
        "http://[::bad",
        "ftp://x",
    ):
        client = ModelClient(api_key=KEY, auth_token=None, base_url=url)
        with pytest.raises(ModelFault) as caught:
            await client.stream_step(request_of(), ignore)
        assert caught.value.kind is FaultKind.connection, url
        await client.close()


async def test_without_a_key_nothing_is_asked_and_the_message_says_what_to_set() -> None:
    client = ModelClient(api_key="", auth_token=None, base_url=None)
    with pytest.raises(ModelFault, match="ANTHROPIC_API_KEY") as caught:
        await client.stream_step(request_of(), ignore)
    assert caught.value.kind is FaultKind.authentication


async def test_a_local_server_is_asked_without_any_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    async with raw_model(sends(answer())) as model:
        client = ModelClient(api_key=None, auth_token=None, base_url=model.url)
        await client.stream_step(request_of(), ignore)
        await client.close()
    assert KEY not in str(model.received[0].headers)


async def test_the_environments_proxy_is_used_and_left_out_where_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy_for.cache_clear()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with raw_model(sends(answer("by proxy"))) as proxy, raw_model(sends(answer("direct"))) as model:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for url, said in (("http://api.example.invalid", "by proxy"), (model.url, "direct")):
            client = ModelClient(api_key=KEY, auth_token=None, base_url=url)
            step = await client.stream_step(request_of(), ignore)
            assert step.message.content[0]["text"] == said
            await client.close()
    assert proxy.received[0].path == "http://api.example.invalid/v1/messages"
    proxy_for.cache_clear()


async def test_passwords_in_netrc_do_not_get_between(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with served(sends(answer())) as (client, model):
        await client.stream_step(request_of(), ignore)
    assert "Basic" not in str(model.received[0].headers)


def test_the_key_is_in_no_repr() -> None:
    shown = repr(ModelClient(api_key=KEY, auth_token=KEY, base_url="http://me:hunter2@example.invalid/v1"))
    assert KEY not in shown
    assert "hunter2" not in shown
    assert "example.invalid" in shown


async def test_a_fault_of_the_listener_is_its_own() -> None:
    def broken(_: StreamEvent) -> None:
        raise KeyError("a bug of ours")

    async with served(sends(answer())) as (client, _):
        with pytest.raises(KeyError):
            await client.stream_step(request_of(), broken)


async def test_models_are_listed_in_the_order_of_the_endpoint() -> None:
    body = b'{"data":[{"type":"model","id":"b"},{"id":"a"}],"has_more":false}'
    async with served(sends(body, kind="application/json")) as (client, model):
        assert await client.list_models() == ("b", "a")
    assert model.received[0].path.startswith("/v1/models")
    for wrong, status, kind in (
        (b"{}", 200, FaultKind.malformed),
        (HTML, 200, FaultKind.malformed),
        (error_body("authentication_error", "no"), 401, FaultKind.authentication),
    ):
        async with served(sends(wrong, status=status, kind="application/json")) as (client, _):
            with pytest.raises(ModelFault) as caught:
                await client.list_models()
        assert caught.value.kind is kind
