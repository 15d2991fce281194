"""submit_plan: hands a plan to the person and waits for the answer, however long it takes."""

from pydantic import Field

from quarterdeck.domain.requests import CommentAnswer, PlanApproved, PlanRejected
from quarterdeck.tools.plan_words import approved_words, rejected_words
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, text_result
from quarterdeck.tools.tool import Subject
from quarterdeck.tools.tool_base import ToolBase, ToolInput


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
