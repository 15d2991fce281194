"""Scenario files: rules that choose a reply by a request's conversation alone. No counters, no clock.

A file is TOML:

    models = ["claude-test"]           # offered by GET /v1/models; empty = any model is accepted
    api_key = "secret"                 # left out: every key is accepted, and none too
    pace = { chars = 30, seconds = 0.04 }
    cache = { minimum_tokens = 1024, lifetime_s = 300, long_lifetime_s = 3600 }
    [default]                          # when no rule matches; a reply without `when`
    text = "…"
    [[reply]]                          # the first that matches wins; fields: see `replies`
    name = "researcher reads"          # a note for people
    when = { agent = "researcher", tool_results = 0 }    # fields: see `When`; all must hold
    content = [{ text = "I look." }, { tool = "read", input = { path = "README.md" } }]

Texts may hold `{{agent}}`, `{{last_user_text}}`, named groups of the rule's patterns, and names that the
program fills at load. In a tool's input a table `{ for_each = PATTERN, make = VALUE }` becomes a list: one
VALUE for each place where PATTERN fits what was told last (`When.told`), with its named groups.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, ValidationError, model_validator

from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Pace, Reply, ReplyFields, Strict
from quarterdeck.llm.scripted.templates import fill, names_in

Pattern = re.Pattern[str]


class ScenarioFault(ValueError):
    """A scenario that cannot be used: one line, `file:line: what`."""


class Count(Strict):
    """A number within bounds, both inclusive."""

    min: NonNegativeInt = 0
    max: NonNegativeInt | None = None

    def holds(self, number: int) -> bool:
        """Whether `number` lies within."""
        return self.min <= number and (self.max is None or number <= self.max)


class When(Strict):
    """Conditions on the conversation; those left out hold. Patterns are searched (`re.search`)."""

    agent: str | None = None
    """The name in `You are NAME,` of the system prompt."""
    model: str | None = None
    offers_tool: str | None = None
    last_user_text: Pattern | None = None
    """The text of the last user message; empty when that holds tool results alone."""
    told: Pattern | None = None
    """What the last message says: its texts, and the texts of its tool results."""
    user_said: Pattern | None = None
    """The text of all user messages."""
    last_tool: str | None = None
    """The tool whose result is the last one of the last message; empty = it has none."""
    last_tool_result: Pattern | None = None
    last_tool_error: bool | None = None
    said: Pattern | None = None
    """All that the assistant wrote; a tool call counts as `NAME: ` and the texts of its input."""
    not_said: Pattern | None = None
    called: str | None = None
    """A tool that was called somewhere in the conversation."""
    not_called: str | None = None
    tool_results: NonNegativeInt | Count | None = None
    """How many tool results the conversation holds."""

    def match(self, conversation: Conversation) -> dict[str, str] | None:
        """The named groups of the patterns when every condition holds, else None."""
        if not all(self._plain(conversation)):
            return None
        groups: dict[str, str] = {}
        for pattern, text in self._searched(conversation):
            hit = pattern.search(text)
            if hit is None:
                return None
            groups.update({name: value or "" for name, value in hit.groupdict().items()})
        return groups

    @cached_property
    def names(self) -> frozenset[str]:
        """The named groups that a match gives."""
        patterns = (self.last_user_text, self.told, self.user_said, self.last_tool_result, self.said)
        return frozenset(name for pattern in patterns if pattern is not None for name in pattern.groupindex)

    def _plain(self, conversation: Conversation) -> Iterator[bool]:
        yield self.agent in (None, conversation.agent)
        yield self.model in (None, conversation.request.get("model"))
        yield self.last_tool in (None, conversation.last_tool)
        if self.last_tool_error is not None:
            yield conversation.last_result is not None
            yield conversation.last_result_failed is self.last_tool_error
        if self.offers_tool is not None:
            yield self.offers_tool in conversation.offered
        called = {call.get("name") for call in conversation.calls} if self.called or self.not_called else ()
        yield self.called is None or self.called in called
        yield self.not_called is None or self.not_called not in called
        match self.tool_results:
            case int() as exact:
                yield conversation.results == exact
            case Count() as count:
                yield count.holds(conversation.results)
        if self.not_said is not None:
            yield self.not_said.search(conversation.said) is None

    def _searched(self, conversation: Conversation) -> Iterator[tuple[Pattern, str]]:
        if self.last_user_text is not None:
            yield self.last_user_text, conversation.last_user_text
        if self.told is not None:
            yield self.told, conversation.told
        if self.user_said is not None:
            yield self.user_said, conversation.heard
        if self.last_tool_result is not None:
            yield self.last_tool_result, conversation.last_result_text
        if self.said is not None:
            yield self.said, conversation.said


class Rule(ReplyFields):
    """One `[[reply]]`: when, and what."""

    name: str = ""
    when: When = When()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        given = {"agent", "last_user_text", *self.when.names}
        for name in _open_names(self.model_dump(include=_TEMPLATED, exclude_none=True)):
            if name not in given:
                raise ValueError(f"nothing gives {{{{{name}}}}}")
        return self


class CacheSettings(Strict):
    """The prompt cache of the scripted endpoint."""

    minimum_tokens: NonNegativeInt = 1024
    """A shorter prefix is not written."""
    lifetime_s: PositiveFloat = 300.0
    """Of an ordinary breakpoint; every hit renews it."""
    long_lifetime_s: PositiveFloat = 3600.0
    """Of a breakpoint with `ttl = "1h"`."""


class Scenario(Strict):
    """Settings and rules. A `Responder`."""

    models: tuple[str, ...] = ()
    """Offered by `GET /v1/models`; another model is refused with 404. Empty: any model is accepted."""
    api_key: str | None = None
    pace: Pace = Pace()
    cache: CacheSettings = CacheSettings()
    default: Rule = Field(default_factory=lambda: Rule(text="(The scenario has no reply to this.)"))
    reply_rules: tuple[Rule, ...] = Field(default=(), alias="reply")

    def reply(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """The reply of the first rule that matches, its templates filled."""
        conversation = Conversation(request)
        for place, rule in enumerate(self.reply_rules):
            groups = rule.when.match(conversation)
            if groups is not None:
                return _filled(rule, place, groups, conversation)
        return _filled(self.default, None, {}, conversation)


_TEMPLATED = {"text", "content", "error", "error_event"}
_REPLY_ONLY = {"name", "when"}


def _filled(rule: Rule, place: int | None, groups: Mapping[str, str], conversation: Conversation) -> Reply:
    values = {"agent": conversation.agent, "last_user_text": conversation.last_user_text, **groups}
    fields = rule.model_dump(exclude=_REPLY_ONLY, exclude_unset=True)
    for key in _TEMPLATED & fields.keys():
        fields[key] = fill(_spread(fields[key], conversation.told), values)
    return Reply(**fields, rule=place)


def _is_loop(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"for_each", "make"}


def _spread(value: Any, told: str) -> Any:
    """`value` with every `for_each` table made into its list."""
    if _is_loop(value):
        hits = re.finditer(value["for_each"], told)
        return [fill(value["make"], {k: v or "" for k, v in hit.groupdict().items()}) for hit in hits]
    match value:
        case Mapping():
            return {key: _spread(inner, told) for key, inner in value.items()}
        case list() | tuple():
            return [_spread(inner, told) for inner in value]
    return value


def _open_names(value: Any) -> Iterator[str]:
    """The names that a reply's texts need from its rule, those of `for_each` patterns left out."""
    if _is_loop(value):
        try:
            own = re.compile(value["for_each"]).groupindex
        except (re.error, TypeError) as e:
            raise ValueError(f"for_each is no pattern: {e}") from e
        yield from (name for name in names_in(value["make"]) if name not in own)
        return
    match value:
        case Mapping():
            for inner in value.values():
                yield from _open_names(inner)
        case list() | tuple():
            for inner in value:
                yield from _open_names(inner)
        case _:
            yield from names_in(value)


