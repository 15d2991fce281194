"""A run's tools on a real folder: what the runtime does with a call, without the asking."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.domain.requests import Answer, CommentAnswer, PlanApproved, QuestionDeclined
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.project.workspace import Workspace
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.read_marks import ReadMarks
from quarterdeck.tools.registry import tool_by_name
from quarterdeck.tools.results import ToolResult
from quarterdeck.tools.tool import Subject, Tool


class PlainResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command left, by `ShellResult`."""

    exit_code: int | None
    signal: int | None = None
    output: str
    output_bytes: int
    truncated: bool = False
    timed_out: bool = False
    folder: str
    leftover: int = 0
    duration_s: float = 0.0


class PlainShell:
    """A real bash without the supervisor; it carries the folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.ran: list[str] = []

    async def run(self, command: str, timeout_s: float, on_output: Callable[[str], None]) -> PlainResult:
        """Run it, and read the folder that it ends in from a line behind its output."""
        self.ran.append(command)
        mark = "--folder:"
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            f"{command}\ncode=$?; printf '\\n{mark}%s' \"$PWD\"; exit $code",
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            raw, _ = await asyncio.wait_for(process.communicate(), timeout_s)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
            return PlainResult(exit_code=None, output="", output_bytes=0, timed_out=True, folder=self.folder)
        output, _, folder = raw.decode("utf-8", "replace").partition(f"\n{mark}")
        on_output(output)
        self.folder = folder or self.folder
        return PlainResult(
            exit_code=process.returncode, output=output, output_bytes=len(raw), folder=self.folder
        )


class OneTeam:
    """A team of which only `coder` exists."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.spawned: list[tuple[str, str, bool, CallId]] = []

    async def send_message(self, to: str, text: str) -> str:
        """Only to coder."""
        if to != "coder":
            raise ToolRefused(f"No teammate is called {to!r}. Did you mean coder?")
        self.sent.append((to, text))
        return "Queued for coder."

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool, call_id: CallId) -> str:
        """Remember it."""
        self.spawned.append((name, prompt, plan_mode, call_id))
        return f"{name} started."


class OnePerson:
    """A person with prepared answers."""

    def __init__(self) -> None:
        self.plan_answer: Answer = PlanApproved(mode=PermissionMode.DEFAULT)
        self.question_answer: Answer = QuestionDeclined()
        self.plans: list[tuple[CallId, str, tuple[CommentAnswer, ...]]] = []
        self.questions: list[tuple[str, tuple[str, ...]]] = []

    async def submit_plan(self, call_id: CallId, plan: str, answers: tuple[CommentAnswer, ...]) -> Answer:
        """The prepared answer."""
        self.plans.append((call_id, plan, answers))
        return self.plan_answer

    async def ask(self, call_id: CallId, question: str, options: tuple[str, ...]) -> Answer:
        """The prepared answer."""
        self.questions.append((question, options))
        return self.question_answer


class Bench:
    """One run in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace(str(root))
        self.shell = PlainShell(self.workspace.root)
        self.team = OneTeam()
        self.person = OnePerson()
        self.reads = ReadMarks()
        self.printed: list[str] = []
        self.revoked = False
        self.denied_reads: frozenset[str] = frozenset()

    def context(self, decided_path: str = "") -> ToolContext:
        """For one call."""
        return ToolContext(
            run_id=RunId("run-1"),
            call_id=CallId("call-1"),
            workspace=self.workspace,
            shell=self.shell,
            team=self.team,
            person=self.person,
            reads=self.reads,
            is_revoked=lambda: self.revoked,
            on_output=self.printed.append,
            decided_path=decided_path,
            denied_reads=self.denied_reads,
        )

    def subject(self, name: str, given: Mapping[str, Any]) -> Subject:
        """What the call would touch."""
        tool = self.tool(name)
        return tool.subject(tool.parse(given), self.context())

    async def call(self, name: str, /, *, allowed: bool = False, **given: Any) -> ToolResult:
        """Play one call; a path outside only when `allowed`."""
        tool = self.tool(name)
        parsed = tool.parse(given)
        subject = tool.subject(parsed, self.context())
        decided = subject.real_path if allowed or not subject.outside else ""
        return await tool.run(parsed, self.context(decided))

    async def text(self, name: str, /, *, allowed: bool = False, **given: Any) -> str:
        """The text that the model gets of a call that must go well."""
        result = await self.call(name, allowed=allowed, **given)
        assert isinstance(result.content, str)
        assert not result.is_error, result.content
        return result.content

    async def refusal(self, name: str, /, **given: Any) -> str:
        """Why a call does not run, in one line; fails when it does."""
        with pytest.raises(ToolRefused) as refused:
            await self.call(name, **given)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    def tool(self, name: str) -> Tool:
        """By wire name."""
        tool = tool_by_name(name)
        assert tool is not None
        return tool
