"""Where the person is in the past: the moment, the lane, and which stretch of time is on the screen. Pure."""

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.state.timeline import Lane, Moment, Timeline

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
    """Moves over a timeline. `lane` is the place of the chosen one."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.moment = Moment(0, 0.0)
        self.lane = 0
        self.window = Window()

    def take(self, timeline: Timeline) -> None:
        """Look at this past, from its end."""
        self.timeline = timeline
        self.moment = timeline.last
        self.lane = min(self.lane, max(len(timeline.lanes) - 1, 0))
        self._show(min(self._whole, FIRST_S))

    def grow(self, timeline: Timeline) -> None:
        """The same past, with what has happened since; one stays where one is."""
        was_whole = self.window.span >= self._whole
        self.timeline = timeline
        self._show(self._whole if was_whole else self.window.span)

    @property
    def chosen(self) -> Lane | None:
        """The lane whose transcript is shown."""
        lanes = self.timeline.lanes
        return lanes[self.lane] if self.lane < len(lanes) else None

    @property
    def is_at_end(self) -> bool:
        """Nothing that is known comes after this."""
        return self.moment.number >= self.timeline.last.number

    def choose(self, run_id: RunId | None) -> None:
        """Choose the lane of a run, if it has one."""
        for place, lane in enumerate(self.timeline.lanes):
            if run_id in lane.runs:
                self.lane = place

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
                last = max(len(timeline.lanes) - 1, 0)
                self.lane = max(0, min(self.lane + (1 if action == "down" else -1), last))
            case "zoom-in" | "zoom-out":
                self._zoom(1 / ZOOM if action == "zoom-in" else ZOOM)
            case _:
                return False
        return True

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
