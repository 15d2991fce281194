"""Recorded dialogues: our next request is the recorded one. Skipped where the recordings are absent."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import text_of, tool_use_ids
from quarterdeck.domain.teammates import Way
from quarterdeck.runtime.teammate import PERSON
from quarterdeck.state import actions as did
from tests.support.recorded_model import (
    RECORDED,
    RecordedBody,
    as_messages,
    canonical,
    dialogues,
    recorded_bodies,
    responses_in,
)
from tests.support.recorded_played import (
    Played,
    fault_in,
    first_stop,
    give,
)
from tests.support.recorded_turns import (
    Answer,
    RecordedWorld,
    Toolbook,
    answer_of,
    recorded_world,
)

pytestmark = pytest.mark.skipif(
    not (RECORDED / "manifest.json").exists(), reason="no recorded traffic beside this checkout"
)

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
