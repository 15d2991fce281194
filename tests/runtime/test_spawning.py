from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifecycle, Lifetime, PermissionMode, SpawnConfig
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.runtime.spawning import Spawned
from quarterdeck.state.teammates import Team
from tests.support.world import MODEL, World, calls, says, world


def refusal(here: World, name: str, **fields: object) -> str:
    """The error of a spawn that must be refused and must leave nothing behind."""
    session = here.session
    state, workers, scopes = session.store.state, session.shutdown.registered, session.scopes.counts()
    sequence = session.store.sequence
    result = session.supervisor.spawn(SpawnConfig(**{"name": name, "prompt": "go", **fields}))  # type: ignore[arg-type]
    assert not result.success
    assert result.run_id is None
    assert result.agent_id == f"{name}@{fields.get('team') or 'test'}"
    assert session.store.state is state
    assert session.store.sequence == sequence
    assert session.shutdown.registered == workers
    assert session.scopes.counts() == scopes
    assert "\n" not in result.error
    return result.error


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "a" * 41, "a\n", "../a", "a@b"])
async def test_a_name_that_is_no_name_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        assert "can't be a name" in refusal(here, name)


@pytest.mark.parametrize("name", ["all", "lead", "me", "person", "system", "ALL", "Lead"])
async def test_a_reserved_name_is_refused(name: str, tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        assert "reserved" in refusal(here, name)


async def test_a_name_is_taken_whatever_its_case_until_its_run_has_ended(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        first = here.spawn("Coder", prompt="")
        assert "Coder is in use" in refusal(here, "coder")
        assert here.session.supervisor.kill(first)
        second = here.spawn("coder", prompt="")
        assert second != first
        assert here.mate(first).is_terminal
        assert not here.mate(second).is_terminal


async def test_an_option_that_is_not_built_is_refused_by_its_name(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        error = refusal(here, "coder", unbuilt=("budget", "isolation"))
        assert "budget" in error
        assert "isolation" in error


async def test_without_any_model_the_spawn_says_so(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        here.session.chosen_model = None
        assert "model" in refusal(here, "coder")


async def test_a_rule_that_cannot_be_fails_the_spawn_and_leaves_nothing(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        assert "patterns" in refusal(here, "coder", rules=("Bash(rm *)",))
        assert here.spawn("coder", prompt="")


async def test_a_worker_that_cannot_be_made_leaves_no_epoch(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        tried: list[RunId] = []

        def broken(spawned: Spawned) -> object:
            tried.append(spawned.run_id)
            raise OSError("no room")

        make, here.session.supervisor.make_worker = here.session.supervisor.make_worker, broken  # type: ignore[assignment]
        assert "no room" in refusal(here, "coder")
        here.session.supervisor.make_worker = make
        assert len(tried) == 1
        assert not here.session.epochs.is_live(tried[0])
        assert here.state.team == Team()
        assert here.spawn("coder", prompt="")


async def test_a_spawn_after_the_end_of_the_session_fails_and_leaves_nothing(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        await here.session.close()
        refusal(here, "late")
        assert here.state.team.rows == ()


async def test_the_record_says_who_it_is_and_what_for(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        prompt = "Read the\n  whole file " + "and think " * 20
        run_id = here.spawn(
            "coder", prompt=prompt, team="blue", tool_use_id="toolu_1", plan_mode_required=True
        )
        mate = here.mate(run_id)
        assert mate.agent_id == "coder@blue"
        cut = "Read the whole file and think and think and think "
        assert len(cut) == 50
        assert mate.description == f"coder: {cut}..."
        assert mate.prompt == prompt
        assert mate.lifecycle is Lifecycle.SPAWNING
        assert not mate.is_idle
        assert mate.permission_mode is PermissionMode.PLAN
        assert mate.tool_use_id == "toolu_1"
        assert mate.model == MODEL
        assert mate.verb
        assert mate.past_verb
        assert (mate.tools, mate.usage.total, mate.reported_tools, mate.reported_tokens) == (0, 0, 0, 0)
        assert here.state.transcripts[run_id].entries == ()
        assert here.session.shutdown.registered == 1
        short = here.mate(here.spawn("short", prompt="Fix it"))
        assert short.description == "short: Fix it"
        assert short.permission_mode is PermissionMode.DEFAULT
        assert short.agent_id == "short@test"


async def test_the_agent_id_is_the_same_for_every_run_and_the_run_id_never(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        runs = []
        for _ in range(3):
            run_id = here.spawn("coder", prompt="")
            here.session.supervisor.kill(run_id)
            runs.append(run_id)
        assert len(set(runs)) == 3
        assert {here.mate(run_id).agent_id for run_id in runs} == {"coder@test"}


async def test_a_child_asks_the_model_of_its_parent_unless_it_is_told_another(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        parent = here.spawn("parent", model="claude-other")
        child = here.spawn("child", parent=parent)
        own = here.spawn("own", parent=parent, model="claude-own")
        for run_id in (parent, child, own):
            await here.idle(run_id)
        models = {one.run: one.model for one in here.server.request_log}
        assert models == {parent: "claude-other", child: "claude-other", own: "claude-own"}


async def test_a_cleanup_is_registered_for_as_long_as_the_run_lives(tmp_path: Path) -> None:
    async with world(None, tmp_path) as here:
        task = here.spawn("task", lifetime=Lifetime.TASK)
        resident = here.spawn("resident", prompt="")
        assert here.session.shutdown.registered == 2
        await here.ended(task)
        assert here.session.shutdown.registered == 1
        here.session.supervisor.kill(resident)
        assert here.session.shutdown.registered == 0


async def test_a_teammates_tool_spawns_by_the_same_rules_and_is_told_why_not(tmp_path: Path) -> None:
    def boss(talk: Conversation) -> Reply:
        match talk.results:
            case 0:
                return calls("spawn_teammate", name="boss", prompt="Be me.")
            case 1:
                return calls("spawn_teammate", name="kid", prompt="Help.")
        return says("Done.")

    async with world({"boss": boss}, tmp_path) as here:
        run_id = here.spawn("boss")
        await here.until(lambda state: len(state.team.by_run) == 2)
        kid = next(mate for mate in here.state.team.by_run.values() if mate.name == "kid")
        assert kid.parent == run_id
        assert kid.lifetime is Lifetime.TASK
        assert kid.tool_use_id is not None
        await here.ended(kid.run_id)
        await here.idle(run_id)
        results = [
            block
            for message in here.history(run_id)
            for block in message.content
            if block["type"] == "tool_result"
        ]
        assert "boss is in use" in results[0]["content"]
        assert results[0]["is_error"]
        assert not results[1].get("is_error")
