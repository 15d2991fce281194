"""What the Messages API refuses: requests and histories, checked as it does, in its words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from quarterdeck.llm.scripted.conversation import Block, blocks_of
from quarterdeck.llm.scripted.signatures import is_signed

MAX_BREAKPOINTS = 4
_ROLES = ("user", "assistant", "system")
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Refusal(msgspec.Struct, frozen=True):
    """An error answer of the API."""

    status: int
    message: str


def error_type(status: int) -> str:
    """The API's `error.type` for a status."""
    return _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def refusal_of(request: Any, *, counting: bool = False) -> Refusal | None:
    """Why a body of `/v1/messages` (or, `counting`, of `count_tokens`) is refused; None when it is fine."""
    message = next(_faults(request, counting=counting), None)
    return None if message is None else Refusal(400, message)


def _faults(request: Any, *, counting: bool) -> Iterator[str]:
    if not isinstance(request, Mapping):
        yield "The request body is not an object"
        return
    if not isinstance(request.get("model"), str):
        yield "model: Field required"
    if not counting and not _is_positive(request.get("max_tokens")):
        yield (
            "max_tokens: Field required" if "max_tokens" not in request else "max_tokens: must be at least 1"
        )
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    shape = next(_shape_faults(request, messages), None)
    if shape is not None:
        yield shape
        return
    yield from _mark_faults(request)
    yield from _history_faults(messages)


def _is_positive(number: Any) -> bool:
    return isinstance(number, int) and number >= 1


def _shape_faults(request: Mapping[str, Any], messages: Sequence[Any]) -> Iterator[str]:
    for place, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role") not in _ROLES:
            yield f"messages.{place}.role: Input should be 'user', 'assistant' or 'system'"
        elif fault := _content_fault(message.get("content")):
            yield f"messages.{place}.content: {fault}"
    if fault := _content_fault(request.get("system", "")):
        yield f"system: {fault}"
    tools = request.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, Mapping) for tool in tools):
        yield "tools: Input should be a list of tools"
        return
    # The API's own tools may have a type alone.
    names = [tool.get("name") for tool in tools if tool.get("name") or not tool.get("type")]
    if None in names:
        yield f"tools.{names.index(None)}.custom.name: Field required"
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."


def _content_fault(content: Any) -> str:
    if isinstance(content, str):
        return ""
    if not isinstance(content, list):
        return "Input should be a valid string or list"
    for place, block in enumerate(content):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            return f"{place}: Input should be a block with a type"
        if block["type"] == "tool_result" and (fault := _content_fault(block.get("content") or "")):
            return f"{place}.tool_result.content.{fault}"
    return ""


def _mark_faults(request: Mapping[str, Any]) -> Iterator[str]:
    marks = sum("cache_control" in block for block in _every_block(request) if block.get("cache_control"))
    if marks > MAX_BREAKPOINTS:
        yield f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {marks}."


def _every_block(request: Mapping[str, Any]) -> Iterator[Block]:
    yield from request.get("tools") or ()
    yield from blocks_of(request.get("system"))
    for message in request["messages"]:
        for block in blocks_of(message.get("content")):
            yield block
            if block.get("type") == "tool_result":
                yield from blocks_of(block.get("content"))


class _Turn(msgspec.Struct):
    """Messages in a row of one role, as one; `place` counts turns, as the API does in its words."""

    role: str
    place: int
    blocks: list[Block]


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[_Turn]:
    """The API puts messages of one role in a row together; a system message does not part two others."""
    turns: list[_Turn] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if not turns or turns[-1].role != message["role"]:
            turns.append(_Turn(message["role"], len(turns), []))
        turns[-1].blocks += blocks_of(message["content"])
    return turns


def _history_faults(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    turns = _turns(messages)
    if not turns or turns[0].role != "user":
        yield 'messages: first message must use the "user" role'
        return
    yield from _text_faults(messages)
    known: set[str] = set()
    calls: tuple[str, ...] = ()
    for turn in turns:
        yield from _pair_faults(turn, calls)
        calls = tuple(str(block.get("id")) for block in turn.blocks if block["type"] == "tool_use")
        if turn.role == "assistant":
            yield from _assistant_faults(turn, known)
        elif calls:
            yield f"messages.{turn.place}: `tool_use` blocks can only be in `assistant` messages"
    if calls:
        yield _unanswered(turns[-1].place, calls)


def _text_faults(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for place, message in enumerate(messages):
        may_be_empty = place == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not may_be_empty:
            yield (
                f"messages.{place}: all messages must have non-empty content except for the optional final "
                "assistant message"
            )
        for block in blocks_of(message["content"]):
            if block["type"] == "text" and not block.get("text"):
                yield "messages: text content blocks must be non-empty"
            elif block["type"] == "text" and not str(block["text"]).strip():
                yield "messages: text content blocks must contain non-whitespace text"


def _pair_faults(turn: _Turn, calls: Sequence[str]) -> Iterator[str]:
    """Results answer the calls of the turn before, all of them, and come first."""
    results = [str(block.get("tool_use_id")) for block in turn.blocks if block["type"] == "tool_result"]
    if turn.role == "assistant" and results:
        yield f"messages.{turn.place}: `tool_result` blocks can only be in `user` messages"
        return
    for number, block in enumerate(turn.blocks):
        if block["type"] == "tool_result" and str(block.get("tool_use_id")) not in calls:
            yield (
                f"messages.{turn.place}.content.{number}: unexpected `tool_use_id` found in `tool_result` "
                f"blocks: {block.get('tool_use_id')}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
    missing = [call for call in calls if call not in results]
    come_first = all(block["type"] == "tool_result" for block in turn.blocks[: len(results)])
    if missing or not come_first:
        yield _unanswered(turn.place - 1, missing or calls)
    if len(set(results)) < len(results):
        yield f"messages.{turn.place}.content: each tool_use must have a single result"


def _unanswered(place: int, calls: Sequence[str]) -> str:
    return (
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
        "next message."
    )


def _assistant_faults(turn: _Turn, known: set[str]) -> Iterator[str]:
    for number, block in enumerate(turn.blocks):
        match block["type"]:
            case "tool_use":
                call = str(block.get("id"))
                if call in known:
                    yield f"messages.{turn.place}.content.{number}: `tool_use` ids must be unique"
                known.add(call)
                if not isinstance(block.get("input"), Mapping):
                    yield f"messages.{turn.place}.content.{number}.tool_use.input: Input should be an object"
            case "thinking" if not is_signed(block):
                yield f"messages.{turn.place}.content.{number}: Invalid `signature` in `thinking` block"
