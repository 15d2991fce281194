"""Recorded Messages API traffic, where a checkout has it beside it; never part of this project."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

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

    @property
    def content(self) -> bytes:
        """The body as recorded."""
        return (RECORDED / self.file).read_bytes()

    def tag(self, prefix: str) -> str | None:
        """What follows `prefix` in the first tag that has it (`stop:`, `err:`)."""
        return next((tag.removeprefix(prefix) for tag in self.contains if tag.startswith(prefix)), None)

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
