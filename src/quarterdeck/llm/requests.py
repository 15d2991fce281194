"""What one model request holds, and its body as sent, with cache breakpoints.

Pure: never changes its inputs, never talks to anybody.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, Message

MAX_BREAKPOINTS = 4
"""The Messages API refuses a request with more `cache_control` marks."""

EPHEMERAL: Mapping[str, str] = MappingProxyType({"type": "ephemeral"})
_UNMARKABLE = frozenset({"thinking", "redacted_thinking"})


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the Messages API, whole: the model keeps nothing between two."""

    run_id: RunId
    model: str
    system: tuple[Block, ...]
    tools: tuple[Mapping[str, Any], ...]
    messages: tuple[Message, ...]
    max_tokens: int = 16_000
    extra: Mapping[str, Any] = {}
    """Further fields of the body (`thinking`, `temperature`, …); they win over ours, `stream` excepted."""


def with_breakpoints(request: ModelRequest) -> dict[str, Any]:
    """The request body as sent, `stream` included, with `cache_control` marks.

    Marked are the last tool, the last system block and the last content block of the last message
    (never a thinking block); marks that the inputs already carry count to the limit of four.
    """
    messages = [_wire_message(message) for message in request.messages]
    room = MAX_BREAKPOINTS - _marks_in(request)
    tools: list[Mapping[str, Any]] = list(request.tools)
    system: list[Block] = list(request.system)
    last: list[Block] = messages[-1]["content"] if messages else []
    for blocks in (last, tools, system):
        if room > 0 and _mark_last(blocks):
            room -= 1
    body: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens}
    if system:
        body["system"] = system
    if tools:
        body["tools"] = tools
    body["messages"] = messages
    body.update(request.extra)
    body["stream"] = True
    return body


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The body as JSON bytes. Any mapping or sequence in it is written as object or array."""
    return _encoder.encode(body)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise NotImplementedError(f"a request cannot hold a {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def _wire_message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": list(message.content)}


def _mark_last(blocks: list[Mapping[str, Any]]) -> bool:
    """Mark the last block that can carry a mark, in a copy of it; whether a new mark was set."""
    for place in range(len(blocks) - 1, -1, -1):
        block = blocks[place]
        if not _can_be_marked(block):
            continue
        if "cache_control" in block:
            return False
        blocks[place] = {**block, "cache_control": dict(EPHEMERAL)}
        return True
    return False


def _can_be_marked(block: Mapping[str, Any]) -> bool:
    # The API refuses a mark on thinking, on empty text and on a tool that is loaded later.
    if block.get("type") in _UNMARKABLE or block.get("defer_loading"):
        return False
    return not (block.get("type") == "text" and not block.get("text"))


def _marks_in(request: ModelRequest) -> int:
    groups: list[Sequence[Mapping[str, Any]]] = [request.tools, request.system]
    groups.extend(message.content for message in request.messages)
    return sum(1 for blocks in groups for block in blocks if "cache_control" in block)
