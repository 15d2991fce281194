"""The record of a run: its lifecycle, what holds it, its counts, its end and the proof of a kill."""

import msgspec
import pytest

from quarterdeck.domain.ids import AgentId, CallId, MessageId, RunId
from quarterdeck.domain.teammates import IdleReason, Lifecycle, Lifetime, Outcome, PermissionMode, WaitsOn
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import ToolStatus
from quarterdeck.state.teammates import KEPT_WORDS, Teammate
from tests.support.states import (
    ended,
    evicted,
    fold,
    idle,
    killed,
    permission,
    proved,
    ready,
    run,
    spawned,
    tool_started,
    turn,
    used,
    working,
)

A = run("a")


def mate(state: AppState, run_id: RunId = A) -> Teammate:
    return state.team.by_run[run_id]


def after(*facts: did.Action) -> Teammate:
    """`a`, in a turn, after `facts`."""
    return mate(fold(AppState(), [*working("a"), *facts]))


def paused(at: float = 10.0) -> did.TeammatePaused:
    return did.TeammatePaused(at=at, run_id=A, by="you")


def continued(at: float = 11.0) -> did.TeammateContinued:
    return did.TeammateContinued(at=at, run_id=A)


def stop(at: float = 20.0) -> did.StopRequested:
    return did.StopRequested(at=at, run_id=A, deadline_at=at + 60)


def taken_back(at: float = 21.0) -> did.StopTakenBack:
    return did.StopTakenBack(at=at, run_id=A)


def waited(on: WaitsOn = WaitsOn.PERMISSION) -> did.TeammateWaited:
    return did.TeammateWaited(at=12.0, run_id=A, on=on)


def turn_ended(reason: IdleReason = IdleReason.DONE, text: str = "Done.") -> did.TurnEnded:
    return did.TurnEnded(at=30.0, run_id=A, reason=reason, final_text=text, duration_s=1.0, usage=Usage())


def test_a_run_goes_from_spawning_over_ready_and_a_turn_to_idle() -> None:
    state = fold(AppState(), [spawned("a")])
    assert mate(state).lifecycle is Lifecycle.SPAWNING
    state = reduce(state, ready("a"))
    assert (mate(state).lifecycle, mate(state).idle_reason) == (Lifecycle.READY, IdleReason.NEW)
    state = reduce(state, turn("a", at=5.0, verb="Hauling", past="Hauled"))
    assert (mate(state).lifecycle, mate(state).idle_reason) == (Lifecycle.EXECUTING, None)
    assert (mate(state).verb, mate(state).turn_started_at, mate(state).since) == ("Hauling", 5.0, 5.0)
    state = reduce(state, turn_ended(IdleReason.INTERRUPTED, "So far."))
    assert (mate(state).lifecycle, mate(state).idle_reason) == (Lifecycle.READY, IdleReason.INTERRUPTED)
    assert (mate(state).final_text, mate(state).turn_started_at) == ("So far.", None)
    assert mate(state).is_idle


def test_a_turn_without_final_text_keeps_the_one_before() -> None:
    assert after(turn_ended(), turn("a"), turn_ended(text="")).final_text == "Done."


def test_a_waiting_run_says_on_what_until_it_goes_on() -> None:
    waiting = after(waited(WaitsOn.RATE_LIMIT))
    assert (waiting.lifecycle, waiting.waits_on, waiting.since) == (
        Lifecycle.WAITING,
        WaitsOn.RATE_LIMIT,
        12.0,
    )
    resumed = after(waited(), did.TeammateResumed(at=13.0, run_id=A))
    assert (resumed.lifecycle, resumed.waits_on) == (Lifecycle.EXECUTING, None)
    assert after(waited(), turn_ended()).waits_on is None


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ([], Lifecycle.EXECUTING),
        ([waited()], Lifecycle.WAITING),
        ([turn_ended()], Lifecycle.READY),
    ],
)
def test_a_paused_run_goes_back_to_where_it_came_from(before: list[did.Action], place: Lifecycle) -> None:
    held = after(*before, paused())
    assert held.lifecycle is Lifecycle.PAUSED
    assert held.since == 10.0
    assert after(*before, paused(), continued()).lifecycle is place


