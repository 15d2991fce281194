"""Which lanes of a timeline are shown: all, or those of teammates to which something has happened. Pure."""

from collections.abc import Callable, Collection
from enum import StrEnum

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.timeline import Activity, Lane, Timeline

_OVER = frozenset({Activity.ENDED, Activity.GONE})
_FAILURES = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNKNOWN})


class Lanes(StrEnum):
    """Which lanes; the value is what the title says."""

    ALL = "all"
    ASKED = "asked you"
    LIVING = "still there"
    FAILED = "failed"
    ENDED = "ended"


_FITS: dict[Lanes, Callable[[Lane], bool]] = {
    Lanes.ALL: lambda lane: True,
    Lanes.ASKED: lambda lane: any(one.activity is Activity.NEEDS_YOU for one in lane.stretches),
    Lanes.LIVING: lambda lane: lane.stretches[-1].activity not in _OVER,
    Lanes.FAILED: lambda lane: any(one.outcome in _FAILURES for one in lane.stretches),
    Lanes.ENDED: lambda lane: lane.stretches[-1].activity in _OVER,
}


def lanes_of(timeline: Timeline, which: Lanes, *, keep: Collection[RunId] = ()) -> tuple[Lane, ...]:
    """The lanes that fit, over all that is known of them, in their order.

    :param keep: first lives of lanes that stay, also when they fit no more.
    """
    fits = _FITS[which]
    return tuple(lane for lane in timeline.lanes if lane.runs[0] in keep or fits(lane))


def next_lanes(timeline: Timeline, which: Lanes) -> Lanes:
    """The next choice that shows any lane, round and round."""
    every = list(Lanes)
    at = every.index(which)
    for choice in (*every[at + 1 :], *every[: at + 1]):
        if lanes_of(timeline, choice):
            return choice
    return Lanes.ALL
