"""What the headless demo believes: files, processes, and the server's log. Never the state's own word."""

import asyncio
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.processes.contract import ProcessRequest
from quarterdeck.processes.service import ProcessService


def digest(folder: Path) -> dict[str, str]:
    """The Python files of a folder by relative path, each as a hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.py"))
    }


async def tests_pass(processes: ProcessService, folder: Path, command: str) -> bool:
    """Run the sample's tests ourselves; whether they pass."""
    owner = RunId(f"proof-{os.urandom(4).hex()}")
    result = await processes.run(
        ProcessRequest(owner=owner, command=command, folder=str(folder), timeout_s=60.0)
    )
    return result.exit_code == 0 and "OK" in result.output


def processes_in(folder: Path) -> list[int]:
    """Every process of this machine that stands in `folder`, by pid (Linux; elsewhere none are found)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = os.readlink(entry / "cwd")
        except OSError:
            continue
        if where == str(folder) or where.startswith(f"{folder}{os.sep}"):
            found.append(int(entry.name))
    return found


def sessions_in(folder: Path) -> int:
    """How many process sessions stand in `folder`: each daemon that left its parent's has one of its own."""
    found = set()
    for pid in processes_in(folder):
        with suppress(ProcessLookupError):
            found.add(os.getsid(pid))
    return len(found)


def requests_of(log_path: Path, run_id: RunId) -> list[dict[str, object]]:
    """The lines of the server's log about requests with this run id."""
    try:
        lines = log_path.read_text("utf-8").splitlines()
    except OSError:
        return []
    records = [json.loads(line) for line in lines if line.strip()]
    return [one for one in records if one.get("run") == run_id and one.get("kind") == "request"]


async def no_request_since(log_path: Path, run_id: RunId, known: int, *, for_s: float) -> bool:
    """Watch the log for a while: whether no further request of this run came."""
    loop = asyncio.get_running_loop()
    until = loop.time() + for_s
    while loop.time() < until:
        if len(requests_of(log_path, run_id)) != known:
            return False
        await asyncio.sleep(0.1)
    return True
