"""The body as sent: marks for the prompt cache, and inputs that stay as they were."""

import copy
from types import MappingProxyType
from typing import Any

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, Message, text_block
from quarterdeck.llm.requests import ModelRequest, encode_body, with_breakpoints

MARK = {"type": "ephemeral"}


def request_of(*blocks: Block, **fields: Any) -> ModelRequest:
    whole: dict[str, Any] = {
        "system": (text_block("s1"), text_block("s2")),
        "tools": ({"name": "t1"}, {"name": "t2"}),
        "messages": (Message("user", (text_block("first"),)), Message("user", blocks)),
    }
    return ModelRequest(run_id=RunId("r"), model="m", **{**whole, **fields})


def marks(value: Any) -> int:
    return encode_body(value).count(b"cache_control")


def test_the_last_tool_system_block_and_message_block_are_marked_and_nothing_else() -> None:
    body = with_breakpoints(request_of(text_block("a"), text_block("b")))
    assert body["tools"] == [{"name": "t1"}, {"name": "t2", "cache_control": MARK}]
    assert body["system"] == [text_block("s1"), {**text_block("s2"), "cache_control": MARK}]
    assert body["messages"][1]["content"] == [text_block("a"), {**text_block("b"), "cache_control": MARK}]
    assert marks(body) == 3


def test_the_inputs_are_never_changed() -> None:
    request = request_of(text_block("a"))
    before = copy.deepcopy(msgspec.to_builtins(request))
    with_breakpoints(request)
    assert msgspec.to_builtins(request) == before


def test_thinking_empty_text_and_deferred_tools_are_never_marked() -> None:
    thinking: Block = {"type": "thinking", "thinking": "x", "signature": "s"}
    body = with_breakpoints(
        request_of(
            text_block("a"),
            thinking,
            text_block(""),
            tools=({"name": "t1"}, {"name": "t2", "defer_loading": True}),
        )
    )
    assert body["messages"][1]["content"] == [
        {**text_block("a"), "cache_control": MARK},
        thinking,
        text_block(""),
    ]
    assert body["tools"][0]["cache_control"] == MARK
    only_thinking = with_breakpoints(request_of(thinking))
    assert only_thinking["messages"][1]["content"] == [thinking]


def test_there_are_never_more_than_four_marks() -> None:
    marked = [{**text_block(str(n)), "cache_control": MARK} for n in range(3)]
    assert marks(with_breakpoints(request_of(*marked, text_block("last")))) == 4
    again = with_breakpoints(request_of(text_block("x"), *marked))
    assert marks(again) == 4


def test_a_request_without_system_and_tools_leaves_the_fields_out_and_takes_further_ones() -> None:
    thinking = MappingProxyType({"type": "enabled", "budget_tokens": 1024})
    body = with_breakpoints(
        request_of(text_block("a"), system=(), tools=(), extra={"thinking": thinking, "stream": False})
    )
    assert "system" not in body
    assert "tools" not in body
    sent = msgspec.json.decode(encode_body(body))
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert sent["stream"] is True
