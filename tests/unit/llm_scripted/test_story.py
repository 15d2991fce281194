"""The demo's story, played against its scenario with the answers that the program would give."""

import shutil
import sys
import unittest
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.llm.scripted.events import Answer
from quarterdeck.llm.scripted.refusals import refusal_of
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.llm.scripted.scenario import Scenario, load_scenario

DEMO = Path(__file__).parents[3] / "src" / "quarterdeck" / "bootstrap" / "demo"
VALUES = {"test_command": "py -m unittest", "tester_command": "py > r", "runaway_command": "sh watch.sh"}
REJECTED = "The person rejected the plan. You are still in plan mode.\n"
SUBMIT = "Submit the revised plan with submit_plan."
APPROVED = "The person approved the plan. You now work in mode default: changes and commands ask the person."


class Played:
    """One teammate's conversation with the story. Every request is one that the API would take."""

    def __init__(self, story: Scenario, agent: str, prompt: str) -> None:
        self._story = story
        self._agent = agent
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]

    def ask(self) -> Reply:
        """The reply to the conversation so far, which then is part of it."""
        body = {
            "model": "scripted",
            "max_tokens": 1000,
            "system": f"You are {self._agent}, a teammate of the team demo.",
            "messages": self._messages,
        }
        assert refusal_of(body) is None
        reply = self._story.reply(body, {})
        answer = Answer(reply, "scripted", f"{len(self._messages)}")
        self._messages = [*self._messages, {"role": "assistant", "content": answer.content()}]
        return reply

    def results(self, *texts: str, failed: bool = False) -> Reply:
        """Answer the last calls, the last of `texts` for all that are left, and ask."""
        uses = [block for block in self._messages[-1]["content"] if block["type"] == "tool_use"]
        told = [*texts, *[texts[-1]] * len(uses)]
        blocks = [
            {"type": "tool_result", "tool_use_id": use["id"], "content": text, "is_error": failed}
            for use, text in zip(uses, told, strict=False)
        ]
        self._messages = [*self._messages, {"role": "user", "content": blocks}]
        return self.ask()

    def message(self, text: str) -> Reply:
        """A new user message, and ask."""
        self._messages = [*self._messages, {"role": "user", "content": text}]
        return self.ask()


