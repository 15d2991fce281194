"""read: a file as numbered lines, a bounded part of it at a time."""

from collections.abc import Sequence

from pydantic import Field

from quarterdeck.tools.file_access import look_subject, mark_of, read_file
from quarterdeck.tools.ports import FileBytesLike, PlaceLike, ToolContext
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.text_file import TextFile, decode
from quarterdeck.tools.tool import Subject, allowed_place, place_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput

MOST_READ = 10_000_000
"""Bytes from the beginning of a file that can be read."""
MOST_LINES = 2_000
MOST_LINE = 2_000
"""Characters of one line."""
_MOST_TEXT = 29_000


class ReadInput(ToolInput):
    """A path and a range of lines."""

    path: str = Field(description="The file, relative to the workspace or absolute.")
    offset: int = Field(default=1, ge=1, description="The first line to read, counted from 1.")
    limit: int = Field(default=MOST_LINES, ge=1, le=MOST_LINES, description="How many lines to read.")


class ReadTool(ToolBase[ReadInput]):
    """Reads files."""

    name = "read"
    rule_name = "Read"
    input_model = ReadInput

    def title(self, parsed: ReadInput) -> str:
        """The path."""
        return parsed.path

    def subject(self, parsed: ReadInput, context: ToolContext) -> Subject:
        """The file."""
        return look_subject(place_of(parsed.path, context), context)

    async def run(self, parsed: ReadInput, context: ToolContext) -> ToolResult:
        """The lines, and what is left out."""
        return await context.in_thread(lambda: _read(parsed, context))


def _read(parsed: ReadInput, context: ToolContext) -> ToolResult:
    place = allowed_place(parsed.path, context)
    file = read_file(place, context, MOST_READ)
    context.reads.note(place.real, mark_of(file))
    text = decode(file.content)
    if text is None:
        return text_result(f"{place.shown} is binary, {counted(file.size, 'byte')}.", "binary")
    if not file.content:
        return text_result(f"{place.shown} is empty.", "empty")
    return _numbered(parsed, place, file, text)


def _numbered(parsed: ReadInput, place: PlaceLike, file: FileBytesLike, text: TextFile) -> ToolResult:
    lines = text.shown.split("\n")
    if lines[-1] == "":
        lines.pop()
    first = parsed.offset - 1
    shown = _fitting(lines[first : first + parsed.limit], parsed.offset)
    last = first + len(shown)
    notes = _notes(first, last, lines, file, text)
    summary = (
        counted(len(lines), "line") if len(shown) == len(lines) else f"{len(shown):,} of {len(lines):,} lines"
    )
    if not shown:
        notes.insert(0, f"{place.shown} has only {counted(len(lines), 'line')}.")
    content = "\n".join([*shown, *(f"({note})" for note in notes)])
    return text_result(content, summary, detail="\n".join(shown))


def _fitting(lines: Sequence[str], number: int) -> list[str]:
    """Numbered lines, as many as the model gets in one result; at least one."""
    shown: list[str] = []
    room = _MOST_TEXT
    for at, line in enumerate(lines, number):
        cut = line if len(line) <= MOST_LINE else f"{line[:MOST_LINE]}… ({len(line):,} characters)"
        text = f"{at:>6}\t{cut}"
        room -= len(text) + 1
        if room < 0 and shown:
            break
        shown.append(text)
    return shown


def _notes(first: int, last: int, lines: list[str], file: FileBytesLike, text: TextFile) -> list[str]:
    notes = list(text.traits)
    if first < last < len(lines):
        notes.append(f"lines {first + 1:,}-{last:,} of {len(lines):,}; go on with offset={last + 1}")
    if not file.is_whole:
        notes.append(f"the file has {file.size:,} bytes; only the first {MOST_READ:,} can be read here")
    elif not file.content.endswith((b"\n", b"\n\0")) and last >= len(lines):
        notes.append("no newline at the end of the file")
    return notes
