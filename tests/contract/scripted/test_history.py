"""The server refuses what the API refuses, in words that the SDK passes on."""

from typing import Any

import anthropic
import pytest

from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, text_reply
from quarterdeck.llm.scripted.scenario import Rule, Scenario, When
from tests.contract.scripted.scripted import MODEL, always, ask, serving, user

Message = dict[str, Any]


def said(*blocks: dict[str, Any]) -> Message:
    """An assistant message."""
    return {"role": "assistant", "content": list(blocks)}


def told(*blocks: dict[str, Any]) -> Message:
    """A user message."""
    return {"role": "user", "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def call(name: str) -> dict[str, Any]:
    """A tool call whose id is its name."""
    return {"type": "tool_use", "id": name, "name": "list", "input": {}}


def result(name: str) -> dict[str, Any]:
    """The result of `call(name)`."""
    return {"type": "tool_result", "tool_use_id": name, "content": "fine"}


HI = told(text("Hi"))
FINE: dict[str, list[Message]] = {
    "one message": [HI],
    "strings in place of blocks": [{"role": "user", "content": "Hi"}],
    "two user messages in a row": [HI, HI],
    "parallel calls with their results": [HI, said(call("a"), call("b")), told(result("b"), result("a"))],
    "results in two messages in a row": [
        HI,
        said(call("a"), call("b")),
        told(result("a")),
        told(result("b")),
    ],
    "text behind the results": [HI, said(text("So"), call("a")), told(result("a"), text("And now?"))],
    "an empty result": [HI, said(call("a")), told({"type": "tool_result", "tool_use_id": "a"})],
    "a system message between": [HI, {"role": "system", "content": "Be kind."}, said(text("Yes")), HI],
    "a system message between call and result": [
        HI,
        said(call("a")),
        {"role": "system", "content": "Be kind."},
        told(result("a")),
    ],
    "the assistant last": [HI, said(text("The answer is"))],
}
REFUSED: dict[str, tuple[list[Message], str]] = {
    "nothing": ([], "at least one message"),
    "the assistant first": ([said(text("Hi"))], "first message must use"),
    "an unknown role": ([{"role": "robot", "content": "Hi"}], r"messages\.0\.role"),
    "a call without result": ([HI, said(call("a")), HI], "without `tool_result` blocks immediately after: a"),
    "a call at the end": ([HI, said(call("a"))], "without `tool_result` blocks immediately after: a"),
    "one of two results": ([HI, said(call("a"), call("b")), told(result("a"))], "immediately after: b"),
    "a result too late": ([HI, said(call("a")), HI, told(result("a"))], "immediately after: a"),
    "a result behind text": ([HI, said(call("a")), told(text("So"), result("a"))], "immediately after: a"),
    "an orphan result": ([HI, said(text("Yes")), told(result("a"))], "unexpected `tool_use_id` found"),
    "an orphan result at the start": ([told(result("a"))], "unexpected `tool_use_id` found"),
    "a call by the user": ([HI, told(call("a"))], "only be in `assistant` messages"),
    "a result by the assistant": ([HI, said(result("a"))], "only be in `user` messages"),
    "two results of one call": ([HI, said(call("a")), told(result("a"), result("a"))], "a single result"),
    "an id used twice": (
        [HI, said(call("a")), told(result("a")), said(call("a")), told(result("a"))],
        "ids must be unique",
    ),
    "a result that holds no blocks": (
        [HI, said(call("a")), told({**result("a"), "content": [1]})],
        r"messages\.2\.content: 0\.tool_result\.content",
    ),
    "empty text": ([told(text(""))], "text content blocks must be non-empty"),
    "blank text": ([HI, said(text(" \n")), HI], "must contain non-whitespace text"),
    "no content": ([HI, said(), HI], "must have non-empty content"),
}


@pytest.mark.parametrize("messages", FINE.values(), ids=FINE.keys())
async def test_a_history_that_the_api_takes_is_taken(messages: list[Any]) -> None:
    async with serving(always(text_reply("Fine"))) as (_, client):
        assert (await ask(client, *messages)).stop_reason == "end_turn"
        assert (await client.messages.count_tokens(model=MODEL, messages=messages)).input_tokens > 0


@pytest.mark.parametrize(("messages", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_history_that_the_api_refuses_is_a_400(messages: list[Any], words: str) -> None:
    async with serving(always(text_reply("Fine"))) as (server, client):
        with pytest.raises(anthropic.BadRequestError, match=words):
            await ask(client, *messages)
        with pytest.raises(anthropic.BadRequestError, match=words):
            await client.messages.count_tokens(model=MODEL, messages=messages)
    assert [request.status for request in server.request_log] == [400, 400]


@pytest.mark.parametrize(("marks", "is_fine"), [(4, True), (5, False)])
async def test_more_than_four_cache_breakpoints_are_refused(marks: int, is_fine: bool) -> None:
    marked = {**text("Hi"), "cache_control": {"type": "ephemeral"}}
    system, message = [marked] * (marks - 2), told(marked, marked)
    async with serving(always(text_reply("Fine"))) as (_, client):
        if is_fine:
            assert (await ask(client, message, system=system)).stop_reason == "end_turn"
            return
        with pytest.raises(anthropic.BadRequestError, match="A maximum of 4 blocks"):
            await ask(client, message, system=system)


async def test_thinking_comes_back_unchanged_or_not_at_all() -> None:
    first = Reply(content=(ScriptedBlock(thinking="Hm, a list."), ScriptedBlock(tool="list", input={})))
    scenario = Scenario(
        reply=(Rule(when=When(tool_results=0), **first.model_dump(exclude={"rule"}, exclude_unset=True)),),
        default=Rule(text="Fine"),
    )
    async with serving(scenario) as (_, client):
        message = await ask(client, user("Hi"))
        thinking, use = (block.to_dict() for block in message.content)
        answer = told(result(str(use["id"])))
        again = await ask(client, user("Hi"), said(thinking, use), answer)
        assert again.stop_reason == "end_turn"
        for change in ({"thinking": "Hm, a list!"}, {"signature": "c2lnbmF0dXJl"}):
            with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
                await ask(client, user("Hi"), said({**thinking, **change}, use), answer)


async def test_a_body_that_is_no_request_is_a_400_and_an_unknown_path_a_404() -> None:
    async with serving(always(text_reply("Fine"))) as (_, client):
        for body in ({"model": MODEL}, {"model": MODEL, "max_tokens": 0, "messages": [HI]}, [1]):
            with pytest.raises(anthropic.BadRequestError):
                await client.post("/v1/messages", body=body, cast_to=object)
        with pytest.raises(anthropic.NotFoundError) as caught:
            await client.post("/v1/nothing", body={}, cast_to=object)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "not_found_error"


async def test_the_words_for_an_orphan_are_the_apis_own() -> None:
    # Recorded by the SDK's own tests: the two user messages count as one.
    orphan = told({"type": "tool_result", "tool_use_id": "toolu_01", "content": "sunny"})
    words = (
        "messages.0.content.1: unexpected `tool_use_id` found in `tool_result` blocks: toolu_01. Each "
        "`tool_result` block must have a corresponding `tool_use` block in the previous message."
    )
    async with serving(always(text_reply("Fine"))) as (_, client):
        with pytest.raises(anthropic.BadRequestError) as caught:
            await ask(client, user("Weather?"), orphan)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"] == {"type": "invalid_request_error", "message": words}


async def test_tools_need_a_name_unless_they_are_the_apis_own() -> None:
    own = {"type": "mcp_toolset", "mcp_server_name": "docs"}
    async with serving(always(text_reply("Fine"))) as (_, client):
        assert (await ask(client, HI, tools=[own])).stop_reason == "end_turn"
        nameless: list[Any] = [{"input_schema": {}}]
        for tools in (nameless, [{"name": "a"}, {"name": "a"}]):
            with pytest.raises(anthropic.BadRequestError, match="tools"):
                await ask(client, HI, tools=tools)
