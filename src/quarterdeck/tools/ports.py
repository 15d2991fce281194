"""What tools need from above and beside: the workspace, a shell, the team, the person. Protocols only.

The runtime builds one `ToolContext` per call; `project.workspace.Workspace` and the run's shell fit by shape.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.domain.requests import Answer, CommentAnswer
from quarterdeck.tools.read_marks import ReadMarks

T = TypeVar("T")

Stamp = tuple[int, ...]
"""What a file was when it was looked at (inode, times, size): opaque, compared for equality only."""


class ToolRefused(Exception):
    """The call does not run, or did nothing: one line for the model that says why and what to do."""


class PlaceLike(Protocol):
    """Where a path leads."""

    @property
    def real(self) -> str:
        """Absolute, without any symbolic link."""
        ...

    @property
    def shown(self) -> str:
        """Relative to the workspace inside it (`.` for itself), else the real path."""
        ...

    @property
    def outside(self) -> bool:
        """Whether it is outside the workspace."""
        ...


class FileBytesLike(Protocol):
    """The content of a file, bounded."""

    @property
    def content(self) -> bytes: ...
    @property
    def size(self) -> int:
        """Bytes of the whole file, as far as the system knows."""
        ...

    @property
    def is_whole(self) -> bool: ...
    @property
    def mtime_ns(self) -> int: ...
    @property
    def stamp(self) -> Stamp: ...


class FolderEntryLike(Protocol):
    """One name in a folder."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str:
        """`file`, `folder`, `link` or `special`."""
        ...

    @property
    def size(self) -> int: ...


class WorkspacePort(Protocol):
    """The folder that a run works in. Paths are real paths as `place` gives them.

    Everything blocks (call it through `ToolContext.in_thread`) and raises OSError with a text for people.
    A path outside is refused unless `outside` says that the person allowed exactly this one.
    """

    @property
    def root(self) -> str:
        """The real path of the workspace."""
        ...

    def place(self, path: str) -> PlaceLike:
        """Where `path` (relative to the root, absolute, or with `~`) leads now."""
        ...

    def read_bytes(self, real: str, limit: int, *, outside: bool = False) -> FileBytesLike:
        """At most `limit` bytes of a regular file. :raises FileNotFoundError: there is none."""
        ...

    def write_atomic(
        self,
        real: str,
        content: bytes,
        *,
        expected: Stamp | None,
        may_write: Callable[[], bool],
        outside: bool = False,
    ) -> FileBytesLike:
        """Replace the file in one step, keeping its mode; `expected` None = there must be none yet.

        `may_write` is asked right before the step. :raises OSError: the file is not the expected one.
        """
        ...

    def list_folder(
        self, real: str, limit: int, *, outside: bool = False
    ) -> tuple[Sequence[FolderEntryLike], bool]:
        """The entries by name, and whether these are all."""
        ...

    def walk(
        self, real: str, limit: int, *, skip: frozenset[str], outside: bool = False
    ) -> tuple[Sequence[str], bool]:
        """All files below as paths relative to `real`, sorted; links are not followed; and whether all."""
        ...


class ShellResult(Protocol):
    """What became of one shell command."""

    @property
    def exit_code(self) -> int | None: ...
    @property
    def signal(self) -> int | None: ...
    @property
    def output(self) -> str:
        """stdout and stderr as they came: head, a line about what was left out, tail."""
        ...

    @property
    def output_bytes(self) -> int: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def timed_out(self) -> bool: ...
    @property
    def folder(self) -> str: ...
    @property
    def leftover(self) -> int:
        """Processes that still ran when the command ended; they have been ended."""
        ...

    @property
    def duration_s(self) -> float: ...


class ShellPort(Protocol):
    """The run's shell. It carries the working folder from call to call."""

    @property
    def folder(self) -> str:
        """Where the next command starts, absolute."""
        ...

    async def run(self, command: str, timeout_s: float, on_output: Callable[[str], None]) -> ShellResult:
        """Run it to its end; no process of it is left. `on_output` gets the tail so far."""
        ...


class TeamPort(Protocol):
    """The other teammates."""

    async def send_message(self, to: str, text: str) -> str:
        """Send, and return the receipt in words. :raises ToolRefused: nobody has this name."""
        ...

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool, call_id: CallId) -> str:
        """Start a teammate, and return the receipt in words. :raises ToolRefused: it did not start."""
        ...


class PersonPort(Protocol):
    """The person. These wait for as long as it takes."""

    async def submit_plan(self, call_id: CallId, plan: str, answers: tuple[CommentAnswer, ...]) -> Answer:
        """PlanApproved or PlanRejected."""
        ...

    async def ask(self, call_id: CallId, question: str, options: tuple[str, ...]) -> Answer:
        """QuestionAnswered or QuestionDeclined."""
        ...


class InThread(Protocol):
    """Runs a function that blocks, off the event loop."""

    async def __call__(self, function: Callable[[], T]) -> T: ...


async def run_directly(function: Callable[[], T]) -> T:
    """`InThread` without a thread."""
    return function()


class ToolContext(msgspec.Struct, frozen=True, kw_only=True):
    """All that one call may use."""

    run_id: RunId
    call_id: CallId
    workspace: WorkspacePort
    shell: ShellPort
    team: TeamPort
    person: PersonPort
    reads: ReadMarks
    """What this run has read so far; lives as long as the run."""
    is_revoked: Callable[[], bool]
    """Asked right before every write: an abandoned run never writes."""
    on_output: Callable[[str], None]
    """Output so far of a running call, as a bounded tail."""
    in_thread: InThread = run_directly
    decided_path: str = ""
    """File tools: the `Subject.real_path` that was allowed. A path that leads elsewhere by then is refused;
    without it only the workspace is open."""
    denied_reads: frozenset[str] = frozenset()
    """Paths that deny rules keep from reading, as `PlaceLike.shown`: searches leave them out."""
