"""Every fact the program knows how to tell: frozen, past tense, ids and plain values only.

Each has a stable string tag for the codec. `at` is wall time in epoch seconds, `*_s` are durations in
seconds; both are put in by whoever dispatches. `DURABLE` names those that a journal keeps.
"""

from typing import Any, Literal

import msgspec

from quarterdeck.domain.ids import AgentId, CallId, MessageId, RequestId, RunId
from quarterdeck.domain.messages import Message
from quarterdeck.domain.requests import Answer, Request
from quarterdeck.domain.teammates import (
    Cleanup,
    IdleReason,
    Lifetime,
    Outcome,
    PermissionMode,
    WaitsOn,
    Way,
)
from quarterdeck.domain.usage import Usage
from quarterdeck.state.entries import Diff, ToolStatus


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """What all actions share."""

    at: float


class SessionOpened(Fact, frozen=True, tag="session_opened"):
    """The program started in a folder, with or without a model to ask."""

    session_id: str
    folder: str
    team: str
    model: str | None
    endpoint: str
    """What the model is reached by, in words for the person; empty = none."""
    started_in: str = ""
    """The folder that the program was started in, where that is not `folder`."""
    scripted: str = ""
    """What the scripted model plays, as it is started again; empty = the model is none of ours."""


class SessionResumed(Fact, frozen=True, tag="session_resumed"):
    """The session goes on in another process, on what the journal held."""

    crashed: bool
    """The one before did not end it."""


class SessionClosed(Fact, frozen=True, tag="session_closed"):
    """The program ended the session; without it the process was gone all at once."""


class TeammateSpawned(Fact, frozen=True, tag="teammate_spawned"):
    """A run came to life; it is `spawning`."""

    run_id: RunId
    agent_id: AgentId
    name: str
    team: str
    color: int
    prompt: str
    description: str
    model: str
    lifetime: Lifetime
    permission_mode: PermissionMode
    plan_mode_required: bool
    verb: str
    past_verb: str
    parent: RunId | None = None
    tool_use_id: str | None = None
    is_lead: bool = False
    revived_from: RunId | None = None
    first_entry_id: int = 1
    """Where its transcript goes on; above 1 after a revival."""
    rules: tuple[str, ...] = ()
    """Allow rules for this teammate alone."""
    max_turns: int | None = None
    """Most steps of the run; None = no limit."""
    time_limit_s: float | None = None
    cleanup: Cleanup = Cleanup.KEEP


class TeammateReady(Fact, frozen=True, tag="teammate_ready"):
    """The run can take messages; no turn is open yet."""

    run_id: RunId


class TurnStarted(Fact, frozen=True, tag="turn_started"):
    """A message opened a turn."""

    run_id: RunId
    verb: str
    past_verb: str


class VerbChanged(Fact, frozen=True, tag="verb_changed"):
    """A long turn got another spinner verb."""

    run_id: RunId
    verb: str
    past_verb: str


class TurnEnded(Fact, frozen=True, tag="turn_ended"):
    """The turn is closed and the run idle."""

    run_id: RunId
    reason: IdleReason
    final_text: str
    duration_s: float
    usage: Usage
    """Of this turn alone."""


class TeammateWaited(Fact, frozen=True, tag="teammate_waited"):
    """The turn stands still until something happens."""

    run_id: RunId
    on: WaitsOn


class TeammateResumed(Fact, frozen=True, tag="teammate_resumed"):
    """What was waited for is there."""

    run_id: RunId


class TeammatePaused(Fact, frozen=True, tag="teammate_paused"):
    """No new model request or tool starts until continued."""

    run_id: RunId
    by: str


class TeammateContinued(Fact, frozen=True, tag="teammate_continued"):
    """Back to where it was when it was paused."""

    run_id: RunId


class StopRequested(Fact, frozen=True, tag="stop_requested"):
    """Asked to finish: the current tool completes, then a last report, until the deadline."""

    run_id: RunId
    deadline_at: float


class StopTakenBack(Fact, frozen=True, tag="stop_taken_back"):
    """The person changed their mind before the closing step."""

    run_id: RunId


class ClosingStepStarted(Fact, frozen=True, tag="closing_step_started"):
    """The last report is being written; a stop can no longer be taken back."""

    run_id: RunId


class TeammateEnded(Fact, frozen=True, tag="teammate_ended"):
    """The one terminal record of a run that was not killed by hand."""

    run_id: RunId
    outcome: Outcome
    findings: str
    error: str = ""
    by: str = ""


class TeammateKilled(Fact, frozen=True, tag="teammate_killed"):
    """Killed: terminal at once; the proof follows in `Kill*` facts."""

    run_id: RunId
    by: str
    processes_total: int = 0
    """Processes that run at this moment."""
    outcome: Outcome = Outcome.KILLED
    """`stopped` when the deadline of a stop passed, `timed_out` when its time was up."""
    requests_withdrawn: int = 0
    """Open requests that leave the inbox with it."""


class KillStreamClosed(Fact, frozen=True, tag="kill_stream_closed"):
    """Its connection to the model is closed (or there was none)."""

    run_id: RunId
    after_s: float


