"""The rows around a request: title, what is asked and how long it waits, and the foot. Pure."""

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request, request_kind
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import format_age
from quarterdeck.tui.widgets.permission_body import asked_for
from quarterdeck.tui.widgets.plan_body import source_steps
from quarterdeck.tui.widgets.request_body import Body
from quarterdeck.tui.widgets.request_draft import Draft, PlanView
from quarterdeck.tui.widgets.request_field import Writes

_ENDED_WORDS = {
    Outcome.COMPLETED: "has ended",
    Outcome.STOPPED: "was stopped",
    Outcome.KILLED: "was killed",
    Outcome.TIMED_OUT: "ran out of time",
    Outcome.FAILED: "has failed",
    Outcome.UNKNOWN: "was cut off",
}


def request_title(request: Request, draft: Draft, name: str, look: Look) -> str:
    """`coder ▲ plan v2, changes since v1`."""
    title = f"{name} {look.sign('needs').strip()} {request_kind(request)}"
    if not isinstance(request, PlanRequest):
        return title
    title += f" v{request.version}"
    if draft.edited is not None:
        return f"{title}, edited by you, not approved"
    match draft.view:
        case PlanView.CHANGES if request.version > 1:
            return f"{title}, changes since v{request.version - 1}"
        case PlanView.BEFORE:
            return f"{title}, this is v{request.version - 1}"
        case PlanView.RAW:
            return f"{title}, as written"
    return title


def place_in_line(open_requests: tuple[str, ...], request_id: str) -> str:
    """`2 of 2 that need you`."""
    if request_id not in open_requests:
        return ""
    count = len(open_requests)
    need = "needs" if count == 1 else "need"
    return f"{open_requests.index(request_id) + 1} of {count} that {need} you"


def request_head(request: Request, draft: Draft, body: Body, name: str, now: float) -> str:
    """`coder asks to start · plan v1 · 6 steps · waits 4m12s`."""
    waits = f"waits {format_age(now - request.opened_at)}"
    match request:
        case PlanRequest():
            told = [f"{name} asks to start", *_plan_words(request, draft, body)]
        case PermissionRequest():
            told = [f"{name} {asked_for(request)}"]
        case QuestionRequest():
            told = [f"{name} asks you"]
    return " · ".join([*told, waits])


def _plan_words(request: PlanRequest, draft: Draft, body: Body) -> list[str]:
    change = f"+{body.added} −{body.removed} lines"
    if draft.view is PlanView.CHANGES and draft.edited is not None:
        return [f"plan v{request.version}, your edits against it", change]
    if draft.view is PlanView.CHANGES:
        return [f"plan v{request.version} against v{request.version - 1}", change]
    steps = len(source_steps(draft.edited if draft.edited is not None else request.text))
    return [f"plan v{request.version}", f"{steps} step{'' if steps == 1 else 's'}"]


def foot_words(request: Request, draft: Draft, name: str, *, is_dead: bool) -> str:
    """What `a` would do."""
    if is_dead:
        return "nothing to answer any more · esc goes back"
    match request:
        case PlanRequest():
            what = "a starts your text" if draft.edited is not None else "a starts it"
            views = "v whole, raw · " if draft.view is PlanView.CHANGES else ""
            return f"{views}{what} in mode default" + ("" if views else ": asks before writes")
        case PermissionRequest(tool="Bash"):
            return f"a allows this text once, for {name} only"
        case PermissionRequest():
            return f"a allows this once, for {name} only"
        case QuestionRequest(options=options):
            if draft.own or draft.chosen is not None:
                return "a sends the answer"
            return "1–9 choose, a sends · c your own words" if options else "a writes the answer"


def withdrawn_words(request: Request, mate: Teammate | None, name: str) -> str:
    """`tester was killed; its question is withdrawn.`"""
    kind = request_kind(request)
    if mate is None or mate.outcome is None:
        return f"The {kind} of {name} was answered or withdrawn meanwhile. Nothing was sent."
    return f"{name} {_ENDED_WORDS[mate.outcome]}; its {kind} is withdrawn."


def suspended_words(mate: Teammate, name: str) -> str:
    """A request that outlived the run of its teammate."""
    ended = _ENDED_WORDS[mate.outcome] if mate.outcome is not None else "has ended"
    return f"{name} {ended}. Your answer revives it and is told to it; x drops the request."


def changed_words(request: Request, old_version: int) -> str:
    """`Plan v1 changed to v2 while you read. Nothing was approved. This is v2.`"""
    kind, new = request_kind(request), request.version
    return (
        f"{kind.capitalize()} v{old_version} changed to v{new} while you read."
        f" Nothing was approved. This is v{new}."
    )


def field_words(request: Request, draft: Draft, writes: Writes, name: str, quote: str) -> str:
    """The title of a field."""
    kind = request_kind(request)
    match writes:
        case Writes.COMMENT:
            return f"Comment on {quote}" if quote else "Comment on the whole plan"
        case Writes.ANSWER:
            return f"Your answer to {name}"
        case Writes.PLAN:
            return f"Edit plan v{request.version} of {name}, not approved"
    verb = {"plan": "Reject", "permission": "Deny", "question": "Decline"}[kind]
    what = f"{verb} plan v{request.version}" if kind == "plan" else f"{verb} the {kind}"
    count = len(draft.comments)
    along = f"{count} comment{'' if count == 1 else 's'} go{'es' if count == 1 else ''} along"
    return f"{what} of {name} · {along if count else 'your reason goes to it'}"


def overtaken_words(request: Request, old_version: int) -> str:
    """A field was sent for a version that is no more."""
    kind = request_kind(request)
    return (
        f"{kind.capitalize()} v{old_version} changed to v{request.version} while you wrote."
        " Nothing was sent; your words are kept."
    )


def shown_name(mate: Teammate | None) -> str:
    """The teammate's name, clean."""
    return clean_line(mate.name) if mate is not None else "a teammate"
