"""Rules as people write them, and which of them are offered."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.permissions.policy import Allowed, Call, Grant, decide
from quarterdeck.permissions.rules import (
    RULE_NAMES,
    Rule,
    RuleFault,
    offered_rule,
    parse_rule,
    why_not_offered,
)

SHARED = Path(os.environ.get("QUARTERDECK_SHARED") or Path(__file__).parents[4] / "shared")
CORPUS = SHARED / "data" / "shell_corpus.json"
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="needs the shell corpus beside the checkout")


def test_a_rule_is_a_tool_or_a_tool_with_exactly_one_thing() -> None:
    assert parse_rule("Read") == Rule(tool="Read")
    assert parse_rule("Bash(make test)") == Rule(tool="Bash", exact="make test")
    assert parse_rule("Bash(echo (a))") == Rule(tool="Bash", exact="echo (a)")
    assert parse_rule("Edit(./src/a.py)") == Rule(tool="Edit", exact="./src/a.py")
    assert parse_rule("Edit(app/[id].tsx)").exact == "app/[id].tsx"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bash(npm run *)", "patterns are not built yet"),
        ("Edit(src/**)", "patterns are not built yet"),
        ("Bash(npm:*)", "patterns are not built yet"),
        ("Bsh", "did you mean Bash?"),
        ("bash(ls)", "did you mean Bash?"),
        ("Reed(x)", "did you mean Read?"),
        ("Quux", "tools are"),
        ("", "tools are"),
        ("*", "tools are"),
        ("mcp__server__tool", "MCP tools are not built yet"),
        ("Bash()", "nothing is named"),
        ("Bash(  )", "nothing is named"),
        ("Bash(ls", "closing bracket"),
        ("Bash(ls) ", "closing bracket"),
        ("SendMessage(coder)", "takes no brackets"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(RuleFault, match=re.escape(said)) as fault:
        parse_rule(text)
    assert "\n" not in str(fault.value)


@given(st.text())
def test_any_text_is_a_rule_or_a_fault_of_one_line(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleFault as fault:
        said = str(fault)
    else:
        said = "a rule"
        assert rule.tool in RULE_NAMES
        assert parse_rule(rule.text) == rule
    assert len(said.splitlines()) == 1


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_an_offered_rule_allows_the_command_it_was_offered_for_and_no_other(command: str, other: str) -> None:
    offered = offered_rule(f"Bash({command})")
    if offered is None:
        return
    allow = (Grant(parse_rule(offered), "rule of the team"),)

    def is_allowed(text: str) -> bool:
        call = Call(rule_name="Bash", subject=text, read_only=False, allowed_in_plan_mode=False)
        return isinstance(decide(call, mode=PermissionMode.DEFAULT, allow=allow, deny=()), Allowed)

    assert is_allowed(command)
    assert is_allowed(other) == (other == command)


@pytest.mark.parametrize(
    "command", ["make test", "python -m unittest -v", "pytest -q && ruff check .", "ls -la"]
)
def test_a_plain_command_is_offered_as_an_exact_rule(command: str) -> None:
    assert offered_rule(f"Bash({command})") == f"Bash({command})"
    assert why_not_offered(f"Bash({command})") == ""


@pytest.mark.parametrize(
    "command",
    [
        "rm *.pyc",
        "echo a\ntouch b",
        "echo\ta",
        "echo \u00a0a",
        "echo \u202ea",
        "echo \x1b[2Ka",
        "x" * 20_001,
        "sh -c 'touch x'",
        "docker run x sh -c 'make'",
        "bash -lc ls",
        "eval ls",
        "ls | xargs rm",
        "  ",
    ],
)
def test_a_command_that_cannot_be_understood_whole_is_not_offered(command: str) -> None:
    assert offered_rule(f"Bash({command})") is None
    assert why_not_offered(f"Bash({command})")


def test_no_rule_for_a_whole_tool_is_ever_offered() -> None:
    assert all(offered_rule(name) is None for name in RULE_NAMES)
    assert offered_rule(None) is None


@needs_corpus
def test_the_broad_rules_of_the_corpus_are_refused_as_patterns() -> None:
    for rule in json.loads(CORPUS.read_text())["broad_rules"]:
        with pytest.raises(RuleFault, match="patterns are not built yet"):
            parse_rule(rule)


@needs_corpus
def test_no_attack_command_passes_by_the_rules_of_ordinary_commands() -> None:
    corpus = json.loads(CORPUS.read_text())
    harmless = [word.split("(", 1)[1].split(" ")[0].rstrip("*)") for word in corpus["broad_rules"]]
    allow = tuple(Grant(Rule(tool="Bash", exact=word), "flag --allow") for word in harmless)
    for command in corpus["attack"].values():
        call = Call(rule_name="Bash", subject=command, read_only=False, allowed_in_plan_mode=False)
        decision = decide(call, mode=PermissionMode.DEFAULT, allow=allow, deny=())
        assert not isinstance(decision, Allowed), command
