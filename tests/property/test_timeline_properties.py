"""What holds of every timeline that any sequence of facts can make."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.selectors import select_request_of
from quarterdeck.state.timeline import Activity, Moment, Timeline
from quarterdeck.state.timeline_fold import TimelineFold
from quarterdeck.tui.timeline_cursor import TimelineCursor, Window
from quarterdeck.tui.timeline_drawing import axis, column_of, lane_cells, mark_cells
from quarterdeck.tui.timeline_rates import bars, column_rates
from tests.support.action_sequences import sequences
from tests.support.states import fold

MOVES = (
    *("next-event", "previous-event", "next-decision", "previous-decision", "minute-on", "minute-back"),
    *("first-event", "last-event", "up", "down", "zoom-in", "zoom-out", "which"),
)


def numbered(facts: list[did.Action]) -> list[tuple[int, did.Action]]:
    """The durable ones, with gaps where others were."""
    return [(number, fact) for number, fact in enumerate(facts, 1) if did.is_durable(fact)]


def timeline_of(facts: list[did.Action]) -> Timeline:
    timeline_fold = TimelineFold()
    timeline_fold.add(numbered(facts))
    return timeline_fold.timeline()


@given(sequences)
def test_every_run_is_in_one_lane_and_what_it_does_last_is_what_the_state_says(
    facts: list[did.Action],
) -> None:
    timeline = timeline_of(facts)
    state = fold(AppState(), [fact for _number, fact in numbered(facts)])
    runs = [run_id for lane in timeline.lanes for run_id in lane.runs]
    assert sorted(runs) == sorted(state.team.by_run)
    for lane in timeline.lanes:
        assert [stretch.start for stretch in lane.stretches] == sorted(one.start for one in lane.stretches)
        for before, after in pairwise(lane.stretches):
            assert (before.activity, before.run_id, before.outcome) != (
                after.activity,
                after.run_id,
                after.outcome,
            )
        mate, last = state.team.by_run[lane.runs[-1]], lane.stretches[-1].activity
        assert (last is Activity.GONE) == mate.is_evicted
        assert (last is Activity.ENDED) == (mate.is_terminal and not mate.is_evicted)
        assert (last is Activity.NEEDS_YOU) == (select_request_of(state, mate.run_id) is not None)


@given(sequences)
def test_events_stand_in_order_and_their_facts_were_possible(facts: list[did.Action]) -> None:
    timeline = timeline_of(facts)
    by_number = dict(numbered(facts))
    numbers = [event.number for event in timeline.events]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(by_number)
    assert list(timeline.times) == sorted(timeline.times)
    state, changed = AppState(), set()
    for number, fact in numbered(facts):
        before, state = state, reduce(state, fact)
        if state is not before:
            changed.add(number)
    told_without_a_state = (did.SessionResumed, did.StepDiscarded)
    assert all(number in changed or isinstance(by_number[number], told_without_a_state) for number in numbers)
    assert all(0 <= one < len(timeline.events) for one in timeline.decisions)


@given(sequences)
def test_stepping_from_end_to_end_meets_each_event_once_in_both_directions(facts: list[did.Action]) -> None:
    timeline = timeline_of(facts)
    moment, met = timeline.last, []
    for _ in timeline.events:
        moment = timeline.step(moment, -1)
        met.append(moment.number)
    numbers = [event.number for event in timeline.events]
    # The end may be the last event itself, which is then not stepped to.
    assert met in (numbers[::-1], [*numbers[::-1][1:], numbers[0]] if numbers else [])
    forwards = []
    for _ in range(len(numbers) - 1):
        moment = timeline.step(moment, 1)
        forwards.append(moment.number)
    assert forwards == numbers[1:]
    assert not numbers or timeline.step(moment, 1).number == timeline.last.number


@given(sequences, st.lists(st.sampled_from(MOVES), max_size=30))
def test_wherever_one_goes_the_moment_is_of_the_past_and_on_the_screen(
    facts: list[did.Action], moves: list[str]
) -> None:
    timeline, cursor = timeline_of(facts), TimelineCursor()
    cursor.take(timeline)
    for move in moves:
        assert cursor.do(move)
        assert timeline.first.at <= cursor.moment.at <= timeline.last.at
        assert cursor.window.start <= cursor.moment.at <= cursor.window.end
        assert cursor.moment.number in timeline.numbers or not timeline.numbers
        assert cursor.window.span > 0
        assert cursor.lanes or not timeline.lanes, "there is always a lane to look at"
        assert [lane for lane in timeline.lanes if lane in cursor.lanes] == list(cursor.lanes)
        assert (cursor.chosen is not None) == bool(timeline.lanes)
        axis(cursor.window, 70)
        for lane in timeline.lanes:
            cells = lane_cells(lane, cursor.window, 70, timeline.last.at)
            assert len(cells) == 70
        assert all(0 <= column < 70 for column in mark_cells(timeline.marks, cursor.window, 70))


@given(sequences, st.floats(0.01, 2.0))
def test_playing_never_goes_back_and_comes_to_the_end(facts: list[did.Action], seconds: float) -> None:
    timeline = timeline_of(facts)
    moment = timeline.first
    for _ in range(100_000):
        if moment.number >= timeline.last.number:
            break
        then = timeline.played(moment, seconds)
        assert then.number >= moment.number
        assert then.at > moment.at
        moment = then
    assert moment.number == timeline.last.number


@given(sequences)
def test_a_lane_is_drawn_as_what_it_does_at_that_time(facts: list[did.Action]) -> None:
    timeline, cursor = timeline_of(facts), TimelineCursor()
    cursor.take(timeline)
    columns = 400  # less than a second each: no column holds two facts of these sequences
    for lane in timeline.lanes:
        cells = lane_cells(lane, cursor.window, columns, timeline.last.at)
        for stretch, after in pairwise(lane.stretches):
            if after.start - stretch.start >= 1:
                middle = Moment(0, (stretch.start + after.start) / 2)
                assert cells[column_of(middle.at, cursor.window, columns)].activity is stretch.activity


@given(sequences, st.integers(1, 200))
def test_what_was_said_is_spread_over_the_columns_and_nothing_is_lost(
    facts: list[did.Action], columns: int
) -> None:
    timeline = timeline_of(facts)
    if not timeline.responses:
        return
    window = Window(min(one.start for one in timeline.responses), timeline.last.at)
    rates = column_rates(timeline.responses, window, columns)
    said = sum(one.tokens for one in timeline.responses)
    assert abs(sum(rates) * window.span / columns - said) <= 1e-6 * said + 1e-3
    assert len(bars(rates, " ab")) == columns
    ends = [one.end for one in timeline.responses]
    assert ends == sorted(ends)
    for at in {*ends, *(one.start for one in timeline.responses)}:
        slow = sum(one.rate for one in timeline.responses if one.start < at <= one.end)
        assert abs(timeline.rate_at(at) - slow) <= 1e-9 * max(slow, 1.0)
