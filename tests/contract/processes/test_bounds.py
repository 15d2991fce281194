"""What a call may use and see: limits, file numbers, processes, the environment; and the weaker tier."""

import asyncio
import os
import resource
import signal
from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.processes import shim
from quarterdeck.processes.contract import ResourceLimits
from quarterdeck.processes.environment import tool_environment
from quarterdeck.processes.service import TIER, ProcessService
from quarterdeck.processes.subreaper import OrphanSweep
from tests.contract.processes.conftest import PLAIN_UID, Ask, DriverCommand
from tests.contract.processes.test_kill import run_driver
from tests.support.hostile import Proof, hostile_command

CANARY = "sk-ant-canary-9f8e7d6c"
CALLS = 1000


def own_children() -> list[int]:
    return [row.pid for row in shim.list_processes() if row.parent == os.getpid()]


async def test_kil_07_limits_hold_for_the_tool_and_not_for_the_program(ask: Ask) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = ResourceLimits(processes=321, open_files=123, address_space=2**31, core_size=0)
    service = ProcessService(limits=limits)
    result = await service.run(
        ask("ulimit -u; ulimit -Hn; ulimit -v; ulimit -c; cat /proc/self/oom_score_adj")
    )
    await service.close()

    assert result.output.split() == ["321", "123", str(2**31 // 1024), "0", "800"]
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


async def test_kil_07_a_memory_hog_fails_alone(ask: Ask) -> None:
    service = ProcessService(limits=ResourceLimits(address_space=512 * 2**20))
    result = await service.run(ask("head -c 1G /dev/zero | tail; echo status ${PIPESTATUS[1]}; echo on"))
    await service.close()
    assert "status 1" in result.output
    assert result.output.endswith("on\n")


@pytest.mark.slow
def test_kil_07_a_fork_bomb_of_a_plain_user_leaves_the_program_usable(driver_command: DriverCommand) -> None:
    found = run_driver(driver_command("fork_bomb", count=300, uid=PLAIN_UID))
    print(f"KIL-07: {found}")

    assert found["timed_out"]
    assert found["bomb_s"] < 10  # type: ignore[operator] # a number in JSON
    assert found["after"] == "alive\n"
    assert found["left"] == 0
    assert found["total"] > 20  # type: ignore[operator] # a number in JSON: the bomb did go off


@pytest.mark.slow
async def test_kil_08_a_thousand_calls_leave_no_zombie_and_no_file(service: ProcessService, ask: Ask) -> None:
    await service.run(ask("true"))
    files = len(os.listdir("/proc/self/fd"))
    numbers = iter(range(CALLS))
    done: list[bool] = []

    async def work() -> None:
        for number in numbers:
            match number % 10:
                case 0:
                    result = await service.run(ask("sleep 100", timeout_s=0.01))
                    done.append(result.timed_out)
                case 1:
                    running = asyncio.ensure_future(service.run(ask("sleep 100")))
                    await asyncio.sleep(0)
                    running.cancel()
                    await asyncio.wait([running])
                    done.append(running.cancelled())
                case 2:
                    result = await service.run(ask("sleep 0.2 & kill -9 $PPID; sleep 100"))
                    done.append(result.supervisor_lost)
                case _:
                    result = await service.run(ask(f"echo {number}"))
                    done.append(result.output == f"{number}\n")

    await asyncio.gather(*(work() for _ in range(4)))
    await service.close()

    assert done == [True] * CALLS
    assert abs(len(os.listdir("/proc/self/fd")) - files) <= 3
    assert own_children() == []


async def test_the_facts_of_a_run_count_its_own_processes(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    other = asyncio.ensure_future(service.run(ask("sleep 1000", owner=RunId("run-2"))))
    running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path))))
    await proof.wait_ready()

    living = service.owner_facts(RunId("run-1"))
    await service.kill_owner(RunId("run-1")).wait()
    dead = service.owner_facts(RunId("run-1"))

    assert living.left >= 7
    assert dead.left == 0
    assert dead.total >= living.total
    assert service.owner_facts(RunId("run-2")).left == 2  # the shell and its command
    assert service.owner_facts(RunId("run-3")).total == 0
    assert (await running).killed
    service.kill_owner(RunId("run-2"))
    assert (await other).signal in {signal.SIGTERM, signal.SIGKILL}


@pytest.mark.parametrize("uid", [None, PLAIN_UID], ids=["this-user", "plain-user"])
def test_sec_01_no_tool_finds_the_key_in_any_environment(
    driver_command: DriverCommand, uid: int | None
) -> None:
    argv, environment = driver_command("look_for_secret", count=0, uid=uid)
    found = run_driver((argv, {**environment, "ANTHROPIC_API_KEY": CANARY}))

    assert str(found["output"]).endswith("end of search\n")
    assert "PATH=" in str(found["output"])
    assert CANARY not in str(found["output"])
    assert found["own"] == ""


def test_sec_01_the_environment_of_tools_is_an_allow_list() -> None:
    source = {
        "PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "TERM": "xterm", "ANTHROPIC_API_KEY": CANARY,
        "AWS_SECRET": "x",
        "LD_PRELOAD": "evil.so", "BASH_ENV": "evil", "BASH_FUNC_ls%%": "() { evil; }", "GIT_DIR": "x",
        "PYTHONPATH": "x",
    }  # fmt: skip
    seen = tool_environment(
        source, {"MINE": "1", "BASH_ENV": "evil", "BASH_FUNC_x%%": "() { :; }", "A=B": "x"}
    )

    assert {name: seen[name] for name in ("PATH", "HOME", "LC_ALL", "TERM", "MINE")} == {
        "PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "TERM": "dumb", "MINE": "1"
    }  # fmt: skip
    assert seen.keys().isdisjoint(source.keys() - {"PATH", "HOME", "LC_ALL", "TERM"})
    assert seen.keys().isdisjoint({"BASH_FUNC_x%%", "A=B"})


async def test_a_tool_inherits_no_file_of_the_program(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    secret = os.open(tmp_path / "secret", os.O_WRONLY | os.O_CREAT)
    os.set_inheritable(secret, True)
    result = await service.run(ask("ls -l /proc/self/fd", carry_folder=False))
    os.close(secret)
    numbers = [line.split()[8] for line in result.output.splitlines() if "->" in line]
    assert numbers == ["0", "1", "2", "3"]  # the last is the listing's own
    assert "secret" not in result.output
    assert "socket" not in result.output


async def test_the_proof_sees_what_survives_the_weaker_tier(ask: Ask, proof: Proof) -> None:
    service = ProcessService(tier="process group")
    running = asyncio.ensure_future(service.run(ask(hostile_command(proof.path))))
    await proof.wait_ready()

    await service.kill_owner(RunId("run-1")).wait()
    assert (await running).killed
    assert await proof.wait_over(0.3) is None  # a group kill is not enough, and the proof knows it

    swept = asyncio.Event()
    OrphanSweep().start(0, lambda ended, left: swept.set())
    await swept.wait()
    assert proof.is_over()


async def test_the_weaker_tier_runs_commands_and_carries_the_folder(ask: Ask, tmp_path: Path) -> None:
    assert TIER == "supervisor"
    service = ProcessService(tier="process group")
    (tmp_path / "sub").mkdir()
    result = await service.run(ask("cat; echo out; echo err >&2; cd sub; exit 3", stdin=b"in\n"))
    late = await service.run(ask("sleep 1000 | cat", timeout_s=0.2))
    await service.close()

    assert (result.output, result.exit_code) == ("in\nout\nerr\n", 3)
    assert result.folder == str(tmp_path / "sub")
    assert late.timed_out
