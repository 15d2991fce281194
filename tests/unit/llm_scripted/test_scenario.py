"""Rules choose by the conversation alone; files keep to the schema or say where they do not."""

from pathlib import Path
from typing import Any

import pytest

from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.llm.scripted.scenario import Scenario, ScenarioFault, load_scenario, parse_scenario


def user(*texts: str) -> dict[str, Any]:
    """A user message of some text blocks."""
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def called(name: str, **tool_input: Any) -> dict[str, Any]:
    """An assistant message that says something and calls one tool, the tool's name being the call's id."""
    use = {"type": "tool_use", "id": f"{name}-id", "name": name, "input": tool_input}
    return {"role": "assistant", "content": [{"type": "text", "text": f"I {name}."}, use]}


def result(name: str, text: str, *, is_error: bool = False) -> dict[str, Any]:
    """The result of `called(name)`."""
    block = {"type": "tool_result", "tool_use_id": f"{name}-id", "content": text, "is_error": is_error}
    return {"role": "user", "content": [block]}


def request(*messages: dict[str, Any], agent: str = "coder", **fields: Any) -> dict[str, Any]:
    """A request body of an agent."""
    system = [{"type": "text", "text": f"You are {agent}, a teammate of the team demo."}]
    return {"model": "claude-test", "system": system, "messages": list(messages), **fields}


def scenario(text: str) -> Scenario:
    """A scenario from TOML."""
    return parse_scenario(text, "story.toml")


def answer(when: str, body: dict[str, Any]) -> bool:
    """Whether a rule with this `when` answers the request."""
    one = scenario(f'[[reply]]\nwhen = {{ {when} }}\ntext = "yes"\n[default]\ntext = "no"')
    return one.reply(body, {}).text == "yes"


HI = user("Hi there")
AFTER_BASH = request(HI, called("bash", command="make test"), result("bash", "all OK"))
AFTER_FAILURE = request(HI, called("bash", command="make test"), result("bash", "boom", is_error=True))
NEXT_TURN = request(*AFTER_BASH["messages"], {"role": "assistant", "content": "Done."}, user("Thanks"))

HOLDS: list[tuple[str, dict[str, Any]]] = [
    ("", request(HI)),
    ('agent = "coder"', request(HI)),
    ('model = "claude-test"', request(HI)),
    ('last_user_text = "^Hi"', request(HI)),
    (r"last_user_text = 'there\nsecond'", request(user("Hi there", "second"))),
    ('last_user_text = "^$"', AFTER_BASH),
    ('user_said = "Hi"', AFTER_BASH),
    ('last_tool = "bash"', AFTER_BASH),
    ('last_tool = ""', request(HI)),
    ('last_tool = ""', NEXT_TURN),
    ('last_tool_result = "OK$"', AFTER_BASH),
    ("last_tool_error = true", AFTER_FAILURE),
    ("last_tool_error = false", AFTER_BASH),
    ('told = "OK"', AFTER_BASH),
    ('told = "Thanks"', NEXT_TURN),
    ('said = "I bash"', AFTER_BASH),
    ('said = "bash: make"', AFTER_BASH),
    ('not_said = "deploy"', AFTER_BASH),
    ('called = "bash"', NEXT_TURN),
    ('not_called = "edit"', NEXT_TURN),
    ("tool_results = 1", NEXT_TURN),
    ("tool_results = { min = 1 }", AFTER_BASH),
    ("tool_results = { max = 1 }", AFTER_BASH),
    ('offers_tool = "edit"', request(HI, tools=[{"name": "edit"}])),
    ('agent = "coder", last_tool = "bash", said = "make"', AFTER_BASH),
]
FAILS: list[tuple[str, dict[str, Any]]] = [
    ('agent = "code"', request(HI)),
    ('agent = "coder"', {"model": "m", "messages": [HI]}),
    ('model = "claude"', request(HI)),
    ('last_user_text = "Hi"', NEXT_TURN),
    ('user_said = "make"', AFTER_BASH),
    ('last_tool = "bash"', NEXT_TURN),
    ('last_tool = ""', AFTER_BASH),
    ('last_tool_result = "OK"', NEXT_TURN),
    ("last_tool_error = true", AFTER_BASH),
    ("last_tool_error = false", request(HI)),
    ('told = "Hi"', AFTER_BASH),
    ('said = "all OK"', AFTER_BASH),
    ('not_said = "make test"', AFTER_BASH),
    ('called = "edit"', AFTER_BASH),
    ('not_called = "bash"', NEXT_TURN),
    ("tool_results = 0", AFTER_BASH),
    ("tool_results = { min = 2 }", AFTER_BASH),
    ("tool_results = { max = 0 }", AFTER_BASH),
    ('offers_tool = "edit"', request(HI, tools=[{"name": "bash"}])),
    ('agent = "coder", last_tool = "edit"', AFTER_BASH),
]


@pytest.mark.parametrize(("when", "body"), HOLDS)
def test_a_condition_that_holds_gives_its_reply(when: str, body: dict[str, Any]) -> None:
    assert answer(when, body)


@pytest.mark.parametrize(("when", "body"), FAILS)
def test_a_condition_that_fails_leaves_the_default(when: str, body: dict[str, Any]) -> None:
    assert not answer(when, body)


def test_the_first_rule_that_matches_wins_and_says_its_place() -> None:
    rules = scenario(
        """
        [[reply]]
        when = { agent = "tester" }
        text = "one"
        [[reply]]
        when = { agent = "coder" }
        text = "two"
        [[reply]]
        text = "three"
        """
    )
    said = [rules.reply(request(HI, agent=agent), {}) for agent in ("coder", "tester", "else", "coder")]
    assert [(reply.text, reply.rule) for reply in said] == [("two", 1), ("one", 0), ("three", 2), ("two", 1)]


