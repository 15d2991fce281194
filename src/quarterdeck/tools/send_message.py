"""send_message: words from one teammate to another."""

from pydantic import Field

from quarterdeck.tools.ports import ToolContext
from quarterdeck.tools.results import ToolResult, text_result
from quarterdeck.tools.tool import Subject
from quarterdeck.tools.tool_base import ToolBase, ToolInput


class SendMessageInput(ToolInput):
    """To whom, and what."""

    to: str = Field(min_length=1, max_length=200, description="The name of a teammate, or all.")
    text: str = Field(min_length=1, max_length=50_000, description="The message.")


class SendMessageTool(ToolBase[SendMessageInput]):
    """Sends messages."""

    name = "send_message"
    rule_name = "SendMessage"
    input_model = SendMessageInput

    def title(self, parsed: SendMessageInput) -> str:
        """`→ name`, and the beginning."""
        return f"→ {parsed.to}: {parsed.text[:200]}"

    def subject(self, parsed: SendMessageInput, context: ToolContext) -> Subject:
        """The receiver, with the text."""
        return Subject(text=parsed.to, folder=context.workspace.root, preview=parsed.text)

    async def run(self, parsed: SendMessageInput, context: ToolContext) -> ToolResult:
        """Send it. :raises ToolRefused: nobody has this name."""
        receipt = await context.team.send_message(parsed.to, parsed.text)
        return text_result(receipt, "sent")
