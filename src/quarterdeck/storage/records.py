"""What is handed to the journal: facts with their places, the newest row of each run, drafts of text."""

from collections.abc import Callable, Mapping, Sequence

import msgspec


class FactRecord(msgspec.Struct, frozen=True):
    """One durable fact on its way to disk."""

    seq: int
    at: float
    """Epoch seconds, for people; the order is by `seq`."""
    tag: str
    run_id: str
    """Empty = of no run."""
    entry: int | None
    """The id of the transcript entry that it makes or changes; None = of none."""
    fact: object
    """Encoded in the writer's thread; frozen, so that it can be."""
    ends_draft: bool = False
    """What the run streamed before is whole or void with it."""
    drops_transcript: bool = False
    """What the journal holds of the run's conversation is deleted with it."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's row of one run, as of the newest fact. Times in epoch seconds, None = not yet."""

    run_id: str
    agent_id: str
    name: str
    requester: str | None
    """The run that asked for it; None = the person."""
    conversation: str
    """The run whose conversation it is the newest life of: itself, or the first one that was revived."""
    task: str
    label: str
    model: str
    lifetime: str
    lifecycle: str
    waits_on: str | None
    since: float
    cleanup: str
    time_limit_s: float | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    outcome: str | None
    error: str
    findings: str
    captured: bool
    notified: bool
    announced_at: float | None
    cleaned_at: float | None
    archived_at: float | None
    in_turn: bool
    usage: str
    """JSON of the usage so far."""
    heartbeat_at: float


class Draft(msgspec.Struct, frozen=True):
    """Text that a run has streamed and not finished."""

    run_id: str
    at: float
    text: str


class Batch(msgspec.Struct, frozen=True):
    """What one go of the event loop came to: on disk whole, or not at all."""

    facts: Sequence[FactRecord] = ()
    runs: Mapping[str, Callable[[], RunRecord]] = {}
    """By run id; the rows are made in the writer's thread."""
    drafts: Sequence[Draft] = ()
    beats: Sequence[tuple[str, float]] = ()
    """Run id and its last sign of life."""

    @property
    def last(self) -> int:
        """The sequence number of its newest fact; 0 = it holds none."""
        return self.facts[-1].seq if self.facts else 0
