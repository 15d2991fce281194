"""The fold of one response. The events are made by hand, from the Messages API's documentation."""

from typing import Any

import pytest

from quarterdeck.domain.messages import ToolUse
from quarterdeck.llm.faults import FaultKind, ModelFault
from quarterdeck.llm.fold import StepFold
from quarterdeck.llm.sse import SseDecoder
from quarterdeck.llm.steps import (
    BlockFinished,
    Step,
    StreamEvent,
    StreamOpened,
    TextDelta,
    ThinkingDelta,
    ToolInputGrew,
)
from tests.support.raw_model import (
    MESSAGE_STOP,
    PING,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    stream_of,
    text_block_events,
    tool_block_events,
)

Event = dict[str, Any]


def fold_of(*events: Event | bytes) -> tuple[Step, list[StreamEvent]]:
    told: list[StreamEvent] = []
    fold, decoder = StepFold(told.append), SseDecoder()
    for event in events:
        for name, payload in decoder.feed(event if isinstance(event, bytes) else stream_of(event)):
            fold.take(name, payload)
    return fold.finish(), told


def fault_of(*events: Event | bytes) -> ModelFault:
    with pytest.raises(ModelFault) as caught:
        fold_of(*events)
    return caught.value


def tool_step(*pieces: str, stop_reason: str = "tool_use") -> Step:
    step, _ = fold_of(
        message_start(),
        *tool_block_events(0, "c1", "write", *pieces),
        message_delta(stop_reason),
        MESSAGE_STOP,
    )
    return step


def test_thinking_text_and_tools_stream_and_are_kept_block_by_block() -> None:
    step, told = fold_of(
        message_start(),
        block_start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        block_delta(0, "thinking_delta", thinking="let "),
        block_delta(0, "thinking_delta", thinking="me"),
        block_delta(0, "signature_delta", signature="c2"),
        block_delta(0, "signature_delta", signature="ln"),
        block_stop(0),
        *text_block_events(1, "I ", "read."),
        *tool_block_events(2, "c1", "read", '{"path": ', '"ä.py"}'),
        message_delta("tool_use"),
        MESSAGE_STOP,
    )
    blocks = (
        {"type": "thinking", "thinking": "let me", "signature": "c2ln"},
        {"type": "text", "text": "I read."},
        {"type": "tool_use", "id": "c1", "name": "read", "input": {"path": "ä.py"}},
    )
    assert step.message.content == blocks
    assert step.tool_uses == (ToolUse(id="c1", name="read", input={"path": "ä.py"}),)
    assert told == [
        ThinkingDelta("let "),
        ThinkingDelta("me"),
        BlockFinished(blocks[0]),
        TextDelta("I "),
        TextDelta("read."),
        BlockFinished(blocks[1]),
        ToolInputGrew("read", 9),
        ToolInputGrew("read", 16),
        BlockFinished(blocks[2]),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        ('{"path":"a.py","content":"impor',),
        ('{"command": "rm -rf ', "/tmp/x"),
        ('{"a": 1} {"b": 2}',),
        ('["a"]',),
        ('"text"',),
        ("null",),
        ('{"a": NaN}',),
        ("{'a': 1}",),
        (" ",),
        ("[" * 5000,),
    ],
)
def test_input_that_is_not_one_whole_object_never_runs_and_the_model_reads_why(
    pieces: tuple[str, ...],
) -> None:
    (use,) = tool_step(*pieces).tool_uses
    assert "did not run" in use.fault
    assert use.input == {}


