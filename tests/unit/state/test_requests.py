"""The inbox: opened once, answered once and by version, withdrawn with its run, suspended for a revival."""

import msgspec
import pytest

from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import (
    Answer,
    PermissionDenied,
    PermissionGiven,
    PermissionScope,
    PlanApproved,
    PlanRejected,
    QuestionAnswered,
)
from quarterdeck.domain.teammates import Outcome, PermissionMode
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.selectors import select_request_of, select_requests
from tests.support.states import ended, fold, killed, permission, plan, question, run, spawned, working

PLAN, PERMISSION, QUESTION = RequestId("plan-a"), RequestId("perm-a"), RequestId("question-a")
APPROVED = PlanApproved(PermissionMode.DEFAULT)
REJECTED = PlanRejected("Half-up.")
ALLOWED = PermissionGiven(PermissionScope.ONCE)


def state_of(*facts: did.Action) -> AppState:
    """`a` and `b`, both in a turn, after `facts`."""
    return fold(AppState(), [*working("a"), *working("b"), *facts])


def answered(request_id: RequestId, answer: Answer, version: int = 1) -> did.RequestAnswered:
    return did.RequestAnswered(at=90.0, request_id=request_id, version=version, answer=answer)


def test_requests_of_all_runs_stand_oldest_first() -> None:
    state = state_of(*plan("a", at=10.0), *permission("b", at=11.0), *question("a", at=12.0))
    assert state.inbox.open == (PLAN, "perm-b", QUESTION)
    assert [request.id for request in select_requests(state)] == list(state.inbox.open)
    found = select_request_of(state, run("a"))
    assert found is not None
    assert found.id == PLAN
    assert select_request_of(state, run("nobody")) is None


@pytest.mark.parametrize(
    ("opened", "request_id", "answer"),
    [
        (plan("a"), PLAN, APPROVED),
        (permission("a"), PERMISSION, ALLOWED),
        (permission("a"), PERMISSION, PermissionDenied("no")),
        (question("a"), QUESTION, QuestionAnswered("half-up")),
    ],
    ids=["plan", "permission", "denial", "question"],
)
def test_an_answer_closes_the_request_and_a_second_one_changes_nothing(
    opened: list[did.Action], request_id: RequestId, answer: Answer
) -> None:
    state = reduce(state_of(*opened), answered(request_id, answer))
    assert state.inbox.open == ()
    assert request_id not in state.inbox.by_id
    assert reduce(state, answered(request_id, answer)) is state


def test_an_answer_to_another_version_than_the_open_one_changes_nothing() -> None:
    state = state_of(*plan("a", version=2))
    assert reduce(state, answered(PLAN, APPROVED, version=1)) is state
    assert reduce(state, answered(PLAN, APPROVED, version=3)) is state
    assert reduce(state, answered(PLAN, APPROVED, version=2)) is not state


def test_a_rejected_plan_waits_for_its_next_version_and_comes_back_as_one() -> None:
    state = reduce(state_of(*plan("a")), answered(PLAN, REJECTED))
    assert state.inbox.open == ()
    assert PLAN in state.inbox.by_id
    assert state.inbox.answers[PLAN] == REJECTED
    assert reduce(state, answered(PLAN, APPROVED)) is state
    state = fold(state, plan("a", version=2)[:1])
    assert state.inbox.open == (PLAN,)
    assert state.inbox.by_id[PLAN].version == 2
    assert PLAN not in state.inbox.answers


def test_an_old_version_never_replaces_a_new_one() -> None:
    state = state_of(*plan("a", version=2))
    assert reduce(state, plan("a", version=1)[0]) is state
    assert reduce(state, plan("a", version=2)[0]) is state


def test_a_new_version_of_an_open_request_takes_its_place_as_the_newest() -> None:
    state = state_of(*plan("a", at=10.0), *permission("b", at=11.0), plan("a", version=2, at=12.0)[0])
    assert state.inbox.open == ("perm-b", PLAN)


def test_a_withdrawn_request_is_gone() -> None:
    state = state_of(*permission("a"))
    state = reduce(state, did.RequestWithdrawn(at=9.0, request_id=PERMISSION, reason="interrupted"))
    assert state.inbox.open == ()
    assert PERMISSION not in state.inbox.by_id


def test_a_kill_takes_every_request_of_the_run_and_only_those() -> None:
    state = state_of(*plan("a"), *question("a"), *permission("b"), killed("a"))
    assert state.inbox.open == ("perm-b",)
    assert set(state.inbox.by_id) == {"perm-b"}


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.STOPPED])
def test_a_run_that_is_done_leaves_no_request(outcome: Outcome) -> None:
    state = state_of(*plan("a"), ended("a", outcome))
    assert (state.inbox.open, state.inbox.suspended) == ((), ())


def test_a_crash_suspends_everything_that_was_open() -> None:
    state = state_of(
        *plan("a", at=10.0), *question("a", at=11.0), *permission("a", at=12.0), ended("a", Outcome.UNKNOWN)
    )
    assert len(state.inbox.suspended) == 3
    assert state.inbox.open == ()


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT])
def test_a_plan_of_a_run_that_failed_is_suspended_and_comes_back_with_its_revival(outcome: Outcome) -> None:
    state = state_of(
        *plan("a", at=10.0), *question("a", at=11.0), *permission("b", at=12.0), ended("a", outcome)
    )
    assert state.inbox.suspended == (PLAN,)
    assert state.inbox.open == ("perm-b",)
    revived = spawned("a", run_id=run("a2"), revived_from=run("a"))
    state = reduce(state, revived)
    assert state.inbox.open == (PLAN, "perm-b")
    assert state.inbox.suspended == ()
    assert state.inbox.by_id[PLAN].run_id == run("a2")
    assert reduce(state, answered(PLAN, APPROVED)).inbox.open == ("perm-b",)


def test_a_plan_survives_the_time_limit_of_its_run_also_when_that_is_a_kill() -> None:
    out_of_time = did.TeammateKilled(at=50.0, run_id=run("a"), by="time limit", outcome=Outcome.TIMED_OUT)
    state = state_of(*plan("a"), *permission("a"), out_of_time)
    assert state.inbox.suspended == (PLAN,)
    assert state.inbox.open == ()


def test_a_suspended_plan_is_not_answered_by_its_old_version() -> None:
    state = state_of(*plan("a"), ended("a", Outcome.FAILED))
    assert reduce(state, answered(PLAN, APPROVED)) is state


def test_a_run_that_ended_or_never_was_cannot_ask() -> None:
    state = state_of(killed("a"))
    assert reduce(state, permission("a")[0]) is state
    assert reduce(state, permission("nobody")[0]) is state


def test_a_request_that_opens_or_closes_tells_the_roster_to_rank_again() -> None:
    state = state_of()
    asked = reduce(state, permission("a")[0])
    assert asked.team.revision > state.team.revision
    told = reduce(asked, answered(PERMISSION, ALLOWED))
    assert told.team.revision > asked.team.revision
    again = msgspec.structs.replace(permission("a", version=2)[0], at=99.0)
    assert reduce(asked, again).team.revision > asked.team.revision
