"""ask_person: one question to the person, with options or free."""

from typing import Annotated

from pydantic import Field

from quarterdeck.domain.requests import QuestionAnswered, QuestionDeclined
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult, text_result
from quarterdeck.tools.tool import Subject
from quarterdeck.tools.tool_base import ToolBase, ToolInput

MOST_OPTIONS = 9
_Option = Annotated[str, Field(min_length=1, max_length=200)]


class AskPersonInput(ToolInput):
    """A question and what could be answered."""

    question: str = Field(min_length=1, max_length=4_000, description="The question, with all that it needs.")
    options: tuple[_Option, ...] = Field(
        default=(), max_length=MOST_OPTIONS, description="Up to nine answers to choose from."
    )


class AskPersonTool(ToolBase[AskPersonInput]):
    """Asks the person."""

    name = "ask_person"
    rule_name = "AskPerson"
    input_model = AskPersonInput
    timeout_s = None

    def title(self, parsed: AskPersonInput) -> str:
        """The question."""
        return parsed.question

    def subject(self, parsed: AskPersonInput, context: ToolContext) -> Subject:
        """The question."""
        return Subject(text=parsed.question, folder=context.workspace.root)

    async def run(self, parsed: AskPersonInput, context: ToolContext) -> ToolResult:
        """Wait for the answer."""
        match await context.person.ask(context.call_id, parsed.question, parsed.options):
            case QuestionAnswered(text=text):
                return text_result(f"The person answered: {text}", "answered")
            case QuestionDeclined(reason=reason):
                said = f" and said: {reason}" if reason else ""
                return text_result(f"The person gives no answer{said}. Go on without it.", "no answer")
        raise ToolRefused("The question was not answered.")