@pytest.mark.parametrize("stop_reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
@pytest.mark.parametrize("pieces", [(), ("",), ('{"path":"a.py"',), ('{"path":"a.py"}',)])
def test_a_call_in_a_cut_answer_never_runs_even_when_it_looks_whole(
    stop_reason: str, pieces: tuple[str, ...]
) -> None:
    step = tool_step(*pieces, stop_reason=stop_reason)
    assert "did not run" in step.tool_uses[0].fault
    assert step.message.content[0]["type"] == "tool_use"


def test_only_the_last_call_of_a_cut_answer_is_at_fault() -> None:
    step, _ = fold_of(
        message_start(),
        *tool_block_events(0, "c1", "read", '{"path":"a"}'),
        *tool_block_events(1, "c2", "read", '{"pa')[:-1],
        message_delta("max_tokens"),
        MESSAGE_STOP,
    )
    assert [bool(use.fault) for use in step.tool_uses] == [False, True]
    assert step.tool_uses[0].input == {"path": "a"}


@pytest.mark.parametrize("pieces", [(), ("",), ("{}",)])
def test_a_call_without_parameters_runs(pieces: tuple[str, ...]) -> None:
    assert tool_step(*pieces).tool_uses == (ToolUse(id="c1", name="write", input={}),)


def test_calls_that_came_whole_with_the_messages_start_are_kept() -> None:
    block = {"type": "tool_use", "id": "c1", "name": "roll", "input": {"n": 1}}
    start = message_start()
    start["message"].update(content=[block], stop_reason="tool_use")
    step, told = fold_of(start, MESSAGE_STOP)
    assert step.tool_uses == (ToolUse(id="c1", name="roll", input={"n": 1}),)
    assert told == [BlockFinished(block)]


def test_what_is_new_passes_unknown_events_are_ignored_and_unknown_blocks_kept() -> None:
    novel = {"type": "hologram", "layers": [1, 2], "note": None}
    step, told = fold_of(
        message_start(),
        {"type": "weather", "sky": "blue"},
        b"event: gossip\ndata: {not json\n\n",
        PING,
        block_start(0, novel),
        block_delta(0, "hologram_delta", pixel=1),
        block_stop(0),
        *text_block_events(1, "hi"),
        message_delta("a_new_reason"),
        MESSAGE_STOP,
    )
    assert step.message.content == (novel, {"type": "text", "text": "hi"})
    assert step.stop_reason == "a_new_reason"
    assert told[0] == BlockFinished(novel)


def test_server_tools_and_citations_are_kept_but_are_no_client_calls() -> None:
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}]}
    citation = {"type": "char_location", "cited_text": "x"}
    step, _ = fold_of(
        message_start(),
        block_start(0, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}),
        block_delta(0, "input_json_delta", partial_json='{"query":"q"}'),
        block_stop(0),
        block_start(1, found),
        block_stop(1),
        block_start(2, {"type": "text", "text": "", "citations": []}),
        block_delta(2, "text_delta", text="So."),
        block_delta(2, "citations_delta", citation=citation),
        block_stop(2),
        message_delta("end_turn"),
        MESSAGE_STOP,
    )
    assert step.tool_uses == ()
    assert step.message.content[0]["input"] == {"query": "q"}
    assert step.message.content[1:] == (found, {"type": "text", "text": "So.", "citations": [citation]})


@pytest.mark.parametrize(
    "events",
    [
        [message_start(), *text_block_events(0, "a")],
        [message_start(), *text_block_events(0, "a"), message_delta("end_turn")],
        [message_start(), *text_block_events(0, "a"), message_delta(None), MESSAGE_STOP],
        [message_start(), *text_block_events(0, "a")[:-1], message_delta("end_turn"), MESSAGE_STOP],
        [],
    ],
)
def test_a_response_without_its_end_is_incomplete(events: list[Event]) -> None:
    assert fault_of(*events).kind is FaultKind.incomplete


@pytest.mark.parametrize(
    "events",
    [
        [block_start(0, {"type": "text", "text": ""})],
        [message_start(), block_delta(0, "text_delta", text="a")],
        [message_start(), *text_block_events(0, "a"), block_delta(0, "text_delta", text="b")],
        [message_start(), *text_block_events(0, "a"), block_start(0, {"type": "text", "text": ""})],
        [message_start(), block_stop(0)],
        [message_start(), *tool_block_events(0, "", "read")],
        [
            message_start(),
            block_start(0, {"type": "text", "text": ""}),
            block_delta(0, "thinking_delta", thinking=""),
        ],
        [message_start(), b'event: content_block_delta\ndata: {"type": \n\n'],
        [message_start(), b'event: content_block_delta\ndata: {"delta": {"text": "\xff"}}\n\n'],
        [message_start(), b"event: message_delta\ndata: []]\n\n"],
        [b"event: message_start\ndata: \n\n"],
    ],
)
def test_what_cannot_be_a_messages_stream_is_malformed(events: list[Event | bytes]) -> None:
    assert fault_of(*events).kind is FaultKind.malformed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, FaultKind.overloaded),
        ({"type": "rate_limit_error", "message": "slow"}, FaultKind.rate_limited),
        ({"type": "api_error", "message": "oops"}, FaultKind.server),
        ({"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}, FaultKind.too_large),
        ({"type": "authentication_error", "message": "no"}, FaultKind.authentication),
        ({"type": "brand_new_error", "message": "?"}, FaultKind.server),
    ],
)
def test_an_error_event_is_classified_by_its_body(error: Event, kind: FaultKind) -> None:
    body = {"type": "error", "error": error, "request_id": "req_9"}
    fault = fault_of(message_start(), *text_block_events(0, "half"), body)
    assert fault.kind is kind
    assert fault.request_id == "req_9"
    assert "200" not in fault.message


