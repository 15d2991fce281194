"""Grows a timeline fact by fact: folds the team and the inbox, and notes what changes in a lane.

A fact that was impossible is no event. Transcripts are not folded: a timeline may be long.
"""

from collections.abc import Iterable

import msgspec
from immutables import Map

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionGiven, PlanApproved, QuestionAnswered
from quarterdeck.domain.teammates import IdleReason, Lifecycle, WaitsOn
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.log import Log
from quarterdeck.state.teammates import NOBODY, Teammate
from quarterdeck.state.timeline import (
    LEAST_SAID_S,
    Act,
    Activity,
    Event,
    Lane,
    Mark,
    Response,
    Stretch,
    Timeline,
)

replace = msgspec.structs.replace

YOU = "you"
_LONGEST = 240

DECISIONS = (
    did.TeammateSpawned,
    did.TeammateEnded,
    did.TeammateKilled,
    did.TeammatePaused,
    did.TeammateContinued,
    did.StopRequested,
    did.StopTakenBack,
    did.RequestOpened,
    did.RequestAnswered,
    did.RequestWithdrawn,
    did.RuleGiven,
    did.ModelChosen,
    did.PermissionModeChanged,
)
"""Facts by which somebody asked, answered, started, held or ended something."""

_FOR_TRANSCRIPTS = (did.TextSaid, did.NoteTaken, did.MessageDelivered, did.StepDiscarded)
"""Facts that change a transcript alone: possible while the run lives."""


_YES = (PlanApproved, PermissionGiven, QuestionAnswered)
_FOR_YOU = frozenset({WaitsOn.PLAN, WaitsOn.PERMISSION, WaitsOn.QUESTION})
"""Waits that a request tells of."""


class _Track:
    """A lane as it grows."""

    def __init__(self) -> None:
        self.runs: list[RunId] = []
        self.spawned: list[float] = []
        self.stretches: list[Stretch] = []


class TimelineFold:
    """Add facts in order, then take the timeline."""

    def __init__(self) -> None:
        self._state = AppState()
        self._at = 0.0
        self._tracks: list[_Track] = []
        self._track_of: dict[RunId, _Track] = {}
        self._marks: list[Mark] = []
        self._events: list[Event] = []
        self._decisions: list[int] = []
        self._responses: list[Response] = []
        self._asked: dict[RunId, float] = {}
        """When each run sent the request to the model that has had no response yet."""
        self._numbers: list[int] = []
        self._times: list[float] = []

    @property
    def last(self) -> int:
        """The number of the newest fact that was added; 0 = none."""
        return self._numbers[-1] if self._numbers else 0

    def add(self, facts: Iterable[tuple[int, did.Action]]) -> None:
        """Take in newer facts; those that are known already are left out."""
        for number, action in facts:
            if number > self.last:
                self._add(number, action)

    def timeline(self) -> Timeline:
        """All that was added so far."""
        return Timeline(
            lanes=tuple(self._lane(track) for track in self._tracks),
            marks=tuple(self._marks),
            events=tuple(self._events),
            decisions=tuple(self._decisions),
            responses=tuple(self._responses),
            numbers=tuple(self._numbers),
            times=tuple(self._times),
        )

    def _lane(self, track: _Track) -> Lane:
        newest = self._state.team.by_run[track.runs[-1]]
        return Lane(
            name=newest.name,
            color=newest.color,
            runs=tuple(track.runs),
            spawned=tuple(track.spawned),
            stretches=tuple(track.stretches),
        )

    def _add(self, number: int, action: did.Action) -> None:
        self._at = max(self._at, action.at)
        self._numbers.append(number)
        self._times.append(self._at)
        before = self._state
        after = reduce(before, action)
        line = after.log.lines[-1] if after.log is not before.log else None
        self._state = AppState(after.session, after.team, after.inbox, Map(), after.mail, Log())
        run_id = _run_of(action, before)
        mate = before.team.by_run.get(run_id)
        is_possible = after is not before or isinstance(action, did.SessionResumed)
        if not is_possible and isinstance(action, _FOR_TRANSCRIPTS):
            is_possible = mate is not None and not mate.is_terminal
        if not is_possible:
            return
        for one in {run_id, _asker(action, before)}:
            self._note_lane(action, one)
        self._note_tokens(action)
        if line is not None:
            self._tell(number, action, line.who, line.text, line.run_id)
        elif (text := sentence(action, mate)) != "":
            who = mate.name if mate is not None else YOU if isinstance(action, did.RuleGiven) else ""
            self._tell(number, action, who, text, run_id if mate is not None else None)
        act = _act_of(action, before)
        if act is not None:
            self._marks.append(Mark(self._at, act))

    def _tell(self, number: int, action: did.Action, who: str, text: str, run_id: RunId | None) -> None:
        is_decision = isinstance(action, DECISIONS)
        if is_decision:
            self._decisions.append(len(self._events))
        self._events.append(Event(number, self._at, who, text, run_id, is_decision))

    def _note_tokens(self, action: did.Action) -> None:
        match action:
            case did.StepStarted(run_id=run_id):
                self._asked[run_id] = self._at
            case did.UsageRecorded(run_id=run_id, usage=usage):
                latest = self._at - LEAST_SAID_S
                start = min(self._asked.pop(run_id, latest), latest)
                if usage.output:
                    self._responses.append(Response(start, self._at, usage.output))

    def _note_lane(self, action: did.Action, run_id: RunId) -> None:
        mate = self._state.team.by_run.get(run_id)
        if mate is None:
            return
        if isinstance(action, did.TeammateSpawned) and run_id not in self._track_of:
            track = self._track_of.get(mate.revived_from or NOBODY)
            if track is None:
                track = _Track()
                self._tracks.append(track)
            track.runs.append(run_id)
            track.spawned.append(self._at)
            self._track_of[run_id] = track
        track = self._track_of[run_id]
        if run_id != track.runs[-1]:
            return  # a life before the last one is over, whatever is still told of it
        now = Stretch(self._at, self._activity(mate), run_id, mate.outcome)
        while track.stretches and track.stretches[-1].start == now.start and _is_passing(track.stretches[-1]):
            track.stretches.pop()
        last = track.stretches[-1] if track.stretches else None
        if last is None or replace(last, start=now.start) != now:
            track.stretches.append(now)

    def _activity(self, mate: Teammate) -> Activity:
        if mate.is_evicted:
            return Activity.GONE
        if mate.outcome is not None:
            return Activity.ENDED
        inbox = self._state.inbox
        if any(inbox.by_id[one].run_id == mate.run_id for one in inbox.open):
            return Activity.NEEDS_YOU
        if mate.paused_by:
            return Activity.PAUSED
        match mate.place:
            case Lifecycle.WAITING:
                return Activity.WAITS
            case Lifecycle.EXECUTING:
                return Activity.TOOL if mate.running else Activity.MODEL
        return Activity.TOOL if mate.running else Activity.IDLE


