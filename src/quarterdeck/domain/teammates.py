"""What a teammate is: lifecycle and its arrows, outcomes, permission modes, identity, spawn configuration."""

from enum import StrEnum

import msgspec

from quarterdeck.domain.ids import AgentId, RunId


class Lifecycle(StrEnum):
    """Where a run is in its life (the arrows are in `ARROWS`)."""

    SPAWNING = "spawning"
    READY = "ready"
    EXECUTING = "executing"
    WAITING = "waiting"
    PAUSED = "paused"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """No arrow leads out of it."""
        return self in _TERMINAL


_TERMINAL = frozenset({Lifecycle.TERMINATED, Lifecycle.FAILED})
_ENDS = frozenset({Lifecycle.TERMINATING, Lifecycle.TERMINATED, Lifecycle.FAILED})
_LIVE = frozenset({Lifecycle.READY, Lifecycle.EXECUTING, Lifecycle.WAITING})

ARROWS: dict[Lifecycle, frozenset[Lifecycle]] = {
    Lifecycle.SPAWNING: _ENDS | {Lifecycle.READY},
    Lifecycle.READY: _ENDS | {Lifecycle.EXECUTING, Lifecycle.PAUSED},
    Lifecycle.EXECUTING: _ENDS | {Lifecycle.WAITING, Lifecycle.READY, Lifecycle.PAUSED},
    Lifecycle.WAITING: _ENDS | {Lifecycle.EXECUTING, Lifecycle.READY, Lifecycle.PAUSED},
    Lifecycle.PAUSED: _ENDS | _LIVE,
    Lifecycle.TERMINATING: frozenset({Lifecycle.TERMINATED, Lifecycle.FAILED}) | _LIVE | {Lifecycle.PAUSED},
    Lifecycle.TERMINATED: frozenset(),
    Lifecycle.FAILED: frozenset(),
}
"""Allowed transitions. Terminating leads back to life only while a stop is taken back."""


class Outcome(StrEnum):
    """How a run ended; the same word in state, events and JSON."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    KILLED = "killed"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    UNKNOWN = "unknown"


class WaitsOn(StrEnum):
    """What a waiting run waits for."""

    PLAN = "plan"
    PERMISSION = "permission"
    QUESTION = "question"
    MESSAGE = "message"
    DEPENDENCY = "dependency"
    CAPACITY = "capacity"
    RATE_LIMIT = "rate_limit"


class IdleReason(StrEnum):
    """Why no turn is open."""

    NEW = "new"
    DONE = "done"
    INTERRUPTED = "interrupted"
    BACKGROUND = "background"


class PermissionMode(StrEnum):
    """How much a teammate may do without asking."""

    PLAN = "plan"
    DEFAULT = "default"
    ACCEPT_EDITS = "accept-edits"
    BYPASS = "bypass"


class Lifetime(StrEnum):
    """Whether a run lives on after its first finished turn."""

    RESIDENT = "resident"
    TASK = "task"


class Cleanup(StrEnum):
    """What becomes of a run's transcript once its end is on disk, findings included."""

    KEEP = "keep"
    DELETE = "delete"


class Way(StrEnum):
    """How a message is spoken: after the turn, at the next tool boundary, or now."""

    STEER = "steer"
    QUEUE = "queue"
    INTERRUPT = "interrupt"


class Identity(msgspec.Struct, frozen=True):
    """Who is acting. Bound in a context variable for the run's task; plain data."""

    run_id: RunId
    agent_id: AgentId
    agent_name: str
    team_name: str
    color: int
    plan_mode_required: bool
    parent_session_id: str


class SpawnConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is started with. Names of options that are not built yet go into `unbuilt`."""

    name: str
    prompt: str
    team: str = ""
    """Empty = the session's team."""
    lifetime: Lifetime = Lifetime.RESIDENT
    color: int | None = None
    """1-8; None = the next free one."""
    plan_mode_required: bool = False
    model: str | None = None
    """None = the parent's, else the configured default."""
    permission_mode: PermissionMode | None = None
    parent: RunId | None = None
    """The run whose tool asked for it; None = the person."""
    tool_use_id: str | None = None
    is_lead: bool = False
    max_turns: int | None = None
    """Most steps (model responses) of the run; None = no limit."""
    time_limit_s: float | None = None
    """Longest life, waiting included; then it ends `timed_out`. None = no limit."""
    rules: tuple[str, ...] = ()
    """Allow rules for this teammate alone, in the field's syntax."""
    cleanup: Cleanup = Cleanup.KEEP
    """`delete`: after its end nothing is left of it but its record, its findings and its usage."""
    unbuilt: tuple[str, ...] = ()
    """Options that the caller asked for and that this version does not have: refused by name."""


class SpawnResult(msgspec.Struct, frozen=True):
    """What a spawn gave. `agent_id` is there also when it failed."""

    success: bool
    agent_id: AgentId
    run_id: RunId | None = None
    error: str = ""


class KillProof(msgspec.Struct, frozen=True):
    """What is left of a killed run, as facts with their age in seconds since the kill (None = not yet)."""

    stream_closed_s: float | None = None
    requests_withdrawn: int = 0
    processes_left: int = 0
    processes_total: int = 0
    processes_ended_s: float | None = None
    task_ended_s: float | None = None
    detached: bool = False
    requests_since: int = 0
    """Requests to the model by this run after the kill; anything but 0 is a fault of ours."""
    refused_since: int = 0
    """Requests that its code still tried and that its revoked epoch refused; none of them was sent."""

    @property
    def is_complete(self) -> bool:
        """Nothing is left: stream, processes and task."""
        return (
            self.stream_closed_s is not None
            and self.processes_ended_s is not None
            and self.task_ended_s is not None
            and not self.detached
        )
