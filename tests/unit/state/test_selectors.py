"""What is derived: order and families of the roster, when a row leaves, sums over descendants."""

import msgspec
import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import (
    DisplayDelays,
    Group,
    leaves_at,
    select_by_name,
    select_descendants,
    select_last_sign,
    select_leaving,
    select_living,
    select_rows,
    select_suspended,
    select_suspended_of,
    select_total_usage,
)
from quarterdeck.state.teammates import Teammate
from tests.support.states import (
    ended,
    evicted,
    fold,
    idle,
    killed,
    permission,
    plan,
    proved,
    question,
    ready,
    run,
    spawned,
    tool_started,
    turn,
    used,
    working,
)

DELAYS = DisplayDelays(killed=3, stopped=4, completed=5, timed_out=30, seen=31)
A = run("a")


def child(name: str, parent: str) -> list[did.Action]:
    return [spawned(name, parent=run(parent)), ready(name), turn(name)]


def rows(*facts: did.Action) -> list[tuple[str, Group, int]]:
    """(name, group, depth) from top to bottom."""
    state = fold(AppState(), facts)
    return [
        (state.team.by_run[row.run_id].name, row.group, row.depth)
        for row in select_rows(state.team, state.inbox)
    ]


def names(*facts: did.Action) -> list[str]:
    return [name for name, _, _ in rows(*facts)]


def test_rows_stand_by_how_much_they_need_the_person() -> None:
    found = rows(
        *working("done"),
        ended("done", Outcome.COMPLETED),
        *idle("idle"),
        *working("works"),
        *working("failed"),
        ended("failed", Outcome.FAILED),
        *working("asks"),
        *permission("asks"),
    )
    assert found == [
        ("asks", Group.NEEDS_YOU, 0),
        ("failed", Group.FAILED, 0),
        ("works", Group.WORKING, 0),
        ("idle", Group.IDLE, 0),
        ("done", Group.ENDED, 0),
    ]


def test_who_has_waited_longest_stands_first_and_the_rest_as_spawned() -> None:
    late, early = permission("late", at=20.0), question("early", at=10.0)
    facts = [*working("late"), *working("early"), *working("x"), *working("y"), *early, *late]
    assert names(*facts) == ["early", "late", "x", "y"]


def test_a_row_carries_its_oldest_request() -> None:
    state = fold(AppState(), [*working("a"), *permission("a", at=10.0), *question("a", at=20.0)])
    (row,) = select_rows(state.team, state.inbox)
    assert row.request == "perm-a"


def test_an_idle_run_with_a_job_in_the_background_is_at_work() -> None:
    assert rows(*idle("a"), tool_started("a"))[0][1] is Group.WORKING


def test_a_family_stays_together_and_stands_where_its_most_urgent_member_would() -> None:
    facts = [
        *working("alone"),
        *working("parent"),
        *child("one", "parent"),
        *child("two", "parent"),
        *child("deep", "two"),
        *permission("deep"),
    ]
    assert [(name, depth) for name, _, depth in rows(*facts)] == [
        ("parent", 0),
        ("two", 1),
        ("deep", 2),
        ("one", 1),
        ("alone", 0),
    ]


def test_children_of_a_row_that_left_stand_on_their_own() -> None:
    facts = [
        *working("parent"),
        *child("one", "parent"),
        ended("parent", Outcome.COMPLETED),
        evicted("parent"),
    ]
    assert rows(*facts) == [("one", Group.WORKING, 0)]


def mate(*facts: did.Action) -> Teammate:
    return fold(AppState(), [*working("a"), *facts]).team.by_run[A]


@pytest.mark.parametrize(
    ("outcome", "delay"), [(Outcome.STOPPED, 4), (Outcome.COMPLETED, 5), (Outcome.TIMED_OUT, 30)]
)
def test_an_ended_row_leaves_after_the_delay_of_its_outcome(outcome: Outcome, delay: float) -> None:
    assert leaves_at(mate(ended("a", outcome, at=100.0)), DELAYS, viewed=None) == 100.0 + delay


def test_a_living_row_does_not_leave() -> None:
    assert leaves_at(mate(), DELAYS, viewed=None) is None


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN])
def test_a_failed_row_waits_until_the_person_has_seen_it(outcome: Outcome) -> None:
    failed = ended("a", outcome, at=100.0)
    assert leaves_at(mate(failed), DELAYS, viewed=None) is None
    seen = did.TeammateSeen(at=500.0, run_id=A)
    assert leaves_at(mate(failed, seen), DELAYS, viewed=None) == 531.0
    assert leaves_at(mate(failed, seen, did.TeammateSeen(at=900.0, run_id=A)), DELAYS, viewed=None) == 531.0


def test_seeing_a_row_before_it_fails_starts_nothing() -> None:
    early = did.TeammateSeen(at=50.0, run_id=A)
    assert leaves_at(mate(early, ended("a", Outcome.FAILED, at=100.0)), DELAYS, viewed=None) is None


def test_a_killed_row_leaves_only_when_its_proof_is_whole() -> None:
    dead = killed("a", at=100.0)
    proof = proved("a", at=101.0)
    assert leaves_at(mate(dead), DELAYS, viewed=None) is None
    for missing in range(3):
        part = [fact for number, fact in enumerate(proof) if number != missing]
        assert leaves_at(mate(dead, *part), DELAYS, viewed=None) is None
    assert leaves_at(mate(dead, *proof), DELAYS, viewed=None) == 103.0


