"""What a roster row says its teammate does: the state that tells sign and colour, and the words. Pure.

Every text of a model, a tool or a file comes out clean and on one line; nothing is cut here.
"""

import math
import re

import msgspec

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request, request_kind
from quarterdeck.domain.teammates import IdleReason, KillProof, Lifecycle, Outcome, WaitsOn
from quarterdeck.state.selectors import DisplayDelays, leaves_at
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.rendering.cells import cut, format_age
from quarterdeck.tui.rendering.last_words import last_words

QUIET_S = 300.0
"""Without a sign of life for so long a run at work looks wrong."""

_STEP = re.compile(r"^ {0,3}\d+[.)] ", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_LONGEST = 400
"""More characters than any row shows; longer texts are not looked at whole."""


class Doing(msgspec.Struct, frozen=True):
    """What a row shows of a run's state."""

    state: str
    """A key of `signs.SIGNS`."""
    text: str


class Moment(msgspec.Struct, frozen=True):
    """When a row is drawn, and what else its words depend on. Times are epoch seconds."""

    now: float
    last_sign: float
    delays: DisplayDelays
    viewed: bool = False
    """Whether the person is in this run's transcript, request or composer."""
    step: int = 1
    """Ages are told in steps of so many seconds; countdowns always in seconds."""
    look_only: bool = False
    """Nothing can be changed from where it is shown: no key is offered."""

    def age(self, since: float) -> str:
        """How long ago `since` was."""
        seconds = max(0, int(self.now - since))
        return format_age(seconds - seconds % self.step if seconds >= self.step else seconds)


def doing(mate: Teammate, request: Request | None, moment: Moment) -> Doing:
    """The state of one row, most urgent first."""
    if request is not None:
        is_over = mate.outcome is not None
        return Doing("needs", _suspended(mate, request, moment) if is_over else asks(request))
    if mate.outcome is not None:
        return _ended(mate, mate.outcome, moment)
    match mate.lifecycle:
        case Lifecycle.TERMINATING:
            return _stopping(mate, moment)
        case Lifecycle.PAUSED:
            return Doing("paused", f"paused by {clean_line(mate.paused_by)}")
        case Lifecycle.SPAWNING:
            return Doing("spawning", "starts")
        case Lifecycle.WAITING:
            return Doing("waits", _WAITS[mate.waits_on] if mate.waits_on else "waits")
        case Lifecycle.READY if not mate.running:
            return Doing("idle", _idle(mate))
    return _working(mate, moment)


def asks(request: Request) -> str:
    """A request in a few words: `plan v2 · 7 steps · Title`, `asks: pytest -q`, `question: …`."""
    match request:
        case PlanRequest(version=version, text=text):
            return " · ".join(part for part in (f"plan v{version}", outline(text)) if part)
        case PermissionRequest(tool=tool, subject=subject):
            what = clean_line(subject[:_LONGEST])
            return f"asks: {what}" if tool == "Bash" else f"asks: {clean_line(tool)} {what}"
        case QuestionRequest(question=question):
            return f"question: {clean_line(question[:_LONGEST])}"


def outline(plan: str) -> str:
    """`6 steps · Fix cart rounding`: how many numbered steps a plan has, and its first heading."""
    steps = len(_STEP.findall(plan))
    heading = _HEADING.search(plan)
    parts = [f"{steps} {'step' if steps == 1 else 'steps'}"] if steps else []
    if heading:
        parts.append(clean_line(heading[1][:_LONGEST]))
    return " · ".join(parts)


_WAITS = {
    WaitsOn.PLAN: "waits for an answer to its plan",
    WaitsOn.PERMISSION: "waits for a permission",
    WaitsOn.QUESTION: "waits for an answer",
    WaitsOn.MESSAGE: "waits for a message",
    WaitsOn.DEPENDENCY: "waits for another",
    WaitsOn.CAPACITY: "waits for a free slot",
    WaitsOn.RATE_LIMIT: "rate limit · waits for upstream",
}


def _working(mate: Teammate, moment: Moment) -> Doing:
    quiet = moment.now - moment.last_sign
    if quiet > QUIET_S:
        told = f"quiet {moment.age(moment.last_sign)} · {_tool_or_verb(mate, moment)}"
        return Doing("flag", told)
    return Doing("tool" if mate.running else "thinking", _tool_or_verb(mate, moment))


def _tool_or_verb(mate: Teammate, moment: Moment) -> str:
    if mate.running:
        tool = mate.running[-1]
        more = f" · {len(mate.running) - 1} more" if len(mate.running) > 1 else ""
        title = clean_line(tool.title[:_LONGEST])
        return f"{clean_line(tool.tool)} {title} · {moment.age(tool.started_at)}{more}"
    started = mate.turn_started_at
    age = f" {moment.age(started)}" if started is not None else ""
    return f"{clean_line(mate.verb)}…{age}"


def _stopping(mate: Teammate, moment: Moment) -> Doing:
    left = f"{_seconds_left(mate.stop_deadline_at or moment.now, moment.now)}s left"
    if mate.is_closing:
        return Doing("stopping", f"last report, {left}")
    return Doing(
        "stopping", f"stopping, {left}" if moment.look_only else f"stopping, {left}, s takes it back"
    )


def _idle(mate: Teammate) -> str:
    match mate.idle_reason:
        case IdleReason.DONE if mate.final_text:
            return f"idle · done: “{last_words(mate.final_text)}”"
        case IdleReason.DONE:
            return "idle · done"
        case IdleReason.INTERRUPTED:
            return "idle · interrupted"
        case IdleReason.BACKGROUND:
            return "idle · waits for job"
    return "idle · nothing to do"


def _ended(mate: Teammate, outcome: Outcome, moment: Moment) -> Doing:
    leaving = leaves_at(mate, moment.delays, viewed=mate.run_id if moment.viewed else None)
    leaves = f"leaves in {_seconds_left(leaving, moment.now)}s" if leaving is not None else ""
    match outcome:
        case Outcome.FAILED:
            return Doing("failed", f"failed: {clean_line(mate.error[:_LONGEST])}" if mate.error else "failed")
        case Outcome.UNKNOWN:
            return Doing("unknown", "unknown" if moment.look_only else "unknown · r revives")
        case Outcome.COMPLETED:
            return Doing("done", _joined("done", leaves, _found(mate)))
        case Outcome.TIMED_OUT:
            return Doing("timed_out", _joined("timed out", leaves, _left_over(mate.kill)))
        case Outcome.STOPPED:
            return Doing("stopped", _joined("stopped", leaves, _left_over(mate.kill) or _found(mate)))
        case Outcome.KILLED:
            return Doing("killed", _killed(mate, leaves))


def _suspended(mate: Teammate, request: Request, moment: Moment) -> str:
    """`failed: 401 · plan v1 waits for you`."""
    short = msgspec.structs.replace(mate, error=cut(clean_line(mate.error[:_LONGEST]), 24))
    ended = "timed out" if mate.outcome is Outcome.TIMED_OUT else ""
    told = ended or _ended(short, mate.outcome or Outcome.UNKNOWN, moment).text.removesuffix(" · r revives")
    what = f"plan v{request.version}" if isinstance(request, PlanRequest) else request_kind(request)
    return _joined(told, f"{what} waits for you")


def _killed(mate: Teammate, leaves: str) -> str:
    proof = mate.kill
    if proof is None:
        return _joined("killed", leaves)
    if proof.detached:
        return _joined("killed (detached)", _left_over(proof))
    if not proof.is_complete:
        return _joined("killed", _left_over(proof) or "ending its task")
    total = proof.processes_total
    left = f"nothing left of {total} {_plural(total)}" if total else "nothing left"
    return _joined("killed", leaves, left, f"{proof.requests_since} requests since")


def _left_over(proof: KillProof | None) -> str:
    if proof is None or proof.processes_ended_s is not None or not proof.processes_total:
        return ""
    total = proof.processes_total
    # Before the first count, as many are left as there were.
    left = proof.processes_left or total
    return f"ending {left} of {total} {_plural(total)}"


def _plural(count: int) -> str:
    return "process" if count == 1 else "processes"


def _found(mate: Teammate) -> str:
    return f"“{last_words(mate.final_text)}”" if mate.final_text else ""


def _seconds_left(at: float, now: float) -> int:
    return max(0, math.ceil(at - now))


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
