"""list: one folder, by name."""

from pydantic import Field

from quarterdeck.tools.file_access import look_subject
from quarterdeck.tools.ports import FolderEntryLike, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.tool import Subject, allowed_place, place_of, words_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput

MOST_ENTRIES = 500


class ListInput(ToolInput):
    """A folder."""

    path: str = Field(default=".", description="The folder, relative to the workspace or absolute.")


class ListTool(ToolBase[ListInput]):
    """Lists folders."""

    name = "list"
    rule_name = "List"
    input_model = ListInput

    def title(self, parsed: ListInput) -> str:
        """The folder."""
        return parsed.path

    def subject(self, parsed: ListInput, context: ToolContext) -> Subject:
        """The folder."""
        return look_subject(place_of(parsed.path, context), context)

    async def run(self, parsed: ListInput, context: ToolContext) -> ToolResult:
        """Its entries."""
        return await context.in_thread(lambda: _list(parsed, context))


def _list(parsed: ListInput, context: ToolContext) -> ToolResult:
    place = allowed_place(parsed.path, context)
    try:
        entries, is_whole = context.workspace.list_folder(place.real, MOST_ENTRIES, outside=place.outside)
    except FileNotFoundError as fault:
        raise ToolRefused(f"There is no folder {place.shown}.") from fault
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault
    lines = [_line(entry) for entry in entries]
    if not is_whole:
        lines.append(f"(only the first {MOST_ENTRIES} are listed; use glob)")
    files = sum(entry.kind == "file" for entry in entries)
    summary = counted(files, "file") if files == len(entries) else counted(len(entries), "entry", "entries")
    return text_result("\n".join(lines) or "(the folder is empty)", summary)


def _line(entry: FolderEntryLike) -> str:
    # A line break in a name would make two entries of one.
    name = entry.name.replace("\n", "\\n")
    match entry.kind:
        case "folder":
            return f"{name}/"
        case "file":
            return f"{name}  {counted(entry.size, 'byte')}"
    return f"{name}  ({entry.kind})"
