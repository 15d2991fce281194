"""The client against recorded Messages API bodies, served byte for byte over loopback.

The folder is not part of the project; where it is absent these tests are skipped.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import anthropic
import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message, user_message
from quarterdeck.llm.client import ModelClient
from quarterdeck.llm.faults import FaultKind, ModelFault
from quarterdeck.llm.fold import StepFold
from quarterdeck.llm.history import is_valid, repair
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.sse import SseDecoder
from quarterdeck.llm.steps import Step
from tests.support.raw_model import RawModel, raw_model
from tests.support.recorded_model import (
    RECORDED,
    RecordedBody,
    as_messages,
    canonical,
    recorded_bodies,
    replay,
    responses_in,
    sdk_content,
)

pytestmark = pytest.mark.skipif(
    not (RECORDED / "manifest.json").exists(), reason="no recorded traffic beside this checkout"
)

KIND_OF_ERROR = {
    "authentication_error": {FaultKind.authentication},
    "rate_limit_error": {FaultKind.rate_limited},
    "invalid_request_error": {FaultKind.bad_request, FaultKind.too_large},
    "not_found_error": {FaultKind.not_found},
}
CUT_INPUT = "sse/anthropic-sdk-python/incomplete_partial_json_response.sse"
"""Its tool input is cut: the SDK repairs it, we refuse to run it."""

SPLICED = "sse/vercel-ai/spliced-message-start.sse"
"""A gateway began its answer anew in mid-stream: the SDK joins both, we keep the second."""

_RUN_TOOLS = "conversations/anthropic-sdk-python/TestSyncRunTools."
RECORDED_OTHERWISE = {
    f"{_RUN_TOOLS}956fa2fe-8752-4f7c-8f9a-33735e62b898/01.json": "its client left the answer out",
    f"{_RUN_TOOLS}f59a9391-643b-422c-96dc-1f28bc7ea4d7/01.json": "its client left the answer out: 400",
}
"""Recorded next requests that ours differs from, and why."""


@asynccontextmanager
async def client_of(model: RawModel) -> AsyncIterator[ModelClient]:
    client = ModelClient(api_key="sk-test-123456789", auth_token=None, base_url=model.url)
    try:
        yield client
    finally:
        await client.close()


async def ask(client: ModelClient, file: str, messages: tuple[Message, ...] = (user_message("go"),)) -> Step:
    request = ModelRequest(run_id=RunId(file), model="m", system=(), tools=(), messages=messages)
    return await client.stream_step(request, lambda _: None)


async def ends_as_recorded(client: ModelClient, body: RecordedBody) -> bool:
    error = body.tag("err:")
    try:
        step = await ask(client, body.file)
    except ModelFault as fault:
        return error is not None and fault.kind in KIND_OF_ERROR[error] and fault.status == body.status
    return f"stop:{step.stop_reason}" in body.contains and error is None


async def test_every_recorded_body_ends_as_it_was_recorded_to_end() -> None:
    bodies = recorded_bodies()
    async with raw_model(replay) as model, client_of(model) as client:
        wrong = [body.file for body in bodies if not await ends_as_recorded(client, body)]
    assert wrong == []
    assert len(bodies) == 162


async def test_every_recorded_stream_folds_to_what_the_sdk_folds_it_to() -> None:
    streams = [body for body in recorded_bodies() if body.file.endswith(".sse") and body.file != CUT_INPUT]
    single = [body.file for body in streams if len(responses_in(body)) == 1]
    different: list[str] = []
    async with (
        raw_model(replay) as model,
        client_of(model) as client,
        anthropic.AsyncAnthropic(api_key="sk-test-123456789", base_url=model.url) as sdk,
    ):
        for file in single:
            ours = [*(await ask(client, file)).message.content]
            if canonical(ours) != canonical(await sdk_content(sdk, file)):
                different.append(file)
    assert different == [SPLICED]
    assert len(single) == 115


def test_each_response_of_a_recording_that_holds_several_is_whole_by_itself() -> None:
    several = [parts for body in recorded_bodies() if len(parts := responses_in(body)) > 1]
    reasons = [[folded(part).stop_reason for part in parts] for parts in several]
    assert [*map(len, reasons)] == [15, 2, 3, 3, 2]
    assert {reason for group in reasons for reason in group} == {"tool_use", "end_turn"}
    called = [use for parts in several for part in parts for use in folded(part).tool_uses]
    assert all(use.input and not use.fault for use in called)


def folded(stream: bytes) -> Step:
    fold, decoder = StepFold(lambda _: None), SseDecoder()
    for name, payload in (*decoder.feed(stream), *decoder.flush()):
        fold.take(name, payload)
    return fold.finish()


async def test_the_next_request_of_a_recorded_dialogue_is_sent_as_it_was_recorded() -> None:
    bodies = recorded_bodies()
    different: set[str] = set()
    same = 0
    async with raw_model(replay) as model, client_of(model) as client:
        for before, body in pairwise(bodies):
            if body.replay is None:
                continue
            sent, asked = await next_request(client, model, before, body)
            if canonical(sent) == canonical(asked):
                same += 1
            else:
                different.add(body.file)
    assert different == set(RECORDED_OTHERWISE)
    assert same == 29


async def next_request(
    client: ModelClient, model: RawModel, before: RecordedBody, body: RecordedBody
) -> tuple[Any, Any]:
    """The messages that we send after the answer `before`, and those that were recorded."""
    first, asked = before.asked()["messages"], body.asked()["messages"]
    step = await ask(client, before.file)
    history = (*as_messages(first), step.message, *as_messages(asked[len(first) + 1 :]))
    repaired = repair(history)
    assert is_valid(repaired) is None
    with suppress(ModelFault):  # One was answered by an error; what was sent is looked at here.
        await ask(client, body.file, repaired)
    return model.received[-1].json()["messages"], asked


def test_the_recorded_request_that_was_refused_for_its_pairing_would_be_repaired() -> None:
    refused = next(
        body for body in recorded_bodies() if body.status == 400 and b"tool_use_id" in body.content
    )
    history = as_messages(refused.asked()["messages"])
    assert is_valid(history) is not None
    assert is_valid(repair(history)) is None
