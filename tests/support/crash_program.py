"""Sessions that are killed with -9 at random moments, and again while they come back; then all is looked at.

`python -m tests.support.crash_program FOLDER COUNT SEED`: for each session a child process runs a team of ten
against a scripted server and tells over a pipe what was promised to be on disk. It is killed, a second child
brings the session back and is killed too, a third one brings it back and checks. One JSON line per session.
"""

import asyncio
import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.resuming import take_over
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.bootstrap.stored import read_messages, read_session
from quarterdeck.domain.teammates import Lifetime, Outcome, SpawnConfig
from quarterdeck.llm.history import is_valid, repair
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Pace, Reply
from quarterdeck.llm.scripted.server import ScriptedServer
from quarterdeck.runtime.announcing import unannounced
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_lives
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.reader import JournalReader
from tests.support.world import ByAgent, calls, says

WORKERS = 5
REQUESTERS = 3
RUN_S = (0.05, 1.2)
COME_BACK_S = (0.0, 0.25)
LONGEST_S = 30.0


def worker(talk: Conversation) -> Reply:
    """Looks around, runs a command, says something; goes on for ever."""
    match talk.results % 3:
        case 0:
            return calls("list", "I look around. " * 20, path=".")
        case 1:
            return calls("bash", command="echo done", description="say it")
    return says("A long thought about it. " * 40, pace=Pace(chars=25, seconds=0.01))


def boss(talk: Conversation) -> Reply:
    """Starts two kids, waits, and starts two more when it is told of them."""
    if talk.results and "ended" not in talk.told:
        return says("I wait for them.")
    return calls("spawn_teammate", name=f"kid-{talk.agent}-{talk.results}", prompt="Help, and tell me.")


def config_in(folder: Path, session_id: str, url: str) -> SessionConfig:
    return SessionConfig(
        folder=folder / "work",
        team="crash",
        endpoint=Endpoint(api_key="test", auth_token=None, base_url=url),
        model="scripted",
        keep=Keep(folder / "state"),
        session_id=session_id,
    )


