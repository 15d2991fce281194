"""glob: the files whose paths match a pattern."""

from pydantic import Field

from quarterdeck.tools.file_access import look_subject
from quarterdeck.tools.glob_match import glob_matcher
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.tool import Subject, allowed_place, place_of, words_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput

MOST_FOUND = 500
MOST_WALKED = 100_000
SKIPPED_FOLDERS = frozenset(
    {".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".tox"}
)
"""Left out of searches, unless the search starts inside one."""


class GlobInput(ToolInput):
    """A pattern and where to begin."""

    pattern: str = Field(min_length=1, max_length=500, description="For example **/*.py or src/**/test_*.py")
    path: str = Field(default=".", description="The folder to search, relative to the workspace or absolute.")


class GlobTool(ToolBase[GlobInput]):
    """Finds files by path."""

    name = "glob"
    rule_name = "Glob"
    input_model = GlobInput

    def title(self, parsed: GlobInput) -> str:
        """The pattern and the folder."""
        return parsed.pattern if parsed.path == "." else f"{parsed.pattern} in {parsed.path}"

    def subject(self, parsed: GlobInput, context: ToolContext) -> Subject:
        """The folder."""
        return look_subject(place_of(parsed.path, context), context)

    async def run(self, parsed: GlobInput, context: ToolContext) -> ToolResult:
        """The paths, sorted."""
        return await context.in_thread(lambda: _glob(parsed, context))


def _glob(parsed: GlobInput, context: ToolContext) -> ToolResult:
    place = allowed_place(parsed.path, context)
    matches = glob_matcher(parsed.pattern)
    try:
        files, is_whole = context.workspace.walk(
            place.real, MOST_WALKED, skip=SKIPPED_FOLDERS, outside=place.outside
        )
    except FileNotFoundError as fault:
        raise ToolRefused(f"There is no folder {place.shown}.") from fault
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault
    prefix = "" if place.shown == "." else f"{place.shown}/"
    found = [f"{prefix}{path}" for path in files if matches(path)]
    lines = [path.replace("\n", "\\n") for path in found[:MOST_FOUND]]
    if len(found) > MOST_FOUND:
        lines.append(f"(the first {MOST_FOUND} of {len(found):,})")
    if not is_whole:
        lines.append("(there are more files than could be searched; give a path)")
    return text_result("\n".join(lines) or "(no file matches)", counted(len(found), "file"))
