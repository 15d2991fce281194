"""Kills: of hostile trees, by every way in which a call can end, with the end of a FIFO as proof."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.processes.contract import RunRevoked
from quarterdeck.processes.service import ProcessService
from tests.contract.processes.conftest import PLAIN_UID, Ask, DriverCommand
from tests.support.hostile import Proof, hostile_command, kill_limit_s

TREES = 200
WAIT_FOR_GO = "while [ ! -e go ]; do sleep 0.01; done"


def start(argv: list[str], environment: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv, env=environment)


def touch(path: Path) -> None:
    path.touch()


def run_driver(command: tuple[list[str], dict[str, str]], limit_s: float = 110) -> dict[str, object]:
    argv, environment = command
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("uid", [None, PLAIN_UID], ids=["this-user", "plain-user"])
def test_kil_01_no_process_of_200_hostile_trees_survives_a_kill(
    driver_command: DriverCommand, uid: int | None
) -> None:
    found = run_driver(driver_command("kill_trees", count=TREES, uid=uid))
    print(f"KIL-01 uid={uid}: {found}")

    assert found["trees"] == TREES
    assert found["survivors"] == 0
    assert found["left_after"] == [0]
    assert found["median_ms"] <= 1000  # type: ignore[operator] # a number in JSON
    assert found["p99_ms"] <= found["limit_ms"]  # type: ignore[operator] # numbers in JSON


async def test_kil_01_cancelling_the_caller_ends_the_tree_before_the_caller(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path))))
    await proof.wait_ready()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert proof.is_over()
    assert service.owner_facts(RunId("run-1")).left == 0


async def test_kil_01_a_storm_of_cancels_neither_hastens_nor_breaks_the_end(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path))))
    await proof.wait_ready()

    while not running.done():
        running.cancel()
        await asyncio.sleep(0.002)

    assert running.cancelled()
    assert await proof.wait_over(5.0) is not None


async def test_a_killed_run_is_refused_and_another_run_goes_on(
    service: ProcessService, ask: Ask, proof: Proof, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    other = asyncio.ensure_future(service.run(ask("read line < gate; echo went", owner=RunId("run-2"))))
    running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path))))
    await proof.wait_ready()

    ticket = service.kill_owner(RunId("run-1"))
    assert ticket.left >= 7
    facts = await ticket.wait()
    assert proof.is_over()
    assert facts.left == 0
    assert facts.total >= ticket.total
    assert (await running).killed
    with pytest.raises(RunRevoked):
        await service.run(ask("echo again"))

    os.write(gate, b"now\n")
    os.close(gate)
    assert (await other).output == "went\n"


async def test_a_kill_before_the_command_began_lets_it_do_nothing(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    running = asyncio.ensure_future(service.run(ask("echo began > mark")))
    await asyncio.sleep(0)  # the supervisor has been started, it is not up yet

    service.kill_owner(RunId("run-1"))

    assert (await running).killed
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
async def test_a_kill_is_fast_while_twenty_others_stream(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    limit_s = kill_limit_s()
    streaming = asyncio.Event()
    heard: set[int] = set()

    def listen(number: int) -> None:
        heard.add(number)
        if len(heard) == 20:
            streaming.set()

    streams = [
        asyncio.ensure_future(
            service.run(
                ask("while :; do echo line; sleep 0.01; done", owner=RunId(f"stream-{number}")),
                lambda _, number=number: listen(number),  # type: ignore[misc] # mypy cannot infer it
            )
        )
        for number in range(20)
    ]
    await streaming.wait()
    times = []
    for number in range(30):
        proof = Proof(tmp_path / f"proof-{number}")
        owner = RunId(f"run-{number}")
        running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path), owner=owner)))
        await proof.wait_ready()
        began = time.monotonic()
        service.kill_owner(owner)
        assert await proof.wait_over(20.0) is not None
        times.append(time.monotonic() - began)
        await running
        proof.close()
    times.sort()
    print(f"kill while 20 stream: median {times[15] * 1000:.0f} ms, worst of 30 {times[-1] * 1000:.0f} ms")
    await service.close()
    await asyncio.wait(streams)
    assert times[15] <= 1.0
    assert times[-1] <= limit_s


@pytest.mark.parametrize("uid", [None, PLAIN_UID], ids=["this-user", "plain-user"])
async def test_kil_02_nothing_survives_the_program_by_more_than_a_second(
    driver_command: DriverCommand, open_folder: Path, uid: int | None
) -> None:
    count = 5
    proofs = [Proof(open_folder / f"proof-{number}") for number in range(count)]
    argv, environment = driver_command("hold_trees", count=count, uid=uid)
    program = start(argv, environment)
    try:
        await asyncio.gather(*(proof.wait_ready() for proof in proofs))
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()

    ends = await asyncio.gather(*(proof.wait_over(1.0) for proof in proofs))

    assert None not in ends
    for proof in proofs:
        proof.close()


@pytest.mark.parametrize("blow", ["KILL", "TERM", "STOP"])
async def test_kil_03_a_tool_that_turns_on_its_supervisor_saves_nothing(
    service: ProcessService, ask: Ask, proof: Proof, tmp_path: Path, blow: str
) -> None:
    bystander = start(["sleep", "1000"])
    hostile = hostile_command(proof.path)
    command = f"({hostile}) & {WAIT_FOR_GO}; kill -{blow} $PPID; echo struck; sleep 1000"
    struck = asyncio.Event()
    running = asyncio.ensure_future(service.run(ask(command), lambda _: struck.set()))
    await proof.wait_ready()

    touch(tmp_path / "go")
    if blow == "STOP":
        await struck.wait()
        service.kill_owner(RunId("run-1"))
    result = await running

    assert await proof.wait_over(1.0) is not None
    assert result.supervisor_lost is (blow == "KILL")
    assert service.owner_facts(RunId("run-1")).left == 0
    assert (await service.run(ask("echo on", owner=RunId("run-2")))).output == "on\n"
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


async def test_kil_03_a_tool_that_keeps_stopping_its_supervisor_dies_with_it(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    stopper = "trap '' TERM; while kill -STOP $PPID; do :; done"
    heard = asyncio.Event()
    command = f"exec 7>{proof.path}; ({stopper}) & ({stopper}) & echo on; {stopper}"
    running = asyncio.ensure_future(service.run(ask(command), lambda _: heard.set()))
    await heard.wait()

    began = time.monotonic()
    await service.kill_owner(RunId("run-1")).wait()

    assert time.monotonic() - began < 3.0
    assert proof.is_over()
    assert (await running).killed


async def test_kil_03_two_lost_supervisors_at_once_are_both_swept(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    proofs = [Proof(tmp_path / f"proof-{number}") for number in range(3)]
    calls = [
        asyncio.ensure_future(
            service.run(
                ask(
                    f"({hostile_command(proof.path)}) & {WAIT_FOR_GO}; kill -9 $PPID; sleep 1000",
                    owner=RunId(f"run-{number}"),
                )
            )
        )
        for number, proof in enumerate(proofs)
    ]
    await asyncio.gather(*(proof.wait_ready() for proof in proofs))
    touch(tmp_path / "go")

    results = await asyncio.gather(*calls)

    assert all(result.supervisor_lost for result in results)
    for proof in proofs:
        assert proof.is_over()
        proof.close()


async def test_kil_04_a_timeout_ends_the_whole_pipeline(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    command = f"exec 7>{proof.path}; sleep 1000 | grep -r nothing-like-it /proc/self/fd - | head"
    result = await service.run(ask(command, timeout_s=0.5))

    assert result.timed_out
    assert not result.killed
    assert result.duration_s < 2.0
    assert proof.is_over()


async def test_kil_05_what_a_command_leaves_behind_is_ended_and_counted_at_once(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    result = await service.run(ask(f"exec 7>{proof.path}; sleep 1000 & setsid sleep 1000 & echo done"))

    assert result.exit_code == 0
    assert result.output == "done\n"
    assert result.leftover == 2
    assert result.duration_s < 2.0
    assert proof.is_over()


async def test_kil_05_a_helper_that_ends_by_itself_a_moment_later_is_not_cut_off(
    service: ProcessService, ask: Ask
) -> None:
    result = await service.run(ask("echo first > >(cat; echo last)"))

    assert result.output == "first\nlast\n"
    assert result.leftover == 0


def test_a_process_that_no_kill_reaches_is_counted_and_holds_no_call(driver_command: DriverCommand) -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip(
            "needs root and setpriv: a tool becomes another user and the program may not kill that one"
        )
    argv, environment = driver_command("meet_another_user", count=PLAIN_UID)
    without_right = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill", *argv]
    found = run_driver((without_right, environment))
    for pid in found["pids"]:  # type: ignore[attr-defined] # a list in JSON
        os.kill(int(pid), signal.SIGKILL)

    assert found["beyond_reach"] == [1, 1]
    assert found["left"] == 2
    assert max(found["seconds"]) < 10  # type: ignore[call-overload] # a list of numbers in JSON


async def test_closing_the_service_ends_everything_within_two_seconds(ask: Ask, tmp_path: Path) -> None:
    service = ProcessService()
    proofs = [Proof(tmp_path / f"proof-{number}") for number in range(4)]
    calls = [
        asyncio.ensure_future(service.run(ask(hostile_command(proof.path), owner=RunId(f"run-{number}"))))
        for number, proof in enumerate(proofs)
    ]
    await asyncio.gather(*(proof.wait_ready() for proof in proofs))

    began = time.monotonic()
    await service.close()

    assert time.monotonic() - began < 2.5
    for proof in proofs:
        assert proof.is_over()
        proof.close()
    assert all(result.killed for result in await asyncio.gather(*calls))
