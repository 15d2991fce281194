"""Where the person is in the past: moment, lanes, and which stretch of time is on the screen. Pure."""

from collections.abc import Collection

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.state.timeline import Lane, Moment, Timeline
from quarterdeck.tui.timeline_lanes import Lanes, lanes_of, next_lanes

MINUTE_S = 60.0
LEAST_S = 10.0
"""The shortest stretch that is shown."""
FIRST_S = 3_600.0
"""A longer past opens on its last hour."""
ZOOM = 2.0


class Window(msgspec.Struct, frozen=True):
    """The stretch of time that is drawn, epoch seconds."""

    start: float = 0.0
    end: float = 0.0

    @property
    def span(self) -> float:
        """Seconds."""
        return self.end - self.start


class TimelineCursor:
    """Moves over a timeline. `lane` is the place of the chosen one among `lanes`, which are shown."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.moment = Moment(0, 0.0)
        self.which = Lanes.ALL
        self.lanes: tuple[Lane, ...] = ()
        self.lane = 0
        self.window = Window()

    def take(self, timeline: Timeline) -> None:
        """Look at this past, from its end, at all of its lanes."""
        self.timeline = timeline
        self.moment = timeline.last
        self.which = Lanes.ALL
        self.lanes = timeline.lanes
        self.lane = min(self.lane, max(len(self.lanes) - 1, 0))
        self._show(min(self._whole, FIRST_S))

    def grow(self, timeline: Timeline) -> None:
        """The same past, with what has happened since; one stays where one is, and no lane leaves.

        A window that showed all still does; one that showed the end goes on with it as long as it holds
        the moment.
        """
        was_whole, was_at_end = self.window.span >= self._whole, self.window.end >= self.timeline.last.at
        self.timeline = timeline
        self._show_lanes(keep={lane.runs[0] for lane in self.lanes})
        if was_at_end and not was_whole:
            start = min(timeline.last.at - self.window.span, self.moment.at)
            self.window = Window(start, start + self.window.span)
        self._show(self._whole if was_whole else self.window.span)

    @property
    def chosen(self) -> Lane | None:
        """The lane whose transcript is shown."""
        return self.lanes[self.lane] if self.lane < len(self.lanes) else None

    @property
    def is_at_end(self) -> bool:
        """Nothing that is known comes after this."""
        return self.moment.number >= self.timeline.last.number

    def choose(self, run_id: RunId | None) -> None:
        """Choose the lane of a run, if it has one; where it was left out, all are shown again."""
        if not any(run_id in lane.runs for lane in self.lanes):
            if not any(run_id in lane.runs for lane in self.timeline.lanes):
                return
            self.which = Lanes.ALL
            self._show_lanes()
        self.lane = next(place for place, lane in enumerate(self.lanes) if run_id in lane.runs)

    def go(self, moment: Moment) -> None:
        """Go to a moment; the window follows it as little as it must."""
        self.moment = moment
        self._show(self.window.span)

    def do(self, action: str) -> bool:
        """Move by an action of the keymap; False = not one of these."""
        timeline, moment = self.timeline, self.moment
        match action:
            case "next-event" | "previous-event":
                self.go(timeline.step(moment, 1 if action.startswith("next") else -1))
            case "next-decision" | "previous-decision":
                self.go(timeline.step_decision(moment, 1 if action.startswith("next") else -1))
            case "minute-on" | "minute-back":
                by = MINUTE_S if action == "minute-on" else -MINUTE_S
                self.go(timeline.moment_at(moment.at + by))
            case "first-event" | "last-event":
                self.go(timeline.first if action.startswith("first") else timeline.last)
            case "up" | "down":
                last = max(len(self.lanes) - 1, 0)
                self.lane = max(0, min(self.lane + (1 if action == "down" else -1), last))
            case "zoom-in" | "zoom-out":
                self._zoom(1 / ZOOM if action == "zoom-in" else ZOOM)
            case "which":
                self.which = next_lanes(timeline, self.which)
                self._show_lanes()
            case _:
                return False
        return True

    def _show_lanes(self, keep: Collection[RunId] = ()) -> None:
        """The lanes that are wanted, the chosen one still chosen when it is among them."""
        chosen = self.chosen
        self.lanes = lanes_of(self.timeline, self.which, keep=keep)
        places = {lane.runs[0]: place for place, lane in enumerate(self.lanes)}
        self.lane = places.get(chosen.runs[0], 0) if chosen is not None else 0

    @property
    def _whole(self) -> float:
        timeline = self.timeline
        return max(timeline.last.at - timeline.first.at, LEAST_S)

    def _zoom(self, by: float) -> None:
        """The moment stays where it is on the screen, as far as it can."""
        span = max(LEAST_S, min(self.window.span * by, self._whole))
        share = (self.moment.at - self.window.start) / self.window.span if self.window.span else 0.5
        start = self.moment.at - share * span
        self.window = Window(start, start + span)
        self._show(span)

    def _show(self, span: float) -> None:
        """A window of this length that holds the moment, within what there is."""
        first, last = self.timeline.first.at, self.timeline.first.at + self._whole
        span = min(span, self._whole)
        start = self.window.start if self.window.span else last - span
        if not start <= self.moment.at <= start + span:
            start = self.moment.at - span / 2
        start = max(first, min(start, last - span))
        self.window = Window(start, start + span)
