"""edit: one piece of a file replaced. All other bytes, the encoding and the line ends stay."""

from bisect import bisect_left

from pydantic import Field

from quarterdeck.tools.diffs import file_diff
from quarterdeck.tools.file_access import MOST_CHANGED, change_subject, read_for_change, write_file
from quarterdeck.tools.ports import PlaceLike, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.text_file import TextFile, encode, with_eol
from quarterdeck.tools.tool import Subject, allowed_place, place_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput


class EditInput(ToolInput):
    """What to replace, and with what."""

    path: str = Field(description="The file, relative to the workspace or absolute.")
    old_text: str = Field(min_length=1, description="The exact text to replace, without line numbers.")
    new_text: str = Field(description="The text to put there.")
    replace_all: bool = Field(default=False, description="Replace every occurrence.")


class EditTool(ToolBase[EditInput]):
    """Edits files."""

    name = "edit"
    rule_name = "Edit"
    input_model = EditInput
    read_only = False
    allowed_in_plan_mode = False

    def title(self, parsed: EditInput) -> str:
        """The path."""
        return parsed.path

    def subject(self, parsed: EditInput, context: ToolContext) -> Subject:
        """The file, with the lines that would go and come."""
        gone = "".join(f"-{line}\n" for line in parsed.old_text.split("\n"))
        come = "".join(f"+{line}\n" for line in parsed.new_text.split("\n"))
        every = "every occurrence of\n" if parsed.replace_all else ""
        return change_subject(place_of(parsed.path, context), context, f"{every}{gone}{come}")

    async def run(self, parsed: EditInput, context: ToolContext) -> ToolResult:
        """Replace the text, once or everywhere."""
        return await context.in_thread(lambda: _edit(parsed, context))


def _edit(parsed: EditInput, context: ToolContext) -> ToolResult:
    place = allowed_place(parsed.path, context)
    if parsed.old_text == parsed.new_text:
        raise ToolRefused("old_text and new_text are the same; nothing was changed.")
    file, old = read_for_change(place, context)
    new = _replaced(parsed, place, old)
    content = encode(new)
    if len(content) > MOST_CHANGED:
        raise ToolRefused(
            f"The file would have {len(content):,} bytes; at most {MOST_CHANGED:,} are written."
        )
    write_file(place, content, file, context)
    diff = file_diff(place.shown, old.shown, new.shown)
    shown = "\n".join(f"{number:>6} {sign} {text}" for sign, number, text in diff.lines)
    return text_result(
        f"Edited {place.shown}:\n{shown}", f"+{diff.added} -{diff.removed}", detail="", diff=diff
    )


def _replaced(parsed: EditInput, place: PlaceLike, old: TextFile) -> TextFile:
    """The file with the text replaced. Found with line ends as newline, replaced in the file's own bytes."""
    wanted = parsed.old_text.replace("\r\n", "\n")
    starts = _found(old.text.replace("\r\n", "\n"), wanted)
    if not starts:
        raise ToolRefused(f"old_text is not in {place.shown}; read the file and copy it exactly.")
    if len(starts) > 1 and not parsed.replace_all:
        raise ToolRefused(
            f"old_text is in {place.shown} {counted(len(starts), 'time')}; add lines around it, "
            "or set replace_all."
        )
    crs = _removed_before(old.text)
    new_text = with_eol(parsed.new_text, old.eol)
    pieces: list[str] = []
    done = 0
    for start in starts:
        pieces += [old.text[done : _raw(start, crs)], new_text]
        done = _raw(start + len(wanted), crs)
    pieces.append(old.text[done:])
    return TextFile(text="".join(pieces), encoding=old.encoding, bom=old.bom)


def _found(text: str, wanted: str) -> list[int]:
    starts: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        starts.append(at)
        at = text.find(wanted, at + len(wanted))
    return starts


def _removed_before(raw: str) -> list[int]:
    """For each CR that was taken out: the place of its newline in the text without them."""
    places: list[int] = []
    at = raw.find("\r\n")
    while at >= 0:
        places.append(at - len(places))
        at = raw.find("\r\n", at + 2)
    return places


def _raw(at: int, crs: list[int]) -> int:
    """A place in the text without CRs as the place in the file's own text; a newline begins at its CR."""
    return at + bisect_left(crs, at)
