"""What the model may pass: schemas, unknown fields, bounds (PRM-09)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from quarterdeck.tools.ports import ToolRefused
from quarterdeck.tools.registry import standard_tools, tool_by_name
from quarterdeck.tools.tool import Tool

NAMES = [
    "read",
    "write",
    "edit",
    "list",
    "glob",
    "grep",
    "bash",
    "submit_plan",
    "ask_person",
    "send_message",
    "spawn_teammate",
]

VALID: dict[str, dict[str, Any]] = {
    "read": {"path": "a"},
    "write": {"path": "a", "content": ""},
    "edit": {"path": "a", "old_text": "x", "new_text": ""},
    "list": {"path": "."},
    "glob": {"pattern": "*"},
    "grep": {"pattern": "x"},
    "bash": {"command": "ls"},
    "submit_plan": {"plan": "1. Look"},
    "ask_person": {"question": "Which?"},
    "send_message": {"to": "coder", "text": "hi"},
    "spawn_teammate": {"name": "tester", "prompt": "test it"},
}


def tool(name: str) -> Tool:
    found = tool_by_name(name)
    assert found is not None
    return found


def nodes(schema: Any) -> list[Mapping[str, Any]]:
    """Every object in a schema, at any depth."""
    match schema:
        case dict():
            return [schema, *(one for value in schema.values() for one in nodes(value))]
        case list():
            return [one for value in schema for one in nodes(value)]
    return []


def test_the_tools_have_their_wire_names_in_a_fixed_order() -> None:
    assert [one.name for one in standard_tools()] == NAMES
    assert tool_by_name("nope") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_plain_and_the_same_each_time(name: str) -> None:
    schema = tool(name).schema()
    assert list(schema) == ["name", "description", "input_schema"]
    assert schema["name"] == name
    assert len(schema["description"]) > 40
    assert json.dumps(schema) == json.dumps(tool(name).schema())
    top = schema["input_schema"]
    assert top["type"] == "object"
    assert set(VALID[name]) <= set(top["properties"])
    for node in nodes(top):
        assert not {"$defs", "$ref", "anyOf", "default"} & set(node)
        assert not isinstance(node.get("title"), str)
        if node.get("type") == "object":
            assert node["additionalProperties"] is False


@pytest.mark.parametrize("name", NAMES)
def test_required_fields_are_required(name: str) -> None:
    required = tool(name).schema()["input_schema"].get("required", [])
    for field in required:
        given = {key: value for key, value in VALID[name].items() if key != field}
        with pytest.raises(ToolRefused, match=f"'{field}' is missing"):
            tool(name).parse(given)
    tool(name).parse({field: VALID[name][field] for field in required})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("extra", [{"sandbox": False}, {"cwd": "/"}, {"auto_approve": True}, {"timeout": 1}])
def test_a_field_that_is_not_the_tools_own_is_refused(name: str, extra: dict[str, Any]) -> None:
    tool(name).parse(VALID[name])
    with pytest.raises(ToolRefused, match="is no parameter; it takes") as refused:
        tool(name).parse(VALID[name] | extra)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("read", {"offset": 0}),
        ("read", {"limit": 0}),
        ("read", {"limit": 2_001}),
        ("read", {"path": 7}),
        ("read", {"path": None}),
        ("edit", {"old_text": ""}),
        ("bash", {"command": ""}),
        ("bash", {"timeout_s": 0}),
        ("bash", {"timeout_s": 601}),
        ("bash", {"timeout_s": float("nan")}),
        ("bash", {"timeout_s": float("inf")}),
        ("ask_person", {"options": [str(n) for n in range(10)]}),
        ("ask_person", {"options": [""]}),
        ("submit_plan", {"plan": ""}),
        ("submit_plan", {"answers": [{"comment_id": "c1"}]}),
        ("submit_plan", {"answers": [{"comment_id": "c1", "text": "x", "approved": True}]}),
        ("spawn_teammate", {"plan_mode": "perhaps"}),
        ("spawn_teammate", {"permission_mode": "bypass"}),
        ("write", {"content": "\ud83d"}),
    ],
)
def test_values_out_of_bounds_are_refused_in_one_line(name: str, change: dict[str, Any]) -> None:
    with pytest.raises(ToolRefused) as refused:
        tool(name).parse(VALID[name] | change)
    assert len(str(refused.value).splitlines()) == 1
    assert str(refused.value).startswith(f"{name}: ")


def test_only_tools_that_wait_for_the_person_have_no_time_limit() -> None:
    assert {one.name for one in standard_tools() if one.timeout_s is None} == {"submit_plan", "ask_person"}


def test_only_tools_that_change_nothing_call_themselves_read_only() -> None:
    changing = {one.name for one in standard_tools() if not one.read_only}
    assert changing == {"write", "edit", "bash", "spawn_teammate"}
