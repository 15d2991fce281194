"""The log, in memory and on disk, and the program that serves alone."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import anthropic
import pytest

from quarterdeck.llm.scripted.replies import HttpError, Pace, Stall, text_reply
from quarterdeck.llm.scripted.request_log import Ended
from quarterdeck.llm.scripted.scenario import Rule, Scenario, When
from tests.contract.scripted.scripted import MODEL, always, ask, serving, user


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The log's lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_each_request_is_one_line_with_who_asked_and_what_was_answered(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rules = (
        Rule(when=When(agent="coder"), text="Hello"),
        Rule(when=When(last_user_text=re.compile("(?i)break")), error=HttpError(status=529)),
    )
    async with serving(Scenario(reply=rules), log_path=log) as (server, client):
        header = {"x-quarterdeck-run": "run-1"}
        await ask(client, user("Hi"), system="You are coder, a teammate.", extra_headers=header)
        with pytest.raises(anthropic.APIStatusError):
            await ask(client, user("Break"), user("please: BREAK"))
        await asyncio.wait_for(server.wait_until(lambda log: len(log) == 2), 10)
    requests = [line for line in lines_of(log) if line["kind"] == "request"]
    responses = [line for line in lines_of(log) if line["kind"] == "response"]
    assert [(r["run"], r["agent"], r["messages"], r["status"], r["rule"]) for r in requests] == [
        ("run-1", "coder", 1, 200, 0),
        ("", "", 2, 529, 1),
    ]
    assert {(r["path"], r["model"]) for r in requests} == {("/v1/messages", MODEL)}
    assert [(r["number"], r["ended"]) for r in responses] == [(1, "complete"), (2, "complete")]
    assert responses[0]["usage"]["output_tokens"] > 0
    assert requests[0]["at"] <= responses[0]["at"]
    assert server.request_log[0].body["system"] == "You are coder, a teammate."


async def test_a_request_is_logged_before_its_response_begins(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with serving(always(text_reply("Hi", delay_s=60)), log_path=log) as (server, client):
        asking = asyncio.ensure_future(ask(client, user("Hi")))
        await asyncio.wait_for(server.wait_until(lambda log: len(log) == 1), 10)
        assert [line["kind"] for line in lines_of(log)] == ["request"]
        assert server.request_log[0].ended is Ended.OPEN
        asking.cancel()
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is Ended.CLIENT_GONE), 10)
    assert [line.get("ended") for line in lines_of(log)] == [None, "client gone"]


@pytest.mark.parametrize(
    "fields",
    [{"stall": Stall(after=3, seconds=60)}, {"pace": Pace(chars=1, seconds=0.05)}],
    ids=["stalled", "streaming"],
)
async def test_a_client_that_leaves_in_mid_stream_is_known_at_once(fields: dict[str, Any]) -> None:
    async with serving(always(text_reply("0123456789" * 50, **fields))) as (server, client):
        async with client.messages.stream(model=MODEL, max_tokens=9, messages=[user("Hi")]) as stream:
            async for _ in stream.text_stream:
                break
        await asyncio.wait_for(server.wait_until(lambda log: log[0].ended is not Ended.OPEN), 10)
    assert server.request_log[0].ended is Ended.CLIENT_GONE


async def test_closing_the_server_ends_open_streams_and_says_so() -> None:
    async with serving(always(text_reply("Hi", stall=Stall(after=3, seconds=60)))) as (server, client):
        asking = asyncio.ensure_future(ask(client, user("Hi")))
        await asyncio.wait_for(server.wait_until(lambda log: len(log) == 1), 10)
        await asyncio.wait_for(server.close(), 5)
        with pytest.raises(Exception, match=r".*"):
            await asking
    assert server.request_log[0].ended is Ended.SERVER_CLOSED


async def test_two_servers_cannot_have_one_port() -> None:
    async with serving(Scenario()) as (_, client):
        port = int(str(client.base_url).rstrip("/").rsplit(":", 1)[1])
        with pytest.raises(OSError, match=r"."):
            async with serving(Scenario(), port=port):
                pytest.fail("it listens twice")


async def test_the_program_serves_a_file_until_it_is_told_to_end(tmp_path: Path) -> None:
    scenario, log = tmp_path / "s.toml", tmp_path / "log.jsonl"
    scenario.write_text('[default]\ntext = "From the file"\n', "utf-8")
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quarterdeck.llm.scripted", "--scenario", str(scenario), "--log", str(log)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert program.stdout is not None
    try:
        url = (await asyncio.wait_for(program.stdout.readline(), 30)).decode().strip()
        async with anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0) as client:
            message = await ask(client, user("Hi"))
        program.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.wait(), 10) == 0
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    assert message.content[0].to_dict()["text"] == "From the file"
    assert [line["kind"] for line in lines_of(log)] == ["request", "response"]


async def test_the_program_says_a_bad_scenario_in_one_line(tmp_path: Path) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text('[default]\ntext = "x"\ncolour = "red"\n', "utf-8")
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quarterdeck.llm.scripted", "--scenario", str(scenario)),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    _, told = await asyncio.wait_for(program.communicate(), 30)
    assert program.returncode == 2
    assert told.decode().splitlines() == [f"{scenario}:3: default.colour: Extra inputs are not permitted"]