def test_what_follows_the_end_is_not_read() -> None:
    step, _ = fold_of(
        message_start(),
        *text_block_events(0, "a"),
        message_delta("end_turn"),
        MESSAGE_STOP,
        {"type": "error", "error": {"type": "api_error"}},
        block_delta(7, "text_delta", text="b"),
    )
    assert step.message.content == ({"type": "text", "text": "a"},)


def test_an_answer_that_begins_anew_voids_the_first_and_says_so() -> None:
    step, told = fold_of(
        message_start(input_tokens=50),
        *text_block_events(0, "first"),
        *tool_block_events(1, "c1", "rm", '{"a":1}'),
        message_start(input_tokens=5),
        *text_block_events(0, "second"),
        message_delta("end_turn"),
        MESSAGE_STOP,
    )
    assert step.message.content == ({"type": "text", "text": "second"},)
    assert step.tool_uses == ()
    assert step.usage.input == 5
    assert told.count(StreamOpened()) == 1


def test_blocks_that_the_api_would_refuse_back_are_left_out() -> None:
    step, _ = fold_of(
        message_start(),
        *text_block_events(0),
        block_start(1, {"type": "thinking", "thinking": "", "signature": ""}),
        block_delta(1, "thinking_delta", thinking="cut in mid-th"),
        block_stop(1),
        message_delta("max_tokens"),
        MESSAGE_STOP,
    )
    assert step.message.content == ()


def test_usage_is_the_last_cumulative_figure_of_each_field() -> None:
    step, _ = fold_of(
        message_start(
            input_tokens=10,
            output_tokens=1,
            cache_read_input_tokens=100,
            cache_creation_input_tokens=30,
            cache_creation={"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
            service_tier="priority",
        ),
        *text_block_events(0, "a"),
        message_delta(None, output_tokens=5, input_tokens=None),
        message_delta("end_turn", output_tokens=9, cache_read_input_tokens=110),
        MESSAGE_STOP,
    )
    usage = step.usage
    assert (usage.input, usage.output, usage.cache_read) == (10, 9, 110)
    assert (usage.cache_write_5m, usage.cache_write_1h) == (20, 10)
    assert (usage.requests, usage.service_tier, usage.model) == (1, "priority", "claude-test")


def test_cache_writes_without_lifetimes_count_as_five_minutes_and_nonsense_as_nothing() -> None:
    step, _ = fold_of(
        message_start(input_tokens="many", output_tokens=-4, cache_creation_input_tokens=30),
        *text_block_events(0, "a"),
        message_delta("end_turn", cache_read_input_tokens=True),
        MESSAGE_STOP,
    )
    assert (step.usage.total, step.usage.cache_write_5m) == (30, 30)


def test_what_a_server_side_compaction_used_is_added() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
        {"type": "message", "input_tokens": 20, "output_tokens": 7},
        {"type": "advisor_message", "model": "other", "input_tokens": 999, "output_tokens": 999},
    ]
    step, _ = fold_of(
        message_start(),
        *text_block_events(0, "a"),
        message_delta("end_turn", input_tokens=20, output_tokens=7, iterations=iterations),
        MESSAGE_STOP,
    )
    assert (step.usage.input, step.usage.output, step.usage.requests) == (1020, 57, 1)


def test_a_refusal_says_why_on_one_clean_line() -> None:
    end = message_delta("refusal")
    end["delta"]["stop_details"] = {
        "type": "refusal",
        "category": "cyber",
        "explanation": "Not\n\x1b[31mthis.",
    }
    step, _ = fold_of(message_start(), end, MESSAGE_STOP)
    assert step.stop_reason == "refusal"
    assert step.message.content == ()
    assert step.stop_detail == "Not ␛[31mthis."
