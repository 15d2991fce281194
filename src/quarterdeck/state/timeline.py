"""The past as lanes and events: who did what when, and which fact stands before and after a moment. Pure.

Times never go back: a fact is as late as the latest before it, whatever the clock said. Order is by number.
"""

from bisect import bisect_left, bisect_right
from enum import StrEnum

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome

PLAY_SPEED = 10.0
"""Seconds of the past in a second of playing."""
PLAY_GAP_S = 5.0
"""A longer stretch in which nothing happens is played as if it were so long."""
LEAST_SAID_S = 1.0
"""A response counts as having taken so long at least."""


class Activity(StrEnum):
    """What a teammate does for a stretch of time."""

    MODEL = "model"
    TOOL = "tool"
    NEEDS_YOU = "needs you"
    WAITS = "waits"
    PAUSED = "paused"
    IDLE = "idle"
    ENDED = "ended"
    """Its row is still there."""
    GONE = "gone"
    """Not spawned yet, or its row has left."""


class Stretch(msgspec.Struct, frozen=True):
    """From `start` until the next stretch of the lane; epoch seconds."""

    start: float
    activity: Activity
    run_id: RunId
    outcome: Outcome | None = None
    """Of an end."""


class Lane(msgspec.Struct, frozen=True):
    """One teammate with all its lives."""

    name: str
    color: int
    runs: tuple[RunId, ...]
    """The first life and its revivals."""
    spawned: tuple[float, ...]
    """When each of them began."""
    stretches: tuple[Stretch, ...]

    def run_at(self, at: float) -> RunId:
        """Which life it lives at this moment; before the first one, that."""
        return self.runs[max(bisect_right(self.spawned, at) - 1, 0)]


class Act(StrEnum):
    """What the person did, for their own lane; the least telling first."""

    SPAWN = "spawn"
    WRITE = "write"
    HOLD = "hold"
    """Pause, continue, a stop taken back."""
    STOP = "stop"
    YES = "yes"
    NO = "no"
    KILL = "kill"


class Mark(msgspec.Struct, frozen=True):
    """Something that the person did."""

    at: float
    act: Act


class Event(msgspec.Struct, frozen=True):
    """A fact that is worth a line."""

    number: int
    """Of its fact."""
    at: float
    who: str
    text: str
    """Not clean: names, commands and words of the model are in it."""
    run_id: RunId | None
    is_decision: bool
    """Somebody asked, answered, started, held or ended something."""


class Response(msgspec.Struct, frozen=True):
    """What one response of the model said, over the time that it took; epoch seconds."""

    start: float
    end: float
    """`LEAST_SAID_S` after `start` or later."""
    tokens: int
    """Of its output."""

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / (self.end - self.start)


class Moment(msgspec.Struct, frozen=True):
    """A place in the past: after the fact of this number, at this time."""

    number: int
    at: float


class Timeline(msgspec.Struct, frozen=True):
    """Everything that happened, to be looked through. `numbers` and `times` are those of every fact."""

    lanes: tuple[Lane, ...] = ()
    marks: tuple[Mark, ...] = ()
    events: tuple[Event, ...] = ()
    decisions: tuple[int, ...] = ()
    """Which of `events` are decisions."""
    responses: tuple[Response, ...] = ()
    """In the order of their ends."""
    numbers: tuple[int, ...] = ()
    times: tuple[float, ...] = ()

    @property
    def first(self) -> Moment:
        """After the first fact; of an empty timeline, nowhere."""
        return Moment(self.numbers[0], self.times[0]) if self.numbers else Moment(0, 0.0)

    @property
    def last(self) -> Moment:
        """After the last fact."""
        return Moment(self.numbers[-1], self.times[-1]) if self.numbers else Moment(0, 0.0)

    def moment_at(self, at: float) -> Moment:
        """After all that had happened by then; within what there is."""
        if not self.numbers:
            return self.first
        within = max(self.times[0], min(at, self.times[-1]))
        return Moment(self.numbers[bisect_right(self.times, within) - 1], within)

    def place_of(self, moment: Moment) -> int:
        """How many events have happened by this moment."""
        return bisect_right(self.events, moment.number, key=_number)

    def event_at(self, moment: Moment) -> Event | None:
        """The last event that had happened."""
        place = self.place_of(moment)
        return self.events[place - 1] if place else None

    def rate_at(self, at: float) -> float:
        """How many tokens per second all teammates together said at this time."""
        first = bisect_left(self.responses, at, key=_end)
        return sum(one.rate for one in self.responses[first:] if one.start < at)

    def step(self, moment: Moment, by: int) -> Moment:
        """The event after this moment (`by` 1) or before it (-1); beyond the last one the end."""
        place = self.place_of(moment)
        if by > 0:
            return self._of_event(place) if place < len(self.events) else self.last
        if not place:
            return self.first
        return self._of_event(max(place - (2 if self._is_on(place - 1, moment) else 1), 0))

    def step_decision(self, moment: Moment, by: int) -> Moment:
        """The decision after this moment or before it; where there is none, the moment itself."""
        place = self.place_of(moment)
        if by > 0:
            found = bisect_left(self.decisions, place)
        else:
            is_on = place > 0 and self._is_on(place - 1, moment)
            found = bisect_left(self.decisions, place - 1 if is_on else place) - 1
        return self._of_event(self.decisions[found]) if 0 <= found < len(self.decisions) else moment

    def played(self, moment: Moment, seconds: float) -> Moment:
        """Where playing for so long leads from this moment; stretches without an event are shortened."""
        place = self.place_of(moment)
        if place >= len(self.events):
            return self.moment_at(moment.at + seconds * PLAY_SPEED)
        start = max(moment.at, self.events[place].at - PLAY_GAP_S)
        return self.moment_at(start + seconds * PLAY_SPEED)

    def _is_on(self, place: int, moment: Moment) -> bool:
        """Whether the moment is that of this event, and no later time."""
        return self.events[place].at >= moment.at

    def _of_event(self, place: int) -> Moment:
        event = self.events[place]
        return Moment(event.number, event.at)


def _number(event: Event) -> int:
    return event.number


def _end(response: Response) -> float:
    return response.end
