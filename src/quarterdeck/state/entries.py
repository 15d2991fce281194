"""What a transcript shows: entries, in the order in which they happened. Plain, frozen, keyed by id."""

from enum import StrEnum

import msgspec

from quarterdeck.domain.ids import CallId, MessageId
from quarterdeck.domain.teammates import Way
from quarterdeck.domain.usage import Usage


class ToolStatus(StrEnum):
    """Where a tool call is."""

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class DiffLine(msgspec.Struct, frozen=True, array_like=True):
    """One line of a diff: ` `, `+` or `-`, its number in the new (`-`: old) text, its text."""

    sign: str
    number: int
    text: str


class Diff(msgspec.Struct, frozen=True):
    """A change of one file, as lines with a little context."""

    path: str
    added: int
    removed: int
    lines: tuple[DiffLine, ...]
    """Bounded; `added` and `removed` count the whole change."""


class Said(msgspec.Struct, frozen=True, tag="said"):
    """A message to the teammate, once it is part of the conversation."""

    id: int
    at: float
    sender: str
    text: str
    way: Way
    message_id: MessageId
    answered: bool = False


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Text of the teammate (Markdown)."""

    id: int
    at: float
    text: str
    interrupted: bool = False


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """A thinking block; no text = redacted by the provider."""

    id: int
    at: float
    text: str


class ToolCall(msgspec.Struct, frozen=True, tag="tool"):
    """A tool call with its result so far."""

    id: int
    at: float
    call_id: CallId
    tool: str
    title: str
    status: ToolStatus
    summary: str = ""
    detail: str = ""
    duration_s: float = 0.0
    timeout_s: float | None = None
    rule: str = ""
    diff: Diff | None = None


class TurnMark(msgspec.Struct, frozen=True, tag="turn"):
    """The end of a turn: `Charted for 42s · 3.1k tok`."""

    id: int
    at: float
    past_verb: str
    duration_s: float
    usage: Usage


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A line that nobody said."""

    id: int
    at: float
    text: str


Entry = Said | Text | Thinking | ToolCall | TurnMark | Note


class LivePart(msgspec.Struct, frozen=True):
    """Text or thinking of the block that is being streamed."""

    is_thinking: bool
    text: str
    dropped: int = 0
    """Characters cut from the front, so that `dropped + len(text)` only grows while the block streams."""


def weight(entry: Entry) -> int:
    """About how many bytes an entry holds in the window (characters of its texts)."""
    match entry:
        case Said(text=text) | Text(text=text) | Thinking(text=text) | Note(text=text):
            return len(text) + 64
        case ToolCall(title=title, detail=detail, diff=diff):
            lines = sum(len(line.text) for line in diff.lines) if diff else 0
            return len(title) + len(detail) + lines + 128
        case TurnMark():
            return 64


def fit(entry: Entry, most: int) -> Entry:
    """The entry, cut so that it alone does not weigh more than `most` (at least 1,000)."""
    if weight(entry) <= most:
        return entry
    match entry:
        case Said(text=text) | Text(text=text) | Thinking(text=text) | Note(text=text):
            return msgspec.structs.replace(entry, text=_cut(text, most - 64))
        case ToolCall():
            return _fit_tool(entry, most - 128)
        case TurnMark():
            return entry


def _fit_tool(call: ToolCall, most: int) -> ToolCall:
    title = _cut(call.title, most // 4)
    diff = call.diff
    if diff is not None and sum(len(line.text) for line in diff.lines) > most // 2:
        diff = msgspec.structs.replace(diff, lines=())
    rest = most - len(title) - (sum(len(line.text) for line in diff.lines) if diff is not None else 0)
    return msgspec.structs.replace(call, title=title, diff=diff, detail=_cut(call.detail, rest))


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    mark = f"\n[{len(text):,} characters; the rest is not shown]"
    return text[: most - len(mark)] + mark
