"""bash: one command in the run's shell, with a time limit; its folder is carried to the next call."""

from collections.abc import Callable

from pydantic import Field

from quarterdeck.domain.display_text import hidden_count
from quarterdeck.processes.contract import CannotStart
from quarterdeck.tools.ports import ShellResult, ToolContext, ToolRefused
from quarterdeck.tools.results import MOST_CONTENT, ToolResult, counted, cut_middle, text_result
from quarterdeck.tools.tool import Subject
from quarterdeck.tools.tool_base import ToolBase, ToolInput

DEFAULT_TIMEOUT_S = 120.0
MOST_TIMEOUT_S = 600.0
_NOTE_ROOM = 500


class BashInput(ToolInput):
    """A command and its time limit."""

    command: str = Field(min_length=1, max_length=100_000, description="The command, for bash.")
    timeout_s: float = Field(
        default=DEFAULT_TIMEOUT_S, gt=0, le=MOST_TIMEOUT_S, description="Seconds until it is ended."
    )


class BashTool(ToolBase[BashInput]):
    """Runs commands."""

    name = "bash"
    rule_name = "Bash"
    input_model = BashInput
    read_only = False
    allowed_in_plan_mode = False
    timeout_s = MOST_TIMEOUT_S + 30  # the process service ends the command itself, at its own limit

    def title(self, parsed: BashInput) -> str:
        """The command."""
        return parsed.command

    def subject(self, parsed: BashInput, context: ToolContext) -> Subject:
        """The whole command, where it would run, and for how long."""
        shows_whole = "\n" not in parsed.command and not hidden_count(parsed.command, command=True)
        return Subject(
            text=parsed.command,
            rule=f"Bash({parsed.command})" if shows_whole else None,
            folder=context.shell.folder,
            timeout_s=parsed.timeout_s,
        )

    async def run(self, parsed: BashInput, context: ToolContext) -> ToolResult:
        """Run it to its end."""
        before = context.shell.folder
        result = await run_command(context, parsed.command, parsed.timeout_s, context.on_output)
        output = result.output.rstrip("\n")
        notes = _notes(result, before, parsed.timeout_s)
        shown = cut_middle(output, MOST_CONTENT - _NOTE_ROOM) if output else "(no output)"
        return text_result(
            "\n".join([shown, *(f"({note})" for note in notes)]),
            _summary(result),
            detail="\n".join([output, *(f"({note})" for note in notes)]).strip("\n"),
            is_error=result.timed_out or result.exit_code != 0,
        )


async def run_command(
    context: ToolContext, command: str, timeout_s: float, on_output: Callable[[str], None]
) -> ShellResult:
    """Run a command in the run's shell. :raises ToolRefused: it did not start."""
    try:
        return await context.shell.run(command, timeout_s, on_output)
    except CannotStart as fault:
        raise ToolRefused(str(fault)) from fault


def _summary(result: ShellResult) -> str:
    if result.timed_out:
        return "timed out"
    if result.exit_code is None:
        return f"signal {result.signal}" if result.signal else "ended"
    return f"exit {result.exit_code}"


def _notes(result: ShellResult, before: str, timeout_s: float) -> list[str]:
    notes: list[str] = []
    if result.timed_out:
        notes.append(f"timed out after {timeout_s:g} s and was ended")
    elif result.exit_code is None:
        notes.append(f"ended by signal {result.signal}" if result.signal else "ended")
    elif result.exit_code:
        notes.append(f"exit {result.exit_code}")
    if result.leftover:
        them = counted(result.leftover, "process", "processes")
        notes.append(
            f"{them} still ran when the command ended, and got ended; nothing runs in the background"
        )
    if result.folder != before:
        notes.append(f"the folder is now {result.folder[:300]}")
    return notes
