"""Recorded Messages API traffic through the whole turn loop of a real session.

The folder is not part of the project; where it is absent these tests are skipped. Nothing in it stopped with
`pause_turn` or was cut: those are made here from recorded answers by hand, and their tests say so.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import pytest

from quarterdeck.bootstrap import workers
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message, text_of, tool_use_ids
from quarterdeck.domain.teammates import IdleReason, Lifetime, Outcome, Way
from quarterdeck.llm.history import is_valid, repair
from quarterdeck.runtime.teammate import PERSON
from quarterdeck.runtime.turn import MOST_PAUSE_TURNS, MOST_REPEATS
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note, Text, Thinking, ToolCall, ToolStatus
from tests.support.recorded_model import (
    RECORDED,
    RecordedBody,
    as_messages,
    canonical,
    dialogues,
    events_of,
    last_figures,
    recorded_bodies,
    responses_in,
    sdk_content,
)
from tests.support.recorded_turns import (
    PLAIN_END,
    Answer,
    RecordedWorld,
    Toolbook,
    answer_of,
    recorded_world,
)

pytestmark = pytest.mark.skipif(
    not (RECORDED / "manifest.json").exists(), reason="no recorded traffic beside this checkout"
)

SPLICED = "sse/vercel-ai/spliced-message-start.sse"
"""A gateway began its answer anew in mid-stream: the SDK joins both, we keep the second."""
CUT_CALL = "sse/anthropic-sdk-python/incomplete_partial_json_response.sse"
"""`max_tokens` cut its tool call: the SDK repairs its input, we refuse to run it."""

_RUN_TOOLS = "conversations/anthropic-sdk-python/TestSyncRunTools."
DIFFERENT = {
    f"{_RUN_TOOLS}956fa2fe-8752-4f7c-8f9a-33735e62b898/01.json": (
        "its client left the answer out and asked for a summary, to compact"
    ),
    f"{_RUN_TOOLS}f59a9391-643b-422c-96dc-1f28bc7ea4d7/01.json": (
        "its client sent the result without the call that it answers: 400"
    ),
}
"""Recorded next requests that ours differs from, and why."""


class Played:
    """One recorded answer after it went through the loop."""

    def __init__(self, here: RecordedWorld, body: RecordedBody, run_id: RunId) -> None:
        self.here = here
        self.body = body
        self.run_id = run_id
        self.mate = here.mate(run_id)
        self.history = here.session.conversations.history(run_id)
        self.requests = here.bodies_of(run_id)
        self.texts = [entry.text for entry in here.entries(run_id, Text)]
        self.notes = [entry.text for entry in here.entries(run_id, Note)]
        self.calls = here.entries(run_id, ToolCall)

    def told(self, kind: type[Any]) -> list[Any]:
        """Its facts of one kind."""
        return [fact for fact in self.here.told(kind) if fact.run_id == self.run_id]

    @property
    def is_done(self) -> bool:
        """Idle after a turn that ended by itself."""
        return self.mate.is_idle and self.mate.idle_reason is IdleReason.DONE and not self.mate.error

    @property
    def answer(self) -> Message:
        """What the history holds of the recorded answer."""
        return self.history[1]


Check = Callable[[Played], Mapping[str, object]]
"""What must hold, by name: a name whose value is false is what is wrong."""


def with_tag(*tags: str) -> list[RecordedBody]:
    """The recorded answers whose first response ended this way."""
    return [body for body in recorded_bodies() if first_stop(body) in tags]


def first_stop(body: RecordedBody) -> str:
    """`stop:` or `err:` with its word; of a body that holds several responses, the first one's."""
    kinds = ("stop:tool_use",) if len(responses_in(body)) > 1 else ("stop:", "err:")
    return next(tag for tag in body.contains if tag.startswith(kinds))


async def played(here: RecordedWorld, bodies: list[RecordedBody], **fields: Any) -> list[Played]:
    """Every answer given to a teammate of its own, all at once, until each is idle or has ended."""
    runs = [here.play(answer_of(body), **fields) for body in bodies]
    for run_id in runs:
        await here.settled(run_id)
    return [Played(here, body, run_id) for body, run_id in zip(bodies, runs, strict=True)]


def wrong_in(turns: list[Played], check: Check) -> dict[str, list[str]]:
    """What does not hold, by file."""
    found = {one.body.file: [name for name, holds in check(one).items() if not holds] for one in turns}
    for tag, count in Counter(first_stop(one.body) for one in turns).items():
        bad = sum(bool(found[one.body.file]) for one in turns if first_stop(one.body) == tag)
        print(f"\n{tag:32} {count:4} played {count - bad:4} as recorded", end="")
    return {file: names for file, names in found.items() if names}