def load_scenario(path: Path, values: Mapping[str, str] | None = None) -> Scenario:
    """The scenario in a TOML file, with `values` filled in for their `{{names}}`.

    :raises ScenarioFault: it cannot be read, or does not keep to the schema.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ScenarioFault(f"{path}: {getattr(e, 'strerror', None) or e}") from e
    return parse_scenario(text, str(path), values)


def parse_scenario(text: str, origin: str, values: Mapping[str, str] | None = None) -> Scenario:
    """The scenario in some TOML; `origin` is the file's name in faults.

    :raises ScenarioFault: as `load_scenario`.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ScenarioFault(f"{origin}:{_line_of_syntax(str(e))}: {e}") from e
    try:
        return Scenario.model_validate(fill(table, values or {}))
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "scenario"
        more = f" (and {e.error_count() - 1} more)" if e.error_count() > 1 else ""
        line = _line_of(text, first["loc"])
        raise ScenarioFault(f"{origin}:{line}: {where}: {first['msg']}{more}") from e


def _line_of_syntax(message: str) -> int:
    hit = re.search(r"line (\d+)", message)
    return int(hit[1]) if hit else 1


def _line_of(text: str, where: tuple[int | str, ...]) -> int:
    """About where a field stands: its rule's header, then the first line that names it."""
    lines = text.splitlines()
    at = 0
    if where[:1] == ("reply",) and len(where) > 1:
        headers = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*reply\s*\]\]", line)]
        place = where[1]
        at = headers[place] if isinstance(place, int) and place < len(headers) else 0
    words = [part for part in where if isinstance(part, str)]
    if words:
        named = re.compile(rf"\b{re.escape(words[-1])}\b")
        at = next((n for n in range(at, len(lines)) if named.search(lines[n])), at)
    return at + 1
