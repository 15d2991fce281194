"""What a tool is: a wire name, a rule name, a schema, what it would touch, and a run.

| wire name | rule name | in plan mode | asks in default mode |
|---|---|---|---|
| read, list, glob, grep | Read, List, Glob, Grep | yes | outside the folder |
| write, edit | Write, Edit | no | yes |
| bash | Bash | no | yes |
| submit_plan, ask_person | SubmitPlan, AskPerson | yes | no |
| send_message | SendMessage | yes | no |
| spawn_teammate | SpawnTeammate | only a child that plans | no |
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from quarterdeck.tools.ports import PlaceLike, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What one call would touch: what a permission shows, decides on and binds."""

    text: str
    """Shell: the whole command; files: the path as `PlaceLike.shown`; else the title."""
    rule: str | None = None
    """The exact rule that a wider yes would store; the policy may still not offer it."""
    folder: str = ""
    """Where it happens: the shell's folder, else the workspace."""
    preview: str = ""
    """What would be written, where `text` does not say it all."""
    outside: bool = False
    real_path: str = ""
    """Files: the real path; once allowed, it goes into `ToolContext.decided_path`."""
    timeout_s: float | None = None
    """The limit of this call."""
    edits_files: bool = False
    spawns_without_plan: bool = False


class Tool(Protocol):
    """One tool. `parsed` is always what its own `parse` gave."""

    @property
    def name(self) -> str:
        """On the wire."""
        ...

    @property
    def rule_name(self) -> str:
        """In rules and on the screen."""
        ...

    @property
    def read_only(self) -> bool:
        """It changes nothing outside the program."""
        ...

    @property
    def allowed_in_plan_mode(self) -> bool: ...

    @property
    def timeout_s(self) -> float | None:
        """The most that one call may take; None = it waits for the person."""
        ...

    def schema(self) -> dict[str, Any]:
        """`name`, `description`, `input_schema` for the Messages API; the same bytes each time."""
        ...

    def parse(self, given: Mapping[str, Any]) -> Any:
        """The checked input. :raises ToolRefused: one line that says what is wrong."""
        ...

    def title(self, parsed: Any) -> str:
        """The command, path or pattern, raw."""
        ...

    def subject(self, parsed: Any, context: ToolContext) -> Subject:
        """What it would touch. :raises ToolRefused: the path leads nowhere."""
        ...

    async def run(self, parsed: Any, context: ToolContext) -> ToolResult:
        """Do it. :raises ToolRefused: nothing was done."""
        ...


def place_of(path: str, context: ToolContext) -> PlaceLike:
    """Where a path leads. :raises ToolRefused: nowhere that could be named."""
    try:
        return context.workspace.place(path)
    except OSError as fault:
        raise ToolRefused(words_of(fault)) from fault


def allowed_place(path: str, context: ToolContext) -> PlaceLike:
    """As `place_of`, right before use: the very place that was decided on, else only the workspace."""
    place = place_of(path, context)
    if context.decided_path and place.real != context.decided_path:
        raise ToolRefused(f"{path} leads elsewhere now ({place.shown}); nothing was done.")
    if place.outside and not context.decided_path:
        raise ToolRefused(f"{place.shown} is outside the workspace and was not allowed.")
    return place


def words_of(fault: OSError) -> str:
    """What went wrong, in one line: our own text, or the system's with the path."""
    if fault.strerror is None:
        return str(fault) or type(fault).__name__
    return f"{fault.strerror}: {fault.filename}" if fault.filename else fault.strerror