def calls(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    """The tool calls of a reply."""
    return [(block.tool, block.input) for block in reply.blocks if block.tool is not None]


def plan_of(reply: Reply) -> dict[str, Any]:
    """The input of the one `submit_plan` that a reply holds."""
    ((tool, given),) = calls(reply)
    assert tool == "submit_plan"
    return given


@pytest.fixture(scope="module")
def story() -> Scenario:
    return load_scenario(DEMO / "story.toml", VALUES)


@pytest.fixture
def coder(story: Scenario) -> Played:
    """coder, its first plan submitted."""
    played = Played(story, "coder", "One test fails. Plan the mend first.")
    assert {tool for tool, _ in calls(played.ask())} == {"read"}
    plan_of(played.results("1 text"))
    return played


def test_coder_answers_feedback_and_every_comment_by_its_id(coder: Played) -> None:
    comments = 'comment c-1 on "return a `float`": why?\ncomment c-2 on the whole plan: a test, please\n'
    told = f"{REJECTED}Feedback: Keep the signature.\nReally.\n{comments}{SUBMIT} Answer each comment."
    second = plan_of(coder.results(told))
    assert "Your feedback: Keep the signature.\nReally.\n" in second["plan"]
    assert "negative" in second["plan"]
    assert [answer["comment_id"] for answer in second["answers"]] == ["c-1", "c-2"]
    assert all(asked in one["text"] for asked, one in zip(["why?", "a test"], second["answers"], strict=True))


def test_coder_revises_as_often_as_it_is_rejected_and_without_words_too(coder: Played) -> None:
    plans = [plan_of(coder.results(REJECTED + SUBMIT))["plan"] for _ in range(2)]
    third = plan_of(coder.results(f"{REJECTED}Feedback: Smaller.\n{SUBMIT}"))["plan"]
    assert len({*plans, third}) == 3
    assert "Smaller." in third


def test_coder_edits_tests_and_hands_on_when_its_plan_is_approved(coder: Played) -> None:
    coder.results(f"{REJECTED}Feedback: Test it.\n{SUBMIT}")
    assert [tool for tool, _ in calls(coder.results(APPROVED))] == ["edit", "edit"]
    assert calls(coder.results("edited")) == [("bash", {"command": "py -m unittest"})]
    ((tool, given),) = calls(coder.results("Ran 5 tests\n\nOK"))
    assert (tool, given["to"]) == ("send_message", "tester")
    assert calls(coder.results("queued")) == []
    assert calls(coder.message("Message from tester, a teammate (not the person):\n\nAll fine.")) == []


def test_an_approval_may_come_later_as_a_message(coder: Played) -> None:
    assert calls(coder.results("The plan was not answered; it is not approved.", failed=True)) == []
    assert [tool for tool, _ in calls(coder.message(APPROVED))] == ["edit"]


def test_coder_stops_when_an_edit_or_the_tests_fail(coder: Played) -> None:
    coder.results(APPROVED)
    assert calls(coder.results("The person denied this call.", failed=True)) == []


def test_coder_hands_nothing_on_when_the_tests_fail(coder: Played) -> None:
    coder.results(APPROVED)
    coder.results("edited")
    assert calls(coder.results("FAILED (failures=1)\n(exit 1)", failed=True)) == []


def test_tester_waits_for_coder_runs_and_tells_the_outcome(story: Scenario) -> None:
    for outcome, failed, word in (
        ("OK", False, "pass"),
        ("FAILED", False, "fail"),
        ("denied", True, "could"),
    ):
        tester = Played(story, "tester", "When coder has mended it, run all tests and tell coder.")
        assert calls(tester.ask()) == []
        told = tester.message("Message from coder, a teammate (not the person):\n\nPlease run everything.")
        assert calls(told) == [("bash", {"command": "py > r"})]
        ((tool, given),) = calls(tester.results(outcome, failed=failed))
        assert (tool, given["to"]) == ("send_message", "coder")
        assert word in given["text"]
        assert calls(tester.results("queued")) == []
        assert calls(tester.message("Message from coder, a teammate (not the person):\n\nThanks.")) == []


def test_researcher_looks_and_reports_long_enough_to_be_seen(story: Scenario) -> None:
    played = Played(story, "researcher", "Find out how prices are rounded.")
    seconds = 0.0
    reply = played.ask()
    while True:
        pace = reply.pace or story.pace
        letters = sum(len(block.text or block.thinking or "") for block in reply.blocks)
        seconds += letters / pace.chars * pace.seconds
        if not calls(reply):
            break
        assert {tool for tool, _ in calls(reply)} <= {"read", "list", "grep", "glob"}
        reply = played.results("1 text")
    assert 12 <= seconds <= 25
    assert calls(played.message("And the carts?")) == []


def test_runaway_never_ends_by_itself(story: Scenario) -> None:
    played = Played(story, "runaway", "Watch the folder.")
    replies = [played.ask(), *(played.results("watching", failed=bool(n % 2)) for n in range(5))]
    assert {calls(reply)[0][1]["command"] for reply in replies} == {"sh watch.sh"}


def test_anybody_else_and_anybody_at_the_end_gets_words_alone(story: Scenario) -> None:
    assert calls(Played(story, "somebody", "Do something").ask()) == []
    for name in ("researcher", "coder", "tester", "runaway"):
        closing = Played(story, name, "You are asked to stop now. No tool can run any more.").ask()
        assert calls(closing) == []
        assert name in (closing.text or "")


def test_the_storys_edits_mend_the_sample_and_nothing_else_does(
    coder: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(DEMO / "sample", folder)
    before = failures_in(folder, monkeypatch)
    coder.results(f"{REJECTED}Feedback: Test it.\n{SUBMIT}")
    for tool, given in calls(coder.results(APPROVED)):
        assert tool == "edit"
        file = folder / given["path"]
        text = file.read_text("utf-8")
        assert text.count(given["old_text"]) == 1 or given.get("replace_all")
        file.write_text(text.replace(given["old_text"], given["new_text"]), "utf-8")
    after = failures_in(folder, monkeypatch)
    assert before == (4, 1)
    assert after == (5, 0)


def failures_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How many tests the sample has, and how many of them do not pass."""
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("shop", "tests")}
    with monkeypatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setattr(sys, "path", [str(folder), *sys.path])
        for name in ours:
            patch.delitem(sys.modules, name)
        suite = unittest.TestLoader().discover(str(folder), top_level_dir=str(folder))
        outcome = unittest.TestResult()
        suite.run(outcome)
        for name in [name for name in sys.modules if name.split(".")[0] in ("shop", "tests")]:
            del sys.modules[name]
    return outcome.testsRun, len(outcome.failures) + len(outcome.errors)
