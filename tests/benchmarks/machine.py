"""Which core a process runs on, how loaded the machine is, and the processes that a benchmark starts."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

START_S = 20.0
NICENESS = -10


def keep_to_first_core() -> None:
    """Run this process (the one that is counted) on the first core."""
    _keep_to(0)


def keep_to_last_core() -> None:
    """Run this process (server, terminal) on another core than the counted one."""
    _keep_to((os.cpu_count() or 1) - 1)


def _keep_to(core: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setaffinity(0, {core})
    go_first()


def go_first() -> None:
    """On a shared machine, run before what others run; where that is not allowed, the table tells how long
    we waited for the core. Linux weighs whole terminal sessions, so the session is told too.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


def load() -> float:
    """The load of the last minute, of all that runs here."""
    return os.getloadavg()[0]


def waited_for_core_s(pid: int) -> float:
    """Seconds so far that the process could have run, but something else had its core (Linux)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def resident_bytes(pid: int, *, at_most: bool = False) -> int:
    """Resident bytes of a process now, or the most that it ever had (Linux)."""
    name = "VmHWM:" if at_most else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def median(values: Sequence[float]) -> float:
    """The one in the middle (the lower one of two)."""
    return sorted(values)[(len(values) - 1) // 2]


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Server:
    """A running paced server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def stats(self) -> dict[str, Any]:
        """Events sent, writes that a slow reader held up, CPU seconds, p99 of how late a slot was (ms)."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=START_S) as answer:
            found: dict[str, Any] = msgspec.json.decode(answer.read())
            return found


@contextmanager
def paced_server() -> Iterator[Server]:
    """The paced server in a process of its own, on the last core."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.paced_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=keep_to_last_core,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()


def run_sdk_loop(url: str, streams: int, seconds: float, rate: int) -> dict[str, float]:
    """The bare SDK loop in a process of its own: µs of CPU per event, events a second."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.sdk_loop", url, str(streams), str(seconds), str(rate)],
        capture_output=True,
        check=True,
        start_new_session=True,
    )
    found: dict[str, float] = msgspec.json.decode(told.stdout)
    return found