class KillProcessesCounted(Fact, frozen=True, tag="kill_processes_counted"):
    """How many of the processes it started are left; zero left is the kernel's own proof."""

    run_id: RunId
    left: int
    total: int
    after_s: float


class KillTaskEnded(Fact, frozen=True, tag="kill_task_ended"):
    """Its coroutine has returned (`detached`: it ignored cancelling and was abandoned)."""

    run_id: RunId
    after_s: float
    detached: bool = False


class RequestRefusedAfterKill(Fact, frozen=True, tag="request_refused_after_kill"):
    """A request to the model by a killed run was refused by its epoch; never sent."""

    run_id: RunId


class TeammateRenamed(Fact, frozen=True, tag="teammate_renamed"):
    """The person gave it another name."""

    run_id: RunId
    name: str
    agent_id: AgentId


class ModelChosen(Fact, frozen=True, tag="model_chosen"):
    """The next requests of this run go to another model."""

    run_id: RunId
    model: str


class PermissionModeChanged(Fact, frozen=True, tag="permission_mode_changed"):
    """By an approved plan or by the person."""

    run_id: RunId
    mode: PermissionMode


class TeammateEvicted(Fact, frozen=True, tag="teammate_evicted"):
    """The row left the team; History keeps the run."""

    run_id: RunId


class ChildrenAnnounced(Fact, frozen=True, tag="children_announced"):
    """All task runs of a requester have ended: it is told of those it had not been told of, in one message.

    The message is in its mail with this fact: told and marked at once, or neither.
    """

    run_id: RunId | None
    """The requester, in the life that it lives now; None = it has ended, and the person has a notice."""
    children: tuple[RunId, ...]
    """In the order of their ends."""
    message_id: MessageId
    sender: str
    text: str


class RunReleased(Fact, frozen=True, tag="run_released"):
    """Nobody waits for this run any more: no announcement counts it, and it is in no active registry."""

    run_id: RunId


class TranscriptDropped(Fact, frozen=True, tag="transcript_dropped"):
    """What an ended run said and was told is deleted; its record, findings and usage stay.

    What the journal held of it goes in the transaction of this fact (`state.dropping`).
    """

    run_id: RunId
    entry_id: int
    """The id of the transcript's next entry: the one that says so has it."""


class RunArchived(Fact, frozen=True, tag="run_archived"):
    """It has left the active registry; History keeps it."""

    run_id: RunId


class TeammateViewed(Fact, frozen=True, tag="teammate_viewed"):
    """The person's focus went into this run's transcript, request or composer (None = out of all)."""

    run_id: RunId | None


class TeammateSeen(Fact, frozen=True, tag="teammate_seen"):
    """The person opened or acted on a failed row; its display delay starts."""

    run_id: RunId


class StepStarted(Fact, frozen=True, tag="step_started"):
    """A request to the model was sent."""

    run_id: RunId


class TextStreamed(Fact, frozen=True, tag="text_streamed"):
    """Text of many runs, merged once per tick; an empty text is a sign of life."""

    parts: tuple[tuple[RunId, str], ...] = ()
    thinking: tuple[tuple[RunId, str], ...] = ()


class StepDiscarded(Fact, frozen=True, tag="step_discarded"):
    """The response was not whole: its text is taken off the screen."""

    run_id: RunId
    reason: str


class TextSaid(Fact, frozen=True, tag="text_said"):
    """A whole text block of an accepted step (or of an interrupted one, marked)."""

    run_id: RunId
    text: str
    interrupted: bool = False


class ThoughtFinished(Fact, frozen=True, tag="thought_finished"):
    """A whole thinking block; empty text = redacted by the provider."""

    run_id: RunId
    text: str


class StepAccepted(Fact, frozen=True, tag="step_accepted"):
    """The response was whole; its blocks have been told before."""

    run_id: RunId
    stop_reason: str


class MessageRecorded(Fact, frozen=True, tag="message_recorded"):
    """The conversation grew: blocks by the user, added to a message of theirs that is last, or a reply.

    For the journal alone; the window shows the same in other facts.
    """

    run_id: RunId
    role: Literal["user", "assistant"]
    blocks: tuple[dict[str, Any], ...]


class HistoryRepaired(Fact, frozen=True, tag="history_repaired"):
    """The conversation was made fit to be sent, by more than adding to it: this is all of it now."""

    run_id: RunId
    messages: tuple[Message, ...]


class UsageRecorded(Fact, frozen=True, tag="usage_recorded"):
    """The usage of one response, once, by its last cumulative figures."""

    run_id: RunId
    usage: Usage


class ProgressReported(Fact, frozen=True, tag="progress_reported"):
    """What a run has done so far was told to whoever asked for it; the next report carries differences."""

    run_id: RunId
    tools: int
    tokens: int


class ToolStarted(Fact, frozen=True, tag="tool_started"):
    """A tool call runs."""

    run_id: RunId
    call_id: CallId
    tool: str
    title: str
    """What it works on: the command, the path, the pattern."""
    rule: str = ""
    """By which rule or mode it was allowed, in words for the screen."""
    timeout_s: float | None = None


