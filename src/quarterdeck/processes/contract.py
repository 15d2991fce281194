"""What callers hand in and get back: requests, results, limits, facts, refusals."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from quarterdeck.domain.ids import RunId

Tier = Literal["supervisor", "process group"]


class RunRevoked(Exception):
    """This run was killed: it starts no further process."""


class CannotStart(Exception):
    """The command did not start; the text says why, in one line."""


class ResourceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of each tool process, never above the program's own; None leaves the program's own limit."""

    processes: int | None = 4096
    """RLIMIT_NPROC: counts every task of the user, the desktop's too. The kernel does not hold root to it."""
    open_files: int | None = 8192
    address_space: int | None = 32 * 2**30
    """RLIMIT_AS in bytes. Address sanitizers and some runtimes reserve more: None for them."""
    core_size: int | None = 0


class ProcessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One command of one run."""

    owner: RunId
    command: str = ""
    """Shell text, for bash where there is one, else /bin/sh. Up to 128 KiB, the kernel's limit."""
    argv: tuple[str, ...] = ()
    """A program and its arguments, without a shell; then `command` is not used and no folder is carried."""
    folder: str
    environment: Mapping[str, str] = {}
    """Added to the allowed part of the program's own environment."""
    stdin: bytes | None = None
    """What the command may read; None is an empty input."""
    errors_apart: bool = False
    """Keep stderr out of `output`: for programs whose output is parsed."""
    timeout_s: float = 120.0
    max_output_bytes: int = 200_000
    spill_path: str | None = None
    """A file that takes the whole output, once it is more than `max_output_bytes`."""
    max_spill_bytes: int = 100_000_000
    carry_folder: bool = True


class ProcessResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one command ended. When this exists, no process of its tree does, save what is `beyond_reach`."""

    exit_code: int | None
    """None when a signal ended the main command, or nobody saw its end."""
    signal: int | None
    output: str
    """stdout and stderr as they came: head, a line about what was left out, tail."""
    errors: str
    """stderr, when it was asked for apart; else empty."""
    output_bytes: int
    """All of `output` before anything was left out; `errors` not included."""
    truncated: bool
    spilled_to: str | None
    spill_error: str | None
    """Why the spill file is not whole, if it is not."""
    timed_out: bool
    folder: str
    """The shell's last working directory; the request's own when it is not known or gone."""
    leftover: int
    """Processes that were still there when the main command ended; all have been ended."""
    duration_s: float
    killed: bool
    beyond_reach: int
    """Processes that no kill could end, such as those of another user; a supervisor still waits for them."""
    supervisor_lost: bool
    """The command's supervisor ended first, as when a tool kills it; the program ended the rest."""


class ProcessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The processes of one run: alive now, and alive or ended altogether."""

    left: int
    total: int
