"""grep: lines that match a regular expression, searched by a program of its own with a time limit."""

import json
import posixpath
import shlex
import sys
from fnmatch import translate
from pathlib import Path, PurePath
from typing import Any

from pydantic import Field

from quarterdeck.tools.bash import run_command
from quarterdeck.tools.file_access import look_subject
from quarterdeck.tools.glob import SKIPPED_FOLDERS
from quarterdeck.tools.ports import PlaceLike, ShellResult, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, counted, text_result
from quarterdeck.tools.tool import Subject, allowed_place, place_of
from quarterdeck.tools.tool_base import ToolBase, ToolInput

TIME_LIMIT_S = 20.0
MOST_HITS = 200
MOST_LINE = 300
"""Characters of one found line."""
MOST_FILE = 10_000_000
"""Bytes of one file that are searched."""
_PROGRAM = str(Path(__file__).with_name("grep_program.py"))


class GrepInput(ToolInput):
    """What to look for, and where."""

    pattern: str = Field(min_length=1, max_length=2_000, description="A Python regular expression, per line.")
    path: str = Field(default=".", description="The folder or file to search.")
    glob: str | None = Field(
        default=None, min_length=1, max_length=500, description="Only files that match, such as *.py"
    )


class GrepTool(ToolBase[GrepInput]):
    """Searches in files."""

    name = "grep"
    rule_name = "Grep"
    input_model = GrepInput

    def title(self, parsed: GrepInput) -> str:
        """The pattern, quoted, and where."""
        where = "" if parsed.path == "." else f" in {parsed.path}"
        return f'"{parsed.pattern}"{where}' + (f" ({parsed.glob})" if parsed.glob else "")

    def subject(self, parsed: GrepInput, context: ToolContext) -> Subject:
        """The folder or file."""
        return look_subject(place_of(parsed.path, context), context)

    async def run(self, parsed: GrepInput, context: ToolContext) -> ToolResult:
        """The lines, as `path:number:line`."""
        place = await context.in_thread(lambda: allowed_place(parsed.path, context))
        asked = json.dumps(_asked(parsed, place, context))
        command = shlex.join([sys.executable, "-I", "-S", _PROGRAM, asked])
        answer = _answer(await run_command(context, command, TIME_LIMIT_S, _unheard))
        lines = [f"{path}:{number}:{line}" for path, number, line in answer["found"]]
        if answer["total"] > len(lines):
            lines.append(f"(the first {len(lines)} of {answer['total']:,} lines)")
        lines += [f"(of {path} only the first {MOST_FILE:,} bytes were searched)" for path in answer["huge"]]
        content = "\n".join(lines) or "(nothing found)"
        return text_result(content, counted(answer["total"], "hit"))


def _asked(parsed: GrepInput, place: PlaceLike, context: ToolContext) -> dict[str, Any]:
    base = "/" if place.outside else context.workspace.root
    return {
        "pattern": parsed.pattern,
        "glob": _steps(parsed.glob),
        "base": base,
        "parts": PurePath(place.real).relative_to(base).parts,
        "shown": place.shown,
        "skip": sorted(SKIPPED_FOLDERS),
        "denied": sorted(posixpath.normpath(path).casefold() for path in context.denied_reads),
        "most": MOST_HITS,
        "most_line": MOST_LINE,
        "most_bytes": MOST_FILE,
    }


def _steps(glob: str | None) -> list[str]:
    """The glob as one expression per name; empty for `**`."""
    if glob is None:
        return []
    parts = [part for part in glob.split("/") if part not in ("", ".")]
    whole = ["**", *parts] if parts[:1] != ["**"] else parts
    return ["" if part == "**" else translate(part) for part in whole]


def _answer(result: ShellResult) -> dict[str, Any]:
    """What the program printed. :raises ToolRefused: the time ran out, or the pattern is none."""
    if result.timed_out:
        raise ToolRefused(
            f"The search took more than {TIME_LIMIT_S:g} s; make the pattern or the path narrower."
        )
    try:
        answer: dict[str, Any] = json.loads(result.output.strip().rsplit("\n", 1)[-1])
    except ValueError as fault:
        raise ToolRefused(f"The search ended early: {result.output.strip()[-200:]}") from fault
    if "fault" in answer:
        raise ToolRefused(f"grep: {answer['fault']}")
    return answer


def _unheard(text: str) -> None:
    """The program's output is for this tool alone."""
