"""Leaving the program: in time and with its own code, whatever was abandoned. Real processes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import quarterdeck.runtime.scopes as scopes_module

SOURCES = Path(scopes_module.__file__).parents[2]

PROGRAM = """
import asyncio, sys, time
from quarterdeck.runtime.scopes import ScopeTree, exit_now
from quarterdeck.runtime.threads import run_in_thread

async def swallow():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def main():
    tree = ScopeTree(on_fault=lambda name, error: print(name, error))
    scope = tree.open(tree.root, "run")
    {task}
    {thread}
    await asyncio.sleep(0.1)
    end = await tree.end(scope)
    sys.stdout.write(f"left {{end.left}}")
    exit_now(7)

asyncio.run(main())
sys.exit(5)
"""
TASK = 'tree.start(scope, swallow(), name="endless")'
THREAD = 'tree.start(scope, run_in_thread(lambda: time.sleep(60), name="sleep"), name="tool")'


@pytest.mark.parametrize(
    ("task", "thread", "code", "printed"),
    [
        (TASK, THREAD, 7, "left 1"),
        (TASK, "", 7, "left 1"),
        ("", THREAD, 7, "left 0"),
        ("", "", 5, "left 0"),
    ],
    ids=["a task and a thread", "a task", "a thread", "nothing abandoned"],
)
def test_the_program_leaves_in_time_with_its_code_and_all_it_printed(
    task: str, thread: str, code: int, printed: str
) -> None:
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(task=task, thread=thread)],
        env={"PYTHONPATH": str(SOURCES), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert time.monotonic() - began < 8
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, printed, "")


BLOCKED = """
import os, sys
from quarterdeck.runtime.scopes import exit_now
os.set_blocking(1, False)
try:
    while True:
        os.write(1, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(1, True)
sys.stdout.write("one more")
exit_now(7)
"""


def test_a_terminal_that_takes_no_more_bytes_does_not_hold_the_exit() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", BLOCKED],
        env={"PYTHONPATH": str(SOURCES), "PATH": ""},
        stdout=subprocess.PIPE,
    )
    try:
        assert program.wait(timeout=10) == 7
    finally:
        program.kill()
        program.communicate()
