"""What holds in every state that any sequence of facts can reach."""

from collections import Counter
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import ARROWS, Lifecycle
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import weight
from quarterdeck.state.log import MAX_LINES
from quarterdeck.state.selectors import (
    DisplayDelays,
    select_by_name,
    select_descendants,
    select_leaving,
    select_living,
    select_requests,
    select_rows,
    select_total_usage,
)
from quarterdeck.state.transcripts import MAX_ENTRIES, MAX_WEIGHT
from tests.support.action_sequences import RUNS, sequences
from tests.support.durable import durable
from tests.support.states import fold, spawned

replace = msgspec.structs.replace


def states(facts: list[did.Action]) -> list[AppState]:
    """The state before any fact and after each."""
    found = [AppState()]
    for fact in facts:
        found.append(reduce(found[-1], fact))
    return found


def lifecycles(facts: list[did.Action]) -> dict[RunId, list[Lifecycle]]:
    """What each run has been, one after the other."""
    seen: dict[RunId, list[Lifecycle]] = {}
    for state in states(facts):
        for run_id, mate in state.team.by_run.items():
            been = seen.setdefault(run_id, [])
            if not been or been[-1] is not mate.lifecycle:
                been.append(mate.lifecycle)
    return seen


@given(sequences)
def test_every_change_of_a_lifecycle_is_an_arrow(facts: list[did.Action]) -> None:
    for been in lifecycles(facts).values():
        assert been[0] is Lifecycle.SPAWNING
        for before, after in pairwise(been):
            assert after in ARROWS[before]


@given(sequences)
def test_a_run_has_at_most_one_end_and_its_record_never_changes(facts: list[did.Action]) -> None:
    ends: Counter[RunId] = Counter()
    all_states = states(facts)
    for before, after in pairwise(all_states):
        assert set(before.team.by_run) <= set(after.team.by_run)
        for run_id, mate in after.team.by_run.items():
            old = before.team.by_run.get(run_id)
            if old is not None and old.is_terminal:
                record = (mate.outcome, mate.ended_at, mate.ended_by, mate.error, mate.final_text)
                assert record == (old.outcome, old.ended_at, old.ended_by, old.error, old.final_text)
            elif mate.is_terminal:
                ends[run_id] += 1
    assert all(count == 1 for count in ends.values())


@given(sequences)
def test_a_run_that_ended_holds_nothing_that_is_still_going_on(facts: list[did.Action]) -> None:
    for state in states(facts):
        for run_id, mate in state.team.by_run.items():
            if not mate.is_terminal:
                continue
            assert mate.ended_at is not None
            assert not mate.running
            assert mate.waits_on is None
            assert mate.stop_deadline_at is None
            assert run_id not in state.mail
            transcript = state.transcripts.get(run_id)
            if transcript is not None:
                assert transcript.live == ()
                assert all(getattr(entry, "status", "") != "running" for entry in transcript.entries)


@given(sequences)
def test_an_equal_state_is_the_same_object(facts: list[did.Action]) -> None:
    all_states = states(facts)
    for before, after in pairwise(all_states):
        assert after is before or after != before


@given(sequences)
def test_a_lifecycle_fact_told_twice_changes_nothing_the_second_time(facts: list[did.Action]) -> None:
    state = AppState()
    for fact in facts:
        state = reduce(state, fact)
        if isinstance(fact, (*did.LIFECYCLE, did.TeammateSpawned, did.TeammateEvicted, did.TeammateViewed)):
            assert reduce(state, fact) is state


@given(sequences)
def test_the_inbox_holds_each_open_request_once_and_none_of_a_dead_run(facts: list[did.Action]) -> None:
    for state in states(facts):
        inbox = state.inbox
        assert len(set(inbox.open)) == len(inbox.open)
        assert set(inbox.open) <= set(inbox.by_id)
        assert set(inbox.suspended) <= set(inbox.by_id)
        assert set(inbox.answers) <= set(inbox.by_id)
        assert not set(inbox.open) & (set(inbox.suspended) | set(inbox.answers))
        for request in select_requests(state):
            mate = state.team.by_run.get(request.run_id)
            assert mate is not None
            assert not mate.is_terminal
        for request_id in inbox.suspended:
            assert state.team.by_run[inbox.by_id[request_id].run_id].is_terminal


