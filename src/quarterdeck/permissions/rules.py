"""Rules in the field's syntax: `Read`, `Bash(exact command)`, `Edit(exact path)`. Patterns are refused.

As in the field, an Edit rule is for every tool that changes files, a Read rule for every tool that reads.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.permissions.shell_words import why_no_rule

RULE_NAMES = (
    "Read",
    "List",
    "Glob",
    "Grep",
    "Write",
    "Edit",
    "Bash",
    "SubmitPlan",
    "AskPerson",
    "SendMessage",
    "SpawnTeammate",
)
"""Every tool that a rule can name."""

_COVERS = {"Edit": frozenset({"Edit", "Write"}), "Read": frozenset({"Read", "List", "Glob", "Grep"})}
_WITH_PATH = frozenset({"Read", "List", "Glob", "Grep", "Write", "Edit"})
_WITH_CONTENT = _WITH_PATH | {"Bash"}


class RuleFault(ValueError):
    """A rule that cannot be; one line that says why."""


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    tool: str
    exact: str | None = None
    """The command or path, exactly; None = every call of the tool."""

    @property
    def text(self) -> str:
        """As it is written."""
        return self.tool if self.exact is None else f"{self.tool}({self.exact})"


def parse_rule(text: str) -> Rule:
    """Read one rule. :raises RuleFault: unknown tool, a pattern, or no rule at all."""
    tool, bracket, rest = text.partition("(")
    tool = tool.strip()
    if tool not in RULE_NAMES:
        raise RuleFault(_unknown(tool))
    if not bracket:
        return Rule(tool=tool)
    if not rest.endswith(")"):
        raise RuleFault(f"{clean_name(text)[:200]}: the closing bracket is missing.")
    exact = rest[:-1]
    if not exact.strip():
        raise RuleFault(f"{tool}(): nothing is named; write {tool} alone for every call.")
    if "*" in exact:
        raise RuleFault(f"{clean_name(text)[:200]}: patterns are not built yet; name it exactly.")
    if tool not in _WITH_CONTENT:
        raise RuleFault(f"{tool} takes no brackets: nothing of a call can be named.")
    return Rule(tool=tool, exact=exact)


def offered_rule(candidate: str | None) -> str | None:
    """The rule that a wider yes may store, or None when it cannot be shown and understood whole."""
    if candidate is None:
        return None
    try:
        rule = parse_rule(candidate)
    except RuleFault:
        return None
    if rule.exact is None or why_no_rule(rule.exact):
        return None
    return rule.text


def why_not_offered(candidate: str | None) -> str:
    """Why `offered_rule` gives none, in a few words; empty = it gives one, or nothing was asked for."""
    _, _, rest = (candidate or "").partition("(")
    return why_no_rule(rest[:-1]) if rest else ""


def allows(rule: Rule, *, tool: str, subject: str, real_path: str) -> bool:
    """Whether the rule names exactly this call. Commands byte for byte; paths without `./` and the like."""
    if not _covers(rule, tool):
        return False
    if rule.exact is None:
        return True
    if rule.tool not in _WITH_PATH:
        return rule.exact == subject
    return posixpath.normpath(rule.exact) in _paths(subject, real_path)


def denies(rule: Rule, *, tool: str, subject: str, real_path: str) -> bool:
    """As `allows`, but wider, since it must hold: in a longer command, in any case, below a folder.

    A path that must not be read is not named in a command either; what a command hides is beyond rules.
    """
    if rule.tool == "Read" and rule.exact is not None and tool == "Bash":
        return _contains_command(subject, posixpath.normpath(rule.exact))
    if not _covers(rule, tool):
        return False
    if rule.exact is None:
        return True
    if rule.tool not in _WITH_PATH:
        return _contains_command(subject, rule.exact)
    denied = posixpath.normpath(rule.exact).casefold()
    own = [path.casefold() for path in _paths(subject, real_path)]
    return any(path == denied or path.startswith(denied.rstrip("/") + "/") for path in own)


def with_real_paths(rules: Iterable[Rule], real: Callable[[str], str]) -> tuple[Rule, ...]:
    """Deny rules, and beside each that names a path the same for where it leads (`real` says where).

    So a rule for a link also holds for the file, and one with `~` or a link on its way holds at all.
    `real` may raise OSError for a path that leads nowhere; its rule stays as it is.
    """
    whole: list[Rule] = []
    for rule in rules:
        whole.append(rule)
        if rule.exact is None or rule.tool not in _WITH_PATH:
            continue
        with suppress(OSError):
            whole.append(Rule(tool=rule.tool, exact=real(rule.exact)))
    return tuple(whole)


def _covers(rule: Rule, tool: str) -> bool:
    return tool in _COVERS.get(rule.tool, {rule.tool})


def _paths(subject: str, real_path: str) -> tuple[str, ...]:
    return tuple(posixpath.normpath(path) for path in (subject, real_path) if path)


def _contains_command(command: str, denied: str) -> bool:
    """Whether the denied command stands anywhere in the text as words, however it is spaced or quoted."""
    words = _bare_words(denied)
    if not words:
        return True
    return re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", _bare_words(command)) is not None


def _bare_words(command: str) -> str:
    joined = command.replace("\\\n", "")
    return " ".join(re.sub(r"[\"'\\]", "", joined).split())


def _unknown(tool: str) -> str:
    shown = clean_name(tool)[:60]
    if tool.startswith("mcp__"):
        return f"{shown}: MCP tools are not built yet."
    known = {name.casefold(): name for name in RULE_NAMES}
    near = get_close_matches(tool.casefold(), known, n=1, cutoff=0.5)
    hint = f"did you mean {known[near[0]]}?" if near else f"tools are {', '.join(RULE_NAMES)}."
    return f"{shown!r} is no tool; {hint}"