def test_a_detached_row_never_leaves_by_time() -> None:
    detached = did.KillTaskEnded(at=102.0, run_id=A, after_s=2.0, detached=True)
    assert leaves_at(mate(killed("a", at=100.0), *proved("a")[:2], detached), DELAYS, viewed=None) is None


def test_a_viewed_row_stays_and_its_delay_starts_anew_when_it_is_left() -> None:
    end = ended("a", Outcome.COMPLETED, at=100.0)
    look = did.TeammateViewed(at=102.0, run_id=A)
    away = did.TeammateViewed(at=300.0, run_id=None)
    assert leaves_at(mate(end, look), DELAYS, viewed=A) is None
    assert leaves_at(mate(end, look, away), DELAYS, viewed=None) == 305.0
    earlier: list[did.Action] = [
        did.TeammateViewed(at=50.0, run_id=A),
        did.TeammateViewed(at=60.0, run_id=None),
        end,
    ]
    assert leaves_at(mate(*earlier), DELAYS, viewed=None) == 105.0


def test_a_row_that_left_does_not_leave_again() -> None:
    gone = mate(ended("a", Outcome.COMPLETED, at=100.0), evicted("a"))
    assert leaves_at(gone, DELAYS, viewed=None) is None


def test_the_rows_that_are_due_are_found_but_not_the_viewed_one() -> None:
    facts = [*working("a"), *working("b"), *working("c")]
    facts += [ended(name, Outcome.COMPLETED, at=100.0) for name in ("a", "b")]
    team = fold(AppState(), [*facts, did.TeammateViewed(at=101.0, run_id=A)]).team
    assert select_leaving(team, DELAYS, 104.9) == ()
    assert select_leaving(team, DELAYS, 105.0) == (run("b"),)


def family() -> AppState:
    return fold(
        AppState(),
        [
            *working("a"),
            *child("b", "a"),
            *child("c", "b"),
            *working("other"),
            used("a", 1),
            used("b", 10),
            used("c", 100),
            used("other", 1_000),
            killed("c"),
            *proved("c"),
            evicted("c"),
        ],
    )


def test_usage_of_a_run_includes_all_its_descendants_also_those_that_left() -> None:
    team = family().team
    assert select_total_usage(team, A).total == 111
    assert select_total_usage(team, run("b")).total == 110
    assert select_total_usage(team, run("other")).total == 1_000
    assert select_total_usage(team).total == 1_111
    assert select_total_usage(team).requests == 4


def test_descendants_are_the_living_ones_at_any_depth() -> None:
    team = family().team
    assert select_descendants(team, A) == (run("b"),)
    grown = fold(family(), [*child("d", "b")]).team
    assert set(select_descendants(grown, A)) == {run("b"), run("d")}
    assert select_descendants(grown, run("other")) == ()


def test_a_name_is_the_living_runs_else_the_one_that_ended_last() -> None:
    state = fold(AppState(), [*working("a"), killed("a", at=10.0)])
    second = spawned("a", run_id=RunId("a-2"))
    state = fold(
        state,
        [second, did.TeammateEnded(at=20.0, run_id=RunId("a-2"), outcome=Outcome.COMPLETED, findings="")],
    )
    found = select_by_name(state.team, "A")
    assert found is not None
    assert found.run_id == "a-2"
    state = fold(state, [spawned("a", run_id=RunId("a-3"))])
    living = select_by_name(state.team, "a")
    assert living is not None
    assert living.run_id == "a-3"
    assert select_by_name(state.team, "nobody") is None
    assert [one.run_id for one in select_living(state.team)] == ["a-3"]


def test_the_last_sign_of_life_is_of_the_record_or_of_the_stream() -> None:
    state = fold(AppState(), [*working("a", at=10.0)])
    assert select_last_sign(state, A) == 12.0
    state = fold(state, [did.TextStreamed(at=50.0, parts=((A, ""),))])
    assert select_last_sign(state, A) == 50.0
    state = fold(state, [msgspec.structs.replace(tool_started("a"), at=60.0)])
    assert select_last_sign(state, A) == 60.0


def test_who_failed_with_a_plan_submitted_needs_the_person_until_it_is_revived() -> None:
    facts = [*working("asks"), *permission("asks", at=50.0), *working("coder"), *plan("coder", at=40.0)]
    facts += [*working("failed"), ended("failed", Outcome.FAILED), ended("coder", Outcome.FAILED)]
    state = fold(AppState(), facts)
    first, second, third = select_rows(state.team, state.inbox)
    assert (first.run_id, first.group, first.request) == (run("coder"), Group.NEEDS_YOU, "plan-coder")
    assert (second.run_id, second.group) == (run("asks"), Group.NEEDS_YOU)
    assert (third.run_id, third.group) == (run("failed"), Group.FAILED)
    assert [one.id for one in select_suspended(state)] == ["plan-coder"]
    assert select_suspended_of(state, run("failed")) is None
    new = run("coder-2")
    revived = fold(state, [spawned("coder", revived_from=run("coder"), run_id=new)])
    assert select_suspended(revived) == ()
    assert next(row for row in select_rows(revived.team, revived.inbox) if row.run_id == new).request