async def run_team(folder: Path, session_id: str, promise: Callable[[int, int], None]) -> None:
    """Until it is killed. `promise` gets what `committed` said: a number, and how many facts that is."""
    answers = {"boss": boss, "kid": lambda talk: says("Here is what I found."), "w": worker}
    server = ScriptedServer(ByAgent(answers))
    session = Session(config_in(folder, session_id, await server.start()))
    told: list[int] = []

    def count(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        if did.is_durable(action) and (after is not before or isinstance(action, did.FOR_THE_JOURNAL)):
            told.append(sequence)

    session.store.observe(count)
    session.open()
    for number in range(WORKERS):
        session.supervisor.spawn(SpawnConfig(name=f"w{number}", prompt="go", rules=("Bash(echo done)",)))
    for number in range(REQUESTERS):
        session.supervisor.spawn(SpawnConfig(name=f"boss{number}", prompt="go", lifetime=Lifetime.RESIDENT))
    while True:
        at = session.store.sequence
        await session.kept()
        promise(at, sum(one <= at for one in told))
        await asyncio.sleep(0.003)


async def come_back(folder: Path, session_id: str) -> Session:
    resumed = take_over(folder / "state", session_id, config_in(folder, session_id, "http://127.0.0.1:9"))
    session = Session(resumed.config, found=resumed.found)
    session.open()
    await session.kept()
    return session


async def check(folder: Path, session_id: str, promised: tuple[int, int]) -> dict[str, Any]:
    """Bring it back once more and look at all of it."""
    path = SessionPlace(folder / "state", session_id).database
    with JournalReader(path) as reader:
        facts = dict(reader.facts())
        assert not reader.damage, reader.damage
    assert not list(path.parent.glob("damaged-*")), "a kill was taken for damage"
    # A process that came back counts on from the last fact on disk, not from what its screen was told.
    back = min(
        (number for number, one in facts.items() if isinstance(one, did.SessionResumed)), default=2**62
    )
    kept = sum(sequence <= promised[0] and sequence < back for sequence in facts)
    assert kept == promised[1], f"{promised[1]} facts were promised up to {promised[0]}, {kept} are there"
    session = await come_back(folder, session_id)
    await session.close()
    found = read_session(path)
    state = found.state
    with JournalReader(path) as reader:
        after = [action for _, action in reader.facts()]
    ends = Counter(one.run_id for one in after if isinstance(one, did.TeammateEnded | did.TeammateKilled))
    assert max(ends.values(), default=0) <= 1, ends
    announced = Counter(
        child for one in after if isinstance(one, did.ChildrenAnnounced) for child in one.children
    )
    assert max(announced.values(), default=0) <= 1, announced
    for mate in state.team.by_run.values():
        lives = select_lives(state.team, mate.run_id)
        messages = repair(read_messages(path, lives))
        assert not messages or is_valid(messages) is None, (mate.name, is_valid(messages))
        if mate.parent is not None:
            assert not unannounced(state.team, frozenset(select_lives(state.team, mate.parent))), mate.name
    assert not state.inbox.open, "a request of nobody is open"
    outcomes = Counter(str(mate.outcome) for mate in state.team.by_run.values())
    return {
        "facts": len(facts),
        "promised": promised[1],
        "outcomes": dict(outcomes),
        "announced": len(announced),
        "requesters": len({state.team.by_run[child].parent for child in announced}),
        "unknown": sum(mate.outcome is Outcome.UNKNOWN for mate in state.team.by_run.values()),
    }


def in_child(work: Callable[[int], object]) -> tuple[int, int]:
    """A forked child that does `work(pipe)`; its pid, and the end of the pipe to read."""
    there, here = os.pipe()
    pid = os.fork()
    if pid:
        os.close(here)
        return pid, there
    os.close(there)
    code = 1
    try:
        work(here)
        code = 0
    except BaseException:
        os.write(here, b"\n" + traceback.format_exc().encode())
    finally:
        os._exit(code)


def killed(work: Callable[[int], object], after_s: float) -> bytes:
    """What it wrote until it was killed."""
    pid, pipe = in_child(work)
    time.sleep(after_s)  # the moment of the kill: that is what is tried, not waited for
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return read_all(pipe)


def read_all(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as stream:
        return stream.read()


def play(folder: Path, session_id: str, chance: random.Random) -> dict[str, Any]:
    """One session, killed twice and looked at."""

    def run(pipe: int) -> None:
        def promise(at: int, count: int) -> None:
            os.write(pipe, f"{at} {count}\n".encode())

        asyncio.run(run_team(folder, session_id, promise))

    said = killed(run, chance.uniform(*RUN_S))
    lines = [line.split() for line in said.split(b"\n")[:-1] if line]
    assert b"Traceback" not in said, said.decode()
    promised = (int(lines[-1][0]), int(lines[-1][1])) if lines else (0, 0)
    if not SessionPlace(folder / "state", session_id).database.exists():
        assert promised == (0, 0)
        return {"facts": 0, "promised": 0}
    came = killed(lambda pipe: asyncio.run(come_back(folder, session_id)), chance.uniform(*COME_BACK_S))
    assert b"Traceback" not in came, came.decode()

    def look(pipe: int) -> None:
        os.write(pipe, json.dumps(asyncio.run(check(folder, session_id, promised))).encode())

    pid, pipe = in_child(look)
    found = read_all(pipe)
    _, status = os.waitpid(pid, 0)
    if status:
        raise AssertionError(found.decode())
    return dict(msgspec.json.decode(found))


if __name__ == "__main__":
    root, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for late in ("llm.client", "tools.registry", "storage.opening", "storage.writer"):
        importlib.import_module(f"quarterdeck.{late}")  # once, not in every child
    (root / "work").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        told = play(root, f"s{seed}-{number}", random.Random(f"{seed} {number}"))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
