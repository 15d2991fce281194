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
    if isinstance(action, did.TextStreamed):
        transcripts = reduce_transcripts(state.transcripts, action)
        return state if transcripts is state.transcripts else _with_transcripts(state, transcripts)
    mate = state.team.by_run.get(getattr(action, "run_id", NOBODY))
    if mate is not None and mate.is_terminal and isinstance(action, _ONLY_LIVING):
        return state
    session = reduce_session(state.session, action)
    team = reduce_team(state.team, action)
    inbox = state.inbox if _is_late(action, state.team) else reduce_inbox(state.inbox, action)
    transcripts = reduce_transcripts(
        state.transcripts, action, past_verb=mate.past_verb if mate is not None else ""
    )
    mail = reduce_mail(state.mail, action)
    log = reduce_log(state.log, action, state.team, state.inbox)
    same = (
        session is state.session
        and team is state.team
        and inbox is state.inbox
        and transcripts is state.transcripts
        and mail is state.mail
        and log is state.log
    )
    return state if same else AppState(session, team, inbox, transcripts, mail, log)


def _with_transcripts(state: AppState, transcripts: Transcripts) -> AppState:
    return AppState(state.session, state.team, state.inbox, transcripts, state.mail, state.log)


def _is_late(action: did.Action, team: Team) -> bool:
    """A request of a run that has ended (or never was) is never opened: nobody could act on its answer."""
    if not isinstance(action, did.RequestOpened):
        return False
    mate = team.by_run.get(action.request.run_id)
    return mate is None or mate.is_terminal


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
"""Facts that a run which has ended can no longer make true."""
