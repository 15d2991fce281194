"""What a streaming step tells while it runs (`StreamEvent`) and what it comes to (`Step`). Facts only."""

import msgspec

from quarterdeck.domain.messages import Block, Message, ToolUse
from quarterdeck.domain.usage import Usage


class StreamOpened(msgspec.Struct, frozen=True):
    """The model accepted the request; nothing of the answer is there yet.

    It comes again when the server begins its answer anew: what was told before is void.
    """


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """The answer's text grew by `text` (raw: not yet fit for the screen)."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, gc=False):
    """The thinking grew by `text` (raw: not yet fit for the screen)."""

    text: str


class ToolInputGrew(msgspec.Struct, frozen=True, gc=False):
    """The input of a tool call is being written."""

    name: str
    characters: int
    """So far, not since the last event."""


class BlockFinished(msgspec.Struct, frozen=True):
    """One block is whole, as it will stand in the step's message."""

    block: Block


StreamEvent = StreamOpened | TextDelta | ThinkingDelta | ToolInputGrew | BlockFinished


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One whole response: it had a stop reason and its end."""

    message: Message
    """By the assistant, its blocks as the API gave them, fit to be sent back. May have no block at all."""
    tool_uses: tuple[ToolUse, ...] = ()
    """The calls of client tools, in order. One with a `fault` must not run."""
    stop_reason: str
    usage: Usage
    stop_detail: str = ""
    """Why, where the API says more: a refusal's explanation, the stop sequence. One clean line."""
