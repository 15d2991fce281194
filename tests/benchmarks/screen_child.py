"""The process that is counted: the real screen over a real session, told by lines of JSON on a control pipe.

`python -m tests.benchmarks.screen_child URL COUNT MODEL IN_FD OUT_FD [KILLED_S]`, in a terminal. It answers
every line with one line. It adds nothing to what the program itself does but reading that pipe.
"""

import asyncio
import gc
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.bootstrap.environment import read_given
from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.logs import open_log
from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.screen import ScreenJob, run_screen
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.teammates import Lifetime, SpawnConfig
from quarterdeck.state.selectors import DisplayDelays, select_living
from tests.benchmarks.machine import keep_to_first_core
from tests.benchmarks.paced_server import DELTA_CHARS
from tests.benchmarks.sampling import Sampler
from tests.benchmarks.tending import Tender
from tests.contract.processes.driver import kill_trees

Told = dict[str, Any]

ROWS_STAY_S = 600.0
"""Rows of the killed: nothing moves while kills are measured."""


class Control:
    """What the benchmark can ask of the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tender = Tender(session)
        self._sampler: Sampler | None = None
        self._pauses: list[float] = []
        self._pause_began = 0.0
        gc.callbacks.append(self._note_pause)

    def _note_pause(self, phase: str, facts: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._pause_began = now
        else:
            self._pauses.append(now - self._pause_began)

    def pauses(self, asked: Told) -> Told:
        """How long collecting garbage stopped the program since asked last: worst and sum (ms)."""
        found, self._pauses = self._pauses or [0.0], []
        return {"worst_ms": max(found) * 1000, "sum_ms": sum(found) * 1000}

    def facts(self, asked: Told) -> Told:
        """CPU seconds, events that have reached the state, memory, how many live, stream and are idle."""
        state = self._session.store.state
        transcripts = state.transcripts.values()
        chars = [sum(part.dropped + len(part.text) for part in one.live) for one in transcripts]
        living = select_living(state.team)
        return {
            "cpu": time.process_time(),
            "wall": time.monotonic(),
            "events": sum(chars) // DELTA_CHARS,
            "streaming": sum(one > 0 for one in chars),
            "living": len(living),
            "idle": sum(mate.is_idle for mate in living),
            "evicted": len(self._session.store.state.team.history),
            "rss": _rss(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "actions": self._session.store.sequence,
        }

    def spawn(self, asked: Told) -> Told:
        """Start `count` more teammates on `model`; with `ends` they end with their first turn."""
        lifetime = Lifetime.TASK if asked.get("ends") else Lifetime.RESIDENT
        return spawn_team(self._session, asked["first"], asked["count"], asked["model"], lifetime)

    async def tend(self, asked: Told) -> Told:
        """Keep a team at work (`soak`)."""
        return await self._tender.tend(asked["steps"])

    def last_end(self, asked: Told) -> Told:
        """When the last teammate ended (epoch seconds), and how many live."""
        team = self._session.store.state.team
        ends = [mate.ended_at for mate in team.by_run.values() if mate.ended_at is not None]
        return {"at": max(ends, default=0.0), "living": len(select_living(team))}

    async def hostile(self, asked: Told) -> Told:
        """Kill hostile process trees beside what streams."""
        # The trees have the whole machine, as they would have it without a benchmark.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        with tempfile.TemporaryDirectory(prefix="quarterdeck-hostile-") as folder:
            return await kill_trees(Path(folder), sys.executable, asked["count"])

    def profile(self, asked: Told) -> Told:
        """Start a profile, or end it and write what cost most."""
        if self._sampler is None:
            self._sampler = Sampler()
            self._sampler.start()
            return {}
        Path(asked["path"]).write_text(self._sampler.report())
        self._sampler = None
        return {}

    def collect(self, asked: Told) -> Told:
        """Collect garbage, so that memory is compared; with `whole` also among what was set aside."""
        if asked.get("whole"):
            gc.unfreeze()
        gc.collect()
        if asked.get("whole"):
            gc.freeze()
        return self.facts(asked)

    async def obey(self, line: bytes) -> Told:
        """Do what one line asks."""
        asked: Told = msgspec.json.decode(line)
        found = getattr(self, asked["do"])(asked)
        told: Told = await found if asyncio.iscoroutine(found) else found
        return told


def spawn_team(
    session: Session, first: int, count: int, model: str, lifetime: Lifetime = Lifetime.RESIDENT
) -> Told:
    """Teammates `mate-0000`, …"""
    for number in range(first, first + count):
        name = f"mate-{number:04}"
        config = SpawnConfig(name=name, prompt="go", model=model, lifetime=lifetime)
        result = session.supervisor.spawn(config)
        if result.run_id is None:
            raise RuntimeError(result.error)
    return {}


def _rss() -> int:
    """Resident bytes now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _reads(control_in: int, control_out: int) -> Callable[[Session], Awaitable[None]]:
    async def obey(session: Session) -> None:
        control = Control(session)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(control_in, "rb", 0)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        await session.model.warm_up()
        os.write(control_out, b"{}\n")
        while line := await reader.readline():
            os.write(control_out, msgspec.json.encode(await control.obey(line)) + b"\n")

    async def begin(session: Session) -> None:
        session.scopes.start_task(obey(session), name="control")

    return begin


async def _make(url: str, count: int, model: str, pipes: tuple[int, int], killed_s: float) -> ScreenJob:
    given = read_given()
    open_log(given.log_folder, given.secrets)
    config = SessionConfig(
        folder=Path.cwd(),
        team="bench",
        endpoint=Endpoint(api_key="test", auth_token=None, base_url=url),
        endpoint_words="paced",
        model=model,
        delays=DisplayDelays(killed=killed_s),
        keep=Keep(given.state_folder),
    )
    return ScreenJob(
        given=given,
        config=config,
        spawn=lambda session: spawn_team(session, 0, count, model),
        begin=_reads(*pipes),
    )


if __name__ == "__main__":
    keep_to_first_core()
    url, count, model, down, up, *more = sys.argv[1:]
    killed_s = float(more[0]) if more else ROWS_STAY_S
    sys.exit(run_screen(lambda: _make(url, int(count), model, (int(down), int(up)), killed_s)))
