"""What our tools share: an input that pydantic checks, the schema made of it, a description in a file."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from quarterdeck.tools.ports import ToolRefused
from quarterdeck.tools.schema import plain_schema


class ToolInput(BaseModel):
    """The input of a tool: nothing but its own fields, so that `sandbox: false` and the like are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
