"""The person's answers as calls of the controller, each with the id and version of what was shown."""

from quarterdeck.domain.requests import (
    PermissionRequest,
    PermissionScope,
    PlanRequest,
    QuestionRequest,
    Request,
)
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.tui.ports import Receipt, RequestsPort
from quarterdeck.tui.widgets.question_body import option_text
from quarterdeck.tui.widgets.request_draft import Draft


def answer_text(request: QuestionRequest, draft: Draft) -> str | None:
    """What would be answered: the person's own words before a chosen option; None = nothing yet."""
    if draft.own.strip():
        return draft.own.strip()
    return option_text(request, draft.chosen) if draft.chosen is not None else None


def send_yes(requests: RequestsPort, request: Request, draft: Draft) -> Receipt | None:
    """Approve, allow once, or answer; None = a question has no answer yet."""
    match request:
        case PlanRequest():
            return requests.approve_plan(
                request.id, request.version, mode=PermissionMode.DEFAULT, edited_text=draft.edited
            )
        case PermissionRequest():
            return requests.allow(request.id, request.version, scope=PermissionScope.ONCE)
        case QuestionRequest():
            text = answer_text(request, draft)
            return requests.answer(request.id, request.version, text=text) if text is not None else None


def send_no(requests: RequestsPort, request: Request, draft: Draft, reason: str) -> Receipt:
    """Reject (with the comments), deny, or decline."""
    match request:
        case PlanRequest():
            return requests.reject_plan(request.id, request.version, feedback=reason, comments=draft.comments)
        case PermissionRequest():
            return requests.deny(request.id, request.version, reason=reason)
        case QuestionRequest():
            return requests.decline(request.id, request.version, reason=reason)
