"""How the tests start the program, and what they believe of it: processes, folders, the server's log."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from quarterdeck.bootstrap.demo.stage import STORY

PROGRAM = (sys.executable, "-m", "quarterdeck")
TRACES = ("Traceback (most recent call last)", "Error: ", "Exception ignored")
"""What no person may ever see."""


def surroundings(tmp_path: Path, **more: str) -> dict[str, str]:
    """An environment in which everything of the program lies in `tmp_path`, without key or endpoint."""
    ours = ("ANTHROPIC_", "QUARTERDECK_", "TMUX", "TEXTUAL", "NO_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    temporary = tmp_path / "tmp"
    temporary.mkdir(exist_ok=True)
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    own = {"HOME": str(home), "QUARTERDECK_HOME": str(home / "quarterdeck"), "TMPDIR": str(temporary)}
    return {**kept, **own, **more}


def run_program(
    tmp_path: Path,
    *arguments: str,
    limit_s: float = 60.0,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The program without a terminal, its input empty, to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
        env=surroundings(tmp_path, **(environment or {})),
        cwd=folder or tmp_path,
    )


def quick_story(tmp_path: Path, changes: Mapping[str, str] | None = None) -> Path:
    """The demo's story without its pace, changed in places that must exist."""
    text = re.sub(r"(?m)^(pace|delay_s) = .*$", "", STORY.read_text("utf-8"))
    for old, new in (changes or {}).items():
        assert old in text, f"the story has no {old!r}"
        text = text.replace(old, new)
    path = tmp_path / "quick.toml"
    path.write_text(text, "utf-8")
    return path


def demo_folder(tmp_path: Path) -> Path:
    """Where the demo that was started in these surroundings plays."""
    sessions = tmp_path / "home" / "quarterdeck" / "state" / "sessions"
    (folder,) = sessions.glob("*/workspace/shop")
    return folder.resolve()


def logs_of(tmp_path: Path) -> str:
    """All that the program logged."""
    folder = tmp_path / "home" / "quarterdeck" / "logs"
    return "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.jsonl")))


def requests_logged(path: Path, agent: str = "") -> list[dict[str, object]]:
    """The requests in a scripted server's log, of one agent or of all."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    return [one for one in records if one["kind"] == "request" and agent in ("", one.get("agent", ""))]


def stands_in(folder: Path) -> list[int]:
    """Every process that stands in `folder` or below, by pid."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = os.readlink(entry / "cwd").removesuffix(" (deleted)")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (where == str(folder) or where.startswith(f"{folder}/")):
            found.append(int(entry.name))
    return found
