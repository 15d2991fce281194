"""The one immutable AppState and the reducer that folds every fact into it."""

import msgspec
from immutables import Map

from quarterdeck.state import actions as did
from quarterdeck.state.log import Log, reduce_log
from quarterdeck.state.mail import Queues, reduce_mail
from quarterdeck.state.requests import Inbox, reduce_inbox
from quarterdeck.state.session import Session, reduce_session
from quarterdeck.state.teammates import NOBODY, Team, reduce_team
from quarterdeck.state.transcripts import Transcripts, reduce_transcripts


class AppState(msgspec.Struct, frozen=True):
    """Plain data only: no tasks, scopes, futures, callbacks, sockets, widgets."""

    session: Session = Session()
    team: Team = Team()
    inbox: Inbox = Inbox()
    transcripts: Transcripts = Map()
    mail: Queues = Map()
    log: Log = Log()


def reduce(state: AppState, action: did.Action) -> AppState:
    """The state after `action`; the same object when it changed nothing. Never raises on any fact."""
    if isinstance(action, did.FOR_THE_JOURNAL):
        return state
    if isinstance(action, did.TextStreamed):
        transcripts = reduce_transcripts(state.transcripts, _of_living(action, state.team))
        return state if transcripts is state.transcripts else _with_transcripts(state, transcripts)
    mate = state.team.by_run.get(getattr(action, "run_id", NOBODY))
    if (mate is None or mate.is_terminal) and isinstance(action, _ONLY_LIVING):
        return state
    team = reduce_team(state.team, action)
    if team is state.team and isinstance(action, _TEAM_FIRST):
        return state
    if isinstance(action, _TEAM_ALONE):
        return state if team is state.team else msgspec.structs.replace(state, team=team)
    agent = mate.agent_id if mate is not None and not mate.is_terminal else None
    session = reduce_session(state.session, action, agent=agent)
    inbox = state.inbox if _is_late(action, state.team) else reduce_inbox(state.inbox, action)
    if inbox.open is not state.inbox.open:
        team = msgspec.structs.replace(team, revision=team.revision + 1)
    past_verb = mate.past_verb if mate is not None else ""
    transcripts = reduce_transcripts(state.transcripts, action, past_verb=past_verb)
    mail = state.mail if _is_told_again(action, state.team, team) else reduce_mail(state.mail, action)
    new = AppState(session, team, inbox, transcripts, mail, state.log)
    if _is_same(state, new):
        return state
    log = reduce_log(state.log, action, state.team, state.inbox)
    return new if log is state.log else AppState(session, team, inbox, transcripts, mail, log)


def _is_same(old: AppState, new: AppState) -> bool:
    """Nothing but the log could still differ: a fact that changed nothing gets no line either."""
    return (
        new.session is old.session
        and new.team is old.team
        and new.inbox is old.inbox
        and new.transcripts is old.transcripts
        and new.mail is old.mail
    )


def _of_living(action: did.TextStreamed, team: Team) -> did.TextStreamed:
    """Without late text: a run that has ended says nothing more."""
    late = {
        run_id
        for run_id, _ in (*action.parts, *action.thinking)
        if (mate := team.by_run.get(run_id)) is None or mate.is_terminal
    }
    if not late:
        return action
    return did.TextStreamed(
        at=action.at,
        parts=tuple(part for part in action.parts if part[0] not in late),
        thinking=tuple(part for part in action.thinking if part[0] not in late),
    )


def _with_transcripts(state: AppState, transcripts: Transcripts) -> AppState:
    return AppState(state.session, state.team, state.inbox, transcripts, state.mail, state.log)


def _is_late(action: did.Action, team: Team) -> bool:
    """A request of a run that has ended (or never was) is never opened: nobody could act on its answer."""
    if not isinstance(action, did.RequestOpened):
        return False
    mate = team.by_run.get(action.request.run_id)
    return mate is None or mate.is_terminal


def _is_told_again(action: did.Action, before: Team, after: Team) -> bool:
    """An announcement of nothing new, or to a run that has ended, is no mail."""
    if not isinstance(action, did.ChildrenAnnounced):
        return False
    mate = before.by_run.get(action.run_id) if action.run_id is not None else None
    return after is before or mate is None or mate.is_terminal


_ONLY_LIVING = (
    did.MessageQueued,
    did.MessageDelivered,
    did.TextSaid,
    did.ThoughtFinished,
    did.ToolStarted,
    did.ToolPrinted,
    did.ToolEnded,
    did.StepStarted,
    did.StepAccepted,
    did.StepDiscarded,
    did.TurnStarted,
    did.TurnEnded,
    did.TeammateEnded,
    did.TeammateKilled,
    did.NoteTaken,
)
"""Facts that a run which has ended, or never was, cannot make true."""

_TEAM_FIRST = (
    *did.LIFECYCLE,
    did.TeammateSpawned,
    did.TeammateEvicted,
    did.ClosingStepStarted,
    did.TranscriptDropped,
)
"""Facts that are impossible when the team refuses them: then no other slice responds either."""

_TEAM_ALONE = (did.StepStarted, did.UsageRecorded)
"""Facts that no other slice responds to, without a line in the log: a third of those of a long session."""
