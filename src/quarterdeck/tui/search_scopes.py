"""Where a search can look, as the person chooses it, and what that is for the archive. Pure."""

from enum import StrEnum

from quarterdeck.domain.archive import EVERYWHERE, FILE_TOOLS, SearchScope, StoredRun, TextKind
from quarterdeck.domain.ids import RunId
from quarterdeck.state.selectors import select_lives
from quarterdeck.state.teammates import Team


class Where(StrEnum):
    """Where to look; the value is what the screen says."""

    EVERYTHING = "everything"
    SESSION = "this session"
    TEAMMATE = "this teammate"
    PLANS = "plans"
    CALLS = "tool calls"
    FILES = "files"


def scope_of(where: Where, session_id: str, teammate: SearchScope | None) -> SearchScope:
    """What the archive is asked for.

    :param session_id: the session on the screen.
    :param teammate: the teammate that is meant.
    """
    match where:
        case Where.SESSION:
            return SearchScope(session_id)
        case Where.TEAMMATE if teammate is not None:
            return teammate
        case Where.PLANS:
            return SearchScope(kind=TextKind.PLAN)
        case Where.CALLS:
            return SearchScope(kind=TextKind.CALL)
        case Where.FILES:
            return SearchScope(kind=TextKind.CALL, speakers=FILE_TOOLS)
    return EVERYWHERE


def choices(teammate: SearchScope | None) -> tuple[Where, ...]:
    """The places that there are: no teammate is offered where none is meant."""
    return tuple(one for one in Where if one is not Where.TEAMMATE or teammate is not None)


def scope_of_run(session_id: str, team: Team, run_id: RunId) -> SearchScope:
    """Every life of a teammate of this session, older and newer ones."""
    lives = set(select_lives(team, run_id))
    lives |= {one for one in team.by_run if run_id in select_lives(team, one)}
    return SearchScope(session_id, tuple(sorted(lives)))


def scope_of_stored(run: StoredRun) -> SearchScope:
    """A run of another session."""
    return SearchScope(run.session_id, (run.run_id,))