def blank(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def texts_in(content: list[Any] | tuple[Any, ...]) -> list[str]:
    return [block["text"] for block in content if block["type"] == "text" and not blank(block)]


def shown_as_answered(one: Played, *more: str) -> dict[str, object]:
    """The transcript and the ledger agree with the answer in the history."""
    content = one.answer.content if len(one.history) > 1 else ()
    thoughts = [block for block in content if block["type"] in ("thinking", "redacted_thinking")]
    shown = [entry.text for entry in one.here.entries(one.run_id, Thinking)]
    first = responses_in(one.body)[0] if one.body.file.endswith(".sse") else answer_of(one.body).content
    return {
        "its texts are shown": one.texts == [*texts_in(content), *more],
        "its thoughts are shown": shown == [block.get("thinking", "") for block in thoughts],
        "nothing is left on the screen": not one.here.state.transcripts[one.run_id].live,
        "the history is fit to be sent": is_valid(repair(one.history)) is None,
        "every request was valid": not [bad for bad in map(fault_in, one.requests) if bad],
        "usage is told once per response": len(one.told(did.UsageRecorded)) == 1 + len(more),
        "usage is the last figures": figures(one) == last_figures(first),
        "a step per response": len(one.told(did.StepAccepted)) == 1 + len(more),
        "the requests are as many": len(one.requests) == 1 + len(more),
    }


def fault_in(request: Mapping[str, Any]) -> str | None:
    return is_valid(as_messages(request["messages"]))


def figures(one: Played) -> dict[str, int]:
    usage = one.told(did.UsageRecorded)[0].usage
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
    }


async def test_an_answer_that_was_whole_ends_the_turn_done_with_its_text(tmp_path: Path) -> None:
    def check(one: Played) -> Mapping[str, object]:
        return {
            **shown_as_answered(one),
            "done": one.is_done,
            "final text": one.mate.final_text == text_of(one.answer),
            "no note": not one.notes,
            "no tool": not one.calls,
        }

    async with recorded_world(tmp_path) as here:
        turns = await played(here, with_tag("stop:end_turn", "stop:stop_sequence"))
        assert wrong_in(turns, check) == {}
        assert len(turns) == 88


async def test_the_history_holds_what_the_sdk_reads_in_the_same_answer(tmp_path: Path) -> None:
    bodies = [body for body in recorded_bodies() if body.status == 200 and body.file != CUT_CALL]
    different = []
    async with (
        recorded_world(tmp_path) as here,
        anthropic.AsyncAnthropic(api_key="sk-test-123456789", base_url=here.model.url) as sdk,
    ):
        for one in await played(here, bodies):
            first = Answer(responses_in(one.body)[0]) if is_stream(one.body) else answer_of(one.body)
            here.book.put(one.body.file, first)
            content = [*one.answer.content] if len(one.history) > 1 else []
            if canonical(content) != canonical(await sdk_content(sdk, one.body.file)):
                different.append(one.body.file)
    assert different == [SPLICED]
    assert len(bodies) == 149


def is_stream(body: RecordedBody) -> bool:
    return body.file.endswith(".sse")


def calls_answered(one: Played) -> dict[str, object]:
    """The calls of the answer and their results in the next request, which the API would take."""
    calls = tool_use_ids(one.answer)
    sent = as_messages(one.requests[-1]["messages"])
    results = [block for block in sent[-1].content if block["type"] == "tool_result"]
    return {
        **shown_as_answered(one, PLAIN_END),
        "done": one.is_done,
        "it called": calls,
        "each call has its result": tuple(block["tool_use_id"] for block in results) == calls,
        "each call is shown": tuple(call.call_id for call in one.calls) == calls,
    }


async def test_calls_of_unknown_tools_are_refused_and_the_turn_goes_on(tmp_path: Path) -> None:
    def check(one: Played) -> Mapping[str, object]:
        results = one.requests[-1]["messages"][-1]["content"]
        return {
            **calls_answered(one),
            "none ran": not one.told(did.ToolStarted),
            "all are shown as refused": all(call.status is ToolStatus.REFUSED for call in one.calls),
            "all are errors": all(result["is_error"] is True for result in results),
            "all say why": all("There is no tool" in result["content"] for result in results),
        }

    async with recorded_world(tmp_path) as here:
        turns = await played(here, with_tag("stop:tool_use"))
        assert wrong_in(turns, check) == {}
        assert len(turns) == 49


