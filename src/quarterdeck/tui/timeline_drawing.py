"""What stands in which cell of a timeline: times, lanes, marks. Pure; nothing here knows of widgets."""

import time
from collections.abc import Sequence

import msgspec

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.timeline import Act, Activity, Lane, Mark, Timeline
from quarterdeck.tui.rendering.cells import format_age, width
from quarterdeck.tui.timeline_cursor import Window

TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Times that one likes to read on an axis lie so far apart."""
TICK_GAP = 4
"""Least cells between two times."""
BLANK = ""
"""A cell in which nothing is known of a lane."""


class Cell(msgspec.Struct, frozen=True):
    """One cell of a lane; `GONE` stays blank."""

    activity: Activity = Activity.GONE
    outcome: Outcome | None = None


NOTHING = Cell()
_ACTS = tuple(Act)


def clock_time(at: float) -> str:
    """`14:31:06`, in the person's own zone."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def column_of(at: float, window: Window, columns: int) -> int:
    """Which column a time falls into; the edges hold what lies beyond."""
    share = (at - window.start) / window.span if window.span > 0 else 0.0
    return max(0, min(int(share * columns), columns - 1))


def time_of(column: int, window: Window, columns: int) -> float:
    """The middle of a column, epoch seconds."""
    return window.start + (column + 0.5) / max(columns, 1) * window.span


def axis(window: Window, columns: int) -> str:
    """The row of times: each starts in the cell that it names."""
    if columns < 8 or window.span <= 0:
        return ""
    step = next((one for one in TICKS_S if _fits(one, window, columns)), TICKS_S[-1])
    cells = 8 if step < 60 else 5
    offset = time.localtime(window.start).tm_gmtoff or 0
    at = -(-(window.start + offset) // step) * step - offset
    row = ""
    while at < window.end:
        place = column_of(at, window, columns)
        if place >= len(row) + (TICK_GAP if row else 0) and place + cells <= columns:
            told = clock_time(at)
            row = row.ljust(place) + (told if step < 60 else told[:5])
        at += step
    return row


def _fits(step: float, window: Window, columns: int) -> bool:
    return step / window.span * columns >= (8 if step < 60 else 5) + TICK_GAP


def lane_cells(lane: Lane, window: Window, columns: int, known_until: float) -> tuple[Cell, ...]:
    """What a teammate did in each column: what waits for you and how it ended, else what took longest."""
    cells: list[dict[Cell, float]] = [{} for _ in range(columns)]
    told: dict[int, Cell] = {}
    for place, stretch in enumerate(lane.stretches):
        is_last = place + 1 == len(lane.stretches)
        until = known_until if is_last else lane.stretches[place + 1].start
        if until < window.start or stretch.start > window.end:
            continue
        cell = Cell(stretch.activity, stretch.outcome if stretch.activity is Activity.ENDED else None)
        first = column_of(stretch.start, window, columns)
        last = column_of(until, window, columns)
        if stretch.activity is Activity.NEEDS_YOU:
            told.update(dict.fromkeys(range(first, last + 1), cell))
        elif stretch.activity is Activity.ENDED and stretch.start >= window.start:
            told[first] = cell
        for column in range(first, last + 1):
            took = _overlap(stretch.start, until, column, window, columns)
            cells[column][cell] = cells[column].get(cell, 0.0) + took
    return tuple(
        told.get(column) or max(one, key=one.__getitem__, default=NOTHING) for column, one in enumerate(cells)
    )


def _overlap(start: float, end: float, column: int, window: Window, columns: int) -> float:
    left = window.start + column / columns * window.span
    return max(0.0, min(end, left + window.span / columns) - max(start, left))


def mark_cells(marks: Sequence[Mark], window: Window, columns: int) -> dict[int, Act]:
    """What the person did in which column; of several things the most telling."""
    found: dict[int, Act] = {}
    for mark in marks:
        if window.start <= mark.at <= window.end:
            column = column_of(mark.at, window, columns)
            known = found.get(column)
            if known is None or _ACTS.index(mark.act) > _ACTS.index(known):
                found[column] = mark.act
    return found


def name_cells(timeline: Timeline, names: Sequence[str], *, most: int) -> int:
    """How wide the column of names is: that of the longest, within bounds."""
    return max(7, min(max((width(name) for name in names), default=0), most)) if timeline.lanes else 7


def span_words(seconds: float) -> str:
    """`12 minutes`, `40 seconds`, `3h20m`: how much is on the screen."""
    if seconds < 90:
        return f"{round(seconds)} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return format_age(seconds)
