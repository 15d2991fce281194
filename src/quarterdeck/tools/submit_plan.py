"""submit_plan: hands a plan to the person and waits for the answer, however long it takes."""

from typing import assert_never

from pydantic import Field

from quarterdeck.domain.requests import CommentAnswer, PlanApproved, PlanRejected
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, text_result
from quarterdeck.tools.tool import Subject, ToolBase, ToolInput


class AnswerInput(ToolInput):
    """What this version of the plan says to one comment."""

    comment_id: str = Field(min_length=1, max_length=100, description="The ID of the comment.")
    text: str = Field(min_length=1, max_length=2_000, description="How the plan now answers it.")


class SubmitPlanInput(ToolInput):
    """A plan, and answers to the comments on the version before."""

    plan: str = Field(min_length=1, max_length=100_000, description="The whole plan, as Markdown.")
    answers: tuple[AnswerInput, ...] = Field(
        default=(), max_length=50, description="One per comment of the person on the version before."
    )


class SubmitPlanTool(ToolBase[SubmitPlanInput]):
    """Submits plans."""

    name = "submit_plan"
    rule_name = "SubmitPlan"
    input_model = SubmitPlanInput
    timeout_s = None

    def title(self, parsed: SubmitPlanInput) -> str:
        """The plan's first line."""
        return parsed.plan.strip().split("\n", 1)[0].lstrip("# ")[:200]

    def subject(self, parsed: SubmitPlanInput, context: ToolContext) -> Subject:
        """The title; the plan itself is the request."""
        return Subject(text=self.title(parsed), folder=context.workspace.root)

    async def run(self, parsed: SubmitPlanInput, context: ToolContext) -> ToolResult:
        """Wait for the person."""
        answers = tuple(CommentAnswer(comment_id=one.comment_id, text=one.text) for one in parsed.answers)
        match await context.person.submit_plan(context.call_id, parsed.plan, answers):
            case PlanApproved() as approved:
                return text_result(approved_words(approved), f"approved, mode {approved.mode}")
            case PlanRejected() as rejected:
                return text_result(rejected_words(rejected), "rejected")
        raise ToolRefused("The plan was not answered; it is not approved.")


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