async def test_calls_of_known_tools_run_once_each_with_the_recorded_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = with_tag("stop:tool_use")
    tools = Toolbook({})
    give(monkeypatch, tools, bodies)

    def check(one: Played) -> Mapping[str, object]:
        asked = {block["id"]: block["input"] for block in one.answer.content if block["type"] == "tool_use"}
        ran = [(call, given) for run, call, given in tools.ran if run == one.run_id]
        return {
            **calls_answered(one),
            "each ran once": Counter(call for call, _ in ran) == Counter([*asked]),
            "with its input": dict(ran) == asked,
            "all are shown as done": all(call.status is ToolStatus.OK for call in one.calls),
        }

    async with recorded_world(tmp_path) as here:
        assert wrong_in(await played(here, bodies), check) == {}


def give(monkeypatch: pytest.MonkeyPatch, tools: Toolbook, bodies: list[RecordedBody]) -> None:
    """Let every teammate have the recorded client's tools, at the place where the session takes its own."""
    names = {name for body in bodies for name in called_names(body)}
    monkeypatch.setattr(workers, "standard_tools", lambda: tools.tools(names))


def called_names(body: RecordedBody) -> set[str]:
    starts = [event.get("content_block", {}) for event in events_of(answer_of(body).content)]
    return {start["name"] for start in starts if start.get("type") == "tool_use"}


async def test_an_answer_cut_at_its_most_tokens_is_noted_and_a_cut_call_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = Toolbook({})
    give(monkeypatch, tools, with_tag("stop:max_tokens"))

    def check(one: Played) -> Mapping[str, object]:
        if one.body.file == CUT_CALL:
            return cut_call_refused(one)
        return {
            **shown_as_answered(one),
            "done": one.is_done,
            "a note": one.notes == ["The answer was cut at the most tokens of one step."],
            "no tool": not one.calls,
        }

    async with recorded_world(tmp_path) as here:
        turns = await played(here, with_tag("stop:max_tokens"))
        assert wrong_in(turns, check) == {}
        assert len(turns) == 9
        assert tools.ran == []


def cut_call_refused(one: Played) -> dict[str, object]:
    result = one.requests[-1]["messages"][-1]["content"][0]
    return {
        **calls_answered(one),
        "it did not run": not one.told(did.ToolStarted) and one.calls[0].status is ToolStatus.REFUSED,
        "the model is told why": result["is_error"] and "cut off" in result["content"],
    }


async def test_a_refusal_ends_the_turn_and_is_shown(tmp_path: Path) -> None:
    def check(one: Played) -> Mapping[str, object]:
        return {
            **shown_as_answered(one),
            "done": one.is_done,
            "a note": len(one.notes) == 1 and one.notes[0].startswith("The model refused to go on."),
            "no tool": not one.calls,
        }

    async with recorded_world(tmp_path) as here:
        turns = await played(here, with_tag("stop:refusal"))
        assert wrong_in(turns, check) == {}
        assert len(turns) == 4
        said = {one.body.file.rsplit("/", 1)[1]: one.notes[0] for one in turns}
        assert "violative cyber content" in said["anthropic-refusal.sse"]
        for one in turns:
            here.session.supervisor.send(one.run_id, PERSON, "Then do this.", Way.STEER)
            await here.settled(one.run_id)
            assert here.mate(one.run_id).final_text == PLAIN_END
            assert fault_in(here.bodies_of(one.run_id)[-1]) is None


async def test_an_error_fails_the_run_with_one_clean_line(tmp_path: Path) -> None:
    errors = [body for body in recorded_bodies() if body.tag("err:")]

    def check(one: Played) -> Mapping[str, object]:
        return {
            "failed": one.mate.outcome is Outcome.FAILED,
            "one clean line": is_one_clean_line(one.mate.error) and str(one.body.status) in one.mate.error,
            "no text": not one.texts,
            "one request": len(one.requests) == 1,
            "no usage": not one.told(did.UsageRecorded),
            "one end": len(one.told(did.TeammateEnded)) == 1,
            "the history is fit to be sent": is_valid(one.history) is None,
        }

    async with recorded_world(tmp_path) as here:
        turns = await played(here, errors)
        assert wrong_in(turns, check) == {}
        assert Counter(one.body.tag("err:") for one in turns) == {
            "authentication_error": 4,
            "rate_limit_error": 4,
            "invalid_request_error": 3,
            "not_found_error": 1,
        }


def is_one_clean_line(text: str) -> bool:
    return 0 < len(text) < 500 and text.isprintable() and "{" not in text and "sk-test" not in text


