"""Stepping through a timeline that is made of facts."""

import pytest

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.timeline import PLAY_GAP_S, PLAY_SPEED, Act, Activity, Moment, Timeline
from quarterdeck.state.timeline_fold import TimelineFold
from tests.support import states
from tests.support.past_story import START, story
from tests.support.states import run


def timeline_of(facts: list[did.Action]) -> Timeline:
    fold = TimelineFold()
    fold.add(enumerate(facts, 1))
    return fold.timeline()


@pytest.fixture(scope="module")
def told() -> Timeline:
    return timeline_of(story())


def lane_of(timeline: Timeline, name: str) -> list[tuple[float, Activity]]:
    lane = next(one for one in timeline.lanes if one.name == name)
    return [(stretch.start - START, stretch.activity) for stretch in lane.stretches]


def words_at(timeline: Timeline, moment: Moment) -> str:
    event = timeline.event_at(moment)
    return f"{event.who} {event.text}" if event is not None else ""


def test_a_lane_tells_what_its_teammate_did_and_since_when(told: Timeline) -> None:
    assert lane_of(told, "builder") == [
        (140, Activity.IDLE),
        (142, Activity.MODEL),
        (160, Activity.TOOL),
        (210, Activity.WAITS),
        (313, Activity.MODEL),
        (330, Activity.TOOL),
        (480, Activity.MODEL),
        (530, Activity.IDLE),
    ]
    assert lane_of(told, "coder")[-3:] == [
        (580, Activity.WAITS),
        (581, Activity.MODEL),
        (701, Activity.NEEDS_YOU),
    ]
    assert lane_of(told, "porter")[-1] == (560, Activity.PAUSED)
    assert lane_of(told, "runaway")[-2:] == [(487, Activity.ENDED), (500, Activity.GONE)]


def test_the_end_of_a_lane_tells_how_it_ended(told: Timeline) -> None:
    lane = next(one for one in told.lanes if one.name == "runaway")
    assert [stretch.outcome for stretch in lane.stretches if stretch.activity is Activity.ENDED] == [
        Outcome.KILLED
    ]


def test_your_lane_holds_what_you_did_and_nothing_of_others(told: Timeline) -> None:
    done = [(mark.at - START, mark.act) for mark in told.marks if mark.act is not Act.SPAWN]
    assert done == [
        (5, Act.WRITE),
        (310, Act.WRITE),
        (487, Act.KILL),
        (560, Act.HOLD),
        (580, Act.NO),
    ]


def test_a_revival_goes_on_in_the_lane_of_its_first_life() -> None:
    facts: list[did.Action] = [
        states.opened(at=START),
        *states.working("coder", at=START),
        states.killed("coder", at=START + 10),
        states.evicted("coder", at=START + 14),
        states.spawned("coder", at=START + 20, run_id=run("coder-2"), revived_from=run("coder")),
    ]
    timeline = timeline_of(facts)
    (lane,) = timeline.lanes
    assert lane.runs == (run("coder"), run("coder-2"))
    assert lane.run_at(START + 15) == run("coder")
    assert lane.run_at(START + 20) == run("coder-2")
    assert lane.run_at(START - 5) == run("coder")
    assert [stretch.activity for stretch in lane.stretches][-3:] == [
        Activity.ENDED,
        Activity.GONE,
        Activity.IDLE,
    ]


def test_one_step_back_from_a_kill_is_the_moment_before_it(told: Timeline) -> None:
    kill = next(event for event in told.events if "killed by you" in event.text)
    before = told.step(Moment(kill.number, kill.at), -1)
    assert before.number < kill.number
    assert "killed" not in words_at(told, before)
    assert told.step(before, 1) == Moment(kill.number, kill.at)


def test_decisions_are_what_somebody_asked_answered_held_or_ended(told: Timeline) -> None:
    words = [f"{told.events[one].who} {told.events[one].text}" for one in told.decisions]
    assert [one for one in words if "spawned" not in one] == [
        "coder ▲ submits plan v1",
        f"tester ▲ asks: Bash {states.LONG_COMMAND[:79]}…",
        "runaway ✕ killed by you",
        "porter ‖ paused by you",
        "you rejected plan v1 of coder",
        "coder ▲ submits plan v2",
    ]


def test_decisions_are_stepped_to_from_between_them(told: Timeline) -> None:
    between = told.moment_at(START + 500)
    assert words_at(told, told.step_decision(between, -1)) == "runaway ✕ killed by you"
    assert words_at(told, told.step_decision(between, 1)) == "porter ‖ paused by you"
    first = told.step_decision(told.first, 1)
    assert words_at(told, first) == "you spawned lead"
    assert told.step_decision(first, -1) == first


def test_back_from_between_two_events_is_the_one_before(told: Timeline) -> None:
    between = told.moment_at(START + 100)
    assert words_at(told, told.step(between, -1)) == words_at(told, between) == "lead Grep src · exit 0"


def test_a_time_before_the_beginning_or_after_the_end_is_held_at_it(told: Timeline) -> None:
    assert told.moment_at(0.0).at == told.first.at
    assert told.moment_at(START + 1e6) == told.last


def test_times_never_go_back_though_the_clock_did() -> None:
    facts: list[did.Action] = [
        states.opened(at=START),
        *states.working("coder", at=START + 60),
        *states.working("tester", at=START - 3_000),
        states.said("coder", "hello", at=START + 70),
    ]
    timeline = timeline_of(facts)
    assert list(timeline.times) == sorted(timeline.times)
    assert timeline.events[-1].at == START + 70


def test_playing_goes_ten_times_as_fast_and_shortens_what_is_empty(told: Timeline) -> None:
    first = told.played(told.moment_at(START + 8), 0.1)
    assert first.at == START + 70 - PLAY_GAP_S + PLAY_SPEED * 0.1
    steps, moment = 0, told.first
    while moment.number < told.last.number:
        moment, before = told.played(moment, 0.1), moment
        assert moment.at > before.at
        steps += 1
    assert steps < 200  # 20 s for 12 minutes


def test_of_an_empty_timeline_every_moment_is_nowhere() -> None:
    empty = Timeline()
    assert empty.step(empty.first, 1) == empty.step(empty.last, -1) == empty.moment_at(5.0) == empty.first
    assert empty.event_at(empty.first) is None
    assert empty.step_decision(empty.first, 1) == empty.first
