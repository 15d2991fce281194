"""What the session is: where it runs, what model it can ask, the rules given in it, the latest notice."""

import msgspec

from quarterdeck.domain.ids import AgentId
from quarterdeck.state import actions as did

replace = msgspec.structs.replace


class Notice(msgspec.Struct, frozen=True):
    """The line above the composer."""

    at: float
    text: str
    is_fault: bool


class GivenRule(msgspec.Struct, frozen=True):
    """A rule the person gave, for one teammate (and its revivals) or for a team."""

    rule: str
    at: float
    agent_id: AgentId | None = None
    team: str | None = None


class Session(msgspec.Struct, frozen=True):
    """One run of the program."""

    id: str = ""
    folder: str = ""
    team: str = ""
    model: str | None = None
    endpoint: str = ""
    started_in: str = ""
    """The folder that the program was started in, where that is not `folder`."""
    scripted: str = ""
    """What the scripted model plays; empty = the model is none of ours."""
    opened_at: float = 0.0
    rules: tuple[GivenRule, ...] = ()
    notice: Notice | None = None


def reduce_session(session: Session, action: did.Action, *, agent: AgentId | None = None) -> Session:
    """Fold one fact in; the same object when nothing changed. `agent`: whom it is about, before it."""
    match action:
        case did.TeammateRenamed(agent_id=agent_id) if agent is not None:
            # Its rules go with it: they are neither lost nor those of who takes its old name.
            if agent_id == agent or not any(one.agent_id == agent for one in session.rules):
                return session
            moved = (
                replace(one, agent_id=agent_id) if one.agent_id == agent else one for one in session.rules
            )
            return replace(session, rules=tuple(moved))
        case did.SessionOpened():
            opened = replace(
                session,
                id=action.session_id,
                folder=action.folder,
                team=action.team,
                model=action.model,
                endpoint=action.endpoint,
                started_in=action.started_in,
                scripted=action.scripted,
                opened_at=action.at,
            )
            return session if opened == session else opened
        case did.RuleGiven(rule=rule, at=at, agent_id=agent_id, team=team):
            known = any(
                one.rule == rule and one.agent_id == agent_id and one.team == team for one in session.rules
            )
            given = GivenRule(rule, at, agent_id, team)
            return session if known else replace(session, rules=(*session.rules, given))
        case did.NoticeRaised(at=at, text=text, is_fault=is_fault):
            notice = Notice(at, text, is_fault)
            return session if notice == session.notice else replace(session, notice=notice)
    return session