async def test_a_task_ends_as_its_answer_ended(tmp_path: Path) -> None:
    bodies = [body for body in recorded_bodies() if body.file != CUT_CALL]
    cut = ("stop:max_tokens", "stop:refusal")

    def check(one: Played) -> Mapping[str, object]:
        ends_well = one.body.status == 200 and first_stop(one.body) not in cut
        return {
            "its outcome": one.mate.outcome is (Outcome.COMPLETED if ends_well else Outcome.FAILED),
            "its error": (one.mate.error == "") if ends_well else is_one_clean_line(one.mate.error),
            "one end": len(one.told(did.TeammateEnded)) == 1,
        }

    async with recorded_world(tmp_path) as here:
        runs = [here.play(answer_of(body), lifetime=Lifetime.TASK) for body in bodies]
        for run_id in runs:
            await here.ended(run_id)
        turns = [Played(here, body, run_id) for body, run_id in zip(bodies, runs, strict=True)]
        assert wrong_in(turns, check) == {}
        assert len(turns) == 161


# --- cut answers and pauses: made by hand from recorded ones -------------------------------------------


async def test_an_answer_that_is_cut_is_asked_for_three_times_and_then_fails_the_run(tmp_path: Path) -> None:
    streams = [body for body in recorded_bodies() if is_stream(body)]

    def check(one: Played) -> Mapping[str, object]:
        return {
            "failed": one.mate.outcome is Outcome.FAILED,
            "one clean line": one.mate.error == "The answer ended before it was whole; it was discarded.",
            "repeated twice": len(one.requests) == 1 + MOST_REPEATS,
            "the same each time": all(sent == one.requests[0] for sent in one.requests),
            "its text is gone": not one.texts and not one.here.state.transcripts[one.run_id].live,
            "no tool": not one.calls,
            "no usage": not one.told(did.UsageRecorded),
            "only the prompt is left": [message.role for message in one.history] == ["user"],
        }

    async with recorded_world(tmp_path) as here:
        runs = [here.play(*cuts(body)) for body in streams]
        for run_id in runs:
            await here.ended(run_id)
        turns = [Played(here, body, run_id) for body, run_id in zip(streams, runs, strict=True)]
        assert wrong_in(turns, check) == {}
        assert len(turns) == 121


