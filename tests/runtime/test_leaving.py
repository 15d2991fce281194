"""RELIABILITY 2: the program's end waits for nothing that was abandoned."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from quarterdeck.domain.teammates import Outcome
from tests.support.world import HOLD, MAY_HOLD, calls, world

ROOT = Path(__file__).parents[2]
IN_TIME = 8.0


@pytest.mark.parametrize(
    ("how", "code", "outcome"),
    [("limit", 3, "timed_out"), ("signal", 143, "killed"), ("done", 0, "completed")],
)
async def test_a_program_with_a_deaf_teammate_and_a_stuck_thread_is_out_in_time_with_its_code(
    how: str, code: int, outcome: str, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.deaf_program", how, str(tmp_path),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(40):
            if how != "done":
                while b"deaf" not in await process.stderr.readline():
                    continue
            started = time.monotonic()
            if how == "signal":
                process.send_signal(signal.SIGTERM)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert time.monotonic() - started < IN_TIME
    assert process.returncode == code, err.decode()
    result = json.loads(out)
    assert (result["outcome"], result["exit_code"]) == (outcome, code)
    assert b"Traceback" not in err


async def test_closing_a_session_ends_every_run_and_process_once(tmp_path: Path) -> None:
    async with world({"a": lambda _: calls("bash", command=HOLD)}, tmp_path) as here:
        runs = [here.spawn(f"a{number}", rules=(MAY_HOLD,)) for number in range(10)]
        for run_id in runs:
            await here.holding(run_id)
        started = time.monotonic()
        await here.session.close(by="quit")
        assert time.monotonic() - started < IN_TIME
        for run_id in runs:
            mate = here.mate(run_id)
            assert (mate.outcome, mate.ended_by) == (Outcome.KILLED, "quit")
            assert mate.kill is not None
            assert mate.kill.is_complete
            assert here.session.processes.owner_facts(run_id).left == 0
        assert here.session.shutdown.registered == 0
        counts = here.session.scopes.counts()
        assert (counts.tasks, counts.abandoned) == (0, 0)
        seen = len(here.server.request_log)
        await here.session.close()
        assert len(here.server.request_log) == seen == 10
