"""A session as a trace: spans nest, threads follow families, and what was killed or asked is an instant."""

import json
from collections import defaultdict
from typing import Any

from hypothesis import given

from quarterdeck.bootstrap.trace import trace_of
from quarterdeck.domain.ids import CallId, RequestId, RunId
from quarterdeck.domain.requests import PermissionGiven, PermissionScope
from quarterdeck.domain.teammates import IdleReason, Outcome, WaitsOn
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolStatus
from tests.support.action_sequences import sequences
from tests.support.states import ended, killed, opened, permission, proved, ready, run, spawned, working
from tests.support.stored_sessions import tool_began, tool_ended

AT = 1_000.0
CODER = run("coder")


def events(trace: dict[str, Any], kind: str, category: str = "") -> list[dict[str, Any]]:
    """The events of a phase, and of a category."""
    return [one for one in trace["traceEvents"] if one["ph"] == kind and category in ("", one.get("cat"))]


def threads(trace: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Number and place of each thread by its name."""
    named: dict[int, str] = {}
    places: dict[int, int] = {}
    for one in events(trace, "M"):
        if one["name"] == "thread_name":
            named[one["tid"]] = one["args"]["name"]
        elif one["name"] == "thread_sort_index":
            places[one["tid"]] = one["args"]["sort_index"]
    return {name: (thread, places[thread]) for thread, name in named.items()}


def span(trace: dict[str, Any], name: str) -> tuple[int, int, dict[str, Any]]:
    """Begin, length (microseconds) and arguments of the one span of this name."""
    (found,) = [one for one in events(trace, "X") if one["name"] == name]
    return found["ts"], found["dur"], found["args"]


def whole_turn() -> list[did.Action]:
    """A step, a permission that is waited for, a tool, and the end."""
    return [
        opened(at=AT),
        *working("coder", at=AT),
        did.StepStarted(at=AT + 3, run_id=CODER),
        did.UsageRecorded(at=AT + 4, run_id=CODER, usage=Usage(input=5, output=7, requests=1)),
        did.StepAccepted(at=AT + 4, run_id=CODER, stop_reason="tool_use"),
        *permission("coder", at=AT + 5),
        did.RequestAnswered(
            at=AT + 8,
            request_id=RequestId("perm-coder"),
            version=1,
            answer=PermissionGiven(PermissionScope.ONCE),
        ),
        did.TeammateResumed(at=AT + 8, run_id=CODER),
        tool_began("coder", "pytest -q", at=AT + 8),
        tool_ended("coder", "pytest -q", "1 passed", at=AT + 9),
        did.TurnEnded(
            at=AT + 10,
            run_id=CODER,
            reason=IdleReason.DONE,
            final_text="",
            duration_s=8,
            usage=Usage(output=7),
        ),
        ended("coder", Outcome.COMPLETED, at=AT + 11),
    ]


def test_runs_turns_steps_waits_and_calls_are_spans() -> None:
    trace = trace_of(whole_turn())
    assert span(trace, "coder: run")[:2] == (0, 11_000_000)
    assert span(trace, "coder: run")[2]["outcome"] == "completed"
    assert span(trace, "turn")[:2] == (2_000_000, 8_000_000)
    began, lasted, args = span(trace, "model request")
    assert (began, lasted, args["stop_reason"]) == (3_000_000, 1_000_000, "tool_use")
    assert args["usage"]["output_tokens"] == 7
    assert span(trace, "waits: permission")[:2] == (5_000_000, 3_000_000)
    began, lasted, args = span(trace, "Bash pytest -q")
    assert (began, lasted, args["status"]) == (8_000_000, 1_000_000, "ok")


def test_requests_are_instants_on_the_thread_of_whom_they_are_of() -> None:
    trace = trace_of(whole_turn())
    thread, _ = threads(trace)["coder"]
    told = [(one["name"], one["ts"], one["tid"]) for one in events(trace, "i", "request")]
    assert told == [
        ("permission asked", 5_000_000, thread),
        ("permission answered", 8_000_000, thread),
    ]


def test_a_kill_and_its_proof_are_instants_and_end_what_lasts() -> None:
    facts = [opened(at=AT), *working("coder", at=AT), tool_began("coder", "yes", at=AT + 3)]
    trace = trace_of([*facts, killed("coder", at=AT + 4), *proved("coder", at=AT + 5)])
    assert [one["name"] for one in events(trace, "i", "kill")] == [
        "killed",
        "stream closed",
        "processes ended",
        "task ended",
    ]
    assert span(trace, "Bash yes")[:2] == (3_000_000, 1_000_000)
    assert span(trace, "turn")[:2] == (2_000_000, 2_000_000)
    assert span(trace, "coder: run")[2]["outcome"] == "killed"


def test_teammates_stand_under_their_parents() -> None:
    trace = trace_of(
        [
            opened(at=AT),
            spawned("lead", at=AT, is_lead=True),
            spawned("other", at=AT),
            spawned("child", at=AT + 1, parent=run("lead")),
            spawned("grandchild", at=AT + 2, parent=run("child")),
        ]
    )
    found = threads(trace)
    assert sorted(found, key=lambda name: found[name][1]) == [
        "lead",
        "lead › child",
        "lead › child › grandchild",
        "other",
    ]
    args = span(trace, "grandchild: run")[2]
    assert (args["parent"], args["parent_name"]) == (run("child"), "child")


def test_a_revival_goes_on_on_the_same_thread() -> None:
    again = RunId("run-coder-2")
    first = [opened(at=AT), *working("coder", at=AT), ended("coder", Outcome.FAILED, at=AT + 4)]
    trace = trace_of([*first, spawned("coder", at=AT + 9, run_id=again, revived_from=CODER)])
    one, two = (one for one in events(trace, "X", "run"))
    assert one["tid"] == two["tid"]
    assert (one["ts"], two["ts"], two["args"]["revived_from"]) == (0, 9_000_000, CODER)
    assert len(threads(trace)) == 1


def test_calls_side_by_side_are_on_threads_of_their_own() -> None:
    trace = trace_of(
        [
            opened(at=AT),
            *working("coder", at=AT),
            tool_began("coder", "one", at=AT + 3, number=1),
            tool_began("coder", "two", at=AT + 4, number=2),
            tool_ended("coder", "one", "", at=AT + 5, number=1),
            tool_ended("coder", "two", "", at=AT + 6, number=2),
        ]
    )
    one, two = events(trace, "X", "tool")
    assert one["tid"] != two["tid"]
    assert set(threads(trace)) == {"coder", "coder (2)"}


def test_a_refused_call_is_an_instant() -> None:
    refused = did.ToolEnded(
        at=AT + 3,
        run_id=CODER,
        call_id=CallId("c9"),
        tool="Bash",
        title="rm -rf /",
        status=ToolStatus.REFUSED,
        summary="",
        detail="",
        duration_s=0.0,
    )
    trace = trace_of([opened(at=AT), *working("coder", at=AT), refused])
    (told,) = events(trace, "i", "tool")
    assert (told["name"], told["args"]["status"]) == ("Bash rm -rf /", "refused")


def test_what_is_not_over_lasts_until_the_newest_fact() -> None:
    waits = did.TeammateWaited(at=AT + 6, run_id=CODER, on=WaitsOn.QUESTION)
    trace = trace_of([opened(at=AT), *working("coder", at=AT), waits, ready("nobody", at=AT + 7)])
    assert span(trace, "turn")[1:] == (5_000_000, {"verb": "Charting", "unfinished": True})
    assert span(trace, "waits: question")[1] == 1_000_000


def test_time_never_runs_backwards() -> None:
    trace = trace_of(
        [
            opened(at=AT),
            *working("coder", at=AT),
            did.StepStarted(at=AT - 500, run_id=CODER),
            did.StepAccepted(at=AT - 499, run_id=CODER, stop_reason="end_turn"),
        ]
    )
    assert span(trace, "model request")[:2] == (2_000_000, 0)


def test_what_begins_after_a_run_s_end_is_not_drawn_over_its_next_life() -> None:
    facts = [opened(at=AT), *working("coder", at=AT), ended("coder", Outcome.COMPLETED, at=AT + 5)]
    again = spawned("coder", at=AT + 6, revived_from=CODER, run_id=run("coder-2"))
    trace = trace_of(
        [*facts, again, tool_began("coder", "late"), ended("coder-2", Outcome.COMPLETED, at=AT + 9)]
    )
    assert events(trace, "X", "tool") == []
    assert [one["name"] for one in events(trace, "X", "run")] == ["coder: run", "coder: run"]


def test_hostile_names_are_made_visible() -> None:
    trace = trace_of(
        [opened(at=AT), *working("coder", at=AT), tool_began("coder", "a\x1b[2J\u202eb\nc" * 99)]
    )
    (call,) = events(trace, "X", "tool")
    assert call["name"].isprintable()
    assert len(call["name"]) <= 120


@given(sequences)
def test_spans_of_one_thread_nest_whatever_happens(facts: list[did.Action]) -> None:
    trace = trace_of(facts)
    json.dumps(trace)
    by_thread: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in events(trace, "X"):
        assert one["dur"] >= 0
        by_thread[one["tid"]].append((one["ts"], one["ts"] + one["dur"]))
    for spans in by_thread.values():
        open_now: list[int] = []
        for began, over in spans:
            while open_now and open_now[-1] <= began:
                open_now.pop()
            assert not open_now or over <= open_now[-1]
            open_now.append(over)
    named = {one["tid"] for one in events(trace, "M") if one["name"] == "thread_name"}
    assert {one["tid"] for one in events(trace, "X")} <= named
