"""What importing the pure half of the model client may cost."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src"


def test_everything_but_the_client_is_imported_without_the_sdk_and_its_transport() -> None:
    pure = ("deadline", "fault_words", "faults", "fold", "history", "metering", "requests", "sse", "steps")
    lines = [
        *(f"import quarterdeck.llm.{name}" for name in pure),
        "import sys",
        "print(*sorted(sys.modules))",
    ]
    loaded = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    ).stdout.split()
    assert "quarterdeck.llm.fold" in loaded
    assert not {"anthropic", "httpx2", "aiohttp", "pydantic"} & set(loaded)