def _is_passing(stretch: Stretch) -> bool:
    """Of no length it is not worth a stretch; an end or a question is."""
    return stretch.activity not in (Activity.ENDED, Activity.NEEDS_YOU)


def _run_of(action: did.Action, before: AppState) -> RunId:
    """Whom the fact is about."""
    match action:
        case did.RequestOpened(request=request):
            return request.run_id
        case did.RequestAnswered(request_id=request_id) | did.RequestWithdrawn(request_id=request_id):
            request_then = before.inbox.by_id.get(request_id)
            return request_then.run_id if request_then is not None else NOBODY
    return getattr(action, "run_id", NOBODY) or NOBODY


def _asker(action: did.Action, before: AppState) -> RunId:
    """Who had a request of this id open before it came from somebody else."""
    if not isinstance(action, did.RequestOpened):
        return NOBODY
    old = before.inbox.by_id.get(action.request.id)
    return old.run_id if old is not None else NOBODY


def _act_of(action: did.Action, before: AppState) -> Act | None:
    """What the person did by it, if they did."""
    match action:
        case did.TeammateSpawned(parent=None):
            return Act.SPAWN
        case did.MessageQueued(sender="you"):
            return Act.WRITE
        case did.TeammateKilled(by="you"):
            return Act.KILL
        case did.StopRequested():
            return Act.STOP
        case did.TeammatePaused(by="you" | "") | did.TeammateContinued() | did.StopTakenBack():
            return Act.HOLD
        case did.RequestAnswered(answer=answer, request_id=request_id):
            if request_id not in before.inbox.open and request_id not in before.inbox.suspended:
                return None
            return Act.YES if isinstance(answer, _YES) else Act.NO
    return None


def sentence(action: did.Action, mate: Teammate | None) -> str:
    """What happened, for facts that the log has no line for; empty = nothing worth one."""
    match action:
        case did.SessionOpened():
            return "the session begins"
        case did.SessionResumed(crashed=crashed):
            return "the session goes on, after a crash" if crashed else "the session goes on"
        case did.RuleGiven(rule=rule):
            return f"gave the rule {_short(rule)}"
    if mate is None:
        return ""
    return _tool_text(action) or _said_text(action) or _turn_text(action)


def _tool_text(action: did.Action) -> str:
    match action:
        case did.ToolStarted(tool=tool, title=title):
            return _short(f"{tool} {title}")
        case did.ToolEnded(tool=tool, title=title, summary=summary):
            return (
                f"{_short(f'{tool} {title}')} · {_short(summary)}" if summary else _short(f"{tool} {title}")
            )
    return ""


def _said_text(action: did.Action) -> str:
    match action:
        case did.TextSaid(text=text):
            return f"says: {_short(text)}" if text.strip() else ""
        case did.MessageDelivered(sender=sender, text=text):
            return f"← {sender}  “{_short(text)}”"
        case did.NoteTaken(text=text):
            return _short(text)
        case did.RequestWithdrawn(reason=reason):
            return f"its request is withdrawn: {_short(reason)}" if reason else "its request is withdrawn"
    return ""


def _turn_text(action: did.Action) -> str:
    match action:
        case did.TurnStarted():
            return "starts a turn"
        case did.TurnEnded(reason=IdleReason.INTERRUPTED):
            return "its turn was interrupted"
        case did.TurnEnded():
            return "its turn is done"
        case did.TeammateWaited(on=on) if on not in _FOR_YOU:
            return f"◦ waits: {on.value.replace('_', ' ')}"
        case did.ClosingStepStarted():
            return "writes its last report"
        case did.StepDiscarded(reason=reason):
            return f"its answer was not whole: {_short(reason)}"
        case did.RequestRefusedAfterKill():
            return "a request to the model after the kill was refused"
        case did.TeammateEvicted():
            return "left the team"
    return ""


def _short(text: str) -> str:
    line = " ".join(text[:_LONGEST].split())
    return line if len(line) <= 120 else line[:119] + "…"
