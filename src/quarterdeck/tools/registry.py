"""The tools that every teammate has, in the order in which the model is told of them."""

from quarterdeck.tools.ask_person import AskPersonTool
from quarterdeck.tools.bash import BashTool
from quarterdeck.tools.edit import EditTool
from quarterdeck.tools.glob import GlobTool
from quarterdeck.tools.grep import GrepTool
from quarterdeck.tools.list import ListTool
from quarterdeck.tools.read import ReadTool
from quarterdeck.tools.send_message import SendMessageTool
from quarterdeck.tools.spawn_teammate import SpawnTeammateTool
from quarterdeck.tools.submit_plan import SubmitPlanTool
from quarterdeck.tools.tool import Tool
from quarterdeck.tools.write import WriteTool

_STANDARD: tuple[Tool, ...] = (
    ReadTool(),
    WriteTool(),
    EditTool(),
    ListTool(),
    GlobTool(),
    GrepTool(),
    BashTool(),
    SubmitPlanTool(),
    AskPersonTool(),
    SendMessageTool(),
    SpawnTeammateTool(),
)
_BY_NAME = {tool.name: tool for tool in _STANDARD}


def standard_tools() -> tuple[Tool, ...]:
    """All tools, always in the same order (the provider's prompt cache depends on it)."""
    return _STANDARD


def tool_by_name(name: str) -> Tool | None:
    """The tool with this wire name, or None."""
    return _BY_NAME.get(name)