class ToolPrinted(Fact, frozen=True, tag="tool_printed"):
    """Output so far of a running tool (bounded tail)."""

    run_id: RunId
    call_id: CallId
    tail: str


class ToolEnded(Fact, frozen=True, tag="tool_ended"):
    """The call has its result."""

    run_id: RunId
    call_id: CallId
    tool: str
    title: str
    status: ToolStatus
    summary: str
    """`61 lines`, `exit 0`, `+1 −1`, …"""
    detail: str
    """What the model got, bounded for the window."""
    duration_s: float
    diff: Diff | None = None
    rule: str = ""


class RequestOpened(Fact, frozen=True, tag="request_opened"):
    """Something only the person can answer; a higher version of a known id replaces it."""

    request: Request


class RequestAnswered(Fact, frozen=True, tag="request_answered"):
    """The person's own answer, to exactly this version."""

    request_id: RequestId
    version: int
    answer: Answer


class RequestWithdrawn(Fact, frozen=True, tag="request_withdrawn"):
    """Nobody needs an answer any more."""

    request_id: RequestId
    reason: str


class RuleGiven(Fact, frozen=True, tag="rule_given"):
    """The person allowed a rule for one teammate (`agent_id`) or for a team (`team`)."""

    rule: str
    agent_id: AgentId | None = None
    team: str | None = None


class MessageQueued(Fact, frozen=True, tag="message_queued"):
    """Somebody wrote to a teammate."""

    message_id: MessageId
    run_id: RunId
    sender: str
    """`you` for the person, else the teammate's name."""
    text: str
    way: Way


class MessageDelivered(Fact, frozen=True, tag="message_delivered"):
    """It is part of the conversation now."""

    message_id: MessageId
    run_id: RunId
    sender: str
    text: str
    way: Way
    with_answer: bool = False


class MessageAnswered(Fact, frozen=True, tag="message_answered"):
    """The turn that it was delivered to has ended."""

    message_id: MessageId
    run_id: RunId


class MessageWithdrawn(Fact, frozen=True, tag="message_withdrawn"):
    """Taken back while queued, or dropped with its run."""

    message_id: MessageId
    run_id: RunId


class NoteTaken(Fact, frozen=True, tag="note_taken"):
    """A line in a run's transcript that nobody said: interrupted, refused, stopped for an unknown reason."""

    run_id: RunId
    text: str


class NoticeRaised(Fact, frozen=True, tag="notice_raised"):
    """One line for the person that belongs to no transcript."""

    text: str
    is_fault: bool = False


Action = (
    SessionOpened
    | SessionResumed
    | SessionClosed
    | TeammateSpawned
    | TeammateReady
    | TurnStarted
    | VerbChanged
    | TurnEnded
    | TeammateWaited
    | TeammateResumed
    | TeammatePaused
    | TeammateContinued
    | StopRequested
    | StopTakenBack
    | ClosingStepStarted
    | TeammateEnded
    | TeammateKilled
    | KillStreamClosed
    | KillProcessesCounted
    | KillTaskEnded
    | RequestRefusedAfterKill
    | TeammateRenamed
    | ModelChosen
    | PermissionModeChanged
    | TeammateEvicted
    | ChildrenAnnounced
    | RunReleased
    | TranscriptDropped
    | RunArchived
    | TeammateViewed
    | TeammateSeen
    | StepStarted
    | TextStreamed
    | StepDiscarded
    | TextSaid
    | ThoughtFinished
    | StepAccepted
    | MessageRecorded
    | HistoryRepaired
    | UsageRecorded
    | ProgressReported
    | ToolStarted
    | ToolPrinted
    | ToolEnded
    | RequestOpened
    | RequestAnswered
    | RequestWithdrawn
    | RuleGiven
    | MessageQueued
    | MessageDelivered
    | MessageAnswered
    | MessageWithdrawn
    | NoteTaken
    | NoticeRaised
)

TRANSIENT = (VerbChanged, TextStreamed, ToolPrinted, TeammateViewed, NoticeRaised)
"""Facts for the screen alone; every other action is durable."""

FOR_THE_JOURNAL = (MessageRecorded, HistoryRepaired, SessionResumed, SessionClosed)
"""Durable facts that change no state: the conversation as the model gets it is too large for that."""

LIFECYCLE = (
    TeammateReady,
    TurnStarted,
    TurnEnded,
    TeammateWaited,
    TeammateResumed,
    TeammatePaused,
    TeammateContinued,
    StopRequested,
    StopTakenBack,
    TeammateEnded,
    TeammateKilled,
)
"""Facts that move a lifecycle: one that changed nothing is worth a line in the log."""

MOVES_ROWS = (
    *LIFECYCLE,
    ClosingStepStarted,
    TeammateRenamed,
    ToolStarted,
    ToolEnded,
)
"""Facts that can move a row of the roster: it is sorted anew after them."""


def is_durable(action: Action) -> bool:
    """Whether a journal keeps this fact."""
    return not isinstance(action, TRANSIENT)
