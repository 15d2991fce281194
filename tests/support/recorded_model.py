"""Recorded Messages API traffic, where a checkout has it beside it; never part of this project."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import msgspec

from quarterdeck.domain.messages import Block, Message, text_block
from tests.support.raw_model import (
    MESSAGE_STOP,
    Received,
    Reply,
    block_delta,
    block_start,
    block_stop,
    stream_of,
)

_ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("QUARTERDECK_SHARED", _ROOT.parent / "shared"))
RECORDED = SHARED / "data" / "anthropic_recorded"


class RecordedBody(msgspec.Struct, frozen=True):
    """One entry of the manifest that answers `POST /v1/messages`."""

    file: str
    request: str | None
    status: int
    contains: list[str]
    continues_previous: bool = False
    replay: dict[str, Any] | None = None
    response_headers: dict[str, str] | None = None

    @property
    def content(self) -> bytes:
        """The body as recorded."""
        return (RECORDED / self.file).read_bytes()

    def tag(self, prefix: str) -> str | None:
        """What follows `prefix` in the first tag that has it (`stop:`, `err:`)."""
        return next((tag.removeprefix(prefix) for tag in self.contains if tag.startswith(prefix)), None)

    def headers(self) -> dict[str, str]:
        """The headers of the answer that were not blanked out; its kind is told elsewhere."""
        told = self.response_headers or {}
        return {
            name: value
            for name, value in told.items()
            if name != "content-type" and "REDACTED" not in value and "<" not in value
        }

    def asked(self) -> dict[str, Any]:
        """The body of the request that was recorded with it."""
        assert self.request is not None
        recorded: dict[str, Any] = msgspec.json.decode((RECORDED / self.request).read_bytes())
        body: dict[str, Any] = recorded["body"]
        return body


def recorded_bodies() -> list[RecordedBody]:
    """Every recorded answer to a message request, in the manifest's order."""
    entries = msgspec.json.decode((RECORDED / "manifest.json").read_bytes())["files"]
    bodies = [msgspec.convert(entry, RecordedBody) for entry in entries]
    return [body for body in bodies if "count_tokens" not in body.contains]


async def replay(reply: Reply, received: Received) -> None:
    """Answer with the recorded body that the run's id names."""
    name = received.headers["x-quarterdeck-run"]
    status = int(received.headers.get("x-recorded-status", "0"))
    body = next(body for body in recorded_bodies() if body.file == name)
    if body.status >= 300:
        await reply.head(status or body.status, kind="application/json")
        await reply.send(body.content)
        return
    await reply.head()
    await reply.send(body.content if name.endswith(".sse") else as_stream(msgspec.json.decode(body.content)))


def as_stream(message: dict[str, Any]) -> bytes:
    """A recorded whole message as the stream that would have brought it."""
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        events.extend(_block_events(index, block))
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": message.get("stop_sequence")}
    events.append({"type": "message_delta", "delta": delta, "usage": message["usage"]})
    return stream_of(*events, MESSAGE_STOP)


def _block_events(index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "text":
            yield block_start(index, {**block, "text": ""})
            yield from (block_delta(index, "text_delta", text=piece) for piece in _pieces(block["text"]))
        case "thinking":
            yield block_start(index, {**block, "thinking": "", "signature": ""})
            for piece in _pieces(block["thinking"]):
                yield block_delta(index, "thinking_delta", thinking=piece)
            yield block_delta(index, "signature_delta", signature=block["signature"])
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            yield block_start(index, {**block, "input": {}})
            for piece in _pieces(msgspec.json.encode(block["input"]).decode()):
                yield block_delta(index, "input_json_delta", partial_json=piece)
        case _:
            yield block_start(index, block)
    yield block_stop(index)


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def responses_in(body: RecordedBody) -> list[bytes]:
    """The responses that were recorded one behind the other into one body."""
    if body.content.count(b"event: message_stop") < 2:
        return [body.content]
    mark = b"event: message_start\n"
    return [mark + part for part in body.content.split(mark) if part]


async def sdk_content(sdk: anthropic.AsyncAnthropic, run: str) -> list[Any]:
    """The content that the SDK makes of the answer that `run` gets; empty text left out."""
    async with sdk.beta.messages.stream(
        model="m",
        max_tokens=9,
        messages=[{"role": "user", "content": "go"}],
        extra_headers={"x-quarterdeck-run": run},
    ) as stream:
        message = await stream.get_final_message()
    blocks: list[Any] = message.to_dict(mode="json")["content"]  # type: ignore[assignment]  # to_dict: object values
    return [block for block in blocks if block.get("text") != ""]


def canonical(value: Any) -> Any:
    """A value as COUNTERPARTS.md compares it: no marks, no nulls, text as blocks."""
    if isinstance(value, dict):
        left_out = {"cache_control", "caller", "citations"}
        return {
            key: canonical([text_block(item)] if key == "content" and isinstance(item, str) else item)
            for key, item in value.items()
            if key not in left_out and item is not None
        }
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def as_messages(recorded: list[dict[str, Any]]) -> tuple[Message, ...]:
    """Recorded messages as our history would hold them."""
    return tuple(Message(role=entry["role"], content=_blocks(entry["content"])) for entry in recorded)


def _blocks(content: str | list[Block]) -> tuple[Block, ...]:
    return (text_block(content),) if isinstance(content, str) else tuple(content)


def dialogues() -> list[list[RecordedBody]]:
    """The recorded answers of each dialogue, each asked for by a request that goes on from the one before."""
    found: list[list[RecordedBody]] = []
    for body in recorded_bodies():
        if body.continues_previous:
            found[-1].append(body)
        else:
            found.append([body])
    return [bodies for bodies in found if len(bodies) > 1]


def last_figures(response: bytes) -> dict[str, int]:
    """The last cumulative usage figures of one response: input, output, cache read, cache written.

    What a compaction on the server's side used stands beside the sums and is added to them.
    """
    told: dict[str, Any] = {}
    for event in events_of(response):
        match event.get("type"):
            case "message_start":
                told = dict(event["message"].get("usage") or {})
            case "message_delta":
                told |= {key: value for key, value in (event.get("usage") or {}).items() if value is not None}
    used = [told, *(one for one in told.get("iterations") or [] if one.get("type") == "compaction")]
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {name: sum(one.get(name) or 0 for one in used) for name in names}


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every `data:` line."""
    lines = stream.decode().split("\n")  # str.splitlines would split at U+2028 too
    return [msgspec.json.decode(line[5:]) for line in lines if line.startswith("data:")]
