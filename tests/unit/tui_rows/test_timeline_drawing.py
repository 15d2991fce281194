"""What stands in which cell of a timeline, and how the window moves."""

import time
from collections.abc import Iterator

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.timeline import Act, Activity, Lane, Mark, Moment, Stretch, Timeline
from quarterdeck.tui.arrangement import arrange_past
from quarterdeck.tui.timeline_cursor import FIRST_S, LEAST_S, TimelineCursor, Window
from quarterdeck.tui.timeline_drawing import (
    axis,
    column_of,
    lane_cells,
    mark_cells,
    span_words,
    time_of,
)

NOON = 1_763_726_400.0


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lane(*stretches: tuple[float, Activity], outcome: Outcome | None = None) -> Lane:
    made = tuple(
        Stretch(NOON + start, activity, RunId("r"), outcome if activity is Activity.ENDED else None)
        for start, activity in stretches
    )
    return Lane(name="coder", color=1, runs=(RunId("r"),), spawned=(made[0].start,), stretches=made)


def drawn(one: Lane, columns: int, seconds: float = 100.0) -> str:
    letters = {
        Activity.MODEL: "m",
        Activity.TOOL: "T",
        Activity.NEEDS_YOU: "n",
        Activity.IDLE: ".",
        Activity.ENDED: "x",
        Activity.GONE: " ",
    }
    window = Window(NOON, NOON + seconds)
    return "".join(letters[cell.activity] for cell in lane_cells(one, window, columns, NOON + seconds))


def past(*at: float) -> Timeline:
    times = tuple(NOON + one for one in at)
    return Timeline(numbers=tuple(range(1, len(at) + 1)), times=times)


def test_each_cell_shows_what_took_longest_in_it() -> None:
    one = lane((0, Activity.MODEL), (30, Activity.TOOL), (34, Activity.MODEL), (50, Activity.TOOL))
    assert drawn(one, 10) == "mmmmmTTTTT"
    assert drawn(one, 100)[28:36] == "mmTTTTmm"


def test_a_question_and_an_end_are_shown_however_short_they_were() -> None:
    one = lane((0, Activity.TOOL), (41, Activity.NEEDS_YOU), (42, Activity.TOOL), (90, Activity.ENDED))
    assert drawn(one, 10) == "TTTTnTTTTx"
    gone = lane((0, Activity.TOOL), (45, Activity.ENDED), (46, Activity.GONE), outcome=Outcome.KILLED)
    assert drawn(gone, 10) == "TTTTx     "


def test_nothing_is_drawn_before_a_teammate_was_there() -> None:
    assert drawn(lane((50, Activity.IDLE)), 10) == "     ....."


def test_times_stand_at_round_minutes_in_their_own_cells() -> None:
    window = Window(NOON + 20, NOON + 740)
    row = axis(window, 70)
    assert row.split() == ["12:02", "12:04", "12:06", "12:08", "12:10"]
    for minute in (2, 6, 10):
        assert row.index(f"12:{minute:02}") == column_of(NOON + minute * 60, window, 70)


def test_a_short_window_has_seconds_and_a_tiny_one_no_axis() -> None:
    assert axis(Window(NOON, NOON + 20), 60).split()[:2] == ["12:00:00", "12:00:05"]
    assert axis(Window(NOON, NOON + 20), 5) == ""
    assert axis(Window(), 60) == ""


def test_of_several_acts_in_one_cell_the_most_telling_is_shown() -> None:
    marks = [Mark(NOON + 50, Act.WRITE), Mark(NOON + 51, Act.KILL), Mark(NOON + 52, Act.YES)]
    assert mark_cells(marks, Window(NOON, NOON + 100), 10) == {5: Act.KILL}
    assert mark_cells(marks, Window(NOON, NOON + 10), 10) == {}


def test_a_column_and_its_time_belong_together() -> None:
    window = Window(NOON, NOON + 97)
    assert all(column_of(time_of(column, window, 61), window, 61) == column for column in range(61))


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 seconds"), (720, "12 minutes"), (12_000, "3h20m")])
def test_the_title_says_how_much_is_on_the_screen(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_a_long_past_opens_on_its_last_hour_and_zooms_out_to_the_whole() -> None:
    cursor = TimelineCursor()
    cursor.take(past(0, 20_000))
    assert cursor.window == Window(NOON + 20_000 - FIRST_S, NOON + 20_000)
    for _ in range(5):
        cursor.do("zoom-out")
    assert cursor.window == Window(NOON, NOON + 20_000)


def test_zooming_in_keeps_the_moment_where_it_is_and_stops_at_the_shortest_stretch() -> None:
    cursor = TimelineCursor()
    cursor.take(past(*range(0, 1_001, 10)))
    cursor.go(Moment(26, NOON + 250))
    cursor.do("zoom-in")
    assert cursor.window == Window(NOON + 125, NOON + 625)
    for _ in range(20):
        cursor.do("zoom-in")
    assert cursor.window.span == LEAST_S
    assert cursor.window.start <= NOON + 250 <= cursor.window.end


def test_the_window_follows_the_moment_only_when_it_leaves() -> None:
    cursor = TimelineCursor()
    cursor.take(past(*range(0, 1_001, 10)))
    cursor.do("zoom-in")
    held = cursor.window
    cursor.do("minute-back")
    cursor.do("minute-back")
    assert cursor.window == held
    cursor.do("first-event")
    assert cursor.window.start == NOON


def test_what_happened_meanwhile_moves_neither_the_moment_nor_the_lane() -> None:
    cursor = TimelineCursor()
    cursor.take(past(0, 10, 20))
    moment = cursor.moment
    cursor.grow(past(0, 10, 20, 900))
    assert cursor.moment == moment
    assert cursor.window == Window(NOON, NOON + 900)
    assert not cursor.is_at_end


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 200])
@pytest.mark.parametrize("height", [14, 22, 34, 58])
@pytest.mark.parametrize("lanes", [0, 1, 6, 40])
@pytest.mark.parametrize("is_small", [True, False])
def test_every_part_of_the_past_has_room(width: int, height: int, lanes: int, *, is_small: bool) -> None:
    found = arrange_past(width, height, lanes=lanes, rows=lanes + 1, is_small=is_small)
    text = height - 1 - found.timeline - found.team
    assert text >= 4
    assert found.timeline >= 4
    assert (found.left > 0) == (width >= 100)
    assert (found.team > 0) == (width >= 100 and not is_small)
