"""The prompt cache's accounting over several requests, as `usage` tells it."""

from typing import Any

from anthropic.types import Usage

from quarterdeck.llm.scripted.replies import text_reply
from quarterdeck.llm.scripted.scenario import CacheSettings, Scenario
from tests.contract.scripted.scripted import MODEL, always, ask, serving

SHORT: dict[str, Any] = {"type": "ephemeral"}
LONG: dict[str, Any] = {"type": "ephemeral", "ttl": "1h"}


class Clock:
    """Seconds that move when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def block(words: str, mark: dict[str, Any] | None = None) -> dict[str, Any]:
    """A text block, marked or not. Its JSON holds 25 bytes around the words."""
    plain = {"type": "text", "text": words}
    return {**plain, "cache_control": mark} if mark else plain


def caching(minimum: int = 100) -> Scenario:
    """A scenario that always answers, with a cache of two lifetimes."""
    settings = CacheSettings(minimum_tokens=minimum, lifetime_s=300, long_lifetime_s=3600)
    return always(text_reply("Fine"), cache=settings)


def parts(usage: Usage) -> tuple[int, int, int]:
    """Fresh, written and read tokens."""
    return usage.input_tokens, usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0


SYSTEM = "s" * (400 - 25)
"""100 tokens as a block."""
HELLO = "h" * (40 - 25)
"""10 tokens as a block."""


async def test_the_second_request_reads_what_the_first_wrote() -> None:
    system, more = [block(SYSTEM, SHORT)], [block(SYSTEM), block(HELLO)]
    async with serving(caching()) as (_, client):
        first = await ask(client, {"role": "user", "content": HELLO}, system=system)
        second = await ask(client, {"role": "user", "content": HELLO}, system=system)
        unmarked = await ask(client, {"role": "user", "content": HELLO}, system=more)
    assert parts(first.usage) == (10, 100, 0)
    assert parts(second.usage) == (10, 0, 100)
    assert parts(unmarked.usage) == (120, 0, 0)


async def test_a_breakpoint_that_moves_on_reads_the_longest_prefix_and_writes_the_rest() -> None:
    def talk(*words: str) -> list[Any]:
        contents = [[block(one)] for one in words[:-1]] + [[block(words[-1], SHORT)]]
        return [
            {"role": "assistant" if place % 2 else "user", "content": content}
            for place, content in enumerate(contents)
        ]

    async with serving(caching()) as (_, client):
        first = await ask(client, *talk(SYSTEM))
        second = await ask(client, *talk(SYSTEM, HELLO, HELLO))
        third = await ask(client, *talk(SYSTEM, HELLO, HELLO, HELLO, HELLO))
        other = await ask(client, *talk(SYSTEM, HELLO + "!", HELLO))
    assert parts(first.usage) == (0, 100, 0)
    assert parts(second.usage) == (0, 20, 100)
    assert parts(third.usage) == (0, 20, 120)
    assert parts(other.usage)[2] == 100


async def test_tools_come_before_system_and_messages() -> None:
    tool = {"name": "list", "description": "d" * 400, "input_schema": {"type": "object"}}
    marked = {**tool, "cache_control": SHORT}
    async with serving(caching()) as (_, client):
        await ask(client, {"role": "user", "content": "Hi"}, tools=[marked], system=SYSTEM)
        same = await ask(client, {"role": "user", "content": "Bye"}, tools=[marked], system="Else")
        changed = {**marked, "description": "e" * 400}
        other = await ask(client, {"role": "user", "content": "Hi"}, tools=[changed], system=SYSTEM)
    assert (same.usage.cache_read_input_tokens or 0) > 100
    assert parts(other.usage)[2] == 0


async def test_a_short_prefix_is_not_written() -> None:
    async with serving(caching(minimum=101)) as (_, client):
        for _ in range(2):
            message = await ask(client, {"role": "user", "content": HELLO}, system=[block(SYSTEM, SHORT)])
            assert parts(message.usage) == (110, 0, 0)


async def test_entries_expire_and_every_hit_renews_them() -> None:
    clock = Clock()
    async with serving(caching(), clock=clock) as (_, client):

        async def read() -> int:
            message = await ask(client, {"role": "user", "content": HELLO}, system=[block(SYSTEM, SHORT)])
            return message.usage.cache_read_input_tokens or 0

        assert await read() == 0
        clock.now = 299.0
        assert await read() == 100
        clock.now = 598.0
        assert await read() == 100
        clock.now = 898.0
        assert await read() == 0


async def test_writes_are_told_apart_by_lifetime_and_the_long_ones_live_on() -> None:
    clock = Clock()
    system, content = [block(SYSTEM, LONG)], [block(HELLO, SHORT)]
    async with serving(caching(), clock=clock) as (_, client):
        first = await ask(client, {"role": "user", "content": content}, system=system)
        clock.now = 301.0
        later = await ask(client, {"role": "user", "content": content}, system=system)
    assert first.usage.cache_creation is not None
    assert first.usage.cache_creation.ephemeral_1h_input_tokens == 100
    assert first.usage.cache_creation.ephemeral_5m_input_tokens == 10
    assert parts(later.usage) == (0, 10, 100)


async def test_all_parts_add_up_to_what_count_tokens_says() -> None:
    request: dict[str, Any] = {
        "model": MODEL,
        "system": [block(SYSTEM, SHORT), block("é漢字")],
        "messages": [{"role": "user", "content": HELLO}],
    }
    async with serving(caching()) as (_, client):
        counted = await client.messages.count_tokens(**request)
        for _ in range(2):
            message = await client.messages.create(**request, max_tokens=9)
            assert sum(parts(message.usage)) == counted.input_tokens


async def test_another_model_shares_no_cache() -> None:
    system = [block(SYSTEM, SHORT)]
    async with serving(caching()) as (_, client):
        await ask(client, {"role": "user", "content": HELLO}, system=system)
        other = await ask(client, {"role": "user", "content": HELLO}, system=system, model="claude-other")
    assert parts(other.usage)[2] == 0