@given(sequences)
def test_open_requests_stand_oldest_first(facts: list[did.Action]) -> None:
    for state in states(facts):
        ages = [request.opened_at for request in select_requests(state)]
        assert ages == sorted(ages)


@given(sequences)
def test_rows_and_history_part_the_runs(facts: list[did.Action]) -> None:
    for state in states(facts):
        team = state.team
        assert sorted(team.rows + team.history) == sorted(team.by_run)
        assert all(team.by_run[run_id].is_evicted for run_id in team.history)
        assert all(team.by_run[run_id].is_terminal for run_id in team.history)
        assert all(run_id in state.transcripts for run_id in team.rows)
        assert not any(team.by_run[run_id].is_evicted for run_id in team.rows)


@given(sequences)
def test_a_roster_that_need_not_be_sorted_again_is_the_same(facts: list[did.Action]) -> None:
    all_states = states(facts)
    for before, after in pairwise(all_states):
        if before.team.revision == after.team.revision:
            assert select_rows(before.team, before.inbox) == select_rows(after.team, after.inbox)


@given(sequences)
def test_every_selector_answers_in_every_state(facts: list[did.Action]) -> None:
    state = fold(AppState(), facts)
    rows = select_rows(state.team, state.inbox)
    assert sorted(row.run_id for row in rows) == sorted(state.team.rows)
    assert set(select_leaving(state.team, DisplayDelays(), 1e9)) <= set(state.team.rows)
    living = {mate.run_id for mate in select_living(state.team)}
    for run_id in state.team.by_run:
        assert set(select_descendants(state.team, run_id)) <= living - {run_id}
        assert select_total_usage(state.team, run_id).requests <= select_total_usage(state.team).requests
        assert select_by_name(state.team, state.team.by_run[run_id].name) is not None


@given(sequences, st.integers(0, 2**31))
def test_a_window_is_bounded_and_its_weight_is_true(facts: list[did.Action], seed: int) -> None:
    heavy = [_blown_up(fact, seed + number) for number, fact in enumerate(facts)]
    for state in states(heavy):
        for run_id, transcript in state.transcripts.items():
            assert len(transcript.entries) <= MAX_ENTRIES
            assert transcript.weight == sum(weight(entry) for entry in transcript.entries)
            assert transcript.weight <= MAX_WEIGHT, run_id
            ids = [entry.id for entry in transcript.entries]
            assert ids == sorted(set(ids))
            assert not ids or ids[-1] < transcript.next_id
            assert all(len(part.text) <= MAX_WEIGHT for part in transcript.live)
        assert len(state.log.lines) <= MAX_LINES


def _blown_up(fact: did.Action, seed: int) -> did.Action:
    """The fact with a text that is empty, large or larger than a whole window."""
    size = (0, 70_000, 150_000, 300_000)[seed % 4]
    match fact:
        case did.TextSaid() | did.ThoughtFinished() | did.NoteTaken() | did.MessageDelivered():
            return replace(fact, text="x" * size)
        case did.ToolPrinted():
            return replace(fact, tail="x" * size)
        case did.ToolEnded():
            return replace(fact, detail="x" * size, title="y" * (size // 2))
        case did.TextStreamed():
            return replace(fact, parts=tuple((run_id, "x" * size) for run_id in RUNS[:2]))
    return fact


@given(st.lists(st.sampled_from(RUNS[:2]), min_size=201, max_size=450))
def test_a_window_keeps_the_newest_two_hundred_entries(speakers: list[RunId]) -> None:
    spawns = [spawned(run_id, run_id=run_id) for run_id in RUNS[:2]]
    said = [
        did.TextSaid(at=float(number), run_id=run_id, text=str(number))
        for number, run_id in enumerate(speakers)
    ]
    state = fold(AppState(), [*spawns, *said])
    for run_id in RUNS[:2]:
        texts = [str(number) for number, speaker in enumerate(speakers) if speaker == run_id]
        assert [getattr(entry, "text", None) for entry in state.transcripts[run_id].entries] == texts[-200:]


@given(sequences)
def test_the_durable_facts_alone_give_the_durable_part_of_the_state(facts: list[did.Action]) -> None:
    whole = fold(AppState(), facts)
    again = fold(AppState(), [fact for fact in facts if did.is_durable(fact)])
    assert durable(again) == durable(whole)