def refuses(state: AppState, *facts: did.Action) -> bool:
    """Each of `facts` alone changes nothing."""
    return all(reduce(state, fact) is state for fact in facts)


def test_what_does_not_fit_the_place_of_a_run_changes_nothing() -> None:
    resumed = did.TeammateResumed(at=13.0, run_id=A)
    new = fold(AppState(), [spawned("a")])
    assert refuses(new, turn("a"), waited(), resumed, turn_ended(), continued(), taken_back())
    still = fold(new, [ready("a")])
    assert refuses(still, ready("a"), waited(), resumed, turn_ended(), continued(), taken_back())
    at_work = fold(still, [turn("a")])
    assert refuses(at_work, ready("a"), turn("a"), resumed, continued(), taken_back())
    waiting = fold(at_work, [waited()])
    assert refuses(waiting, ready("a"), turn("a"), waited(WaitsOn.PLAN), continued(), taken_back())
    assert refuses(fold(at_work, [paused(), stop()]), paused(), continued())


def test_being_told_what_is_so_already_changes_nothing() -> None:
    state = fold(AppState(), working("a"))
    now = mate(state)
    assert refuses(
        state,
        did.TeammateRenamed(at=99.0, run_id=A, name=now.name, agent_id=now.agent_id),
        did.ModelChosen(at=99.0, run_id=A, model=now.model),
        did.PermissionModeChanged(at=99.0, run_id=A, mode=now.permission_mode),
        did.VerbChanged(at=99.0, run_id=A, verb=now.verb, past_verb=now.past_verb),
        did.ProgressReported(at=99.0, run_id=A, tools=0, tokens=0),
    )


def test_what_happens_under_a_pause_counts_when_it_goes_on() -> None:
    assert after(waited(), paused(), did.TeammateResumed(at=13.0, run_id=A)).lifecycle is Lifecycle.PAUSED
    went_on = after(waited(), paused(), did.TeammateResumed(at=13.0, run_id=A), continued())
    assert (went_on.lifecycle, went_on.waits_on) == (Lifecycle.EXECUTING, None)


def test_a_run_that_is_paused_from_ready_is_idle() -> None:
    assert after(turn_ended(), paused()).is_idle
    assert not after(paused()).is_idle


def test_a_run_that_is_spawning_cannot_be_paused_but_can_be_asked_to_stop() -> None:
    state = fold(AppState(), [spawned("a")])
    assert reduce(state, paused()) is state
    assert mate(reduce(state, stop())).lifecycle is Lifecycle.TERMINATING


def test_a_stop_taken_back_leads_to_where_the_run_was_also_when_paused() -> None:
    assert after(stop()).lifecycle is Lifecycle.TERMINATING
    assert after(stop()).stop_deadline_at == 80.0
    assert after(stop(), taken_back()).lifecycle is Lifecycle.EXECUTING
    assert after(paused(), stop(), taken_back()).lifecycle is Lifecycle.PAUSED


def test_a_stop_cannot_be_taken_back_once_the_closing_step_runs() -> None:
    closing = did.ClosingStepStarted(at=22.0, run_id=A)
    state = fold(AppState(), [*working("a"), stop(), closing])
    assert mate(state).is_closing
    assert reduce(state, taken_back()) is state


def test_a_closing_step_without_a_stop_is_impossible() -> None:
    state = fold(AppState(), working("a"))
    assert reduce(state, did.ClosingStepStarted(at=22.0, run_id=A)) is state


def test_a_second_stop_does_not_move_the_deadline() -> None:
    assert after(stop(at=20.0), stop(at=50.0)).stop_deadline_at == 80.0


