"""spawn_teammate: starts a teammate for one piece of work."""

from pydantic import Field

from quarterdeck.tools.ports import ToolContext
from quarterdeck.tools.results import ToolResult, text_result
from quarterdeck.tools.tool import Subject
from quarterdeck.tools.tool_base import ToolBase, ToolInput


class SpawnTeammateInput(ToolInput):
    """Who, and what for."""

    name: str = Field(description="1 to 40 letters, digits, - or _; nobody who is alive may have it.")
    prompt: str = Field(min_length=1, max_length=100_000, description="The work, with all that it needs.")
    plan_mode: bool = Field(
        default=False, description="It may only look, until the person has approved its plan."
    )


class SpawnTeammateTool(ToolBase[SpawnTeammateInput]):
    """Starts teammates."""

    name = "spawn_teammate"
    rule_name = "SpawnTeammate"
    input_model = SpawnTeammateInput
    read_only = False

    def title(self, parsed: SpawnTeammateInput) -> str:
        """The name, and how."""
        return f"{parsed.name}, in plan mode" if parsed.plan_mode else parsed.name

    def subject(self, parsed: SpawnTeammateInput, context: ToolContext) -> Subject:
        """The name, with the prompt."""
        return Subject(
            text=parsed.name,
            folder=context.workspace.root,
            preview=parsed.prompt,
            spawns_without_plan=not parsed.plan_mode,
        )

    async def run(self, parsed: SpawnTeammateInput, context: ToolContext) -> ToolResult:
        """Start it. :raises ToolRefused: it did not start."""
        receipt = await context.team.spawn(
            parsed.name, parsed.prompt, plan_mode=parsed.plan_mode, call_id=context.call_id
        )
        return text_result(receipt, "started")
