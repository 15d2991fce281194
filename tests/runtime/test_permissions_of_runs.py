from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.controller import Answers
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import (
    PermissionDenied,
    PermissionGiven,
    PermissionRequest,
    PermissionScope,
    PlanApproved,
)
from quarterdeck.domain.teammates import Lifecycle, PermissionMode, WaitsOn
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.permissions.rules import parse_rule
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolCall, ToolStatus
from tests.support.world import World, calls, says, world

TOUCH = "touch made"


def once(reply: Reply) -> Any:
    """Answers with `reply`, then with what became of it."""
    return lambda talk: says(talk.last_result_text) if talk.results else reply


def shell(talk: Conversation) -> Reply:
    return says(talk.last_result_text) if talk.results else calls("bash", command=TOUCH)


async def asked(here: World, run_id: RunId) -> PermissionRequest:
    request = await here.asked(run_id)
    assert isinstance(request, PermissionRequest)
    return request


# --- plan mode -----------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "bash, allowed by a rule": ("bash", {"command": TOUCH}),
    "write": ("write", {"path": "made", "content": "x"}),
    "edit": ("edit", {"path": "there", "old_text": "a", "new_text": "b"}),
    "spawning one without plan mode": ("spawn_teammate", {"name": "kid", "prompt": "go"}),
}
ALLOWED: dict[str, tuple[str, dict[str, Any]]] = {
    "read": ("read", {"path": "there"}),
    "list": ("list", {"path": "."}),
    "glob": ("glob", {"pattern": "*"}),
    "grep": ("grep", {"pattern": "abc"}),
    "message": ("send_message", {"to": "friend", "text": "hello"}),
    "spawning one in plan mode": ("spawn_teammate", {"name": "kid", "prompt": "go", "plan_mode": True}),
}