def test_a_kill_ends_the_run_at_once_and_without_a_notice_of_its_own() -> None:
    state = fold(AppState(), [*working("a"), tool_started("a"), killed("a", at=40.0, processes=3)])
    dead = mate(state)
    assert (dead.lifecycle, dead.outcome, dead.ended_at) == (Lifecycle.TERMINATED, Outcome.KILLED, 40.0)
    assert dead.notified
    assert dead.running == ()
    assert dead.kill is not None
    assert (dead.kill.processes_total, dead.kill.requests_withdrawn) == (3, 1)
    assert not dead.kill.is_complete


def test_an_end_by_itself_has_its_findings_and_no_kill() -> None:
    done = after(ended("a", Outcome.COMPLETED, at=41.0))
    assert (done.lifecycle, done.final_text, done.kill, done.notified) == (
        Lifecycle.TERMINATED,
        "All is done.",
        None,
        False,
    )
    failed = after(ended("a", Outcome.FAILED, error="no route"))
    assert (failed.lifecycle, failed.error) == (Lifecycle.FAILED, "no route")


@pytest.mark.parametrize(
    "late",
    [
        killed("a", at=99.0),
        ended("a", Outcome.FAILED, at=99.0),
        ready("a"),
        turn("a"),
        paused(),
        stop(),
        taken_back(),
        waited(),
        turn_ended(),
        tool_started("a"),
        did.TeammateRenamed(at=99.0, run_id=A, name="b", agent_id=AgentId("b@shop")),
        did.PermissionModeChanged(at=99.0, run_id=A, mode=PermissionMode.BYPASS),
        did.VerbChanged(at=99.0, run_id=A, verb="x", past_verb="y"),
        did.TextSaid(at=99.0, run_id=A, text="I live"),
        did.TextStreamed(at=99.0, parts=((A, "I live"),)),
        *permission("a")[:1],
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_nothing_that_a_run_does_counts_after_its_end(late: did.Action) -> None:
    for end in (killed("a"), ended("a", Outcome.COMPLETED)):
        state = fold(AppState(), [*working("a"), end])
        assert reduce(state, late) is state


def test_late_usage_of_a_run_that_ended_is_still_counted() -> None:
    assert after(used("a", 10), killed("a"), used("a", 5)).usage.total == 15


def test_the_proof_of_a_kill_comes_fact_by_fact_and_keeps_the_first_time() -> None:
    facts = proved("a", processes=4)
    state = fold(AppState(), [*working("a"), killed("a", processes=2)])
    left = did.KillProcessesCounted(at=41.0, run_id=A, left=1, total=4, after_s=0.01)
    state = reduce(state, left)
    proof = mate(state).kill
    assert proof is not None
    assert (proof.processes_left, proof.processes_total, proof.processes_ended_s) == (1, 4, None)
    state = fold(state, facts)
    proof = mate(state).kill
    assert proof is not None
    assert proof.is_complete
    assert (proof.stream_closed_s, proof.processes_ended_s, proof.task_ended_s) == (0.003, 0.09, 0.11)
    again = did.KillStreamClosed(at=50.0, run_id=A, after_s=9.0)
    assert reduce(state, again) is state


def test_a_detached_task_is_no_whole_proof() -> None:
    gone = did.KillTaskEnded(at=43.0, run_id=A, after_s=2.0, detached=True)
    dead = after(killed("a"), *proved("a")[:2], gone)
    assert dead.kill is not None
    assert dead.kill.detached
    assert not dead.kill.is_complete


def test_requests_that_a_killed_run_still_tries_are_counted() -> None:
    tried = did.RequestRefusedAfterKill(at=43.0, run_id=A)
    dead = after(killed("a"), tried, tried)
    assert dead.kill is not None
    assert (dead.kill.refused_since, dead.kill.requests_since) == (2, 0)


def test_running_tools_and_all_that_were_are_counted() -> None:
    two = after(tool_started("a", call="1"), tool_started("a", call="2"))
    assert [tool.call_id for tool in two.running] == ["1", "2"]
    end = did.ToolEnded(
        at=9.0,
        run_id=A,
        call_id=CallId("1"),
        tool="Bash",
        title="",
        status=ToolStatus.OK,
        summary="",
        detail="",
        duration_s=1.0,
    )
    one = after(tool_started("a", call="1"), tool_started("a", call="2"), end)
    assert [tool.call_id for tool in one.running] == ["2"]
    assert one.tools == 2


def test_steps_usage_and_what_was_reported_are_kept_apart() -> None:
    found = after(
        did.StepAccepted(at=9.0, run_id=A, stop_reason="end_turn"),
        used("a", 100, cached=0.5),
        did.ProgressReported(at=10.0, run_id=A, tools=1, tokens=100),
    )
    assert (found.steps, found.usage.cache_read, found.reported_tokens, found.reported_tools) == (
        1,
        50,
        100,
        1,
    )


def test_a_second_spawn_of_the_same_run_changes_nothing_anywhere() -> None:
    state = fold(AppState(), [*working("a"), killed("a")])
    assert reduce(state, spawned("a", revived_from=A)) is state


def test_a_parent_that_was_never_spawned_is_none() -> None:
    state = fold(
        AppState(), [spawned("a", parent=A), spawned("b", parent=A), spawned("c", parent=RunId("?"))]
    )
    parents = [one.parent for one in (mate(state), mate(state, run("b")), mate(state, run("c")))]
    assert parents == [None, A, None]


def test_only_an_ended_run_leaves_the_team_and_history_keeps_it() -> None:
    state = fold(AppState(), [*working("a"), *idle("b")])
    assert reduce(state, evicted("a")) is state
    assert A in state.transcripts
    state = fold(state, [ended("a", Outcome.COMPLETED), evicted("a")])
    assert (state.team.rows, state.team.history) == ((run("b"),), (A,))
    assert mate(state).is_evicted
    assert A not in state.transcripts
    assert reduce(state, evicted("a")) is state


def test_of_a_run_that_is_gone_the_beginning_of_its_last_words_stays_once_all_were_told() -> None:
    long, kid = "word " * 1000, run("kid")
    task = msgspec.structs.replace(spawned("kid", parent=A), lifetime=Lifetime.TASK)
    end = did.TeammateEnded(at=1.0, run_id=kid, outcome=Outcome.COMPLETED, findings=long)
    state = fold(AppState(), [*working("a"), task, end])
    assert mate(state, kid).final_text == long
    state = reduce(state, evicted("kid"))
    assert mate(state, kid).final_text == long  # its requester is still to be told
    told = did.ChildrenAnnounced(
        at=2.0, run_id=A, children=(kid,), message_id=MessageId("m"), sender="kid", text=long
    )
    assert mate(reduce(state, told), kid).final_text == long[:KEPT_WORDS]
    one = msgspec.structs.replace(end, run_id=A)
    state = fold(AppState(), [*working("a"), one])
    assert mate(state).final_text == long  # its row still shows it
    assert mate(reduce(state, evicted("a"))).final_text == long[:KEPT_WORDS]


def test_leaving_the_view_of_a_run_is_remembered() -> None:
    state = fold(AppState(), [*working("a"), *working("b")])
    state = reduce(state, did.TeammateViewed(at=50.0, run_id=A))
    assert state.team.viewed == A
    assert reduce(state, did.TeammateViewed(at=51.0, run_id=A)) is state
    assert reduce(state, did.TeammateViewed(at=51.0, run_id=RunId("nobody"))) is state
    state = reduce(state, did.TeammateViewed(at=52.0, run_id=None))
    assert state.team.viewed is None
    assert mate(state).left_view_at == 52.0


def test_streamed_text_never_moves_a_row() -> None:
    state = fold(AppState(), working("a"))
    streamed = reduce(state, did.TextStreamed(at=9.0, parts=((A, "x"),)))
    assert streamed is not state
    assert streamed.team is state.team
