"""What repair does to histories that a kill, a crash or a fault left behind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.messages import Block, Message, text_block, tool_result_block, user_message
from quarterdeck.llm.history import CUT_OFF, is_valid, repair


def call(call_id: str) -> Block:
    return {"type": "tool_use", "id": call_id, "name": "read", "input": {}}


def by_assistant(*blocks: Block) -> Message:
    return Message(role="assistant", content=blocks)


def by_user(*blocks: Block) -> Message:
    return Message(role="user", content=blocks)


THINKING: Block = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
CUT_RESULT_A = tool_result_block("a", CUT_OFF, is_error=True)


def test_a_whole_history_keeps_its_very_objects() -> None:
    history = (
        user_message("go"),
        by_assistant(THINKING, call("a"), call("b")),
        by_user(tool_result_block("a", "1"), tool_result_block("b", "2"), text_block("and hurry")),
        by_assistant(text_block("done")),
    )
    repaired = repair(history)
    assert len(repaired) == len(history)
    assert all(new is old for new, old in zip(repaired, history, strict=True))
    assert is_valid(history) is None


def test_a_call_without_result_gets_an_error_before_what_the_user_said() -> None:
    said = text_block("are you there?")
    repaired = repair([user_message("go"), by_assistant(call("a")), by_user(said)])
    assert repaired[2].content == (CUT_RESULT_A, said)


def test_a_call_at_the_very_end_gets_a_user_message_with_the_error() -> None:
    repaired = repair([user_message("go"), by_assistant(THINKING, call("a"))])
    assert repaired[2] == by_user(CUT_RESULT_A)


def test_results_are_put_into_call_order_and_keep_their_content() -> None:
    one, two = tool_result_block("a", "1"), tool_result_block("b", "2")
    repaired = repair([user_message("go"), by_assistant(call("a"), call("b")), by_user(two, one)])
    assert repaired[2].content == (one, two)
    assert repaired[2].content[0] is one


def test_of_two_results_for_one_call_the_first_holds() -> None:
    one, two = tool_result_block("a", "1"), tool_result_block("a", "2")
    repaired = repair([user_message("go"), by_assistant(call("a")), by_user(one, two)])
    assert repaired[2].content == (one,)


def test_results_without_a_call_go_and_with_them_a_message_that_held_nothing_else() -> None:
    history = [user_message("go"), by_assistant(text_block("x")), by_user(tool_result_block("z", "?"))]
    assert repair(history) == tuple(history[:2])


def test_user_messages_in_a_row_become_one_and_a_late_result_is_found_in_them() -> None:
    result = tool_result_block("a", "1")
    repaired = repair([user_message("go"), by_assistant(call("a")), user_message("hurry"), by_user(result)])
    assert repaired[2].content == (result, text_block("hurry"))
    assert len(repaired) == 3


def test_blank_text_and_empty_messages_go() -> None:
    history = [user_message("go"), by_assistant(text_block("\n\n")), user_message("more"), by_assistant()]
    assert repair(history) == (by_user(text_block("go"), text_block("more")),)


def test_an_assistant_message_without_calls_may_be_last_for_a_paused_turn() -> None:
    search: Block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    history = (user_message("go"), by_assistant(search))
    assert repair(history) == history
    assert is_valid(history) is None


def test_a_server_call_that_the_person_talked_over_goes() -> None:
    search: Block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    history = (user_message("go"), by_assistant(text_block("I look"), search), user_message("stop that"))
    assert is_valid(history) is not None
    assert repair(history)[1] == by_assistant(text_block("I look"))


def test_a_server_program_that_waits_for_our_results_stays() -> None:
    program: Block = {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {}}
    ours: Block = {**call("a"), "caller": {"type": "code_execution_20250825", "tool_id": "s"}}
    history = (user_message("go"), by_assistant(program, ours), by_user(tool_result_block("a", "1")))
    assert repair(history) == history


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ((), "no message"),
        ((by_assistant(text_block("x")),), "first message"),
        ((user_message("a"), user_message("b")), "in a row"),
        ((user_message("a"), by_assistant(call("a"))), "at the end"),
        ((user_message("a"), by_assistant(call("a")), user_message("b")), "results are"),
        ((user_message("a"), by_assistant(call("a")), by_assistant(text_block("b"))), "no results"),
        ((by_user(text_block("a"), tool_result_block("q", "1")),), "results are"),
        ((user_message("a"), by_assistant()), "empty"),
        ((user_message(" "),), "blank"),
    ],
)
def test_the_first_fault_is_named(history: tuple[Message, ...], words: str) -> None:
    fault = is_valid(history)
    assert fault is not None
    assert words in fault


IDS = st.sampled_from(["a", "b", "c", "d"])
BLOCKS = st.one_of(
    st.sampled_from(["", " ", "x", "y"]).map(text_block),
    st.just(THINKING),
    st.just({"type": "redacted_thinking", "data": "xx"}),
    IDS.map(call),
    IDS.map(lambda i: tool_result_block(i, "r")),
    IDS.map(lambda i: {"type": "server_tool_use", "id": f"s{i}", "name": "web_search", "input": {}}),
    IDS.map(lambda i: {"type": "web_search_tool_result", "tool_use_id": f"s{i}", "content": []}),
)
MESSAGES: st.SearchStrategy[Message] = st.builds(
    Message, role=st.sampled_from(["user", "assistant"]), content=st.lists(BLOCKS, max_size=5).map(tuple)
)


def _thinking(messages: tuple[Message, ...] | list[Message]) -> list[Any]:
    return [b for m in messages for b in m.content if str(b["type"]).endswith("thinking")]


@given(st.lists(MESSAGES, max_size=8))
def test_any_history_comes_out_valid_and_stays_as_it_is_from_then_on(history: list[Message]) -> None:
    repaired = repair(history)
    assert not repaired or is_valid(repaired) is None
    again = repair(repaired)
    assert len(again) == len(repaired)
    assert all(new is old for new, old in zip(again, repaired, strict=True))
    if is_valid(history) is None:
        assert list(repaired) == history


@given(st.lists(MESSAGES, max_size=8))
def test_thinking_blocks_stay_the_same_objects_in_the_same_order(history: list[Message]) -> None:
    behind_the_user = [user_message("go"), *history]
    before, after = _thinking(behind_the_user), _thinking(repair(behind_the_user))
    assert len(before) == len(after)
    assert all(new is old for new, old in zip(after, before, strict=True))


@given(st.lists(MESSAGES, max_size=8))
def test_what_was_never_called_is_never_answered_and_every_call_is_answered_once(
    history: list[Message],
) -> None:
    repaired = repair([user_message("go"), *history])
    calls = [b["id"] for m in repaired for b in m.content if b["type"] == "tool_use"]
    results = [b["tool_use_id"] for m in repaired for b in m.content if b["type"] == "tool_result"]
    assert results == calls
