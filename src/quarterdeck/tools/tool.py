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
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from quarterdeck.tools.ports import PlaceLike, ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult
from quarterdeck.tools.schema import plain_schema


class ToolInput(BaseModel):
    """The input of a tool: nothing but its own fields, so that `sandbox: false` and the like are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


InputT = TypeVar("InputT", bound=ToolInput)


class ToolBase(Generic[InputT]):
    """What every tool of ours shares: its schema and the parsing of its input."""

    name: ClassVar[str]
    rule_name: ClassVar[str]
    input_model: ClassVar[type[ToolInput]]
    read_only: ClassVar[bool] = True
    allowed_in_plan_mode: ClassVar[bool] = True
    timeout_s: ClassVar[float | None] = 60.0

    @property
    def description(self) -> str:
        """The text for the model, from the `.md` file beside the code."""
        return _description(self.name)

    def schema(self) -> dict[str, Any]:
        """For the Messages API. Every run shares it: a thousand teammates have one. Nobody may change it."""
        return _schema(self.name, self.input_model)

    def parse(self, given: Mapping[str, Any]) -> InputT:
        """The checked input. :raises ToolRefused: one line that says what is wrong."""
        try:
            parsed: InputT = self.input_model.model_validate(dict(given))  # type: ignore[assignment] # the pair is set together
        except ValidationError as fault:
            raise ToolRefused(f"{self.name}: {_first_fault(fault, self.input_model)}") from fault
        refuse_broken_text(self.name, dict(given))
        return parsed


@cache
def _schema(name: str, model: type[ToolInput]) -> dict[str, Any]:
    return {"name": name, "description": _description(name), "input_schema": plain_schema(model)}


@cache
def _description(name: str) -> str:
    return files("quarterdeck.tools").joinpath(f"{name}.md").read_text(encoding="utf-8").strip()


def _first_fault(fault: ValidationError, model: type[ToolInput]) -> str:
    first = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:80]
    match first["type"]:
        case "extra_forbidden":
            return f"{where!r} is no parameter; it takes {', '.join(model.model_fields)}."
        case "missing":
            return f"{where!r} is missing."
    return f"{where!r}: {first['msg']}."


def refuse_broken_text(name: str, value: object) -> None:
    """Refuse text that no file or command can hold (lone surrogates)."""
    match value:
        case str():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError as fault:
                raise ToolRefused(f"{name}: the input holds broken Unicode (a lone surrogate).") from fault
        case dict():
            for part in (*value.keys(), *value.values()):
                refuse_broken_text(name, part)
        case list():
            for part in value:
                refuse_broken_text(name, part)


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
