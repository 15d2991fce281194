"""Which rows a request has: chooses by its kind and by how the person wants to see it. Pure."""

from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request
from quarterdeck.tui.look import Look
from quarterdeck.tui.widgets.permission_body import permission_body
from quarterdeck.tui.widgets.plan_body import asked_rows, raw_body, whole_body
from quarterdeck.tui.widgets.plan_changes import changes_body, history_rows
from quarterdeck.tui.widgets.question_body import question_body
from quarterdeck.tui.widgets.request_body import Body
from quarterdeck.tui.widgets.request_draft import Draft, PlanView


def body_of(request: Request, draft: Draft, name: str, cells: int, look: Look) -> Body:
    """The rows of a request at a width."""
    match request:
        case PlanRequest():
            return plan_rows(request, draft, name, cells, look)
        case PermissionRequest():
            return permission_body(request, cells, look)
        case QuestionRequest():
            return question_body(request, cells, look, chosen=draft.chosen, own=draft.own)


def plan_rows(request: PlanRequest, draft: Draft, name: str, cells: int, look: Look) -> Body:
    """The rows of a plan: what changed, whole, the version before, or as written."""
    text = draft.edited if draft.edited is not None else request.text
    before = request.versions[-2].text if len(request.versions) > 1 else ""
    match draft.view:
        case PlanView.CHANGES if draft.edited is not None:
            return changes_body(request.text, text, cells, look, draft.comments)
        case PlanView.CHANGES if before:
            above = asked_rows(request, name, cells, look)
            below = history_rows(request, cells, look)
            return changes_body(before, text, cells, look, draft.comments, above, below)
        case PlanView.BEFORE:
            return whole_body(request.text if draft.edited is not None else before, cells, look)
        case PlanView.RAW:
            return raw_body(text, cells, look, draft.comments)
        case _:
            return whole_body(text, cells, look, draft.comments)
