"""What the model is told of the person's answer to its plan."""

from typing import assert_never

from quarterdeck.domain.requests import PlanApproved, PlanRejected
from quarterdeck.domain.teammates import PermissionMode


def approved_words(approved: PlanApproved) -> str:
    """What the model is told of an approval, also when it comes later as a message."""
    words = f"The person approved the plan. {_mode_words(approved.mode)}"
    if approved.edited_text is None:
        return f"{words} Carry it out as submitted."
    return f"{words} The person changed the plan; carry out this text, not yours:\n\n{approved.edited_text}"


def rejected_words(rejected: PlanRejected, version: int | None = None) -> str:
    """What the model is told of a rejection. The ids let its revision answer each comment."""
    which = f" v{version}" if version else ""
    lines = [f"The person rejected the plan{which}. You are still in plan mode."]
    if rejected.feedback:
        lines.append(f"Feedback: {rejected.feedback}")
    for comment in rejected.comments:
        about = f'on "{comment.quote}"' if comment.quote else "on the whole plan"
        lines.append(f"comment {comment.id} {about}: {comment.text}")
    lines.append("Submit the revised plan with submit_plan." + (_ANSWER_EACH if rejected.comments else ""))
    return "\n".join(lines)


_ANSWER_EACH = " Answer each comment in answers, by its comment_id."


def _mode_words(mode: PermissionMode) -> str:
    match mode:
        case PermissionMode.ACCEPT_EDITS:
            return "You now work in mode accept-edits: files in the workspace may be changed without asking."
        case PermissionMode.DEFAULT:
            return "You now work in mode default: changes and commands ask the person."
        case PermissionMode.BYPASS:
            return "You now work in mode bypass: nothing asks."
        case PermissionMode.PLAN:
            return "You are still in mode plan."
    assert_never(mode)
