"""Sequences of facts for property tests: a few runs, requests and messages that meet often, in any order.

`any_actions` is whatever can be told, most of it impossible. `stories` follow plausible lives and mix
impossible facts in, so that deep states are reached as well. `drills` press one run from all sides.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from quarterdeck.domain.ids import AgentId, CallId, MessageId, RequestId, RunId
from quarterdeck.domain.messages import user_message
from quarterdeck.domain.requests import (
    Answer,
    PermissionDenied,
    PermissionGiven,
    PermissionRequest,
    PermissionScope,
    PlanApproved,
    PlanRejected,
    PlanRequest,
    PlanVersion,
    QuestionAnswered,
    QuestionDeclined,
    QuestionRequest,
    Request,
    StepComment,
)
from quarterdeck.domain.teammates import (
    Cleanup,
    IdleReason,
    Lifetime,
    Outcome,
    PermissionMode,
    WaitsOn,
    Way,
)
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Diff, DiffLine, ToolStatus

RUNS = [RunId(f"r{number}") for number in range(4)]
MESSAGES = [MessageId(f"m{number}") for number in range(4)]
CALLS = [CallId(f"c{number}") for number in range(3)]
REQUESTS = [RequestId(f"q{number}") for number in range(4)]

_run = st.sampled_from(RUNS)
_message = st.sampled_from(MESSAGES)
_call = st.sampled_from(CALLS)
_request_id = st.sampled_from(REQUESTS)
_word = st.sampled_from(["", "a", "two\nlines", "[bold]x", "ü\u202e\x1b"])
_seconds = st.floats(0, 1_000)
_mode = st.sampled_from(PermissionMode)
_way = st.sampled_from(Way)
_usage = st.builds(
    Usage, input=st.integers(0, 9), output=st.integers(0, 9), requests=st.integers(0, 1), model=_word
)


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    common: dict[str, Any] = {"id": draw(_request_id), "run_id": draw(_run), "opened_at": 0.0}
    version = draw(st.integers(1, 3))
    match draw(st.sampled_from(["plan", "permission", "question"])):
        case "plan":
            versions = tuple(PlanVersion(number, draw(_word), 0.0) for number in range(1, version + 1))
            return PlanRequest(version=version, versions=versions, **common)
        case "permission":
            return PermissionRequest(
                call_id=draw(_call),
                tool="Bash",
                subject=draw(_word),
                folder="/f",
                why="",
                version=version,
                **common,
            )
    return QuestionRequest(call_id=draw(_call), question=draw(_word), version=version, **common)


_answers: st.SearchStrategy[Answer] = st.one_of(
    st.builds(PlanApproved, mode=_mode, edited_text=st.none() | _word),
    st.builds(PlanRejected, feedback=_word, comments=st.just(()) | st.just((StepComment("k", "q", "t"),))),
    st.builds(PermissionGiven, scope=st.sampled_from(PermissionScope), rule=st.none() | _word),
    st.builds(PermissionDenied, reason=_word),
    st.builds(QuestionAnswered, text=_word),
    st.builds(QuestionDeclined, reason=_word),
)
_parts = st.lists(st.tuples(_run, _word), max_size=3).map(tuple)
_diff = st.none() | st.just(Diff("a.py", 1, 0, (DiffLine("+", 1, "x"),)))

_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "run_id": _run,
    "message_id": _message,
    "call_id": _call,
    "request_id": _request_id,
    "request": _requests(),
    "answer": _answers,
    "version": st.integers(1, 3),
    "agent_id": st.sampled_from([AgentId("a@t"), AgentId("b@t")]),
    "parent": st.none() | _run,
    "revived_from": st.none() | _run,
    "tool_use_id": st.none(),
    "lifetime": st.sampled_from(Lifetime),
    "permission_mode": _mode,
    "mode": _mode,
    "way": _way,
    "on": st.sampled_from(WaitsOn),
    "outcome": st.sampled_from(Outcome),
    "cleanup": st.sampled_from(Cleanup),
    "status": st.sampled_from(ToolStatus),
    "usage": _usage,
    "diff": _diff,
    "parts": _parts,
    "role": st.sampled_from(["user", "assistant"]),
    "blocks": st.lists(st.builds(lambda text: {"type": "text", "text": text}, _word), max_size=2).map(tuple),
    "messages": st.just(()) | st.just((user_message("a"),)),
    "children": st.lists(_run, max_size=2, unique=True).map(tuple),
    "rules": st.just(()) | st.just(("Read",)),
    "max_turns": st.none() | st.integers(1, 3),
    "time_limit_s": st.none() | _seconds,
    "thinking": _parts,
}
_KILL_OUTCOMES = st.sampled_from([Outcome.KILLED, Outcome.STOPPED, Outcome.TIMED_OUT])


def _field(kind: type, name: str, annotation: object) -> st.SearchStrategy[Any]:
    if kind is did.TurnEnded and name == "reason":
        return st.sampled_from(IdleReason)
    if kind is did.TeammateKilled and name == "outcome":
        return _KILL_OUTCOMES
    if kind is did.TeammateViewed:
        return st.none() | _run
    if kind is did.ChildrenAnnounced and name == "run_id":
        return st.none() | _run
    if kind is did.RuleGiven and name == "agent_id":
        return st.none() | _FIELDS["agent_id"]
    if name in _FIELDS:
        return _FIELDS[name]
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(0, 20)
    if annotation is float:
        return _seconds
    return _word if annotation is str else st.none()


def action_kinds() -> tuple[type[did.Action], ...]:
    """Every kind of action, in the order of the union."""
    kinds: tuple[type[did.Action], ...] = did.Action.__args__
    return kinds


@cache
def actions_of(kind: type[did.Action]) -> st.SearchStrategy[did.Action]:
    """Any fact of one kind, told at second 0."""
    fields = {
        field.name: _field(kind, field.name, field.type)
        for field in msgspec.structs.fields(kind)
        if field.name != "at"
    }
    return st.builds(kind, at=st.just(0.0), **fields)


any_action: st.SearchStrategy[did.Action] = st.sampled_from(action_kinds()).flatmap(actions_of)


def timed(actions: list[did.Action]) -> list[did.Action]:
    """The same facts, each a second after the one before; a request is as old as its fact."""
    told: list[did.Action] = []
    for number, action in enumerate(actions):
        at = float(number + 1)
        if isinstance(action, did.RequestOpened):
            request = msgspec.structs.replace(action.request, opened_at=at)
            told.append(did.RequestOpened(at=at, request=request))
        else:
            told.append(msgspec.structs.replace(action, at=at))
    return told


any_actions: st.SearchStrategy[list[did.Action]] = st.lists(any_action, min_size=20, max_size=60).map(timed)


def _of_run(run_id: RunId) -> Callable[[did.Action], did.Action]:
    def bound(action: did.Action) -> did.Action:
        if isinstance(action, did.RequestOpened):
            request = msgspec.structs.replace(action.request, run_id=run_id)
            return did.RequestOpened(at=action.at, request=request)
        if hasattr(action, "run_id"):
            return msgspec.structs.replace(action, run_id=run_id)
        return action

    return bound


_IN_TURN: tuple[type[did.Action], ...] = (
    did.StepStarted,
    did.TextStreamed,
    did.TextSaid,
    did.ThoughtFinished,
    did.StepAccepted,
    did.StepDiscarded,
    did.UsageRecorded,
    did.ToolStarted,
    did.ToolPrinted,
    did.ToolEnded,
    did.RequestOpened,
    did.RequestAnswered,
    did.TeammateWaited,
    did.TeammateResumed,
    did.TeammatePaused,
    did.TeammateContinued,
    did.MessageQueued,
    did.MessageDelivered,
    did.VerbChanged,
    did.StopRequested,
    did.StopTakenBack,
    did.ClosingStepStarted,
)
_ENDS: tuple[type[did.Action], ...] = (did.TeammateEnded, did.TeammateKilled)
_AFTER: tuple[type[did.Action], ...] = (
    did.KillStreamClosed,
    did.KillProcessesCounted,
    did.KillTaskEnded,
    did.TeammateViewed,
    did.TeammateSeen,
    did.UsageRecorded,
    did.RequestRefusedAfterKill,
    did.TeammateEvicted,
    did.RunReleased,
    did.TranscriptDropped,
)


@st.composite
def _lives(draw: st.DrawFn) -> list[did.Action]:
    """One run from its spawn on, through turns, perhaps to its end and out of the team."""
    told = [draw(actions_of(did.TeammateSpawned)), draw(actions_of(did.TeammateReady))]
    for _ in range(draw(st.integers(0, 3))):
        told.append(draw(actions_of(did.TurnStarted)))
        kinds = draw(st.lists(st.sampled_from(_IN_TURN), max_size=10))
        told += [draw(actions_of(kind)) for kind in kinds]
        if draw(st.booleans()):
            told.append(draw(actions_of(did.TurnEnded)))
    if draw(st.booleans()):
        told.append(draw(actions_of(draw(st.sampled_from(_ENDS)))))
        told += [draw(actions_of(kind)) for kind in draw(st.lists(st.sampled_from(_AFTER), max_size=5))]
    return told


@st.composite
def _stories(draw: st.DrawFn) -> list[did.Action]:
    """Lives of several runs, woven together in order, with any facts between."""
    threads: list[list[did.Action]] = []
    for run_id in draw(st.lists(_run, min_size=1, max_size=4, unique=True)):
        threads.append([_of_run(run_id)(action) for action in draw(_lives())])
    threads.append(draw(st.lists(any_action, max_size=8)))
    told: list[did.Action] = []
    while threads:
        thread = draw(st.sampled_from(threads))
        if thread:
            told.append(thread.pop(0))
        else:
            threads.remove(thread)
    return timed(told)


stories: st.SearchStrategy[list[did.Action]] = _stories()

_LIVELY: tuple[type[did.Action], ...] = (
    *(kind for kind in did.LIFECYCLE if kind not in _ENDS),
    did.ClosingStepStarted,
    did.RequestOpened,
    did.RequestAnswered,
    did.ToolStarted,
    did.TextStreamed,
)
_HOLDS: tuple[type[did.Action], ...] = (
    *(_LIVELY * 2),
    *_ENDS,
    did.TeammateEvicted,
    did.TeammateViewed,
    did.TeammateRenamed,
)
"""What lives on twice as often as what ends, so that lives are long enough to meet."""

_BEGINNING: tuple[type[did.Action], ...] = (
    did.TeammateReady,
    did.TurnStarted,
    did.RequestOpened,
    did.TeammateWaited,
)


@st.composite
def _drills(draw: st.DrawFn) -> list[did.Action]:
    """One run and its revival, and everything that moves or holds a lifecycle told to them in any order."""
    told: list[did.Action] = []
    for run_id, before in ((RUNS[0], None), (RUNS[1], RUNS[0])):
        spawn = draw(actions_of(did.TeammateSpawned))
        told.append(msgspec.structs.replace(_of_run(run_id)(spawn), revived_from=before))
        beginning = _BEGINNING[: draw(st.integers(0, len(_BEGINNING)))]
        kinds = draw(st.lists(st.sampled_from(_HOLDS), min_size=8, max_size=20))
        told += [_of_run(run_id)(draw(actions_of(kind))) for kind in (*beginning, *kinds)]
    return timed(told)


drills: st.SearchStrategy[list[did.Action]] = _drills()
sequences: st.SearchStrategy[list[did.Action]] = st.one_of(any_actions, stories, drills)
