"""Stored sessions, their runs, and what a search found, as people look at them. Times in epoch seconds."""

from enum import StrEnum

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.usage import NO_USAGE, Usage


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a stored or a live session."""

    session_id: str
    run_id: RunId
    agent_id: str
    name: str
    label: str
    """`name: ` and the start of its prompt."""
    model: str
    lifecycle: str
    waits_on: str | None = None
    """`permission`, `plan`, …: only the person or another teammate can go on."""
    since: float = 0.0
    """When its lifecycle, or what it waits for, last changed."""
    outcome: str | None = None
    """None = it has not ended; in a session that nobody owns any more that reads as `unknown`."""
    created_at: float = 0.0
    ended_at: float | None = None
    error: str = ""
    findings: str = ""
    usage: Usage = NO_USAGE
    heartbeat_at: float = 0.0
    """Its last sign of life."""
    archived: bool = False
    requester: RunId | None = None
    """The run that asked for it; None = the person."""
    cleaned_at: float | None = None
    """When its transcript was deleted, as it was started with `cleanup = delete`; None = it is kept."""


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session that has a journal."""

    id: str
    folder: str
    """Where it was started."""
    team: str
    opened_at: float
    last_at: float
    """Of its newest fact."""
    runs: int
    messages: int
    owner: int | None = None
    """The process that has it open now (0: number unknown); None = nobody."""
    damage: str = ""
    """What of it can't be read, in one line; empty = all of it can."""


class LastSession(msgspec.Struct, frozen=True, kw_only=True):
    """The session of a folder that could go on."""

    id: str
    last_at: float
    """Of its newest fact."""
    teammates: int
    """Those that are in its team."""
    requests: int
    """What waits for the person, also of runs that were cut off."""
    crashed: bool
    """The process was gone all at once."""
    scripted: bool = False
    """It has a model of its own, which is started again."""


class TextKind(StrEnum):
    """What a text that can be found is."""

    SAID = "said"
    """A teammate's words, or a message to it."""
    CALL = "call"
    """A tool call and its result."""
    PLAN = "plan"


FILE_TOOLS = ("Read", "Write", "Edit")
"""Rule names of the tools whose call is about one file."""


class SearchScope(msgspec.Struct, frozen=True):
    """Where to look; what is empty leaves nothing out."""

    session_id: str = ""
    run_ids: tuple[RunId, ...] = ()
    """The lives of one teammate."""
    kind: TextKind | None = None
    speakers: tuple[str, ...] = ()
    """Of a call: the tool's rule name."""


EVERYWHERE = SearchScope()


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """One place where the words were said."""

    session_id: str
    run_id: RunId
    name: str
    entry: int
    """The id of the transcript's entry."""
    at: float
    speaker: str
    """`you`, a teammate's name, or a tool's rule name."""
    excerpt: str
    """A part of the text around the first match."""
    spans: tuple[tuple[int, int], ...]
    """Where the words stand in the excerpt: start and end, in characters."""


class SearchFound(msgspec.Struct, frozen=True):
    """What a search came to."""

    hits: tuple[SearchHit, ...]
    searched: int
    """How many messages there are in the session that was looked through, or in all."""
    more: bool = False
    """There are more hits than these."""