def test_templates_take_named_groups_the_agent_and_the_persons_words() -> None:
    rules = scenario(
        r"""
        [[reply]]
        when = { last_user_text = 'look at (?P<path>\S+)(?: and (?P<more>\S+))?' }
        content = [
          { text = "{{agent}} heard: {{last_user_text}} [{{ more }}]" },
          { tool = "read", input = { path = "{{path}}", deep = [{ "{{path}}" = "{{path}}!" }], limit = 3 } },
        ]
        """
    )
    reply = rules.reply(request(user("look at a.py")), {})
    assert reply.blocks[0].text == "coder heard: look at a.py []"
    assert reply.blocks[1].input == {"path": "a.py", "deep": [{"{{path}}": "a.py!"}], "limit": 3}


def test_words_of_the_person_are_never_templates_themselves() -> None:
    rules = scenario('[[reply]]\ntext = "{{last_user_text}}"')
    assert rules.reply(request(user("{{agent}} {{nothing}}")), {}).text == "{{agent}} {{nothing}}"


def test_a_loop_makes_one_value_for_each_hit_in_what_was_told_last() -> None:
    rules = scenario(
        r"""
        [[reply]]
        when = { last_tool = "submit_plan" }
        [[reply.content]]
        tool = "submit_plan"
        [reply.content.input.answers]
        for_each = 'comment (?P<id>\S+): (?P<asked>.*)'
        make = { comment_id = "{{id}}", text = "{{agent}}: {{asked}} - yes" }
        """
    )
    told = "rejected\ncomment c1: why?\ncomment c2: when?"
    body = request(HI, called("submit_plan", plan="x"), result("submit_plan", told))
    assert rules.reply(body, {}).blocks[0].input == {
        "answers": [
            {"comment_id": "c1", "text": "coder: why? - yes"},
            {"comment_id": "c2", "text": "coder: when? - yes"},
        ]
    }


def test_values_of_the_program_are_filled_in_at_load(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text(
        '[[reply]]\nwhen = { told = "{{word}}" }\ntext = "run {{command}} for {{agent}}"\n', "utf-8"
    )
    loaded = load_scenario(file, {"word": "go", "command": "make"})
    assert loaded.reply(request(user("go")), {}).text == "run make for coder"
    with pytest.raises(ScenarioFault, match=r"story\.toml:1: reply\.0: .*nothing gives {{command}}"):
        load_scenario(file, {"word": "go"})


NO_PATTERN = "content = [{ tool = 'x', input = { a = { for_each = '(', make = 'y' } } }]"
FAULTS = [
    ("x = ", r"s\.toml:1: Invalid value"),
    ('a = "b"\n[default]\ntext = "x"', r"s\.toml:1: a: Extra inputs are not permitted"),
    (
        '[[reply]]\ntext = "x"\n[[reply]]\nwhen = { agnet = "x" }\ntext = "x"',
        r"s\.toml:4: reply\.1\.when\.agnet: Extra inputs are not permitted",
    ),
    ("[[reply]]\nwhen = {}", r"s\.toml:1: reply\.0: .*needs text, content or error"),
    (
        '[[reply]]\nwhen = { said = "(" }\ntext = "x"',
        r"s\.toml:2: .*when\.said: .*regular expression",
    ),
    ('[[reply]]\ntext = "{{nobody}}"', r"s\.toml:1: reply\.0: .*nothing gives {{nobody}}"),
    (
        '[[reply]]\ncontent = [{ text = "a", tool = "b" }]',
        r"s\.toml:2: .*content\.0: .*exactly one",
    ),
    ('[[reply]]\ncontent = [{ text = "a", input = {} , raw_input = "x" }]', r"belong to a tool"),
    ('[[reply]]\ntext = "x"\n\ndelay_s = -1', r"s\.toml:4: reply\.0\.delay_s: .*equal to 0"),
    ('[[reply]]\ntext = "x"\ncut = { after = 1, how = "soft" }', r"s\.toml:3: reply\.0\.cut\.how: "),
    (
        "[[reply]]\nerror = { status = 200 }",
        r"s\.toml:2: reply\.0\.error\.status: .*equal to 400",
    ),
    ("[[reply]]\ntext = 'x'\nrule = 3", r"s\.toml:3: reply\.0\.rule: Extra inputs"),
    ("pace = { chars = 0 }\n[[reply]]\nbad = 1", r"s\.toml:1: pace\.chars: .* \(and \d+ more\)"),
    (f"[[reply]]\n{NO_PATTERN}", r"s\.toml:1: reply\.0: .*for_each is no pattern"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS)
def test_a_fault_is_one_line_that_says_where(text: str, words: str) -> None:
    with pytest.raises(ScenarioFault, match=words) as caught:
        parse_scenario(text, "s.toml")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFault, match="No such file"):
        load_scenario(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(ScenarioFault, match=r"latin\.toml: "):
        load_scenario(tmp_path / "latin.toml")


def test_a_rule_carries_every_field_of_its_reply() -> None:
    rules = scenario(
        """
        [[reply]]
        text = "x"
        stop_reason = "refusal"
        delay_s = 0.5
        pace = { chars = 3, seconds = 0.1 }
        ping_every_s = 2
        cut = { after = 2, how = "hard" }
        stall = { after = 1, seconds = 3, ping_every_s = 0.5 }
        error_event = { after = 4 }
        malformed = { after = 5 }
        unknown_event = { after = 6 }
        """
    )
    reply = rules.reply(request(HI), {})
    assert isinstance(reply, Reply)
    given = rules.reply_rules[0].model_dump(exclude={"name", "when"})
    assert reply.model_dump(exclude={"rule"}) == given
