"""Recorded Messages API traffic through the whole turn loop of a real session.

The folder is not part of the project; where it is absent these tests are skipped.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import pytest

from quarterdeck.domain.messages import text_of
from quarterdeck.domain.teammates import Lifetime, Outcome, Way
from quarterdeck.llm.history import is_valid
from quarterdeck.runtime.teammate import PERSON
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolStatus
from tests.support.recorded_model import (
    RECORDED,
    RecordedBody,
    canonical,
    recorded_bodies,
    responses_in,
    sdk_content,
)
from tests.support.recorded_played import (
    Played,
    calls_answered,
    fault_in,
    first_stop,
    give,
    is_stream,
    played,
    shown_as_answered,
    with_tag,
    wrong_in,
)
from tests.support.recorded_turns import (
    PLAIN_END,
    Answer,
    Toolbook,
    recorded_world,
)

pytestmark = pytest.mark.skipif(
    not (RECORDED / "manifest.json").exists(), reason="no recorded traffic beside this checkout"
)

SPLICED = "sse/vercel-ai/spliced-message-start.sse"
"""A gateway began its answer anew in mid-stream: the SDK joins both, we keep the second."""
CUT_CALL = "sse/anthropic-sdk-python/incomplete_partial_json_response.sse"
"""`max_tokens` cut its tool call: the SDK repairs its input, we refuse to run it."""


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


async def test_the_history_holds_the_recorded_content_or_what_the_sdk_folds_the_stream_to(
    tmp_path: Path,
) -> None:
    bodies = [body for body in recorded_bodies() if body.status == 200 and body.file != CUT_CALL]
    different = []
    async with (
        recorded_world(tmp_path) as here,
        anthropic.AsyncAnthropic(api_key="sk-test-123456789", base_url=here.model.url) as sdk,
    ):
        for one in await played(here, bodies):
            here.book.put(one.body.file, Answer(responses_in(one.body)[0]))
            whole = sdk_content(sdk, one.body.file) if is_stream(one.body) else recorded_content(one.body)
            content = [*one.answer.content] if len(one.history) > 1 else []
            if canonical(content) != canonical(await whole):
                different.append(one.body.file)
    assert different == [SPLICED]
    assert len(bodies) == 149


async def recorded_content(body: RecordedBody) -> list[Any]:
    content: list[Any] = msgspec.json.decode(body.content)["content"]
    return content


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
        turns = await played(here, bodies, lifetime=Lifetime.TASK)
        assert wrong_in(turns, check) == {}
        assert len(turns) == 161
