"""What a scripted model answers: content, pace and faults, as one value. Says nothing about when.

The fields below are the schema of a `[[reply]]` in a scenario file too (see `scenario`). `after` counts the
stream's own events, `message_start` being the first and pings not counted: `after = 0` is before anything,
and one text block gives message_start, content_block_start, its deltas, content_block_stop,
message_delta and message_stop.
"""

from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)


class Strict(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pace(Strict):
    """How a stream flows."""

    chars: PositiveInt = 40
    """Characters in one delta."""
    seconds: NonNegativeFloat = 0.0
    """Between two events; 0 = as fast as it goes."""


class ScriptedBlock(Strict):
    """One content block: exactly one of `text`, `thinking`, `tool` and `raw`."""

    text: str | None = None
    thinking: str | None = None
    tool: str | None = None
    """The tool's name on the wire."""
    raw: dict[str, Any] | None = None
    """A block of any kind, sent whole in its `content_block_start` (`redacted_thinking`, server tools, …)."""
    input: dict[str, Any] = Field(default_factory=dict)
    """The tool's input."""
    raw_input: str | None = None
    """Sent in place of `input` as the JSON text, broken or cut as it may be."""
    signature: str | None = None
    """Of `thinking`; left out it is the right one. Another is refused when it comes back."""
    repeat_text: PositiveInt = 1
    """`text` or `thinking` that many times over."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in (self.text, self.thinking, self.tool, self.raw) if kind is not None]
        if len(kinds) != 1:
            raise ValueError("a content block has exactly one of text, thinking, tool, raw")
        if self.tool is None and (self.input or self.raw_input is not None):
            raise ValueError("input and raw_input belong to a tool")
        return self


class HttpError(Strict):
    """An error answer in place of a stream."""

    status: int = Field(ge=400, le=599)
    error_type: str = ""
    """Left out: the API's type for this status."""
    message: str = "Scripted error"
    details: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the `error` object (`error_code`, …)."""
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    """Sent in place of the JSON body, as a proxy's page would be."""


class ErrorEvent(Strict):
    """An `error` event inside the stream; nothing follows it."""

    after: NonNegativeInt
    error_type: str = "overloaded_error"
    message: str = "Overloaded"


class Cut(Strict):
    """The stream ends too early: `clean` as if it were whole, `hard` by a connection reset."""

    after: NonNegativeInt
    how: Literal["clean", "hard"] = "clean"


class Malformed(Strict):
    """An event whose data is not JSON; the stream goes on behind it."""

    after: NonNegativeInt
    text: str = '{"type": "content_block_delta", "ind'


class UnknownEvent(Strict):
    """An event of a kind that no client knows; the stream goes on behind it."""

    after: NonNegativeInt
    type: str = "weather_report"


class Stall(Strict):
    """Nothing of the stream for a while, pings at most."""

    after: NonNegativeInt
    seconds: NonNegativeFloat
    ping_every_s: PositiveFloat | None = None


class ReplyFields(Strict):
    """Everything that a reply can say; `[[reply]]` in a file."""

    text: str | None = None
    """Short for one text block at the end of `content`."""
    content: tuple[ScriptedBlock, ...] = ()
    stop_reason: str | None = None
    """Left out: `tool_use` when a tool is called, else `end_turn`. Any word is sent as it is."""
    delay_s: NonNegativeFloat = 0.0
    """Before the response begins."""
    pace: Pace | None = None
    """Left out: the scenario's."""
    ping_every_s: PositiveFloat | None = None
    """Pings between and in waits, from the first event on; left out: one behind `message_start`."""
    error: HttpError | None = None
    error_event: ErrorEvent | None = None
    cut: Cut | None = None
    malformed: Malformed | None = None
    unknown_event: UnknownEvent | None = None
    stall: Stall | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and not self.content and self.error is None:
            raise ValueError("a reply needs text, content or error")
        return self

    @property
    def blocks(self) -> tuple[ScriptedBlock, ...]:
        """`content`, and `text` as its last block."""
        if self.text is None:
            return self.content
        return (*self.content, ScriptedBlock(text=self.text))


class Reply(ReplyFields):
    """One answer to one request, with no template left in it."""

    rule: int | None = None
    """The place of the rule that gave it, from 0; None = the default reply, or not from a scenario."""


def text_reply(text: str, **fields: Any) -> Reply:
    """A reply of one text block."""
    return Reply(text=text, **fields)


def tool_reply(tool: str, tool_input: dict[str, Any], *, before: str | None = None, **fields: Any) -> Reply:
    """A reply that calls one tool, after some text."""
    said = () if before is None else (ScriptedBlock(text=before),)
    return Reply(content=(*said, ScriptedBlock(tool=tool, input=tool_input)), **fields)


def error_reply(status: int, message: str = "Scripted error", **fields: Any) -> Reply:
    """An error answer; `fields` are those of `HttpError`."""
    return Reply(error=HttpError(status=status, message=message, **fields))