@pytest.mark.parametrize("name", [*REFUSED, *ALLOWED])
async def test_plan_mode_only_looks_whatever_the_rules_say(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("abc")
    tool, inputs = (REFUSED | ALLOWED)[name]
    allow = tuple(parse_rule(rule) for rule in ("Bash", "Write", "Edit", "SpawnTeammate"))
    async with world({"a": once(calls(tool, **inputs))}, tmp_path, allow=allow) as here:
        here.spawn("friend", prompt="")
        run_id = here.spawn("a", plan_mode_required=True, rules=(f"Bash({TOUCH})",))
        await here.idle(run_id)
        result = here.history(run_id)[2].content[0]
        assert bool(result.get("is_error")) is (name in REFUSED), result
        if name in REFUSED:
            assert "plan" in str(result["content"])
            assert [call.status for call in here.entries(run_id, ToolCall)] == [ToolStatus.REFUSED]
        assert here.told(did.RequestOpened) == []  # it is refused in code, not asked
        assert not (tmp_path / "made").exists()
        assert (tmp_path / "there").read_text() == "abc"
        kids = [mate for mate in here.state.team.by_run.values() if mate.name == "kid"]
        assert all(kid.permission_mode is PermissionMode.PLAN for kid in kids)
        assert len(kids) == (name == "spawning one in plan mode")


@pytest.mark.parametrize("mode", [PermissionMode.DEFAULT, PermissionMode.ACCEPT_EDITS])
async def test_only_the_approval_lets_a_planner_act_and_in_its_mode(
    mode: PermissionMode, tmp_path: Path
) -> None:
    def planner(talk: Conversation) -> Reply:
        match talk.results:
            case 0:
                return calls("submit_plan", plan="1. Write it.")
            case 1:
                return calls("write", path="made", content="x")
        return says("Done.")

    async with world({"a": planner}, tmp_path) as here:
        run_id = here.spawn("a", plan_mode_required=True)
        plan = await here.asked(run_id)
        assert here.mate(run_id).waits_on is WaitsOn.PLAN
        receipt = Answers(here.session).approve_plan(plan.id, 2, mode=mode)
        assert not receipt.done  # another version than the one that is open
        assert not Answers(here.session).approve_plan(plan.id, 1, mode=PermissionMode.BYPASS).done
        assert here.mate(run_id).permission_mode is PermissionMode.PLAN
        assert here.session.requests.answer(plan.id, 1, PlanApproved(mode)) == ""
        if mode is PermissionMode.DEFAULT:
            request = await asked(here, run_id)
            assert request.tool == "Write"
            assert not (tmp_path / "made").exists()
            here.session.requests.answer(request.id, 1, PermissionGiven(PermissionScope.ONCE))
        await here.idle(run_id)
        assert (tmp_path / "made").read_text() == "x"
        assert here.mate(run_id).permission_mode is mode


# --- answers -------------------------------------------------------------------------------------------


async def test_a_yes_is_for_one_call_and_a_no_too(tmp_path: Path) -> None:
    def again(talk: Conversation) -> Reply:
        return says("Enough.") if talk.results == 3 else calls("bash", command=TOUCH)

    async with world({"a": again}, tmp_path) as here:
        run_id = here.spawn("a")
        first = await asked(here, run_id)
        assert (first.subject, first.folder, first.tool) == (TOUCH, str(tmp_path), "Bash")
        assert first.rule == f"Bash({TOUCH})"
        assert here.mate(run_id).lifecycle is Lifecycle.WAITING
        answers = Answers(here.session)
        assert answers.deny(first.id, 1, reason="Not now.").done
        await here.until(lambda state: state.inbox.open and state.inbox.open != (first.id,))
        assert "They said: Not now." in str(here.session.conversations.history(run_id)[2])
        assert not (tmp_path / "made").exists()
        second = await asked(here, run_id)
        assert answers.allow(second.id, 1, scope=PermissionScope.ONCE).done
        await here.until(lambda state: state.inbox.open and state.inbox.open != (second.id,))
        assert (tmp_path / "made").exists()
        third = await asked(here, run_id)
        assert not answers.allow(first.id, 1, scope=PermissionScope.ONCE).done
        assert here.session.requests.answer(third.id, 1, PermissionDenied()) == ""
        await here.idle(run_id)
        calls_ = here.entries(run_id, ToolCall)
        assert [call.status for call in calls_] == [ToolStatus.REFUSED, ToolStatus.OK, ToolStatus.REFUSED]
        assert calls_[1].rule == "you, once"


@pytest.mark.parametrize("scope", [PermissionScope.TEAMMATE, PermissionScope.TEAM])
async def test_a_wider_yes_answers_what_waits_and_what_comes(scope: PermissionScope, tmp_path: Path) -> None:
    def twice(talk: Conversation) -> Reply:
        return says("Done.") if talk.results == 2 else calls("bash", command=TOUCH)

    async with world({"a": twice, "b": twice, "c": twice}, tmp_path) as here:
        amy, bob = here.spawn("amy"), here.spawn("bob")
        elsewhere = here.spawn("cat", team="other")
        request = await asked(here, amy)
        await here.until(lambda state: len(state.inbox.open) == 3)
        receipt = Answers(here.session).allow(request.id, 1, scope=scope, rule=f"Bash({TOUCH})")
        assert receipt.done
        await here.idle(amy)
        rules = {fact.rule for fact in here.told(did.ToolStarted) if fact.run_id == amy}
        is_team = scope is PermissionScope.TEAM
        assert rules == {
            f"you, by rule Bash({TOUCH})",
            f"rule Bash({TOUCH}) of {'the team' if is_team else 'amy'}",
        }
        if is_team:
            await here.idle(bob)
            assert "answered 1" in receipt.text
            later = here.spawn("bea")
            await here.idle(later)
            assert len(here.told(did.RequestOpened)) == 3
        else:
            assert not here.mate(bob).is_idle
            assert here.mate(bob).tools == 0
            other = here.spawn("bea")
            assert (await asked(here, other)).subject == TOUCH  # the rule is nobody else's
        assert here.mate(elsewhere).tools == 0
        assert here.mate(elsewhere).lifecycle is Lifecycle.WAITING


async def test_a_rule_that_the_person_made_wider_answers_all_that_it_covers(tmp_path: Path) -> None:
    other = once(calls("bash", command="echo other"))
    write = once(calls("write", path="made", content="x"))
    async with world({"a": shell, "b": other, "w": write}, tmp_path) as here:
        amy, bob, will = here.spawn("amy"), here.spawn("bob"), here.spawn("will")
        request = await asked(here, amy)
        await here.until(lambda state: len(state.inbox.open) == 3)
        assert Answers(here.session).allow(request.id, 1, scope=PermissionScope.TEAM, rule="Bash").done
        await here.idle(amy)
        await here.idle(bob)
        assert here.mate(will).lifecycle is Lifecycle.WAITING
        assert (
            not Answers(here.session)
            .allow(here.state.inbox.open[0], 1, scope=PermissionScope.TEAM, rule="Wash")
            .done
        )


async def test_a_rule_for_one_is_not_for_its_children(tmp_path: Path) -> None:
    def parent(talk: Conversation) -> Reply:
        match talk.results:
            case 0:
                return calls("bash", command=TOUCH)
            case 1:
                return calls("spawn_teammate", name="kid", prompt="go")
        return says("Done.")

    async with world({"a": parent, "kid": shell}, tmp_path) as here:
        amy = here.spawn("amy", rules=(f"Bash({TOUCH})",))
        await here.idle(amy)
        kid = next(mate.run_id for mate in here.state.team.by_run.values() if mate.name == "kid")
        assert (await asked(here, kid)).subject == TOUCH


# --- rules and modes -----------------------------------------------------------------------------------


async def test_what_allowed_a_call_is_shown_with_it(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("abc")
    allow = (parse_rule("Bash(echo flag)"),)
    expected = {
        "own": (calls("bash", command=TOUCH), f"rule Bash({TOUCH}) of own"),
        "flag": (calls("bash", command="echo flag"), "flag --allow Bash(echo flag)"),
        "read": (calls("read", path="there"), "reads in this folder"),
    }
    answers = {name: once(reply) for name, (reply, _) in expected.items()}
    async with world(answers, tmp_path, allow=allow) as here:
        for name, (_, rule) in expected.items():
            run_id = here.spawn(name, rules=(f"Bash({TOUCH})",))
            await here.idle(run_id)
            assert [fact.rule for fact in here.told(did.ToolStarted) if fact.run_id == run_id] == [rule]
            assert [call.rule for call in here.entries(run_id, ToolCall)] == [rule]


@pytest.mark.parametrize("mode", [PermissionMode.DEFAULT, PermissionMode.BYPASS])
async def test_deny_wins_over_every_allow_and_every_mode(mode: PermissionMode, tmp_path: Path) -> None:
    deny = (parse_rule(f"Bash({TOUCH})"),)
    allow = (parse_rule("Bash"),)
    async with world({"a": shell}, tmp_path, allow=allow, deny=deny, permission_mode=mode) as here:
        run_id = here.spawn("a", rules=(f"Bash({TOUCH})",))
        assert "denies it" in (await here.idle(run_id)).final_text
        assert not (tmp_path / "made").exists()
        assert here.told(did.RequestOpened) == []


async def test_bypass_asks_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    inside.mkdir()
    write = once(calls("write", path=str(outside), content="x"))
    answers = {"a": shell, "w": write}
    async with world(answers, inside, permission_mode=PermissionMode.BYPASS) as here:
        for name in ("a", "w"):
            await here.idle(here.spawn(name))
        assert here.told(did.RequestOpened) == []
        assert (inside / "made").exists()
        assert outside.read_text() == "x"


async def test_a_child_does_not_inherit_its_parents_bypass(tmp_path: Path) -> None:
    async with world({"kid": shell}, tmp_path) as here:
        parent = here.spawn("amy", prompt="", permission_mode=PermissionMode.BYPASS)
        kid = here.spawn("kid", parent=parent)
        assert (await asked(here, kid)).subject == TOUCH
        assert here.mate(kid).permission_mode is PermissionMode.DEFAULT
