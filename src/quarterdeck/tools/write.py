"""write: a whole file, in one step. It never overwrites what the run has not read."""

from pydantic import Field

from quarterdeck.tools.diffs import file_diff
from quarterdeck.tools.file_access import MOST_CHANGED, change_subject, read_for_change, write_file
from quarterdeck.tools.ports import PlaceLike, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.text_file import TextFile, encode, with_eol
from quarterdeck.tools.tool import Subject, allowed_place, place_of, words_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput


class WriteInput(ToolInput):
    """A path and the whole new content."""

    path: str = Field(description="The file, relative to the workspace or absolute.")
    content: str = Field(description="The whole content that the file shall have.")


class WriteTool(ToolBase[WriteInput]):
    """Writes files."""

    name = "write"
    rule_name = "Write"
    input_model = WriteInput
    read_only = False
    allowed_in_plan_mode = False

    def title(self, parsed: WriteInput) -> str:
        """The path."""
        return parsed.path

    def subject(self, parsed: WriteInput, context: ToolContext) -> Subject:
        """The file, with what it would hold."""
        return change_subject(place_of(parsed.path, context), context, parsed.content)

    async def run(self, parsed: WriteInput, context: ToolContext) -> ToolResult:
        """Make or replace the file."""
        return await context.in_thread(lambda: _write(parsed, context))


def _write(parsed: WriteInput, context: ToolContext) -> ToolResult:
    place = allowed_place(parsed.path, context)
    if not _exists(place, context):
        content = parsed.content.encode("utf-8")
        _refuse_huge(content)
        write_file(place, content, None, context)
        return _written(place, TextFile(text=""), parsed.content, "Created")
    file, old = read_for_change(place, context)
    eol = old.eol
    text = with_eol(parsed.content, eol) if eol == "\r\n" else parsed.content
    content = encode(TextFile(text=text, encoding=old.encoding, bom=old.bom))
    _refuse_huge(content)
    write_file(place, content, file, context)
    return _written(place, old, text, "Replaced")


def _exists(place: PlaceLike, context: ToolContext) -> bool:
    try:
        context.workspace.read_bytes(place.real, 0, outside=place.outside)
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault
    return True


def _refuse_huge(content: bytes) -> None:
    if len(content) > MOST_CHANGED:
        raise ToolRefused(f"That is {len(content):,} bytes; at most {MOST_CHANGED:,} are written.")


def _written(place: PlaceLike, old: TextFile, new: str, did: str) -> ToolResult:
    diff = file_diff(place.shown, old.shown, TextFile(text=new).shown)
    lines = counted(new.count("\n") + (not new.endswith("\n") and new != ""), "line")
    return text_result(
        f"{did} {place.shown} ({lines}).", f"+{diff.added} -{diff.removed}", detail="", diff=diff
    )
