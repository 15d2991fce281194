"""SPEC 3.2: a step is accepted only if it is whole (UPS-09, 12, 15, 16, 17, 18)."""

from itertools import pairwise
from pathlib import Path

import pytest

from quarterdeck.domain.teammates import Outcome, PermissionMode, Way
from quarterdeck.llm.scripted.conversation import Conversation, blocks_of
from quarterdeck.llm.scripted.replies import Cut, Reply, ScriptedBlock
from quarterdeck.runtime.turn import MOST_PAUSE_TURNS, MOST_REPEATS
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text, ToolCall, ToolStatus
from tests.support.world import World, calls, says, world

RAN = "echo ran >> ran"
RULES = (f"Bash({RAN})",)
HALF = Reply(text="Half an answer, cut.", cut=Cut(after=3))


class Times:
    """Gives the first reply some times, then what the function says; counts requests, not conversations."""

    def __init__(self, first: Reply, times: int) -> None:
        self.first = first
        self.left = times

    def or_else(self, reply: Reply) -> Reply:
        if self.left == 0:
            return reply
        self.left -= 1
        return self.first


async def test_a_response_cut_cleanly_is_repeated_and_its_text_leaves_the_screen(tmp_path: Path) -> None:
    """The tool of the step before runs once, however often the request after it is repeated."""
    cut = Times(HALF, MOST_REPEATS)

    def worker(talk: Conversation) -> Reply:
        return cut.or_else(says("Whole.")) if talk.results else calls("bash", command=RAN)

    async with world({"a": worker}, tmp_path) as here:
        lives: list[str] = []

        def watch(sequence: int, action: object, before: object, after: object) -> None:
            if isinstance(action, did.StepDiscarded):
                lives.append("".join(part.text for part in here.state.transcripts[action.run_id].live))

        here.session.store.observe(watch)
        run_id = here.spawn("a", rules=RULES)
        assert (await here.idle(run_id)).final_text == "Whole."
        assert here.requests_of(run_id) == 2 + MOST_REPEATS
        assert (tmp_path / "ran").read_text() == "ran\n"
        assert lives == [""] * MOST_REPEATS
        assert [text.text for text in here.entries(run_id, Text)] == ["Whole."]
        assert len(here.entries(run_id, ToolCall)) == 1
        bodies = here.bodies_of(run_id)
        assert bodies[1]["messages"] == bodies[2]["messages"] == bodies[3]["messages"]
        here.history(run_id)


async def test_cut_once_more_the_run_fails_and_goes_on_when_it_is_revived(tmp_path: Path) -> None:
    cut = Times(HALF, MOST_REPEATS + 1)

    def worker(talk: Conversation) -> Reply:
        return cut.or_else(says("Whole.")) if talk.results else calls("bash", command=RAN)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        mate = await here.ended(run_id)
        assert mate.outcome is Outcome.FAILED
        assert mate.error
        assert "\n" not in mate.error
        assert here.requests_of(run_id) == 2 + MOST_REPEATS
        assert here.entries(run_id, Text) == []
        assert here.state.transcripts[run_id].live == ()
        here.history(run_id)
        new = here.session.supervisor.revive(run_id).run_id
        assert new is not None
        assert (await here.idle(new)).final_text == "Whole."
        assert (tmp_path / "ran").read_text() == "ran\n"


async def test_the_tools_of_a_cut_response_never_ran(tmp_path: Path) -> None:
    cut = Times(calls("bash", command=RAN).model_copy(update={"cut": Cut(after=4)}), 2)

    def worker(talk: Conversation) -> Reply:
        return cut.or_else(says("I thought better of it."))

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.idle(run_id)
        assert here.requests_of(run_id) == 3
        assert not (tmp_path / "ran").exists()
        assert here.mate(run_id).tools == 0


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(content=(ScriptedBlock(tool="bash", raw_input='{"command": "echo'),)), "JSON"),
        (Reply(content=(ScriptedBlock(tool="bash", raw_input='{"command": "touch ran",}'),)), "JSON"),
        (
            Reply(
                content=(ScriptedBlock(tool="bash", raw_input='{"command": "touch ran'),),
                stop_reason="max_tokens",
            ),
            "cut",
        ),
        (
            # Whole as JSON, but the model was stopped in it: nobody knows what it would have said.
            Reply(
                content=(ScriptedBlock(tool="bash", input={"command": "touch ran"}),),
                stop_reason="max_tokens",
            ),
            "cut",
        ),
        (calls("bash", kommand="touch ran"), "command"),
        (calls("bash", command="touch ran", timeout_s="soon"), "timeout_s"),
        (calls("hammer", command="touch ran"), "no tool"),
    ],
    ids=["unclosed", "not strict", "cut by max_tokens", "whole but cut", "unknown field", "type", "no tool"],
)
async def test_a_call_that_is_not_whole_does_not_run_and_the_model_is_told_why(
    reply: Reply, why: str, tmp_path: Path
) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("I see.") if talk.results else reply

    async with world({"a": worker}, tmp_path, permission_mode=PermissionMode.BYPASS) as here:
        run_id = here.spawn("a")
        assert (await here.idle(run_id)).final_text == "I see."
        assert here.requests_of(run_id) == 2
        result = here.history(run_id)[2].content[0]
        assert result["is_error"]
        assert why.casefold() in str(result["content"]).casefold()
        assert not (tmp_path / "ran").exists()
        assert [call.status for call in here.entries(run_id, ToolCall)] == [ToolStatus.REFUSED]


