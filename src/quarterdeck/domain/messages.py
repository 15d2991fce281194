"""The conversation as the Messages API speaks it: blocks are JSON objects, kept exactly as they came.

Blocks are never changed in place; unknown kinds pass through untouched, so that a history stays valid
and byte-equal for the provider's prompt cache.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

Block = Mapping[str, Any]
"""One content block as JSON (`{"type": "text", "text": …}`), read-only by agreement."""

Role = Literal["user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One message of the history."""

    role: Role
    content: tuple[Block, ...]


class ToolUse(msgspec.Struct, frozen=True):
    """One tool call that the model asked for, as far as it can be trusted."""

    id: str
    name: str
    input: Mapping[str, Any]
    """Parsed strictly from the raw deltas; empty when `fault` is set."""
    fault: str = ""
    """Why it must not run (broken or cut input), in words for the model; empty = whole."""


def text_block(text: str) -> Block:
    """A text block."""
    return {"type": "text", "text": text}


def tool_result_block(call_id: str, content: str | Sequence[Block], *, is_error: bool = False) -> Block:
    """A tool result; `is_error` is left out when false, as the API's own examples do."""
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    if is_error:
        block["is_error"] = True
    return block


def user_message(text: str) -> Message:
    """A user message of one text block."""
    return Message(role="user", content=(text_block(text),))


def text_of(message: Message) -> str:
    """The text blocks of a message, joined by newline."""
    return "\n".join(str(block["text"]) for block in message.content if block.get("type") == "text")


def tool_use_ids(message: Message) -> tuple[str, ...]:
    """The ids of the client tool calls in a message, in order."""
    return tuple(str(block["id"]) for block in message.content if block.get("type") == "tool_use")
