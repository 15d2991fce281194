"""Recorded answers that we cut or paused by hand: neither was recorded. Skipped where they are absent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.domain.messages import Message, tool_use_ids
from quarterdeck.domain.teammates import Outcome
from quarterdeck.runtime.turn import MOST_PAUSE_TURNS, MOST_REPEATS
from quarterdeck.state import actions as did
from tests.support.recorded_model import (
    RECORDED,
    RecordedBody,
    canonical,
    recorded_bodies,
    responses_in,
)
from tests.support.recorded_played import (
    Played,
    blank,
    give,
    is_stream,
    run_all,
    texts_in,
    with_tag,
    wrong_in,
)
from tests.support.recorded_turns import (
    PLAIN_END,
    Answer,
    Toolbook,
    answer_of,
    recorded_world,
)

pytestmark = pytest.mark.skipif(
    not (RECORDED / "manifest.json").exists(), reason="no recorded traffic beside this checkout"
)


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
        turns = await run_all(here, streams, cuts)
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
        turns = await run_all(here, streams, lambda body: (*cuts(body)[:2], answer_of(body)))
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
        turns = await run_all(here, server_side, lambda body: (paused(body),))
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
