import asyncio
import os
import signal
from pathlib import Path

import pytest

from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock, Stall, error_reply
from tests.support.headless_program import FIRST_MODEL, program
from tests.support.world import calls, says

STUBBORN = (
    "trap '' TERM INT HUP; (setsid sleep 300 & echo $! > daemon); echo $$ > shell; while :; do sleep 1; done"
)
RESULT = {
    "schema", "session_id", "run_id", "outcome", "exit_code", "findings", "error", "usage", "steps", "tools",
    "duration_s", "refused", "unanswered",
}  # fmt: skip


def is_alive(pid: str) -> bool:
    return Path(f"/proc/{int(pid)}").exists()


async def test_a_task_that_is_done_prints_its_finding_alone(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        return says("Found \x1b[31mit.") if talk.results else calls("list", "Looking.", path=".")

    async with program({"worker": worker}, tmp_path) as here:
        ran = await here.run()
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("Found ")
        assert ran.out.endswith("it.\n")
        assert "\x1b" not in ran.out
        assert "Looking" not in ran.out
        assert len(here.server.request_log) == 2


async def test_without_a_model_the_endpoints_first_is_asked(tmp_path: Path) -> None:
    async with program({}, tmp_path) as here:
        assert (await here.run(model=None)).code == 0
        asked = [one for one in here.server.request_log if one.path == "/v1/messages"]
        assert len(asked) == 1
        assert asked[0].model == FIRST_MODEL


async def test_a_refused_permission_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        match talk.results:
            case 0:
                return calls("bash", command="touch refused")
            case 1:
                return calls("bash", command="touch allowed")
        return says("Did what I could.")

    async with program({"worker": worker}, tmp_path) as here:
        ran = await here.run("--output-format", "json", "--allow", "Bash(touch allowed)")
        assert ran.code == 4
        result = ran.lines[0]
        assert set(result) == RESULT
        assert (result["outcome"], result["exit_code"]) == ("completed", 4)
        assert result["findings"] == "Did what I could."
        assert [one["tool"] for one in result["refused"]] == ["Bash"]
        assert "touch refused" in result["refused"][0]["what"]
        assert result["unanswered"] == []
        assert (result["steps"], result["tools"]) == (3, 1)
        assert result["usage"]["requests"] == 3
        assert result["usage"]["output_tokens"] > 0
        assert not (here.folder / "refused").exists()
        assert (here.folder / "allowed").exists()
        told = here.server.request_log[1].body["messages"][-1]["content"][0]
        assert told["is_error"]
        assert "Nobody is there" in str(told["content"])


@pytest.mark.parametrize(
    ("tool", "inputs", "kind"),
    [("submit_plan", {"plan": "1. Do."}, "plan"), ("ask_person", {"question": "Which?"}, "question")],
)
async def test_a_plan_or_a_question_ends_it(
    tool: str, inputs: dict[str, str], kind: str, tmp_path: Path
) -> None:
    async with program({"worker": lambda _: calls(tool, **inputs)}, tmp_path) as here:
        ran = await here.run("--output-format", "json")
        assert ran.code == 4
        assert ran.lines[0]["outcome"] == "stopped"
        assert ran.lines[0]["unanswered"] == [kind]
        assert kind in ran.lines[0]["error"]
        assert len(here.server.request_log) == 1


async def test_the_most_turns_end_it_with_a_last_report(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        is_closing = talk.request.get("tool_choice") == {"type": "none"}
        return says("So far.") if is_closing else calls("list", path=".")

    async with program({"worker": worker}, tmp_path) as here:
        ran = await here.run("--output-format", "json", "--max-turns", "2")
        assert ran.code == 3
        assert (ran.lines[0]["outcome"], ran.lines[0]["findings"]) == ("stopped", "So far.")
        assert len(here.server.request_log) == 3


async def test_the_longest_duration_ends_it_and_all_it_started(tmp_path: Path) -> None:
    async with program({"worker": lambda _: calls("bash", command=STUBBORN)}, tmp_path) as here:
        process = await here.start(
            "--output-format", "json", "--max-duration", "8", "--allow", f"Bash({STUBBORN})"
        )
        pids = [await here.wrote("shell"), await here.wrote("daemon")]
        assert all(is_alive(pid) for pid in pids)
        ran = await here.finish(process)
        assert ran.code == 3
        assert ran.lines[0]["outcome"] == "timed_out"
        assert not any(is_alive(pid) for pid in pids)


async def test_a_failed_one_says_why_on_one_line(tmp_path: Path) -> None:
    async with program({"worker": lambda _: error_reply(400, "Not like this")}, tmp_path) as here:
        ran = await here.run()
        assert (ran.code, ran.out) == (1, "")
        assert "Not like this" in ran.err
        assert len(ran.err.splitlines()) == 1
        assert "Traceback" not in ran.err


async def test_a_refusal_is_no_success(tmp_path: Path) -> None:
    async with program({"worker": lambda _: says("I won't.", stop_reason="refusal")}, tmp_path) as here:
        ran = await here.run()
        assert ran.code == 1
        assert "refused" in ran.err


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_a_signal_ends_it_with_its_own_code_and_no_child_is_left(name: str, tmp_path: Path) -> None:
    number = getattr(signal, name)
    async with program({"worker": lambda _: calls("bash", command=STUBBORN)}, tmp_path) as here:
        process = await here.start("--output-format", "json", "--allow", f"Bash({STUBBORN})")
        pids = [await here.wrote("shell"), await here.wrote("daemon")]
        os.kill(process.pid, number)
        loop = asyncio.get_running_loop()
        at = loop.time()
        ran = await here.finish(process)
        assert loop.time() - at < 8.0
        assert ran.code == 128 + number
        assert not any(is_alive(pid) for pid in pids)
        assert ran.lines[0]["outcome"] == "killed"
        assert ran.lines[0]["exit_code"] == 128 + number
        assert "Traceback" not in ran.err
        assert len(here.server.request_log) == 1


async def test_a_signal_counts_while_the_endpoint_keeps_it_waiting(tmp_path: Path) -> None:
    stalled = Reply(text="never", stall=Stall(after=0, seconds=60))
    async with program({"worker": lambda _: stalled}, tmp_path) as here:
        process = await here.start()
        async with asyncio.timeout(20):
            await here.server.wait_until(bool)
        os.kill(process.pid, signal.SIGTERM)
        assert (await here.finish(process)).code == 143


async def test_the_stream_tells_one_start_and_one_end_per_run_and_the_result_last(tmp_path: Path) -> None:
    def worker(talk: Conversation) -> Reply:
        if talk.results:
            return says("Noted.")
        inputs = ({"name": f"kid{number}", "prompt": "Help."} for number in range(3))
        return Reply(content=tuple(ScriptedBlock(tool="spawn_teammate", input=one) for one in inputs))

    def kid(talk: Conversation) -> Reply:
        return says("Kid is done.") if talk.results else calls("list", path=".")

    answers = {"worker": worker, "kid": kid, "kid1": lambda _: error_reply(400, "Broken kid")}
    async with program(answers, tmp_path) as here:
        ran = await here.run("--output-format", "stream-json")
        assert ran.code == 0
        events = ran.lines
        started = [event["run_id"] for event in ran.kinds("task_started")]
        ended = [event["run_id"] for event in ran.kinds("task_terminated")]
        assert len(started) == 4
        assert len(set(started)) == 4
        assert sorted(ended) == sorted(started)
        assert events[0]["kind"] == "session"
        assert events[-1]["kind"] == "result"
        assert set(events[-1]) == RESULT | {"kind"}
        assert sum(event["kind"] == "result" for event in events) == 1
        numbers = [event["seq"] for event in events[:-1]]
        assert numbers == sorted(numbers)
        kids = {event["agent_id"]: event for event in ran.kinds("task_terminated")}
        assert kids["kid0@work"]["outcome"] == "completed"
        assert kids["kid0@work"]["tool_use_id"]
        assert kids["kid0@work"]["summary"] == "Kid is done."
        assert kids["kid1@work"]["outcome"] == "failed"
        changes = [
            (event["from"], event["to"]) for event in ran.kinds("state_change") if event["agent"] == "kid0"
        ]
        assert changes == [
            ("spawning", "ready"),
            ("ready", "executing"),
            ("executing", "ready"),
            ("ready", "terminated"),
        ]


async def test_children_that_still_live_at_the_end_have_their_end_told_before_the_result(
    tmp_path: Path,
) -> None:
    def worker(talk: Conversation) -> Reply:
        if talk.results:
            return Reply(text="Waiting", stall=Stall(after=2, seconds=60))
        return calls("spawn_teammate", name="kid", prompt="Help.")

    kid = Reply(text="Working", stall=Stall(after=3, seconds=60))
    async with program({"worker": worker, "kid": lambda _: kid}, tmp_path) as here:
        process = await here.start("--output-format", "stream-json")
        async with asyncio.timeout(20):
            await here.server.wait_until(lambda log: len(log) == 3)
        os.kill(process.pid, signal.SIGINT)
        ran = await here.finish(process)
        assert ran.code == 130
        assert {event["agent"] for event in ran.kinds("task_terminated")} == {"worker", "kid"}
        assert len(ran.kinds("task_terminated")) == 2
        assert ran.lines[-1]["kind"] == "result"


async def test_when_nobody_reads_any_more_it_ends(tmp_path: Path) -> None:
    """`quarterdeck run … | head -1`: the run may not go on for nobody, nor hang."""

    def worker(talk: Conversation) -> Reply:
        return calls("list", path=".")

    async with program({"worker": worker}, tmp_path) as here:
        process = await here.start("--output-format", "stream-json")
        assert process.stdout is not None
        assert process.stderr is not None
        assert b'"session"' in await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined] # the reader goes, as `head` does
        async with asyncio.timeout(20):
            code = await process.wait()
        assert code == 141
        assert "Traceback" not in (await process.stderr.read()).decode()
