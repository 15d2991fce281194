"""The log panel: the newest lines about the team, each derived from one fact."""

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import (
    PermissionDenied,
    PermissionGiven,
    PermissionRequest,
    PlanApproved,
    PlanRejected,
    PlanRequest,
    QuestionRequest,
    Request,
)
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.requests import Inbox
from quarterdeck.state.teammates import NOBODY, Team

MAX_LINES = 500


class LogLine(msgspec.Struct, frozen=True):
    """One line: when, who, what (plain text; a sign may stand first)."""

    at: float
    who: str
    text: str
    run_id: RunId | None = None


class Log(msgspec.Struct, frozen=True):
    """The newest lines, oldest first; `total` counts all that ever were."""

    lines: tuple[LogLine, ...] = ()
    total: int = 0


def reduce_log(log: Log, action: did.Action, team: Team, inbox: Inbox) -> Log:
    """Append the line of this fact, if it has one. `team` and `inbox` are those before the fact."""
    if isinstance(action, did.TextStreamed | did.ToolPrinted | did.UsageRecorded):
        return log
    line = _line(action, team, inbox)
    if line is None:
        return log
    return Log((*log.lines, line)[-MAX_LINES:], log.total + 1)


def _line(action: did.Action, team: Team, inbox: Inbox) -> LogLine | None:
    match action:
        case did.TeammateSpawned():
            parent = team.by_run.get(action.parent) if action.parent is not None else None
            what = "revived" if action.revived_from else "spawned"
            who = parent.name if parent else "you"
            return LogLine(action.at, who, f"{what} {action.name}", action.run_id)
        case did.RequestOpened(request=request):
            return LogLine(action.at, _name(team, request.run_id), f"▲ {ask(request)}", request.run_id)
        case did.RequestAnswered(request_id=request_id):
            request_now = inbox.by_id.get(request_id)
            if request_now is None or request_id not in inbox.open or request_now.version != action.version:
                return None
            text = f"{_verdict(action)} {_name(team, request_now.run_id)}"
            return LogLine(action.at, "you", text, request_now.run_id)
        case did.ChildrenAnnounced(run_id=run_id, children=children):
            to = _name(team, run_id) if run_id is not None else "you"
            names = ", ".join(_name(team, child) for child in children)
            return LogLine(action.at, short(names), f"→ {to}  ended: all are told", run_id)
        case did.MessageQueued(run_id=run_id, sender=sender, text=text):
            return LogLine(action.at, sender, f"→ {_name(team, run_id)}  “{short(text)}”", run_id)
    return _line_of_run(action, team)


def _line_of_run(action: did.Action, team: Team) -> LogLine | None:
    mate = team.by_run.get(getattr(action, "run_id", NOBODY))
    if mate is None:
        return None
    text = _lifecycle_text(action) if mate.outcome is None else _late_text(action)
    return LogLine(action.at, mate.name, text, mate.run_id) if text else None


def _lifecycle_text(action: did.Action) -> str:
    match action:
        case did.TeammateKilled(by=by):
            return f"✕ killed by {by}"
        case did.TeammateEnded(outcome=Outcome.FAILED, error=error):
            return f"✗ failed: {short(error)}"
        case did.TeammateEnded(outcome=outcome):
            return f"{_OUTCOME_SIGN.get(outcome, '■')} {outcome.value.replace('_', ' ')}"
    return _held_text(action)


def _held_text(action: did.Action) -> str:
    match action:
        case did.TeammatePaused(by=by):
            return f"‖ paused by {by or 'you'}"
        case did.TeammateContinued():
            return "continued"
        case did.StopRequested():
            return "▾ asked to stop"
        case did.StopTakenBack():
            return "stop taken back"
    return _setting_text(action)


def _setting_text(action: did.Action) -> str:
    match action:
        case did.TeammateRenamed(name=name):
            return f"is now {name}"
        case did.ModelChosen(model=model):
            return f"now asks {model}"
        case did.PermissionModeChanged(mode=mode):
            return f"now in mode {mode.value}"
        case did.NoteTaken(text=text):
            return short(text)
        case did.RunReleased():
            return "released: nobody waits for it"
    return ""


_OUTCOME_SIGN = {Outcome.COMPLETED: "✓", Outcome.STOPPED: "■", Outcome.TIMED_OUT: "□", Outcome.UNKNOWN: "?"}


def _late_text(action: did.Action) -> str:
    match action:
        case did.KillProcessesCounted(left=0, total=total, after_s=after_s) if total:
            word = "process" if total == 1 else "processes"
            return f"{total} {word} ended in {after_s * 1000:.0f} ms"
        case did.KillTaskEnded(detached=True):
            return "killed (detached): its task ignores cancelling"
        case did.RunReleased():
            return "released: nobody waits for it"
        case did.TranscriptDropped():
            return "its transcript is deleted"
    return ""


def ask(request: Request) -> str:
    """What a request asks, in a few words."""
    match request:
        case PlanRequest(version=version):
            return f"submits plan v{version}"
        case PermissionRequest(tool=tool, subject=subject):
            return f"asks: {tool} {short(subject)}"
        case QuestionRequest(question=question):
            return f"question: {short(question)}"


def _verdict(action: did.RequestAnswered) -> str:
    match action.answer:
        case PlanApproved(mode=mode):
            return f"approved plan v{action.version}, mode {mode.value}, of"
        case PlanRejected():
            return f"rejected plan v{action.version} of"
        case PermissionGiven(scope=scope):
            return f"allowed {scope.value}, for"
        case PermissionDenied():
            return "denied"
    return "answered"


def _name(team: Team, run_id: RunId) -> str:
    mate = team.by_run.get(run_id)
    return mate.name if mate else "?"


def short(text: str) -> str:
    """As much of a text as a line of the log quotes; of that, all of it."""
    line = " ".join(text[:240].split())
    return line if len(line) <= 80 else line[:79] + "…"
