import asyncio
import os
import signal
from pathlib import Path

import pytest

from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from tests.support.headless_program import program
from tests.support.world import calls, says

MUCH = "word " * 400_000
HOLD = "echo yes > begun; sleep 60"


def worker(talk: Conversation) -> Reply:
    """Says more than any pipe holds, then stays in a tool."""
    if talk.results:
        return says("Done.")
    return calls("bash", MUCH, command=HOLD)


async def exit_code(process: asyncio.subprocess.Process) -> int | None:
    """Nobody reads its output meanwhile (`wait` would: it returns once the pipes are closed)."""
    for _ in range(400):
        if process.returncode is not None:
            break
        await asyncio.sleep(0.05)
    else:
        process.kill()
    code = process.returncode
    await process.communicate()
    return code


@pytest.mark.slow
async def test_a_reader_that_stops_reading_keeps_no_signal_from_ending_it(tmp_path: Path) -> None:
    async with program({"worker": worker}, tmp_path) as here:
        process = await here.start("--output-format", "stream-json", "--allow", f"Bash({HOLD})")
        assert await here.wrote("begun") == "yes\n"
        os.kill(process.pid, signal.SIGTERM)
        assert await exit_code(process) == 143


@pytest.mark.slow
async def test_a_reader_that_stops_reading_keeps_no_time_limit_from_ending_it(tmp_path: Path) -> None:
    async with program({"worker": worker}, tmp_path) as here:
        options = ("--output-format", "stream-json", "--allow", f"Bash({HOLD})", "--max-duration", "4")
        process = await here.start(*options)
        assert await exit_code(process) == 3


@pytest.mark.slow
async def test_a_slow_reader_gets_every_line_in_order(tmp_path: Path) -> None:
    async with program({"worker": lambda _: says(MUCH)}, tmp_path) as here:
        process = await here.start("--output-format", "stream-json")
        async with asyncio.timeout(20):
            await here.server.wait_until(bool)
        ran = await here.finish(process)
        assert ran.code == 0
        assert [event["seq"] for event in ran.lines if "seq" in event] == sorted(
            event["seq"] for event in ran.lines if "seq" in event
        )
        assert ran.kinds("text")[0]["text"].strip() == MUCH.strip()
        assert ran.lines[-1]["kind"] == "result"
