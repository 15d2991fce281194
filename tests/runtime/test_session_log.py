"""SPEC 10: the log file of a session is structured; it tells each run's start, changes and end, no secret."""

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.logs import log_events, open_log
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, Stall, error_reply
from tests.support.restarts import kept
from tests.support.world import World, calls, says, world

SECRET = 'sk-"test\\key-123'
HIDDEN = "\u202e\x1b[31m\x9b"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The program's loggers as they were."""
    found = [(logging.getLogger(name)) for name in ("quarterdeck", "asyncio")]
    before = [(one.handlers[:], one.propagate, one.level) for one in found]
    yield
    for one, (handlers, propagate, level) in zip(found, before, strict=True):
        for opened in set(one.handlers) - set(handlers):
            if isinstance(opened, logging.StreamHandler):
                opened.stream.close()
            opened.close()
        one.handlers[:] = handlers
        one.propagate, one.level = propagate, level


def lines_of(path: Path | None) -> list[dict[str, Any]]:
    """One object a line."""
    assert path is not None
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert all({"at", "level", "text"} <= set(line) for line in found)
    return found


def events(path: Path | None, kind: str) -> list[dict[str, Any]]:
    return [line["event"] for line in lines_of(path) if line.get("event", {}).get("kind") == kind]


def boss(talk: Conversation) -> Reply:
    if talk.results:
        return says("All is done.")
    return calls("spawn_teammate", name="kid", prompt="Help.")


ANSWERS = {
    "boss": boss,
    "kid": lambda _: says("Kid is done."),
    "bad": lambda _: error_reply(400, "broken"),
    "slow": lambda _: says("All of this is said slowly.", stall=Stall(after=3, seconds=60)),
}


async def test_each_run_starts_once_and_ends_once_with_who_by_which_call_how_and_what(
    tmp_path: Path,
) -> None:
    path = open_log(tmp_path / "logs", ())
    async with world(ANSWERS, tmp_path) as here:
        log_events(here.session.store)
        boss_id = here.spawn("boss", lifetime=Lifetime.TASK)
        bad, slow = here.spawn("bad", lifetime=Lifetime.TASK), here.spawn("slow")
        await here.ended(boss_id)
        await here.ended(bad)
        await here.streaming(slow)
        assert here.session.supervisor.kill(slow)
        assert not here.session.supervisor.kill(slow)
        runs = list(here.state.team.by_run.values())
    assert len(runs) == 4
    started, ended = events(path, "task_started"), events(path, "task_terminated")
    for told in (started, ended):
        assert sorted(one["run_id"] for one in told) == sorted(mate.run_id for mate in runs)
    by_agent = {one["agent_id"]: one for one in ended}
    assert {name: one["outcome"] for name, one in by_agent.items()} == {
        "boss@test": "completed",
        "kid@test": "completed",
        "bad@test": "failed",
        "slow@test": "killed",
    }
    assert by_agent["kid@test"]["summary"] == "Kid is done."
    call = _call_of(here, boss_id)
    assert [one["tool_use_id"] for one in started if one["agent"] == "kid"] == [call]
    assert by_agent["kid@test"]["tool_use_id"] == call
    assert by_agent["boss@test"]["tool_use_id"] is None


def _call_of(here: World, run_id: RunId) -> str:
    """The id of its one tool call, as the model gave it."""
    messages = here.bodies_of(run_id)[-1]["messages"]
    blocks = [block for message in messages for block in message["content"]]
    (call,) = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return str(call)


async def test_a_change_says_who_from_what_to_what_and_when(tmp_path: Path) -> None:
    path = open_log(tmp_path / "logs", ())
    async with world(ANSWERS, tmp_path) as here:
        log_events(here.session.store)
        run_id = here.spawn("kid", lifetime=Lifetime.TASK)
        mate = await here.ended(run_id)
    changes = events(path, "state_change")
    assert [(one["from"], one["to"]) for one in changes] == [
        ("spawning", "ready"),
        ("ready", "executing"),
        ("executing", "ready"),
        ("ready", "terminated"),
    ]
    assert {(one["run_id"], one["agent"]) for one in changes} == {(run_id, "kid")}
    assert changes[-1]["at"] == round(mate.ended_at or 0.0, 3)


async def test_the_file_says_which_session_it_is_of_also_when_that_goes_on(tmp_path: Path) -> None:
    path = open_log(tmp_path / "logs", ())
    async with kept(ANSWERS, tmp_path) as sessions:
        sessions.opening.append(lambda session: log_events(session.store))
        here = sessions.begin()
        await here.session.close()
        again = sessions.come_back(tmp_path / "state", here.session.id)
        after = await sessions.crash(again)
        told = events(path, "session")
    assert [one["session_id"] for one in told] == [after.session.id] * 3
    assert [one.get("crashed") for one in told] == [None, False, True]
    assert {one["folder"] for one in told} == {str(here.folder)}


@pytest.mark.parametrize("place", ["prompt", "answer", "message"])
async def test_a_secret_is_blotted_out_and_what_could_act_is_shown(tmp_path: Path, place: str) -> None:
    path = open_log(tmp_path / "logs", (SECRET,))
    answers = {"a": lambda _: says(f"I was told {SECRET} {HIDDEN}" if place == "answer" else "Done.")}
    async with world(answers, tmp_path) as here:
        log_events(here.session.store)
        prompt = f"{SECRET} {HIDDEN}" if place == "prompt" else "go"
        run_id = here.spawn("a", prompt=prompt, lifetime=Lifetime.TASK)
        await here.ended(run_id)
        if place == "message":
            logging.getLogger("quarterdeck").warning("it said %s %s", SECRET, HIDDEN)
    assert path is not None
    written = path.read_text("utf-8")
    assert "test\\" not in written
    assert "key-123" not in written
    assert "[secret]" in written
    for sign in HIDDEN[0], HIDDEN[1], HIDDEN[-1]:
        assert sign not in written
    assert lines_of(path)


def test_each_process_has_a_file_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = open_log(tmp_path / "logs", ())
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.suffix == ".jsonl"


def test_a_folder_that_takes_no_log_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    assert open_log(tmp_path / "logs", ()) is None
    logging.getLogger("quarterdeck").warning("heard by nobody")
