"""The log panel: one line per fact that matters, none for what changed nothing, the newest five hundred."""

from quarterdeck.domain.ids import AgentId, MessageId, RequestId
from quarterdeck.domain.requests import PermissionDenied, PlanRejected
from quarterdeck.domain.teammates import Outcome, PermissionMode, Way
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.log import MAX_LINES
from tests.support.states import (
    ended,
    fold,
    killed,
    permission,
    plan,
    proved,
    question,
    run,
    said,
    spawned,
    working,
)

A = run("a")


def lines(*facts: did.Action) -> list[str]:
    """`who: text` of the lines behind the spawn of `a`."""
    state = fold(AppState(), [*working("a"), *facts])
    return [f"{line.who}: {line.text}" for line in state.log.lines[1:]]


def test_a_spawn_says_who_did_it_and_whether_it_is_a_revival() -> None:
    state = fold(
        AppState(),
        [
            spawned("a"),
            spawned("b", parent=A),
            killed("b"),
            spawned("b", run_id=run("b2"), revived_from=run("b")),
        ],
    )
    told = [f"{line.who}: {line.text}" for line in state.log.lines]
    assert told == ["you: spawned a", "a: spawned b", "b: ✕ killed by you", "you: revived b"]


def test_requests_and_answers_are_told_with_what_was_asked() -> None:
    denied = did.RequestAnswered(
        at=9.0, request_id=RequestId("perm-a"), version=1, answer=PermissionDenied("no")
    )
    rejected = did.RequestAnswered(
        at=9.0, request_id=RequestId("plan-a"), version=2, answer=PlanRejected("no")
    )
    assert lines(*permission("a", subject="make  test\nnow"), denied) == [
        "a: ▲ asks: Bash make test now",
        "you: denied a",
    ]
    assert lines(*plan("a", version=2), rejected) == ["a: ▲ submits plan v2", "you: rejected plan v2 of a"]
    assert lines(*question("a")) == ["a: ▲ question: Which rounding do invoices use?"]


def test_an_answer_that_changed_nothing_is_not_told() -> None:
    stale = did.RequestAnswered(at=9.0, request_id=RequestId("plan-a"), version=1, answer=PlanRejected("no"))
    assert lines(*plan("a", version=2), stale) == ["a: ▲ submits plan v2"]


def test_what_holds_and_ends_a_run_is_told_once() -> None:
    paused = did.TeammatePaused(at=1.0, run_id=A, by="you")
    stop = did.StopRequested(at=3.0, run_id=A, deadline_at=63.0)
    told = lines(
        paused,
        paused,
        did.TeammateContinued(at=2.0, run_id=A),
        did.TeammateContinued(at=2.0, run_id=A),
        stop,
        stop,
        did.StopTakenBack(at=4.0, run_id=A),
        did.StopTakenBack(at=4.0, run_id=A),
        ended("a", Outcome.TIMED_OUT),
        ended("a", Outcome.COMPLETED),
    )
    assert told == [
        "a: ‖ paused by you",
        "a: continued",
        "a: ▾ asked to stop",
        "a: stop taken back",
        "a: □ timed out",
    ]


def test_a_failure_says_why_in_one_line() -> None:
    told = lines(ended("a", Outcome.FAILED, error="no route\nto host " + "x" * 100))
    assert told[0].startswith("a: ✗ failed: no route to host xxx")
    assert told[0].endswith("…")
    assert "\n" not in told[0]


def test_a_kill_and_its_proof_are_two_lines() -> None:
    assert lines(killed("a"), *proved("a", processes=14)) == [
        "a: ✕ killed by you",
        "a: 14 processes ended in 90 ms",
    ]
    gone = did.KillTaskEnded(at=9.0, run_id=A, after_s=2.0, detached=True)
    assert lines(killed("a"), gone)[-1] == "a: killed (detached): its task ignores cancelling"


def test_settings_of_a_run_and_messages_are_told() -> None:
    told = lines(
        did.TeammateRenamed(at=1.0, run_id=A, name="b", agent_id=AgentId("b@shop")),
        did.ModelChosen(at=2.0, run_id=A, model="m2"),
        did.PermissionModeChanged(at=3.0, run_id=A, mode=PermissionMode.ACCEPT_EDITS),
        did.MessageQueued(
            at=4.0, message_id=MessageId("m"), run_id=A, sender="you", text="Go.", way=Way.STEER
        ),
    )
    assert told == [
        "a: is now b",
        "b: now asks m2",
        "b: now in mode accept-edits",
        "you: → b  “Go.”",
    ]


def test_talk_and_streams_are_no_log_lines() -> None:
    streamed = did.TextStreamed(at=1.0, parts=((A, "x"),))
    assert lines(said("a", "Hello."), streamed, did.NoticeRaised(at=1.0, text="saved")) == []


def test_the_newest_lines_are_kept_and_all_are_counted() -> None:
    notes = [did.NoteTaken(at=float(number), run_id=A, text=f"note {number}") for number in range(600)]
    state = fold(AppState(), [*working("a"), *notes])
    assert len(state.log.lines) == MAX_LINES == 500
    assert (state.log.lines[-1].text, state.log.lines[0].text) == ("note 599", "note 100")
    assert state.log.total == 601


def test_a_refused_request_of_a_dead_run_leaves_no_line() -> None:
    state = fold(AppState(), [*working("a"), killed("a")])
    assert reduce(state, permission("a")[0]).log is state.log


def test_a_record_that_is_let_go_and_a_transcript_that_is_deleted_are_told_once() -> None:
    release = did.RunReleased(at=1.0, run_id=A)
    drop = did.TranscriptDropped(at=3.0, run_id=A, entry_id=1)
    end = ended("a", Outcome.COMPLETED, at=2.0)
    assert lines(release, release, end, release, drop, drop) == [
        "a: released: nobody waits for it",
        "a: ✓ completed",
        "a: its transcript is deleted",
    ]
    assert lines(end, release)[-1] == "a: released: nobody waits for it"
