"""The team: one record per run, the rows in the order of spawning, and which run is being viewed.

Keyed by run id. `Team.revision` counts changes that can move a row: no roster is sorted for every token.
"""

import msgspec
from immutables import Map

from quarterdeck.domain.ids import AgentId, RunId
from quarterdeck.domain.teammates import (
    Cleanup,
    IdleReason,
    KillProof,
    Lifecycle,
    Lifetime,
    Outcome,
    PermissionMode,
    WaitsOn,
)
from quarterdeck.domain.usage import NO_USAGE, Usage
from quarterdeck.state import actions as did
from quarterdeck.state.proofs import prove
from quarterdeck.state.running import RunningTool

replace = msgspec.structs.replace

KEPT_WORDS = 400
"""Of what a run said last, so many characters stay here once it left the screen and its requester was told.
The whole is in its transcript, and in the registry as its findings."""
NOBODY = RunId("")
"""No run has this id: what a fact without a run is looked up by."""


class Teammate(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one teammate."""

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
    spawned_at: float
    since: float
    """When its lifecycle, or what it waits for, last changed."""
    parent: RunId | None = None
    """A run that was spawned before it, so that families have no cycles."""
    tool_use_id: str | None = None
    is_lead: bool = False
    revived_from: RunId | None = None
    rules: tuple[str, ...] = ()
    max_turns: int | None = None
    time_limit_s: float | None = None
    cleanup: Cleanup = Cleanup.KEEP

    place: Lifecycle = Lifecycle.SPAWNING
    """spawning, ready, executing or waiting: where it is under a pause or a stop."""
    paused_by: str = ""
    stop_deadline_at: float | None = None
    is_closing: bool = False
    """The last report is being written."""
    waits_on: WaitsOn | None = None
    idle_reason: IdleReason | None = None
    turn_started_at: float | None = None
    final_text: str = ""
    running: tuple[RunningTool, ...] = ()

    usage: Usage = NO_USAGE
    tools: int = 0
    """Tool calls so far."""
    steps: int = 0
    reported_tools: int = 0
    reported_tokens: int = 0
    last_sign_at: float = 0.0

    outcome: Outcome | None = None
    ended_at: float | None = None
    ended_by: str = ""
    error: str = ""
    ended_nth: int = 0
    """Which end of the session it was, from 1; 0 = it lives."""
    notified: bool = False
    """No notice of its own will be sent for this end."""
    announced_at: float | None = None
    """When whoever asked for it was told of its end."""
    released_at: float | None = None
    """When it was said that nobody waits for it any more."""
    cleaned_at: float | None = None
    """When its transcript was deleted."""
    archived_at: float | None = None
    kill: KillProof | None = None
    seen_at: float | None = None
    left_view_at: float | None = None
    is_evicted: bool = False

    @property
    def lifecycle(self) -> Lifecycle:
        """The one word for where it is in its life."""
        if self.outcome is not None:
            return Lifecycle.FAILED if self.outcome is Outcome.FAILED else Lifecycle.TERMINATED
        if self.stop_deadline_at is not None:
            return Lifecycle.TERMINATING
        return Lifecycle.PAUSED if self.paused_by else self.place

    @property
    def is_terminal(self) -> bool:
        """It has its one terminal record."""
        return self.outcome is not None

    @property
    def is_idle(self) -> bool:
        """No turn is open (also while paused or asked to stop)."""
        return self.outcome is None and self.place is Lifecycle.READY


class Team(msgspec.Struct, frozen=True):
    """All runs of this session."""

    by_run: Map[RunId, Teammate] = Map()
    rows: tuple[RunId, ...] = ()
    """What the roster holds, in the order of spawning."""
    history: tuple[RunId, ...] = ()
    """Evicted runs, oldest first."""
    viewed: RunId | None = None
    revision: int = 0
    ends: int = 0
    """How many runs have ended."""


def reduce_team(team: Team, action: did.Action) -> Team:
    """Fold one fact in; the same object when nothing changed."""
    match action:
        case did.TeammateSpawned():
            return _spawn(team, action)
        case did.TeammateViewed():
            return _view(team, action)
        case did.TeammateEvicted(run_id=run_id):
            return _evict(team, run_id)
        case did.ChildrenAnnounced():
            return _announce(team, action)
        case did.TextStreamed() | did.SessionOpened():
            return team
    old = team.by_run.get(getattr(action, "run_id", NOBODY))
    if old is None:
        return team
    if isinstance(action, did.RunReleased):
        new = replace(old, released_at=action.at) if old.released_at is None else old
    else:
        new = _reduce_terminal(old, action) if old.is_terminal else _reduce_live(old, action)
    if new is old or new == old:
        return team
    ends = team.ends
    if new.is_terminal and not old.is_terminal:
        ends += 1
        new = replace(new, ended_nth=ends)
    return replace(
        team,
        by_run=team.by_run.set(old.run_id, new),
        revision=team.revision + int(isinstance(action, did.MOVES_ROWS)),
        ends=ends,
    )


def _spawn(team: Team, action: did.TeammateSpawned) -> Team:
    if action.run_id in team.by_run:
        return team
    mate = Teammate(
        run_id=action.run_id,
        agent_id=action.agent_id,
        name=action.name,
        team=action.team,
        color=action.color,
        prompt=action.prompt,
        description=action.description,
        model=action.model,
        lifetime=action.lifetime,
        permission_mode=action.permission_mode,
        plan_mode_required=action.plan_mode_required,
        verb=action.verb,
        past_verb=action.past_verb,
        spawned_at=action.at,
        since=action.at,
        last_sign_at=action.at,
        parent=action.parent if action.parent in team.by_run else None,
        tool_use_id=action.tool_use_id,
        is_lead=action.is_lead,
        revived_from=action.revived_from,
        rules=action.rules,
        max_turns=action.max_turns,
        time_limit_s=action.time_limit_s,
        cleanup=action.cleanup,
    )
    return replace(
        team,
        by_run=team.by_run.set(action.run_id, mate),
        rows=(*team.rows, action.run_id),
        revision=team.revision + 1,
    )


def _announce(team: Team, action: did.ChildrenAnnounced) -> Team:
    by_run = team.by_run
    for child in action.children:
        if (mate := by_run.get(child)) is not None and mate.is_terminal and mate.announced_at is None:
            by_run = by_run.set(child, _shortened(replace(mate, announced_at=action.at)))
    return team if by_run is team.by_run else replace(team, by_run=by_run)


def _view(team: Team, action: did.TeammateViewed) -> Team:
    if action.run_id == team.viewed or (action.run_id is not None and action.run_id not in team.by_run):
        return team
    by_run = team.by_run
    left = by_run.get(team.viewed) if team.viewed is not None else None
    if left is not None:
        by_run = by_run.set(left.run_id, replace(left, left_view_at=action.at))
    return replace(team, by_run=by_run, viewed=action.run_id)


def _evict(team: Team, run_id: RunId) -> Team:
    mate = team.by_run.get(run_id)
    if mate is None or not mate.is_terminal or mate.is_evicted:
        return team
    return replace(
        team,
        by_run=team.by_run.set(run_id, _shortened(replace(mate, is_evicted=True))),
        rows=tuple(row for row in team.rows if row != run_id),
        history=(*team.history, run_id),
        revision=team.revision + 1,
    )


def _shortened(mate: Teammate) -> Teammate:
    is_owed = mate.lifetime is Lifetime.TASK and mate.parent is not None and mate.announced_at is None
    is_long = len(mate.final_text) > KEPT_WORDS and mate.is_evicted and not is_owed
    return replace(mate, final_text=mate.final_text[:KEPT_WORDS]) if is_long else mate


def _reduce_live(mate: Teammate, action: did.Action) -> Teammate:
    match action:
        case did.TeammateEnded() | did.TeammateKilled():
            return _end(mate, action)
        case did.TeammatePaused() | did.TeammateContinued() | did.StopRequested() | did.StopTakenBack():
            return _hold(mate, action)
        case did.ToolStarted() | did.ToolPrinted() | did.ToolEnded():
            return _tool(mate, action)
        case did.UsageRecorded() | did.StepStarted() | did.StepAccepted() | did.ProgressReported():
            return _count(mate, action)
        case did.TeammateRenamed() | did.ModelChosen() | did.PermissionModeChanged():
            return _set(mate, action)
    return _turn(mate, action)


def _end(mate: Teammate, action: did.TeammateEnded | did.TeammateKilled) -> Teammate:
    ended = action if isinstance(action, did.TeammateEnded) else None
    return replace(
        mate,
        outcome=action.outcome,
        ended_at=action.at,
        since=action.at,
        ended_by=action.by,
        error=ended.error if ended is not None else "",
        final_text=(ended.findings if ended is not None else "") or mate.final_text,
        running=(),
        waits_on=None,
        idle_reason=None,
        stop_deadline_at=None,
        paused_by="",
        is_closing=False,
        notified=ended is None,
        kill=KillProof(processes_total=action.processes_total, requests_withdrawn=action.requests_withdrawn)
        if isinstance(action, did.TeammateKilled)
        else None,
    )


def _hold(
    mate: Teammate, action: did.TeammatePaused | did.TeammateContinued | did.StopRequested | did.StopTakenBack
) -> Teammate:
    match action:
        case did.TeammatePaused(by=by, at=at):
            free = not mate.paused_by and mate.stop_deadline_at is None
            if not free or mate.place is Lifecycle.SPAWNING:
                return mate
            return replace(mate, paused_by=by or "you", since=at)
        case did.TeammateContinued(at=at):
            held = mate.paused_by and mate.stop_deadline_at is None
            return replace(mate, paused_by="", since=at) if held else mate
        case did.StopRequested(deadline_at=deadline_at, at=at):
            if mate.stop_deadline_at is not None:
                return mate
            return replace(mate, stop_deadline_at=deadline_at, since=at)
        case did.StopTakenBack(at=at):
            asked = mate.stop_deadline_at is not None and not mate.is_closing
            if not asked or mate.place is Lifecycle.SPAWNING:
                return mate
            return replace(mate, stop_deadline_at=None, since=at)


def _tool(mate: Teammate, action: did.ToolStarted | did.ToolPrinted | did.ToolEnded) -> Teammate:
    match action:
        case did.ToolStarted(call_id=call_id, tool=tool, title=title, at=at, timeout_s=timeout_s):
            running = (*mate.running, RunningTool(call_id, tool, title, at, timeout_s))
            return replace(mate, running=running, tools=mate.tools + 1, last_sign_at=at)
        case did.ToolPrinted(at=at):
            return replace(mate, last_sign_at=at)
        case did.ToolEnded(call_id=call_id, at=at):
            running = tuple(tool for tool in mate.running if tool.call_id != call_id)
            return replace(mate, running=running, last_sign_at=at)


def _count(
    mate: Teammate, action: did.UsageRecorded | did.StepStarted | did.StepAccepted | did.ProgressReported
) -> Teammate:
    match action:
        case did.UsageRecorded(usage=usage, at=at):
            return replace(mate, usage=mate.usage + usage, last_sign_at=at)
        case did.StepStarted(at=at):
            return replace(mate, last_sign_at=at)
        case did.StepAccepted(at=at):
            return replace(mate, steps=mate.steps + 1, last_sign_at=at)
        case did.ProgressReported(tools=tools, tokens=tokens):
            return replace(mate, reported_tools=tools, reported_tokens=tokens)


def _set(
    mate: Teammate, action: did.TeammateRenamed | did.ModelChosen | did.PermissionModeChanged
) -> Teammate:
    match action:
        case did.TeammateRenamed(name=name, agent_id=agent_id):
            return replace(mate, name=name, agent_id=agent_id)
        case did.ModelChosen(model=model):
            return replace(mate, model=model)
        case did.PermissionModeChanged(mode=mode):
            return replace(mate, permission_mode=mode)


def _turn(mate: Teammate, action: did.Action) -> Teammate:
    match mate.place, action:
        case Lifecycle.SPAWNING, did.TeammateReady(at=at):
            return replace(mate, place=Lifecycle.READY, idle_reason=IdleReason.NEW, since=at, last_sign_at=at)
        case Lifecycle.READY, did.TurnStarted(at=at, verb=verb, past_verb=past_verb):
            return replace(
                mate,
                place=Lifecycle.EXECUTING,
                idle_reason=None,
                verb=verb,
                past_verb=past_verb,
                turn_started_at=at,
                since=at,
                last_sign_at=at,
            )
        case Lifecycle.EXECUTING, did.TeammateWaited(on=on, at=at):
            return replace(mate, place=Lifecycle.WAITING, waits_on=on, since=at)
        case Lifecycle.WAITING, did.TeammateResumed(at=at):
            return replace(mate, place=Lifecycle.EXECUTING, waits_on=None, since=at, last_sign_at=at)
        case (
            (Lifecycle.EXECUTING | Lifecycle.WAITING),
            did.TurnEnded(reason=reason, final_text=final_text, at=at),
        ):
            return replace(
                mate,
                place=Lifecycle.READY,
                waits_on=None,
                idle_reason=reason,
                final_text=final_text or mate.final_text,
                turn_started_at=None,
                running=(),
                since=at,
                last_sign_at=at,
            )
        case _, did.VerbChanged(verb=verb, past_verb=past_verb):
            return replace(mate, verb=verb, past_verb=past_verb)
        case _, did.ClosingStepStarted() if mate.stop_deadline_at is not None and not mate.is_closing:
            return replace(mate, is_closing=True)
    return mate


def _reduce_terminal(mate: Teammate, action: did.Action) -> Teammate:
    """After the end: late usage, the proof of a kill, and what the person saw."""
    match action:
        case did.UsageRecorded(usage=usage):
            return replace(mate, usage=mate.usage + usage)
        case did.TeammateSeen(at=at) if mate.seen_at is None:
            return replace(mate, seen_at=at)
        case did.RunArchived(at=at) if mate.archived_at is None:
            return replace(mate, archived_at=at)
        case did.TranscriptDropped(at=at) if mate.cleaned_at is None:
            return replace(mate, cleaned_at=at)
    if mate.kill is None:
        return mate
    proof = prove(mate.kill, action)
    return mate if proof is mate.kill else replace(mate, kill=proof)
