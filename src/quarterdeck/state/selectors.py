"""What is derived from the state for the screen and for machines. Pure; nothing here is stored."""

from collections.abc import Sequence
from enum import IntEnum

import msgspec

from quarterdeck.domain.ids import AgentId, RequestId, RunId
from quarterdeck.domain.requests import Request
from quarterdeck.domain.teammates import Lifecycle, Outcome
from quarterdeck.domain.usage import NO_USAGE, Usage
from quarterdeck.state.app_state import AppState
from quarterdeck.state.requests import Inbox
from quarterdeck.state.teammates import Team, Teammate


class Group(IntEnum):
    """Where a row stands in the roster, most urgent first."""

    NEEDS_YOU = 0
    FAILED = 1
    WORKING = 2
    IDLE = 3
    ENDED = 4


class DisplayDelays(msgspec.Struct, frozen=True):
    """How long a row stays after its end, in seconds."""

    killed: float = 3.0
    stopped: float = 3.0
    completed: float = 5.0
    timed_out: float = 30.0
    seen: float = 30.0
    """For failed and unknown rows, from when the person has seen them."""


class Row(msgspec.Struct, frozen=True):
    """One row of the roster in its order."""

    run_id: RunId
    group: Group
    depth: int
    """0, or how deep in its family."""
    request: RequestId | None = None
    """Its oldest open request; of a run that has ended, the one that waits for its revival."""


def select_requests(state: AppState) -> tuple[Request, ...]:
    """All open requests, oldest first."""
    return tuple(state.inbox.by_id[one] for one in state.inbox.open)


def select_suspended(state: AppState) -> tuple[Request, ...]:
    """Requests of runs that have ended; they need the person too, and can be answered after a revival."""
    return tuple(state.inbox.by_id[one] for one in state.inbox.suspended)


def select_suspended_of(state: AppState, run_id: RunId) -> Request | None:
    """The request of a run that waits for its revival."""
    return next((one for one in select_suspended(state) if one.run_id == run_id), None)


def select_request_of(state: AppState, run_id: RunId) -> Request | None:
    """The oldest open request of a run."""
    for one in state.inbox.open:
        request = state.inbox.by_id[one]
        if request.run_id == run_id:
            return request
    return None


def group_of(mate: Teammate, *, needs_you: bool) -> Group:
    """The group of one teammate."""
    if needs_you:
        return Group.NEEDS_YOU
    match mate.outcome:
        case Outcome.FAILED | Outcome.UNKNOWN:
            return Group.FAILED
        case None:
            return Group.IDLE if mate.place is Lifecycle.READY and not mate.running else Group.WORKING
    return Group.ENDED


def select_rows(team: Team, inbox: Inbox) -> tuple[Row, ...]:
    """The roster: families together, ranked by their most urgent member, children under their parent.

    Within a group: needs you by the longest wait, else in the order of spawning. O(n log n); compute it
    when `team.revision` changed, not per token.
    """
    asked: dict[RunId, RequestId] = {}
    for one in (*inbox.open, *inbox.suspended):
        asked.setdefault(inbox.by_id[one].run_id, one)
    rows = set(team.rows)
    children: dict[RunId | None, list[RunId]] = {}
    for run_id in team.rows:
        parent = team.by_run[run_id].parent
        children.setdefault(parent if parent in rows else None, []).append(run_id)
    rank: dict[RunId, tuple[int, float, int]] = {}
    place = {run_id: at for at, run_id in enumerate(team.rows)}
    for run_id in reversed(team.rows):
        mate = team.by_run[run_id]
        group = group_of(mate, needs_you=run_id in asked)
        waited = inbox.by_id[asked[run_id]].opened_at if run_id in asked else 0.0
        own = (int(group), waited, place[run_id])
        rank[run_id] = min([own, *(rank[child] for child in children.get(run_id, ()))])
    found: list[Row] = []

    def walk(run_ids: Sequence[RunId], depth: int) -> None:
        for run_id in sorted(run_ids, key=rank.__getitem__):
            mate = team.by_run[run_id]
            found.append(Row(run_id, group_of(mate, needs_you=run_id in asked), depth, asked.get(run_id)))
            walk(children.get(run_id, ()), depth + 1)

    walk(children.get(None, ()), 0)
    return tuple(found)


