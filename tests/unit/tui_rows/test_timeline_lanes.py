"""Which lanes are shown, and how fast the team was answered in each column."""

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.timeline import Activity, Lane, Moment, Response, Stretch, Timeline
from quarterdeck.tui.timeline_cursor import FIRST_S, TimelineCursor, Window
from quarterdeck.tui.timeline_lanes import Lanes, lanes_of, next_lanes
from quarterdeck.tui.timeline_rates import bars, column_rates
from quarterdeck.tui.timeline_signs import LEVELS


def lane(name: str, *activities: Activity, outcome: Outcome = Outcome.COMPLETED) -> Lane:
    stretches = tuple(
        Stretch(float(at), one, RunId(name), outcome if one is Activity.ENDED else None)
        for at, one in enumerate(activities)
    )
    return Lane(name=name, color=1, runs=(RunId(name),), spawned=(0.0,), stretches=stretches)


ASKS = lane("asks", Activity.MODEL, Activity.NEEDS_YOU, Activity.MODEL)
WORKS = lane("works", Activity.MODEL, Activity.TOOL)
FAILED = lane("failed", Activity.MODEL, Activity.ENDED, outcome=Outcome.FAILED)
REVIVED = lane("revived", Activity.ENDED, Activity.MODEL, outcome=Outcome.UNKNOWN)
GONE = lane("gone", Activity.MODEL, Activity.ENDED, Activity.GONE)
EVERY = (ASKS, WORKS, FAILED, REVIVED, GONE)


def past(*lanes: Lane, until: float = 100.0) -> Timeline:
    return Timeline(lanes=lanes, numbers=(1, 2), times=(0.0, until))


@pytest.mark.parametrize(
    ("which", "shown"),
    [
        (Lanes.ALL, EVERY),
        (Lanes.ASKED, (ASKS,)),
        (Lanes.LIVING, (ASKS, WORKS, REVIVED)),
        (Lanes.FAILED, (FAILED, REVIVED)),
        (Lanes.ENDED, (FAILED, GONE)),
    ],
)
def test_each_choice_shows_the_lanes_to_which_that_happened(which: Lanes, shown: tuple[Lane, ...]) -> None:
    assert lanes_of(past(*EVERY), which) == shown


def test_a_choice_that_would_show_nothing_is_left_out_round_and_round() -> None:
    told = past(WORKS, GONE)
    met, which = [], Lanes.ALL
    for _ in range(3):
        which = next_lanes(told, which)
        met.append(which)
    assert met == [Lanes.LIVING, Lanes.ENDED, Lanes.ALL]
    assert next_lanes(past(), Lanes.ASKED) is Lanes.ALL


def test_the_chosen_lane_stays_chosen_as_long_as_it_is_shown() -> None:
    cursor = TimelineCursor()
    cursor.take(past(*EVERY))
    cursor.choose(RunId("revived"))
    cursor.do("which")
    assert (cursor.which, cursor.chosen) == (Lanes.ASKED, ASKS), "it is not among them"
    cursor.choose(RunId("revived"))
    assert (cursor.which, cursor.chosen) == (Lanes.ALL, REVIVED), "one that is asked for is shown"
    cursor.do("which")
    cursor.do("which")
    assert (cursor.which, cursor.chosen) == (Lanes.LIVING, ASKS)
    cursor.do("down")
    cursor.do("down")
    cursor.do("down")
    assert cursor.chosen == REVIVED
    cursor.do("which")
    assert (cursor.which, cursor.chosen) == (Lanes.FAILED, REVIVED)


def test_when_the_past_grows_lanes_come_and_none_leaves() -> None:
    cursor = TimelineCursor()
    cursor.take(past(WORKS, GONE))
    cursor.do("which")
    assert [one.name for one in cursor.lanes] == ["works"]
    over = lane("works", Activity.MODEL, Activity.ENDED)
    new = lane("new", Activity.MODEL)
    cursor.grow(past(over, GONE, new, lane("late", Activity.GONE), until=120.0))
    assert cursor.lanes == (over, new)
    assert cursor.chosen == over


def test_a_window_at_the_end_goes_on_with_it_as_long_as_it_holds_the_moment() -> None:
    cursor = TimelineCursor()
    cursor.take(past(WORKS, until=2 * FIRST_S))
    cursor.go(Moment(1, 1.5 * FIRST_S))
    assert cursor.window == Window(FIRST_S, 2 * FIRST_S)
    cursor.grow(past(WORKS, until=2 * FIRST_S + 60))
    assert cursor.window == Window(FIRST_S + 60, 2 * FIRST_S + 60)
    cursor.grow(past(WORKS, until=4 * FIRST_S))
    assert cursor.window == Window(1.5 * FIRST_S, 2.5 * FIRST_S), "the moment is at its edge"
    cursor.grow(past(WORKS, until=5 * FIRST_S))
    assert cursor.window == Window(1.5 * FIRST_S, 2.5 * FIRST_S), "it does not show the end any more"
    assert cursor.moment == Moment(1, 1.5 * FIRST_S)


def test_what_a_response_said_is_spread_over_the_time_that_it_took() -> None:
    said = (Response(10.0, 30.0, 200), Response(20.0, 30.0, 50), Response(95.0, 105.0, 100))
    rates = column_rates(said, Window(0.0, 100.0), 10)
    assert rates == pytest.approx([0, 10, 15, 0, 0, 0, 0, 0, 0, 5])


def test_a_bar_is_as_high_as_its_share_of_the_highest_and_little_is_not_nothing() -> None:
    assert bars([0.0, 0.001, 4.0, 8.0], LEVELS) == " ▁▄█"
    assert bars([0.0, 0.0], LEVELS) == "  "
    assert bars([], LEVELS) == ""
