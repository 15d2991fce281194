"""`python -m quarterdeck run …` in a process of its own, against a scripted server of the test."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.llm.scripted.scenario import Scenario
from quarterdeck.llm.scripted.server import ScriptedServer
from tests.support.world import MODEL, Answer, ByAgent

IN_TIME = 30.0
FIRST_MODEL = "claude-first"
"""What the endpoint offers before all others."""


class Ran(msgspec.Struct, frozen=True):
    """What it left behind."""

    code: int | None
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [line for line in self.lines if line["kind"] == kind]


class Program:
    """Starts runs in `folder`."""

    def __init__(self, server: ScriptedServer, base_url: str, folder: Path) -> None:
        self.server = server
        self.folder = folder / "work"
        self.folder.mkdir()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
            "ANTHROPIC_API_KEY": "test-key",
            "ANTHROPIC_BASE_URL": base_url,
            "QUARTERDECK_HOME": str(folder / "home"),
        }

    async def start(self, *options: str, model: str | None = MODEL) -> asyncio.subprocess.Process:
        """One `run` with the task `go`."""
        chosen = ["--model", model] if model is not None else []
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "quarterdeck", "run", *chosen, *options, "go",
            cwd=self.folder, env=self._environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def finish(self, process: asyncio.subprocess.Process) -> Ran:
        """Wait for its end."""
        try:
            async with asyncio.timeout(IN_TIME):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            raise AssertionError("the program did not end") from None
        return Ran(process.returncode, out.decode(), err.decode())

    async def run(self, *options: str, model: str | None = MODEL) -> Ran:
        """Start and finish one."""
        return await self.finish(await self.start(*options, model=model))

    async def wrote(self, name: str) -> str:
        """Wait until a command has written a whole line into a file of the folder."""
        path = self.folder / name
        async with asyncio.timeout(IN_TIME):
            for _ in range(100_000):
                if path.exists() and path.read_text().endswith("\n"):
                    break
                await asyncio.sleep(0.02)
        return path.read_text()


@asynccontextmanager
async def program(answers: Mapping[str, Answer], folder: Path) -> AsyncIterator[Program]:
    """A server, and a folder to run in."""
    server = ScriptedServer(ByAgent(answers), settings=Scenario(models=(FIRST_MODEL, MODEL)))
    base_url = await server.start()
    try:
        yield Program(server, base_url, folder)
    finally:
        await server.close()
