"""Every step of the demo's story is sabotaged from outside; the demo must notice each."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.demo.stage import SAMPLE, STORY

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

IN_TIME = 12.0
"""Seconds that a sabotaged story gets; an unharmed quick one takes about six."""


def quick_story(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The story without its pace, changed in places that must exist."""
    text = re.sub(r"(?m)^(pace|delay_s) = .*$", "", STORY.read_text("utf-8"))
    for old, new in changes:
        assert old in text, f"the story has no {old!r}"
        text = text.replace(old, new)
    path = tmp_path / "story.toml"
    path.write_text(text, "utf-8")
    return path


def sample(tmp_path: Path) -> Path:
    folder = tmp_path / "stage" / "shop"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class Demo:
    """One `quarterdeck demo --headless` in a process of its own, its events read as they come."""

    def __init__(self, tmp_path: Path, scenario: Path, *options: str) -> None:
        environment = {**os.environ, "QUARTERDECK_HOME": str(tmp_path / "home")}
        self.log = tmp_path / "requests.jsonl"
        command = [
            sys.executable, "-m", "quarterdeck", "demo", "--headless",
            "--scenario", str(scenario), "--log", str(self.log), *options,
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []

    def play(self, on_event: Callable[[dict[str, Any]], None] = lambda event: None) -> int:
        """Read to the end; the exit code."""
        assert self._process.stdout is not None
        alarm = threading.Timer(90.0, self._process.kill)
        alarm.start()
        try:
            for line in self._process.stdout:
                if not line.startswith("{"):
                    self.noise.append(line)
                    continue
                event = json.loads(line)
                self.events.append(event)
                on_event(event)
            return self._process.wait()
        finally:
            alarm.cancel()
            self._process.stdout.close()

    @property
    def steps(self) -> list[str]:
        return [event["text"] for event in self.events if event["kind"] == "step"]

    @property
    def verdict(self) -> str:
        return next(
            (event["text"] for event in self.events if event["kind"] == "verdict"), "".join(self.noise)
        )


def test_the_story_holds_from_beginning_to_end(tmp_path: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path))
    assert demo.play() == 0, demo.verdict
    assert len(demo.steps) == 11
    assert demo.noise == []
    ended = [event for event in demo.events if event["kind"] == "task_terminated"]
    assert len({event["run_id"] for event in ended}) == len(ended) == 4


def test_a_sample_whose_tests_pass_already_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)
    price = folder / "shop" / "price.py"
    price.write_text(price.read_text("utf-8").replace("ROUND_HALF_EVEN", "ROUND_HALF_UP"), "utf-8")
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder))
    assert demo.play() == 1
    assert "passed before anybody worked" in demo.verdict


def test_a_server_that_is_down_is_noticed(tmp_path: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path), "--base-url", "http://127.0.0.1:9")
    assert demo.play() == 1
    assert "No connection to the model" in demo.verdict


def test_a_scenario_that_cannot_be_is_refused_with_its_line(tmp_path: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path, ('name = "coder plans"', 'nam = "coder plans"')))
    assert demo.play() == 2
    assert re.search(r"story\.toml:\d+: ", demo.verdict)
    assert len(demo.noise) == 1


def test_a_coder_that_never_plans_is_noticed(tmp_path: Path) -> None:
    planning = 'when = { agent = "coder", last_tool = "read"'
    silent = quick_story(tmp_path, (planning, planning.replace("coder", "nobody")))
    demo = Demo(tmp_path, silent, "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("plan v1" in step for step in demo.steps)


def test_a_revision_that_ignores_the_feedback_is_noticed(tmp_path: Path) -> None:
    changed = quick_story(
        tmp_path,
        ("Your feedback: {{feedback}}\n", ""),
        ("; its signature stays as it is", ""),
        ("Add a test for a negative amount", "Add a test"),
    )
    demo = Demo(tmp_path, changed)
    assert demo.play() == 1
    assert "does not answer the feedback" in demo.verdict


def test_a_file_that_changes_before_the_approval_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)

    def meddle(event: dict[str, Any]) -> None:
        if event["kind"] == "state_change" and event["agent"] == "coder" and event["to"] == "executing":
            (folder / "shop" / "cart.py").write_text("# changed by nobody who was allowed to\n", "utf-8")

    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder))
    assert demo.play(meddle) == 1
    assert "a file changed" in demo.verdict


def test_a_file_that_cannot_be_written_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)
    price = folder / "shop" / "price.py"
    price.chmod(0o444)
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder), "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("the tests pass" in step for step in demo.steps)
    assert "ROUND_HALF_EVEN" in price.read_text("utf-8")


def test_a_test_that_still_fails_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)
    (folder / "tests" / "test_more.py").write_text(
        "import unittest\n\n\nclass More(unittest.TestCase):\n    def test_more(self) -> None:\n"
        "        self.fail('not mended')\n",
        "utf-8",
    )
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder), "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("the tests pass" in step for step in demo.steps)


def test_a_tester_that_asks_for_something_else_is_noticed(tmp_path: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path, ('command = "{{tester_command}}"', 'command = "date"')))
    assert demo.play() == 1
    assert "another command" in demo.verdict


def test_a_report_that_is_never_written_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)
    (folder / "report.txt").mkdir()
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder), "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("told coder" in step for step in demo.steps)


def test_a_message_that_never_reaches_coder_is_noticed(tmp_path: Path) -> None:
    changed = quick_story(
        tmp_path, ('{ to = "coder", text = "All tests pass', '{ to = "nobody", text = "All tests pass')
    )
    demo = Demo(tmp_path, changed, "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("told coder" in step for step in demo.steps)


def test_a_researcher_that_fails_is_noticed(tmp_path: Path) -> None:
    looks = '[[reply]]\nname = "researcher looks"\n'
    broken = '[[reply]]\nwhen = { agent = "researcher" }\nerror = { status = 500 }\n\n'
    demo = Demo(tmp_path, quick_story(tmp_path, (looks, broken + looks)))
    assert demo.play() == 1
    assert "researcher failed" in demo.verdict


def test_a_runaway_that_starts_nothing_is_noticed(tmp_path: Path) -> None:
    folder = sample(tmp_path)
    (folder / "watch.sh").write_text("sleep 20\n", "utf-8")
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(folder), "--max-duration", str(IN_TIME))
    assert demo.play() != 0
    assert not any("runaway has" in step for step in demo.steps)


@pytest.fixture
def leftover(tmp_path: Path) -> Iterator[Path]:
    """A sample in which a process of somebody else stands and stays."""
    folder = sample(tmp_path)
    process = subprocess.Popen(["sleep", "120"], cwd=folder)
    yield folder
    process.kill()
    process.wait()


def test_a_process_that_outlives_the_kill_is_noticed(tmp_path: Path, leftover: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path), "--folder", str(leftover), "--max-duration", "20")
    assert demo.play() != 0
    assert not any("runaway killed" in step for step in demo.steps)


def test_a_request_after_the_kill_is_noticed(tmp_path: Path) -> None:
    demo = Demo(tmp_path, quick_story(tmp_path))

    def forge(event: dict[str, Any]) -> None:
        if event["kind"] == "task_terminated" and event["agent"] == "runaway":
            line = {"kind": "request", "run": event["run_id"], "at": time.time()}
            with demo.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")

    assert demo.play(forge) == 1
    assert "asked the model again" in demo.verdict
