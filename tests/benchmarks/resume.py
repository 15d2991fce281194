"""A long session that comes back: `quarterdeck --resume` from start to first paint, and its memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.domain.ids import MessageId
from quarterdeck.domain.messages import text_block
from quarterdeck.domain.teammates import IdleReason, Way
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from tests.benchmarks.figures import Bench, Figure
from tests.benchmarks.machine import median, resident_bytes
from tests.benchmarks.paced_server import WORDS
from tests.benchmarks.terminal import open_terminal
from tests.support.states import NOW, ready, run, spawned
from tests.support.stored_sessions import SessionFile, answered, says, tool_began, tool_ended

SESSION = "stored"
TEAMMATES = 50
ROWS = 100_000
REPEATS = 5
PAINT_S = 2.0
MEMORY_MB = 120.0
BATCH_TURNS = 500
"""Turns of the whole team that are written by one writer."""
STEPS = 5
OUTPUT_LINES = 20
"""Of each tool call."""
REPORT_PARAGRAPHS = 4
USAGE = Usage(input=900, output=90, requests=1)
SETTLE_S = 3.0
"""After the paint: by then the screen has drawn all of it and set aside what imports left."""
IMPORTS = """
import gc, sys
gc.set_threshold(200_000)  # as quarterdeck.cli.main
import quarterdeck.cli.main, quarterdeck.cli.screen  # the screen and the session
import quarterdeck.bootstrap.resuming, quarterdeck.bootstrap.demo.show  # joined late, by a resume
import quarterdeck.storage.opening, quarterdeck.storage.writer  # joined late, by the journal's thread
print("imported", flush=True)
sys.stdin.readline()
"""


def resume(bench: Bench) -> list[Figure]:
    """The time to the first paint with the whole team on it, and the memory above the imports alone."""
    teammates, rows = (5, 500) if bench.quick else (TEAMMATES, ROWS)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        home = Path(folder)
        written = _store(home / "state", home, teammates, rows)
        bare = _imports_alone()
        took, grown, peak = [], [], []
        for nth in range(bench.times(REPEATS)):
            # Each resume writes a few facts of its own, and finds those of the one before.
            seconds, resident, most = _resumed(home, bench.seconds(SETTLE_S))
            took.append(seconds)
            if nth == 0:
                grown.append(resident - bare)
                peak.append(most - bare)
    size = f"{written:,} rows"
    return [
        Figure(
            name="resume",
            teammates=teammates,
            figure=median(took),
            unit="s",
            goal=PAINT_S,
            limit=f"{size}; start to the first rows painted, worst {max(took):.2f} s of {len(took)}",
        ),
        Figure(
            name="resume_memory",
            teammates=teammates,
            figure=grown[0] / 1e6,
            unit="MB",
            goal=MEMORY_MB,
            limit=f"{size}; above {bare / 1e6:.0f} MB of the imports alone; at most {peak[0] / 1e6:.0f} MB",
        ),
    ]


def _resumed(home: Path, settle_s: float) -> tuple[float, int, int]:
    """Seconds until rows of the team are painted; resident bytes a little later, and at most so far."""
    command = [sys.executable, "-m", "quarterdeck", "--resume", SESSION]
    began = time.monotonic()
    with open_terminal(command, (), {"QUARTERDECK_HOME": str(home)}) as (terminal, pid):
        seconds = terminal.wait_until(lambda painted: b"mate-00" in painted, 0) - began
        time.sleep(settle_s)
        return seconds, resident_bytes(pid), resident_bytes(pid, at_most=True)


def _imports_alone() -> int:
    """Resident bytes of a process that has imported what the screen and a resume import, and no more."""
    process = subprocess.Popen([sys.executable, "-c", IMPORTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"imported\n"
        return resident_bytes(process.pid)
    finally:
        process.kill()
        process.wait()


def _store(state: Path, folder: Path, teammates: int, rows: int) -> int:
    """A session of so many teammates that are idle after long work; the rows that its journal has."""
    file = SessionFile(state, SESSION)
    where = str(folder)
    file.tell(
        did.SessionOpened(at=NOW, session_id=SESSION, folder=where, team="shop", model="m", endpoint="")
    )
    names = [f"mate-{nth:04}" for nth in range(teammates)]
    for nth, name in enumerate(names):
        file.tell(spawned(name, color=nth % 8 + 1), ready(name))
    turn = 0
    while file.sequence < rows:
        file.tell(*_turn(names[turn % teammates], turn))
        turn += 1
        if turn % BATCH_TURNS == 0:
            file.write()
    file.write().settle()
    return file.sequence


def _turn(name: str, turn: int) -> Iterator[did.Action]:
    """A message, five steps with a tool call each, a report: as a session tells them."""
    at, run_id, mine = NOW + turn, run(name), turn + 1
    message, text = MessageId(f"m{mine}"), f"Task {turn}: {WORDS}."
    yield did.MessageQueued(at=at, message_id=message, run_id=run_id, sender="you", text=text, way=Way.STEER)
    yield did.TurnStarted(at=at, run_id=run_id, verb="Charting", past_verb="Charted")
    yield did.MessageDelivered(
        at=at, message_id=message, run_id=run_id, sender="you", text=text, way=Way.STEER
    )
    yield did.MessageRecorded(at=at, run_id=run_id, role="user", blocks=({**text_block(text)},))
    for step in range(STEPS):
        number, title = mine * STEPS + step, f"grep -n part-{step} src/"
        detail = f"src/part-{step}.py:{turn}: {WORDS}\n" * OUTPUT_LINES
        call = {"type": "tool_use", "id": f"c{number}", "name": "Bash", "input": {"command": title}}
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": detail}
        said = f"Step {step} of task {turn}: {WORDS}."
        yield did.StepStarted(at=at, run_id=run_id)
        yield says(name, said, at=at)
        yield did.UsageRecorded(at=at, run_id=run_id, usage=USAGE)
        yield did.StepAccepted(at=at, run_id=run_id, stop_reason="tool_use")
        yield did.MessageRecorded(at=at, run_id=run_id, role="assistant", blocks=({**text_block(said)}, call))
        yield tool_began(name, title, at=at, number=number)
        yield tool_ended(name, title, detail, at=at, number=number)
        yield did.MessageRecorded(at=at, run_id=run_id, role="user", blocks=(result,))
    report = f"Task {turn} is done. {WORDS.capitalize()}.\n\n" * REPORT_PARAGRAPHS
    yield did.StepStarted(at=at, run_id=run_id)
    yield says(name, report, at=at)
    yield did.UsageRecorded(at=at, run_id=run_id, usage=USAGE)
    yield did.StepAccepted(at=at, run_id=run_id, stop_reason="end_turn")
    yield did.MessageRecorded(at=at, run_id=run_id, role="assistant", blocks=({**text_block(report)},))
    yield answered(name, at=at, number=mine)
    yield did.TurnEnded(
        at=at, run_id=run_id, reason=IdleReason.DONE, final_text=report, duration_s=30.0, usage=USAGE
    )
