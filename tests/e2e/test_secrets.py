"""A key in the environment: no tool finds it, and nothing that the program prints or logs holds it."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.llm.scripted.scenario import parse_scenario
from quarterdeck.llm.scripted.server import ScriptedServer
from tests.support.terminal import Terminal
from tests.support.terminal_program import PROGRAM, logs_of, surroundings

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

CANARY = f"sk-ant-canary-{secrets.token_hex(8)}"
SEARCH = (
    "echo searched; env; cat /proc/$PPID/environ /proc/self/environ; "
    "for one in /proc/[0-9]*; do cat $one/environ; done 2>/dev/null | tr '\\0' '\\n' | grep -a 'canar[y]'; "
    "set; cat /proc/$PPID/cmdline; true"
)
SCENARIO = f"""
models = ["scripted"]
[[reply]]
when = {{ tool_results = 0 }}
content = [{{ tool = "bash", input = {{ command = {json.dumps(SEARCH)} }} }}]
[default]
text = "The key is CANARY, I was told."
"""


@pytest.fixture
async def server() -> AsyncIterator[tuple[ScriptedServer, str]]:
    """It keeps every body, the tool's results in them; and it says the key itself at last."""
    async with asyncio.timeout(100):
        running = ScriptedServer(parse_scenario(SCENARIO.replace("CANARY", CANARY), "scenario"))
        yield running, await running.start()
        await running.close()


def all_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
async def test_no_tool_and_no_file_gets_the_key(
    tmp_path: Path, server: tuple[ScriptedServer, str], name: str
) -> None:
    scripted, url = server
    given = {name: CANARY, "ANTHROPIC_BASE_URL": url}
    program = await asyncio.create_subprocess_exec(
        *(*PROGRAM, "run", "search", "--allow", "Bash", "--output-format", "stream-json"),
        env=surroundings(tmp_path, **given),
        cwd=tmp_path,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await program.communicate()
    assert program.returncode == 0, out
    last = scripted.request_log[-1]
    assert CANARY in str(last.headers), "the server was not asked with the key"
    results = json.dumps(last.body["messages"])
    assert "searched" in results
    assert "PATH=" in results
    assert CANARY not in results
    *before, result = out.decode().splitlines()
    assert "searched" in "".join(before)
    assert CANARY not in "".join(before).replace(f"The key is {CANARY}, I was told.", "")
    assert CANARY in json.loads(result)["findings"]  # the model's own word is the person's to read
    logged = logs_of(tmp_path)
    assert "[secret]" in logged
    assert [path for path, content in all_files(tmp_path).items() if CANARY.encode() in content] == []


async def test_a_refused_key_is_not_shown(tmp_path: Path) -> None:
    scenario = parse_scenario('api_key = "another"\n[default]\ntext = "hello"\n', "scenario")
    server = ScriptedServer(scenario)
    url = await server.start()
    try:
        program = await asyncio.create_subprocess_exec(
            *(*PROGRAM, "run", "hello", "--model", "scripted"),
            env=surroundings(tmp_path, ANTHROPIC_API_KEY=CANARY, ANTHROPIC_BASE_URL=url),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await program.communicate()
    finally:
        await server.close()
    assert program.returncode == 1
    assert b"refused the key" in out
    assert CANARY.encode() not in out
    assert [path for path, content in all_files(tmp_path).items() if CANARY.encode() in content] == []


def test_the_program_s_own_environment_loses_the_key(tmp_path: Path) -> None:
    environment = surroundings(tmp_path, ANTHROPIC_API_KEY=CANARY, ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    command = ["env", f"ANTHROPIC_API_KEY={CANARY}", *PROGRAM]
    with Terminal(command, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for("to lead")
        if sys.platform.startswith("linux"):
            seen = Path(f"/proc/{terminal.pid}/environ")
            assert CANARY.encode() not in (seen.read_bytes() if os.access(seen, os.R_OK) else b"")
        terminal.press("C-q")
        assert terminal.wait_ended() == 0
        assert CANARY.encode() not in terminal.written()
    assert CANARY not in logs_of(tmp_path)