def cuts(body: RecordedBody) -> tuple[Answer, Answer, Answer]:
    """One answer, cut before its end event, in the middle of its bytes, and after its first event."""
    whole = responses_in(body)[0]
    end = whole.rindex(b"event: message_stop")
    return Answer(whole[:end]), Answer(whole[: end // 2]), Answer(whole[: whole.index(b"\n\n") + 2])


async def test_an_answer_that_was_cut_and_then_came_whole_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [body for body in with_tag("stop:end_turn", "stop:tool_use") if is_stream(body)]
    tools = Toolbook({})
    give(monkeypatch, tools, streams)

    def check(one: Played) -> Mapping[str, object]:
        calls = list(tool_use_ids(one.answer))
        return {
            "done": one.is_done,
            "its texts are shown once": one.texts
            == [*texts_in(one.answer.content), *([PLAIN_END] * bool(calls))],
            "each call ran once": sorted(tools.calls_of(one.run_id)) == sorted(calls),
            "its usage counts once": len(one.told(did.UsageRecorded)) == 1 + bool(calls),
            "the requests are as many": len(one.requests) == 3 + bool(calls),
        }

    async with recorded_world(tmp_path) as here:
        runs = [here.play(*cuts(body)[:2], answer_of(body)) for body in streams]
        for run_id in runs:
            await here.settled(run_id)
        turns = [Played(here, body, run_id) for body, run_id in zip(streams, runs, strict=True)]
        assert wrong_in(turns, check) == {}


async def test_a_paused_turn_goes_on_with_the_answer_so_far_and_not_for_ever(tmp_path: Path) -> None:
    bodies = [body for body in with_tag("stop:end_turn") if is_stream(body)]
    server_side = [body for body in bodies if "blk:server_tool_use" in body.contains]

    def check(one: Played) -> Mapping[str, object]:
        sent = one.requests[1]["messages"]
        return {
            "done": one.is_done and not one.notes,
            "goes on": one.mate.final_text == PLAIN_END and len(one.requests) == 2,
            "with the answer so far": [message["role"] for message in sent] == ["user", "assistant"],
            "as it came": canonical(sent[1]["content"]) == canonical(unblank(one.answer)),
            "two responses, two usages": len(one.told(did.UsageRecorded)) == 2,
        }

    async with recorded_world(tmp_path) as here:
        runs = [here.play(paused(body)) for body in server_side]
        for run_id in runs:
            await here.settled(run_id)
        turns = [Played(here, body, run_id) for body, run_id in zip(server_side, runs, strict=True)]
        assert wrong_in(turns, check) == {}
        assert len(turns) >= 10
        forever = here.play(*[paused(server_side[0])] * (MOST_PAUSE_TURNS + 5))
        await here.settled(forever)
        one = Played(here, server_side[0], forever)
        assert len(one.requests) == MOST_PAUSE_TURNS + 1
        assert one.notes == ["The model paused its turn too often; the turn was ended."]


def unblank(message: Message) -> list[Any]:
    return [block for block in message.content if not blank(block)]


def paused(body: RecordedBody) -> Answer:
    return Answer(responses_in(body)[0].replace(b'"end_turn"', b'"pause_turn"'))


# --- dialogues -----------------------------------------------------------------------------------------


async def test_the_next_request_of_a_dialogue_is_the_recorded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded results come in by a tool set of the recorded names, at the session's own seam."""
    chains = dialogues()
    tools = Toolbook(recorded_results(chains))
    give(monkeypatch, tools, [body for chain in chains for body in chain])
    same: list[RecordedBody] = []
    different: dict[str, str] = {}
    async with recorded_world(tmp_path) as here:
        for chain in chains:
            run_id = await talk(here, chain)
            ran = tools.calls_of(run_id)
            assert len(ran) == len(set(ran))
            assert here.book.left(run_id) == 0
            for sent, body in zip(here.bodies_of(run_id), chain, strict=False):
                assert fault_in(sent) is None
                if plain(sent["messages"]) == plain(body.asked()["messages"]):
                    same.append(body)
                else:
                    different[body.file] = body.replay["assistant_echo"] if body.replay else "first"
    assert different == dict.fromkeys(DIFFERENT, "differs")
    print(f"\n{len(chains)} dialogues, {len(same)} requests equal, {len(different)} differ:")
    print(*(f"  {file}: {DIFFERENT[file]}" for file in different), sep="\n")
    echoes = Counter(body.replay["assistant_echo"] for body in same if body.replay)
    assert echoes == {"exact": 23, "modulo": 6}


def recorded_results(chains: list[list[RecordedBody]]) -> dict[str, Mapping[str, Any]]:
    messages = [message for chain in chains for body in chain for message in body.asked()["messages"]]
    blocks = [
        block for message in messages if isinstance(message["content"], list) for block in message["content"]
    ]
    return {block["tool_use_id"]: block for block in blocks if block["type"] == "tool_result"}


async def talk(here: RecordedWorld, chain: list[RecordedBody]) -> RunId:
    """Play one dialogue: the person says what was recorded, the answers come in their order."""
    (first,) = as_messages(chain[0].asked()["messages"])
    run_id = here.play(*map(answer_of, chain), prompt=text_of(first))
    await here.settled(run_id)
    for before, body in pairwise(chain):
        if first_stop(before) == "stop:end_turn":
            said = text_of(as_messages(body.asked()["messages"])[-1])
            here.session.supervisor.send(run_id, PERSON, said, Way.STEER)
            await here.settled(run_id)
    return run_id


def plain(messages: Any) -> Any:
    """By the matcher; and a result that says that it is no error is one that does not say so."""
    wire = canonical(messages)
    for message in wire:
        for block in message["content"]:
            if isinstance(block, dict) and block.get("is_error") is False:
                del block["is_error"]
    return [{**one, "content": as_messages([one])[0].content} for one in wire]


async def test_a_dialogue_recorded_into_one_body_is_played_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [body for body in recorded_bodies() if len(responses_in(body)) > 1]
    tools = Toolbook({})
    give(monkeypatch, tools, several)
    played_steps = []
    async with recorded_world(tmp_path) as here:
        for body in several:
            parts = responses_in(body)
            run_id = here.play(*map(Answer, parts))
            await here.settled(run_id)
            one = Played(here, body, run_id)
            assert one.is_done
            assert here.book.left(run_id) == 0
            assert len(one.requests) == len(parts)
            assert [fault_in(request) for request in one.requests] == [None] * len(parts)
            calls = [
                call
                for message in one.history
                if message.role == "assistant"
                for call in tool_use_ids(message)
            ]
            assert Counter(tools.calls_of(run_id)) == Counter(set(calls))
            assert one.texts[-1] == text_of(one.history[-1])
            played_steps.append(len(one.told(did.UsageRecorded)))
    assert played_steps == [15, 2, 3, 3, 2]
