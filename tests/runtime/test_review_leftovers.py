"""What stays behind a run, a crash, a rename or an end: as much as is needed, and once."""

import logging
import time
from pathlib import Path

import pytest

from quarterdeck.bootstrap.controller import Answers, Teammates
from quarterdeck.domain.requests import PermissionScope
from quarterdeck.domain.teammates import Lifetime, SpawnConfig, SpawnResult, Way
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, Stall
from quarterdeck.processes import shim
from quarterdeck.runtime.teammate import Teammate
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolCall
from quarterdeck.tools.list import ListTool
from tests.support.world import HOLD, MAY_HOLD, calls, says, world

TOUCH = "touch made"


async def test_a_rule_stays_with_the_one_it_was_given_to_when_it_is_renamed(tmp_path: Path) -> None:
    def again(talk: Conversation) -> Reply:
        return says("Touched.") if talk.last_result is not None else calls("bash", command=TOUCH)

    async with world({"a": again, "b": again}, tmp_path) as here:
        run_id = here.spawn("a")
        request = await here.asked(run_id)
        Answers(here.session).allow(
            request.id, request.version, scope=PermissionScope.TEAMMATE, rule=f"Bash({TOUCH})"
        )
        await here.idle(run_id)
        assert Teammates(here.session).rename(run_id, "b").done
        other = here.spawn("a")
        asked = await here.asked(other)
        assert asked.run_id == other
        here.session.supervisor.send(run_id, "you", "again", Way.STEER)
        await here.until(lambda state: state.team.by_run[run_id].tools == 2)
        await here.idle(run_id)
        assert not [one for one in here.state.inbox.by_id.values() if one.run_id == run_id]


async def test_a_crash_inside_a_tool_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(self: ListTool, parsed: object, context: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    def lister(talk: Conversation) -> Reply:
        return says("Noted.") if talk.results else calls("list", path=".")

    monkeypatch.setattr(ListTool, "run", crash)
    monkeypatch.setattr(logging.getLogger("quarterdeck"), "propagate", True)
    async with world({"a": lister}, tmp_path) as here:
        await here.idle(here.spawn("a"))
    assert [one.levelname for one in caplog.records if one.exc_info] == ["WARNING"]


async def test_a_crash_inside_a_turn_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(self: Teammate) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Teammate, "report_progress", crash)
    monkeypatch.setattr(logging.getLogger("quarterdeck"), "propagate", True)
    async with world({}, tmp_path) as here:
        run_id = here.spawn("a")
        assert "ZeroDivisionError" in (await here.ended(run_id)).error
    assert [one.levelname for one in caplog.records if one.exc_info] == ["WARNING"]


async def test_a_run_that_ended_by_itself_leaves_no_scope(tmp_path: Path) -> None:
    async with world({}, tmp_path) as here:
        before = here.session.scopes.counts().scopes
        for number in range(5):
            run_id = here.spawn(f"a{number}", lifetime=Lifetime.TASK)
            await here.ended(run_id)
        witness = here.spawn("witness")
        await here.idle(witness)
        assert here.session.scopes.counts().scopes == before + 1


async def test_while_the_session_closes_nobody_is_spawned(tmp_path: Path) -> None:
    results: list[SpawnResult] = []
    waiting = Reply(text="Waiting", stall=Stall(after=3, seconds=60))
    async with world({"a": lambda _: waiting}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.streaming(run_id)
        here.session.hooks.after(
            "*->terminated",
            lambda _: results.append(here.session.supervisor.spawn(SpawnConfig(name="late", prompt="go"))),
        )
        await here.session.close()
        assert [result.success for result in results] == [False]
        assert [mate.name for mate in here.state.team.by_run.values()] == ["a"]


async def test_killing_twenty_reads_the_list_of_processes_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world({"a": lambda _: calls("bash", command=HOLD)}, tmp_path) as here:
        runs = [here.spawn(f"a{number}", rules=(MAY_HOLD,)) for number in range(20)]
        for run_id in runs:
            await here.holding(run_id)
        listings = 0
        real = shim.list_processes

        def counted() -> object:
            nonlocal listings
            listings += 1
            return real()

        monkeypatch.setattr(shim, "list_processes", counted)
        for run_id in runs:
            assert here.session.supervisor.kill(run_id)
        assert listings <= 3


async def test_a_flood_of_output_is_told_a_few_times_a_second_and_its_last_words_too(tmp_path: Path) -> None:
    flood = (
        "echo begun; yes | head -c 30000000; printf 'the last words'; until test -e go; do sleep 0.02; done"
    )

    def flooder(talk: Conversation) -> Reply:
        return says("Over.") if talk.results else calls("bash", command=flood)

    async with world({"a": flooder}, tmp_path) as here:
        run_id = here.spawn("a", rules=(f"Bash({flood})",))
        started = time.monotonic()
        await here.until(
            lambda state: any(
                isinstance(entry, ToolCall) and entry.detail.endswith("the last words")
                for entry in state.transcripts[run_id].entries
            )
        )
        assert len(here.told(did.ToolPrinted)) <= 5 + (time.monotonic() - started) * 25
        here.let_go()
        assert (await here.idle(run_id)).final_text == "Over."
