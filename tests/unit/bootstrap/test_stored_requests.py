"""What became of requests, folded from the facts of a session."""

import pytest

from quarterdeck.bootstrap.stored_requests import (
    StoredRequest,
    fold_requests,
    kind_of,
    subject_of,
    waiting_runs,
)
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import PlanRejected, QuestionAnswered
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from tests.support.states import NOW, ended, killed, permission, plan, question, run, spawned


def only(*facts: did.Action, lost: tuple[RunId, ...] = ()) -> StoredRequest:
    """The one request of these facts."""
    (found,) = fold_requests(facts, lost)
    return found


def test_an_open_request_waits_for_the_person_since_it_was_opened() -> None:
    found = only(*permission("coder", at=NOW - 63))
    assert (found.state, found.since, found.waits_for_person) == ("open", NOW - 63, True)
    assert kind_of(found) == "permission"


def test_an_answer_is_kept() -> None:
    answer = did.RequestAnswered(
        at=NOW, request_id=RequestId("question-coder"), version=1, answer=QuestionAnswered("half-up")
    )
    found = only(*question("coder"), answer)
    assert (found.state, found.since, found.answer) == ("answered", NOW, QuestionAnswered("half-up"))
    assert not found.waits_for_person


def test_an_answer_to_another_version_changes_nothing() -> None:
    answer = did.RequestAnswered(
        at=NOW, request_id=RequestId("question-coder"), version=2, answer=QuestionAnswered("half-up")
    )
    assert only(*question("coder"), answer).state == "open"


def test_a_rejected_plan_may_come_back_and_then_is_open_again() -> None:
    rejected = did.RequestAnswered(
        at=NOW, request_id=RequestId("plan-coder"), version=1, answer=PlanRejected("No.")
    )
    found = only(*plan("coder"), rejected)
    assert (found.state, found.answer) == ("rejected", PlanRejected("No."))
    again = only(*plan("coder"), rejected, *plan("coder", version=2))
    assert (again.state, again.request.version) == ("open", 2)
    assert "ROUND_HALF_UP" in subject_of(again.request)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (killed("coder"), "gone"),
        (ended("coder", Outcome.FAILED), "suspended"),
        (ended("coder", Outcome.COMPLETED), "gone"),
        (did.RequestWithdrawn(at=NOW, request_id=RequestId("plan-coder"), reason=""), "gone"),
    ],
)
def test_the_end_of_a_run_decides_about_its_plan(end: did.Action, state: str) -> None:
    assert only(*plan("coder"), end).state == state


def test_what_a_crash_left_open_is_suspended_though_no_fact_says_so() -> None:
    found = only(*permission("coder"), lost=(run("coder"),))
    assert found.state == "suspended"
    assert waiting_runs([found]) == {run("coder"): found}


def test_a_suspended_request_goes_with_the_revival() -> None:
    again = RunId("run-coder-2")
    born = spawned("coder", run_id=again, revived_from=run("coder"))
    found = only(*plan("coder"), ended("coder", Outcome.FAILED), born)
    assert (found.state, found.request.run_id) == ("open", again)


def test_the_oldest_request_of_a_run_is_the_one_it_waits_for() -> None:
    asked = fold_requests([*question("coder", at=NOW), *permission("coder", at=NOW - 9)])
    assert kind_of(waiting_runs(asked)[run("coder")]) == "permission"
