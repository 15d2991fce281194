"""A small program around the process service, started by tests that need one to kill, or one of another user.

`python -m tests.contract.processes.driver JOB FOLDER PYTHON UID COUNT`; prints one line of JSON, or `ready`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.processes.contract import ProcessRequest, ResourceLimits
from quarterdeck.processes.service import ProcessService
from quarterdeck.processes.subreaper import harden_process
from tests.support.hostile import Proof, hostile_command, kill_limit_s

PARALLEL = 4


async def kill_trees(folder: Path, python: str, count: int) -> dict[str, object]:
    """KIL-01: start hostile trees, kill each by its owner, wait for the end of its FIFO."""
    limit_ms = kill_limit_s() * 1000
    service = ProcessService(python=python)
    numbers = iter(range(count))
    times: list[float] = []
    survivors = 0
    left_after: set[int] = set()

    async def work() -> None:
        nonlocal survivors
        for number in numbers:
            owner = RunId(f"run-{number}")
            proof = Proof(folder / f"proof-{number}")
            request = ProcessRequest(
                owner=owner, command=hostile_command(proof.path, python), folder="/", timeout_s=600
            )
            running = asyncio.ensure_future(service.run(request))
            await proof.wait_ready()
            began = time.monotonic()
            ticket = service.kill_owner(owner)
            took = await proof.wait_over(5.0)
            survivors += took is None
            times.append(time.monotonic() - began)
            facts = await ticket.wait()
            left_after.add(facts.left)
            result = await running
            assert result.killed
            assert facts.total >= 8
            proof.close()

    await asyncio.gather(*(work() for _ in range(PARALLEL)))
    await service.close()
    times.sort()
    return {
        "trees": len(times),
        "survivors": survivors,
        "left_after": sorted(left_after),
        "median_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99) - 1] * 1000, 1),
        "max_ms": round(times[-1] * 1000, 1),
        "limit_ms": limit_ms,
    }


async def hold_trees(folder: Path, python: str, count: int) -> dict[str, object]:
    """KIL-02: run hostile trees on FIFOs that the test has made, until somebody kills this program."""
    service = ProcessService(python=python)
    requests = [
        ProcessRequest(
            owner=RunId(f"run-{number}"),
            command=hostile_command(folder / f"proof-{number}", python),
            folder="/",
        )
        for number in range(count)
    ]
    await asyncio.gather(*(service.run(request) for request in requests))
    return {}


async def fork_bomb(folder: Path, python: str, count: int) -> dict[str, object]:
    """KIL-07: a fork bomb under a limit of `count` processes; then an ordinary command."""
    service = ProcessService(python=python, limits=ResourceLimits(processes=count))
    owner = RunId("run-1")
    lag = 0.0

    async def watch() -> None:
        nonlocal lag
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            lag = max(lag, time.monotonic() - began - 0.01)

    watching = asyncio.ensure_future(watch())
    bomb = await service.run(
        ProcessRequest(
            owner=owner, command="bomb() { bomb | bomb & }; bomb; sleep 1000", folder="/", timeout_s=3.0
        )
    )
    after = await service.run(ProcessRequest(owner=owner, command="echo alive", folder="/"))
    watching.cancel()
    facts = service.owner_facts(owner)
    await service.close()
    return {
        "timed_out": bomb.timed_out,
        "bomb_s": bomb.duration_s,
        "after": after.output,
        "left": facts.left,
        "total": facts.total,
        "lag_ms": round(lag * 1000, 1),
    }


async def look_for_secret(folder: Path, python: str, count: int) -> dict[str, object]:
    """SEC-01: the key is in this program's environment at its start; what can a tool read?"""
    harden_process(["ANTHROPIC_API_KEY"])
    service = ProcessService(python=python)
    parent = os.getpid()
    command = (
        "env; for place in $PPID self " + str(parent) + "; do "
        "cat /proc/$place/environ /proc/$place/cmdline; done; cat /proc/[0-9]*/environ; echo end of search"
    )
    result = await service.run(
        ProcessRequest(owner=RunId("run-1"), command=command, folder="/", max_output_bytes=10_000_000)
    )
    await service.close()
    return {"output": result.output, "own": os.environ.get("ANTHROPIC_API_KEY", "")}


async def meet_another_user(folder: Path, python: str, count: int) -> dict[str, object]:
    """A command that becomes another user, whom this program has no right to kill."""
    service = ProcessService(python=python)
    owner = RunId("run-1")
    command = f"exec setpriv --reuid {count} --clear-groups sh -c 'echo $$; exec sleep 1000'"
    timed = await service.run(ProcessRequest(owner=owner, command=command, folder="/", timeout_s=0.5))
    left = await service.run(
        ProcessRequest(owner=owner, command=f"({command}) & read x < /dev/null; sleep 0.3", folder="/")
    )
    facts = service.owner_facts(owner)
    return {
        "pids": (timed.output + left.output).split(),
        "beyond_reach": [timed.beyond_reach, left.beyond_reach],
        "left": facts.left,
        "seconds": [timed.duration_s, left.duration_s],
    }


JOBS: dict[str, Callable[[Path, str, int], Awaitable[dict[str, object]]]] = {
    "kill_trees": kill_trees,
    "hold_trees": hold_trees,
    "fork_bomb": fork_bomb,
    "meet_another_user": meet_another_user,
    "look_for_secret": look_for_secret,
}


def main() -> None:
    """Everything is imported by now: the other user may not be able to read the interpreter's own files."""
    job, folder, python, uid, count = sys.argv[1:6]
    if int(uid) != os.getuid():
        os.setgroups([])
        os.setresgid(int(uid), int(uid), int(uid))
        os.setresuid(int(uid), int(uid), int(uid))
    found = asyncio.run(run_job(job, Path(folder), python, int(count)))
    print(json.dumps(found))


async def run_job(job: str, folder: Path, python: str, count: int) -> dict[str, object]:
    """One job by its name."""
    return await JOBS[job](folder, python, count)


if __name__ == "__main__":
    main()
