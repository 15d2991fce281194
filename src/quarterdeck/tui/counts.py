"""What the header, the title and the too-small screen count. Derived from the state; names and kinds only."""

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.requests import request_kind
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import Group, group_of, select_requests, select_suspended
from quarterdeck.state.teammates import Team
from quarterdeck.tui.rendering.cells import format_age


class Counts(msgspec.Struct, frozen=True):
    """How many rows are in which state."""

    needs: int = 0
    waits_since: float | None = None
    """When the longest open request was opened (epoch seconds)."""
    working: int = 0
    idle: int = 0
    detached: int = 0
    tokens: int = 0


class Waiting(msgspec.Struct, frozen=True):
    """One open request, as far as strips and notifications may tell of it."""

    name: str
    kind: str
    opened_at: float


def select_counts(state: AppState) -> Counts:
    """Count the rows of the team."""
    working, idle, detached = _groups(state.team)
    requests = (*select_requests(state), *select_suspended(state))
    return Counts(
        needs=len(requests),
        waits_since=min((one.opened_at for one in requests), default=None),
        working=working,
        idle=idle,
        detached=detached,
        tokens=sum(mate.usage.total for mate in state.team.by_run.values()),
    )


def _groups(team: Team) -> tuple[int, int, int]:
    working = idle = detached = 0
    for run_id in team.rows:
        mate = team.by_run[run_id]
        if mate.kill is not None and mate.kill.detached:
            detached += 1
        match group_of(mate, needs_you=False):
            case Group.WORKING if mate.waits_on is None and not mate.paused_by:
                working += 1
            case Group.IDLE:
                idle += 1
    return working, idle, detached


def select_waiting(state: AppState) -> tuple[Waiting, ...]:
    """Every open request, oldest first, then what waits for a revival."""
    return tuple(
        Waiting(clean_name(state.team.by_run[one.run_id].name), request_kind(one), one.opened_at)
        for one in (*select_requests(state), *select_suspended(state))
        if one.run_id in state.team.by_run
    )


def needs_words(count: int) -> str:
    """`1 needs you`, `2 need you`."""
    return f"{count} needs you" if count == 1 else f"{count} need you"


def waiting_words(waiting: tuple[Waiting, ...], now: float) -> str:
    """`coder plan 4m12s · tester permission 1m03s`."""
    return " · ".join(f"{one.name} {one.kind} {format_age(now - one.opened_at)}" for one in waiting)