def select_last_sign(state: AppState, run_id: RunId) -> float:
    """When the run last gave a sign of life (epoch seconds)."""
    mate = state.team.by_run[run_id]
    transcript = state.transcripts.get(run_id)
    return max(mate.last_sign_at, transcript.last_at) if transcript is not None else mate.last_sign_at


def select_total_usage(team: Team, run_id: RunId | None = None) -> Usage:
    """Usage of a run with all its descendants, or (None) of the whole session."""
    whole = NO_USAGE
    for mate in team.by_run.values():
        if run_id is None or mate.run_id == run_id or _descends(team, mate, run_id):
            whole = whole + mate.usage
    return whole


def _descends(team: Team, mate: Teammate, ancestor: RunId) -> bool:
    parent = mate.parent
    while parent is not None:
        if parent == ancestor:
            return True
        above = team.by_run.get(parent)
        parent = above.parent if above is not None else None
    return False


def select_descendants(team: Team, run_id: RunId) -> tuple[RunId, ...]:
    """Living runs that this run spawned (in earlier lives too), and those that they spawned."""
    lives = select_lives(team, run_id)
    return tuple(
        mate.run_id
        for mate in team.by_run.values()
        if not mate.is_terminal
        and mate.run_id != run_id
        and any(_descends(team, mate, life) for life in lives)
    )


def select_lives(team: Team, run_id: RunId) -> tuple[RunId, ...]:
    """A run and the runs that it was revived from, newest first."""
    found: list[RunId] = []
    at: RunId | None = run_id
    while at is not None and at not in found and (mate := team.by_run.get(at)) is not None:
        found.append(at)
        at = mate.revived_from
    return tuple(found)


def select_agent_ids(team: Team, run_id: RunId) -> frozenset[AgentId]:
    """Of all its lives: as `name-2` it is still the same teammate."""
    return frozenset(team.by_run[life].agent_id for life in select_lives(team, run_id))


def select_by_name(team: Team, name: str) -> Teammate | None:
    """The run that has this name now (compared without case): the living one, else the last that ended."""
    folded = name.casefold()
    found: Teammate | None = None
    for mate in team.by_run.values():
        if mate.name.casefold() != folded:
            continue
        if not mate.is_terminal:
            return mate
        if found is None or (mate.ended_at or 0.0) >= (found.ended_at or 0.0):
            found = mate
    return found


def select_living(team: Team) -> tuple[Teammate, ...]:
    """Every run that has not ended, in the order of spawning."""
    return tuple(team.by_run[run_id] for run_id in team.rows if not team.by_run[run_id].is_terminal)


def leaves_at(mate: Teammate, delays: DisplayDelays, *, viewed: RunId | None) -> float | None:
    """When the row of an ended run leaves the roster; None = not yet, or not by time."""
    if mate.outcome is None or mate.ended_at is None or mate.is_evicted or mate.run_id == viewed:
        return None
    if mate.kill is not None and not mate.kill.is_complete:
        return None
    start = max(mate.ended_at, mate.left_view_at or 0.0)
    match mate.outcome:
        case Outcome.KILLED:
            return start + delays.killed
        case Outcome.STOPPED:
            return start + delays.stopped
        case Outcome.COMPLETED:
            return start + delays.completed
        case Outcome.TIMED_OUT:
            return start + delays.timed_out
        case Outcome.FAILED | Outcome.UNKNOWN:
            return None if mate.seen_at is None else max(start, mate.seen_at) + delays.seen


def select_leaving(team: Team, delays: DisplayDelays, now: float) -> tuple[RunId, ...]:
    """Rows whose display delay is over, and those whose next life has a row."""
    due = []
    revived = {team.by_run[run_id].revived_from for run_id in team.rows}
    for run_id in team.rows:
        mate = team.by_run[run_id]
        at = leaves_at(mate, delays, viewed=team.viewed)
        goes_on = run_id in revived and run_id != team.viewed and not _has_left_over(mate)
        if goes_on or (at is not None and at <= now):
            due.append(run_id)
    return tuple(due)


def _has_left_over(mate: Teammate) -> bool:
    return mate.kill is not None and not mate.kill.is_complete
