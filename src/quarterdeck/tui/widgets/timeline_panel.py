"""The timeline: a lane for you and one per teammate, the times above, the cursor with what happened there.

It draws what a cursor holds, only the lanes in sight, and keeps nothing of the past itself.
"""

from rich.segment import Segment
from textual import events
from textual.message import Message

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.state.timeline import Act, Lane
from quarterdeck.tui.arrangement import TIMELINE_FRAME, WIDE
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, fit, format_tokens, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.timeline_cursor import TimelineCursor
from quarterdeck.tui.timeline_drawing import (
    Cell,
    axis,
    clock_time,
    column_of,
    lane_cells,
    mark_cells,
    name_cells,
    span_words,
    time_of,
)
from quarterdeck.tui.timeline_lanes import Lanes
from quarterdeck.tui.timeline_rates import bars, column_rates
from quarterdeck.tui.timeline_signs import ACTS, LEVELS, legend_line, painted, told_in
from quarterdeck.tui.widgets.lines import BLANK, LineWidget, rule_line

NAME_NARROW, NAME_WIDE = 8, 16
LEGEND_FROM = 9
"""Lines from which the legend is worth one."""
RATES_FROM = 10
"""Lines from which a wide terminal has one for how fast the team was answered."""
READING = "Reading what happened…"


