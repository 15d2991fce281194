"""What the runtime needs of the outside: workers, the model, processes, the clock and ids."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent
from quarterdeck.state.actions import Action


class Clock(msgspec.Struct, frozen=True):
    """Wall time for the screen (epoch seconds), monotonic time for durations."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


Ids = Callable[[str], str]
"""A new id, unique in this session; the argument is its first word (`run`, `plan`, `message`)."""

Dispatch = Callable[[Action], int]


class WorkerFacts(msgspec.Struct, frozen=True):
    """What a worker holds right now, counted when asked."""

    processes: int
    """Alive now, as the kernel counts them."""
    in_turn: bool


class Worker(Protocol):
    """One running teammate, wherever it runs. Nothing here waits; what happens is told as facts.

    The supervisor, its verbs and the screen know teammates only by this.
    """

    def start(self) -> None:
        """Begin to live: `TeammateReady` follows, then a turn per message."""
        ...

    def deliver(self) -> None:
        """There is mail in its queue (or what it waits for may have changed)."""
        ...

    def interrupt(self) -> bool:
        """End the open turn; True when there was one. The teammate stays, idle."""
        ...

    def pause(self, by: str) -> bool:
        """Start no new model request and no new tool until `proceed`; False = it was paused already.

        Before it is ready, `TeammatePaused` follows `TeammateReady`; later the caller tells of it.
        """
        ...

    def proceed(self) -> bool:
        """Go on from a pause; True when there was one."""
        ...

    def stop(self) -> None:
        """Finish the current tool, give a last report, end `stopped`."""
        ...

    def take_back_stop(self) -> bool:
        """Go on after all; False once the closing step has started."""
        ...

    def kill(self) -> None:
        """End now, whatever its code does. The epoch is revoked already; the proof follows as facts."""
        ...

    def facts(self) -> WorkerFacts:
        """What it holds now."""
        ...

    async def gone(self) -> None:
        """Return once nothing of it is left, or it was abandoned."""
        ...


class ModelPort(Protocol):
    """A model to stream steps from (`llm.client.ModelClient`)."""

    async def stream_step(self, request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
        """One response, whole. :raises ModelFault: anything else."""
        ...

    def abort(self, run_id: RunId) -> int:
        """Close every open stream of this run now; how many there were."""
        ...


class ShellOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one shell command."""

    exit_code: int | None
    signal: int | None
    output: str
    output_bytes: int
    truncated: bool
    timed_out: bool
    folder: str
    leftover: int
    duration_s: float


class ProcessFactsLike(Protocol):
    """How many processes of an owner are left, and how many there were in all."""

    @property
    def left(self) -> int: ...
    @property
    def total(self) -> int: ...


class KillTicketLike(Protocol):
    """A kill of all process trees of one owner, under way."""

    @property
    def left(self) -> int: ...
    @property
    def total(self) -> int: ...
    def wait(self) -> Coroutine[Any, Any, ProcessFactsLike]:
        """Return once the kernel says that nothing is left."""
        ...


class ProcessPort(Protocol):
    """Processes by owner (`processes.service.ProcessService`)."""

    def kill_owner(self, owner: RunId) -> KillTicketLike:
        """Start killing all that this run started; refuse what it still tries."""
        ...

    def owner_facts(self, owner: RunId) -> ProcessFactsLike:
        """Counted from the kernel now."""
        ...
