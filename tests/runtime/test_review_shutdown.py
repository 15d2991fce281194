"""RELIABILITY 8: the end of the program with 20 runs and hostile tools takes 8 s at most."""

import asyncio
import os
import sys
import time
from pathlib import Path

from tests.support.hostile import BUSY_LIMIT_S, KILL_LIMIT_S, kill_limit_s

ROOT = Path(__file__).parents[2]
IN_TIME = 8.0

LOOKUP = """
import asyncio, socket, sys, threading
from quarterdeck.runtime.scopes import exit_now

begun, never = threading.Event(), threading.Event()

def hang(*_, **__):
    begun.set()
    never.wait(60)

async def main():
    loop = asyncio.get_running_loop()
    socket.getaddrinfo = hang if len(sys.argv) > 1 else lambda *_, **__: begun.set() or []
    asking = loop.create_task(loop.getaddrinfo("model.invalid", 443))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait({asking})
    sys.stdout.write("all said")
    exit_now(7)

asyncio.run(main())
sys.exit(5)
"""


async def _run(*words: str, limit_s: float = 40.0) -> tuple[int | None, bytes, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOOKUP, *words,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    started = time.monotonic()
    try:
        async with asyncio.timeout(limit_s):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out, time.monotonic() - started


async def test_twenty_runs_with_hostile_tools_are_out_in_time_with_the_code(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.hostile_team", str(tmp_path),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(100):
            assert await process.stdout.readline() == b"ready\n"
            started = time.monotonic()
            out, err = await process.communicate(b"\n")
            took = time.monotonic() - started
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, out) == (7, b"trees over: True\n"), err.decode()
    assert took < (IN_TIME if kill_limit_s() == KILL_LIMIT_S else BUSY_LIMIT_S)


async def test_a_name_that_is_looked_up_for_ever_does_not_hold_the_exit() -> None:
    code, out, took = await _run("hang")
    assert (code, out) == (7, b"all said")
    assert took < IN_TIME


async def test_a_name_that_was_looked_up_leaves_the_exit_an_ordinary_one() -> None:
    code, out, _ = await _run()
    assert (code, out) == (5, b"all said")