class TimelinePanel(LineWidget, can_focus=True):
    """Place L. `cursor` is moved by whoever hears the keys; `moved()` draws it."""

    DEFAULT_CSS = "TimelinePanel { height: 1; width: 1fr; }"

    class Pointed(Message):
        """A moment, a lane or both were clicked."""

        def __init__(self, at: float | None, lane: int | None) -> None:
            super().__init__()
            self.at = at
            self.lane = lane

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="timeline")
        self.cursor = TimelineCursor()
        self.is_reading = False
        self.is_small = False
        """Only the chosen lane is drawn: the transcript has the room."""
        self.top = 0
        self._cells: dict[int, tuple[Cell, ...]] = {}
        self._acts: dict[int, Act] = {}
        self._bars: str | None = None
        self._drawn_for: tuple[object, ...] = (None, None)

    def moved(self) -> None:
        """The cursor holds something else: draw it."""
        room = self._rooms
        last = max(len(self.cursor.lanes) - room, 0)
        self.top = max(0, min(self.top, self.cursor.lane, last))
        self.top = max(self.top, self.cursor.lane - room + 1) if room else 0
        self.refresh()

    # What stands where

    @property
    def _step(self) -> int:
        """Lines per lane: with much room they stand apart."""
        lanes = len(self.cursor.lanes) + 1
        return 2 if not self.is_small and self.size.height >= 2 * lanes + 4 + self._has_rates else 1

    @property
    def _has_legend(self) -> bool:
        return not self.is_small and self.size.height >= min(LEGEND_FROM, self._for_all)

    @property
    def _has_rates(self) -> bool:
        is_wide = self.size.width >= WIDE
        return not self.is_small and is_wide and self.size.height >= min(RATES_FROM, self._for_all + 1)

    @property
    def _for_all(self) -> int:
        """Lines for every lane and what stands around them; wide it takes one more."""
        return len(self.cursor.lanes) + 1 + TIMELINE_FRAME

    @property
    def _lines_for_lanes(self) -> int:
        return max(self.size.height - 3 - self._has_legend - self._has_rates, 0)

    @property
    def _has_you(self) -> bool:
        return not self.is_small and self._lines_for_lanes > 2

    @property
    def _rooms(self) -> int:
        """How many teammates' lanes are drawn."""
        return max(self._lines_for_lanes // self._step - self._has_you, 1)

    @property
    def _head(self) -> int:
        """Cells before the first column."""
        lanes = self.cursor.timeline.lanes  # also those that are not shown: no column moves when they are
        most = NAME_WIDE if self.size.width >= WIDE else NAME_NARROW
        return name_cells(self.cursor.timeline, [clean_name(lane.name) for lane in lanes], most=most) + 3

    @property
    def _columns(self) -> int:
        return max(self.size.width - self._head - 1, 1)

    @property
    def _cursor_column(self) -> int:
        return column_of(self.cursor.moment.at, self.cursor.window, self._columns)

    def _lane_at(self, y: int) -> int | None:
        """Which lane a line is of; -1 = yours, None = of none."""
        at, rest = divmod(y - 2, self._step)
        if y < 2 or rest or at >= self._rooms + self._has_you:
            return None
        place = at - self._has_you
        if place < 0:
            return -1
        place += self.top
        return place if place < len(self.cursor.lanes) else None

    # Drawing

    def line(self, y: int) -> Line:
        height = self.size.height
        if y == 0:
            return self._title()
        timeline = self.cursor.timeline
        if not timeline.events:
            words = READING if self.is_reading else "Nothing has happened yet."
            return (Segment(f" {words}", self.look.roles.quiet),) if y == 1 else BLANK
        if y == 1:
            row = axis(self.cursor.window, self._columns)
            return (Segment(" " * self._head), Segment(row, self.look.roles.quiet))
        if self._has_rates and y == height - 1:
            return self._rates()
        if self._has_legend and y == height - 1 - self._has_rates:
            return (Segment(legend_line(self.look, self.size.width), self.look.roles.quiet),)
        if y == height - 1 - self._has_legend - self._has_rates:
            return self._event()
        place = self._lane_at(y)
        if place is None:
            return self._between(y)
        if place < 0:
            return self._yours()
        return self._lane(place, self.cursor.lanes[place])

    def _title(self) -> Line:
        cursor, timeline = self.cursor, self.cursor.timeline
        lanes, every = len(cursor.lanes), len(timeline.lanes)
        parts = ["Timeline"]
        if timeline.events:
            parts += [span_words(cursor.window.span), f"{lanes} lane{'' if lanes == 1 else 's'}"]
            if cursor.which is not Lanes.ALL:
                parts[-1] = f"{lanes} of {every} lane{'' if every == 1 else 's'}"
            if self._rooms < lanes and not self.is_small:
                parts[-1] = f"lanes {self.top + 1}–{min(self.top + self._rooms, lanes)} of {lanes}"
            if cursor.which is not Lanes.ALL:
                parts.append(cursor.which)
        right = (
            f"event {timeline.place_of(cursor.moment)} of {len(timeline.events)}" if timeline.events else ""
        )
        if self.size.width >= WIDE and timeline.events:
            right += f" · {clock_time(cursor.window.start)} to {clock_time(cursor.window.end)}"
        return rule_line(
            self.look, self.size.width, " · ".join(parts), right, is_focused=self.has_focus, panel=self
        )

    def _between(self, y: int) -> Line:
        """A line between two lanes, or below the last: the cursor alone goes through."""
        if y >= 2 + self._step * (self._rooms + self._has_you):
            return BLANK
        return (Segment(" " * (self._head + self._cursor_column)), self._cursor_segment())

    def _cursor_segment(self) -> Segment:
        return Segment(told_in("│", self.look), self.look.roles.focus)

    def _yours(self) -> Line:
        self._keep_fresh()
        roles = self.look.roles
        segments: list[Segment] = [Segment(fit(" you", self._head), roles.text)]
        cursor = self._cursor_column
        for column in range(self._columns):
            act = self._acts.get(column)
            if act is not None:
                style = roles.strong if column != cursor else roles.focus_title
                segments.append(Segment(told_in(ACTS[act], self.look), style))
            else:
                segments.append(self._cursor_segment() if column == cursor else Segment(" "))
        return tuple(segments)

    def _lane(self, place: int, lane: Lane) -> Line:
        self._keep_fresh()
        cells = self._cells.get(place)
        if cells is None:
            timeline = self.cursor.timeline
            cells = lane_cells(lane, self.cursor.window, self._columns, timeline.last.at)
            self._cells[place] = cells
        roles = self.look.roles
        is_chosen = place == self.cursor.lane
        name = fit(clean_name(lane.name), self._head - 3)
        cursor = self._cursor_column
        return (
            Segment("❯" if is_chosen else " ", roles.focus),
            Segment(f"{name}  ", roles.strong if is_chosen else roles.text),
            *painted(cells[:cursor], self.look),
            self._cursor_segment(),
            *painted(cells[cursor + 1 :], self.look),
        )

    def _rates(self) -> Line:
        """How fast the team was answered in each column, and at the moment."""
        self._keep_fresh()
        if self._bars is None:
            rates = column_rates(self.cursor.timeline.responses, self.cursor.window, self._columns)
            self._bars = bars(rates, LEVELS)
        rate = self.cursor.timeline.rate_at(self.cursor.moment.at)
        head = f" tok/s {format_tokens(round(rate))}" if rate >= 0.5 else " tok/s"
        head = head if width(head) < self._head else " tok/s"
        shown, cursor, roles = told_in(self._bars, self.look), self._cursor_column, self.look.roles
        return (
            Segment(fit(head, self._head), roles.quiet),
            Segment(shown[:cursor], roles.quiet),
            Segment(shown[cursor : cursor + 1], roles.focus),
            Segment(shown[cursor + 1 :], roles.quiet),
        )

    def _event(self) -> Line:
        """What happened at the cursor, under it: to its right, or to its left where there is more room."""
        roles, cells, place = self.look.roles, self.size.width, self._head + self._cursor_column
        event = self.cursor.timeline.event_at(self.cursor.moment)
        if event is None:
            return BLANK
        told = f"{clock_time(event.at)} {clean_name(event.who)} {clean_line(event.text)}".strip()
        sign = told_in("▴", self.look)
        right, left = cells - place - 3, place - 2
        if width(told) <= right or right >= left:
            return (
                Segment(" " * place),
                Segment(f"{sign} ", roles.focus),
                Segment(cut(told, max(right, 1)), roles.text),
            )
        shown = cut(told, left)
        return (
            Segment(" " * (place - 1 - width(shown))),
            Segment(shown, roles.text),
            Segment(f" {sign}", roles.focus),
        )

    def _keep_fresh(self) -> None:
        """Lanes are laid to columns once for each window and width."""
        cursor = self.cursor
        wanted: tuple[object, ...] = (cursor.timeline, cursor.lanes, cursor.window, self._columns)
        drawn = self._drawn_for
        is_same = all(one is other for one, other in zip(drawn[:2], wanted[:2], strict=True))
        if not is_same or drawn[2:] != wanted[2:]:
            self._drawn_for = wanted
            self._cells.clear()
            self._bars = None
            self._acts = mark_cells(self.cursor.timeline.marks, self.cursor.window, self._columns)

    # Events

    def on_resize(self) -> None:
        """The chosen lane stays in sight."""
        self.moved()

    def on_focus(self) -> None:
        """The rule gets heavy."""
        self.refresh()

    def on_blur(self) -> None:
        """The rule gets light."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to a moment, choose a lane."""
        lane = self._lane_at(event.y)
        column = event.x - self._head
        is_column = 0 <= column < self._columns and event.y > 0
        at = time_of(column, self.cursor.window, self._columns) if is_column else None
        self.post_message(self.Pointed(at, lane if lane is not None and lane >= 0 else None))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls the lanes."""
        event.stop()
        self.top = max(0, min(self.top + 1, len(self.cursor.lanes) - self._rooms))
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls the lanes."""
        event.stop()
        self.top = max(0, self.top - 1)
        self.refresh()