async def test_whole_calls_beside_a_broken_one_run_and_all_get_their_result(tmp_path: Path) -> None:
    blocks = (
        ScriptedBlock(tool="bash", input={"command": RAN}),
        ScriptedBlock(tool="bash", raw_input="{"),
        ScriptedBlock(tool="bash", input={"command": RAN}),
    )

    def worker(talk: Conversation) -> Reply:
        return says("Done.") if talk.results else Reply(content=blocks)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        await here.idle(run_id)
        results = here.history(run_id)[2].content
        assert [bool(block.get("is_error")) for block in results] == [False, True, False]
        assert (tmp_path / "ran").read_text() == "ran\nran\n"


async def test_a_turn_that_the_model_pauses_goes_on_by_itself(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        parts = sum(message["role"] == "assistant" for message in talk.messages)
        return says(f"Part {parts}.", stop_reason="pause_turn") if parts < 3 else says("Whole.")

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a")
        assert (await here.idle(run_id)).final_text == "Whole."
        assert here.requests_of(run_id) == 4
        texts = [text.text for text in here.entries(run_id, Text)]
        assert texts == ["Part 0.", "Part 1.", "Part 2.", "Whole."]
        assert here.entries(run_id, Note) == []
        assert len(here.told(did.TurnEnded)) == 1
        here.history(run_id)


async def test_a_model_that_pauses_for_ever_is_ended_after_ten_times(tmp_path: Path) -> None:
    async with world({"a": lambda _: says("Wait.", stop_reason="pause_turn")}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.idle(run_id)
        assert MOST_PAUSE_TURNS == 10
        assert here.requests_of(run_id) == MOST_PAUSE_TURNS + 1
        assert "too often" in here.entries(run_id, Note)[0].text
        here.history(run_id)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("refusal", "refused"),
        ("solar_flare", "unknown reason: solar_flare"),
        ("model_context_window_exceeded", "no longer fits"),
        ("max_tokens", "cut"),
    ],
)
async def test_an_odd_end_ends_the_turn_with_a_note_and_never_loops(
    reason: str, words: str, tmp_path: Path
) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Fine.") if "again" in talk.told else says("Hm.", stop_reason=reason)

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.idle(run_id)
        assert here.requests_of(run_id) == 1
        assert words in here.entries(run_id, Note)[0].text
        assert not here.mate(run_id).is_terminal
        here.session.supervisor.send(run_id, "you", "again", Way.STEER)
        await here.until(lambda state: state.team.by_run[run_id].final_text == "Fine.")
        assert len(here.entries(run_id, Note)) == 1
        here.history(run_id)


async def many_calls(here: World) -> list[str]:
    run_id = here.spawn("a", rules=("Bash(echo b)",))
    await here.idle(run_id)
    results = here.history(run_id)[2].content
    ids = [block["id"] for block in here.history(run_id)[1].content]
    assert [block["tool_use_id"] for block in results] == ids
    return [str(block["content"]) for block in results]


async def test_results_go_back_in_one_message_in_call_order(tmp_path: Path) -> None:
    """Read-only calls run side by side, others in order; the order of the results is that of the calls."""
    (tmp_path / "one").write_text("first")
    (tmp_path / "two").write_text("second")
    blocks = (
        ScriptedBlock(tool="read", input={"path": "one"}),
        ScriptedBlock(tool="read", input={"path": "two"}),
        ScriptedBlock(tool="bash", input={"command": "echo b"}),
        ScriptedBlock(tool="read", input={"path": "one"}),
    )

    def worker(talk: Conversation) -> Reply:
        return says("Done.") if talk.results else Reply(content=blocks)

    async with world({"a": worker}, tmp_path) as here:
        before = here.session.scopes.counts().scopes
        results = await many_calls(here)
        wanted = ["first", "second", "b", "first"]
        assert all(word in result for word, result in zip(wanted, results, strict=True))
        kinds = [type(fact) for fact in here.facts if isinstance(fact, did.ToolStarted | did.ToolEnded)]
        assert kinds[:2] == [did.ToolStarted, did.ToolStarted]  # the two reads, side by side
        assert kinds[4:6] == [did.ToolStarted, did.ToolEnded]
        assert here.session.scopes.counts().scopes == before + 1  # the teammate's own; turns leave none


async def test_the_first_request_fixes_what_the_cache_needs(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Done.") if talk.results else calls("list", path=".")

    async with world({"a": worker}, tmp_path) as here:
        run_id = here.spawn("a")
        await here.idle(run_id)
        here.session.supervisor.send(run_id, "you", "more", Way.STEER)
        await here.until(lambda _: here.requests_of(run_id) == 3)
        bodies = here.bodies_of(run_id)

        def bare(content: object) -> list[dict[str, object]]:
            return [{k: v for k, v in one.items() if k != "cache_control"} for one in blocks_of(content)]

        assert all(bare(body["system"]) == bare(bodies[0]["system"]) for body in bodies)
        assert all(bare(body["tools"]) == bare(bodies[0]["tools"]) for body in bodies)
        for earlier, later in pairwise(bodies):
            for old, new in zip(earlier["messages"], later["messages"], strict=False):
                assert bare(old["content"]) == bare(new["content"])
