"""What a tool call gives back: text for the model, a folded view for the person, a diff. Always bounded."""

import msgspec

from quarterdeck.domain.messages import Block

MOST_CONTENT = 30_000
"""Characters of a result that the model gets."""
MOST_DETAIL = 8_000
"""Characters of the person's folded view."""

DiffLines = tuple[tuple[str, int, str], ...]
"""`(sign, number, text)`: sign ` `, `+` or `-`; the number in the new text, for `-` in the old one."""


class FileDiff(msgspec.Struct, frozen=True):
    """A change of one file, with a little context. Same shape as `state.entries.Diff`."""

    path: str
    added: int
    removed: int
    lines: DiffLines
    """Bounded; `added` and `removed` count the whole change."""


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one call that ran."""

    content: str | tuple[Block, ...]
    """For the model; text is at most `MOST_CONTENT` characters."""
    is_error: bool = False
    summary: str
    """A few words for one line: `61 lines`, `exit 0`, `+1 -1`."""
    detail: str = ""
    """The person's folded view, raw text; at most `MOST_DETAIL` characters."""
    diff: FileDiff | None = None
    ends_turn: bool = False


def text_result(
    content: str,
    summary: str,
    *,
    detail: str | None = None,
    is_error: bool = False,
    diff: FileDiff | None = None,
) -> ToolResult:
    """A bounded result; without `detail` the person sees what the model sees."""
    return ToolResult(
        content=cut_middle(wire_text(content), MOST_CONTENT),
        summary=summary,
        detail=cut_middle(wire_text(content if detail is None else detail), MOST_DETAIL),
        is_error=is_error,
        diff=diff,
    )


def wire_text(text: str) -> str:
    """The text as JSON in UTF-8 can carry it: no lone surrogates, no NUL."""
    whole = text.replace("\0", "␀")
    return whole.encode("utf-8", "replace").decode("utf-8") if not whole.isascii() else whole


def cut_middle(text: str, most: int) -> str:
    """The text with its head and tail kept and a line about what was left out; at most `most` characters."""
    if len(text) <= most:
        return text
    room = most - 60
    head, tail = room * 3 // 5, room * 2 // 5
    return f"{text[:head]}\n… {len(text) - head - tail:,} characters left out …\n{text[-tail:]}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 line`, `61 lines`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
