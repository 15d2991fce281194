"""What must not be imported before the first paint, and what a thousand teammates share."""

import subprocess
import sys

from quarterdeck.tools.registry import standard_tools

LOOK = """
import sys
import quarterdeck.cli.screen
late = ("anthropic", "aiohttp", "quarterdeck.tools.registry", "quarterdeck.llm.client", "sqlite3")
print([name for name in late if name in sys.modules])
"""


def test_the_screen_imports_neither_the_sdk_nor_the_tools_nor_sqlite() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.strip() == "[]"


def test_the_schemas_of_the_tools_are_made_once_for_all_teammates() -> None:
    first = {tool.name: tool.schema() for tool in standard_tools()}
    second = {tool.name: tool.schema() for tool in standard_tools()}
    assert first
    assert all(second[name] is schema for name, schema in first.items())
    assert len({schema["name"] for schema in first.values()}) == len(first)
