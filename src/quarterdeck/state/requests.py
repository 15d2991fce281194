"""The inbox: every request that is open, by id, oldest first; plans also while they wait for a revision.

A plan of a run that failed or timed out, and each request of one that a crash ended, is suspended: it waits
for a revival.
"""

import msgspec
from immutables import Map

from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import Answer, PlanRejected, PlanRequest, Request
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did

replace = msgspec.structs.replace

_SUSPENDING = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})


class Inbox(msgspec.Struct, frozen=True):
    """What only the person can answer."""

    by_id: Map[RequestId, Request] = Map()
    """Open, suspended, and rejected plans that may come back as a new version."""
    open: tuple[RequestId, ...] = ()
    """Oldest first."""
    suspended: tuple[RequestId, ...] = ()
    answers: Map[RequestId, Answer] = Map()
    """The rejection of each plan that is kept in `by_id` for its next version."""


def reduce_inbox(inbox: Inbox, action: did.Action) -> Inbox:
    """Fold one fact in; the same object when nothing changed."""
    match action:
        case did.RequestOpened(request=request):
            return _open(inbox, request)
        case did.RequestAnswered(request_id=request_id, version=version, answer=answer):
            return _answer(inbox, request_id, version, answer)
        case did.RequestWithdrawn(request_id=request_id):
            return _forget(inbox, (request_id,))
        case (
            did.TeammateEnded(run_id=run_id, outcome=outcome)
            | did.TeammateKilled(run_id=run_id, outcome=outcome)
        ):
            return _end(inbox, run_id, outcome)
        case did.TeammateSpawned(run_id=run_id, revived_from=revived_from) if revived_from is not None:
            return _revive(inbox, revived_from, run_id)
    return inbox


def _open(inbox: Inbox, request: Request) -> Inbox:
    old = inbox.by_id.get(request.id)
    if old is not None and old.version >= request.version:
        return inbox
    still = tuple(one for one in inbox.open if one != request.id)
    return replace(
        inbox,
        by_id=inbox.by_id.set(request.id, request),
        open=(*still, request.id),
        suspended=tuple(one for one in inbox.suspended if one != request.id),
        answers=inbox.answers.delete(request.id) if request.id in inbox.answers else inbox.answers,
    )


def _answer(inbox: Inbox, request_id: RequestId, version: int, answer: Answer) -> Inbox:
    request = inbox.by_id.get(request_id)
    if request is None or request_id not in inbox.open or request.version != version:
        return inbox
    if not isinstance(answer, PlanRejected):
        return _forget(inbox, (request_id,))
    return replace(
        inbox,
        open=tuple(one for one in inbox.open if one != request_id),
        answers=inbox.answers.set(request_id, answer),
    )


def _of_run(inbox: Inbox, run_id: RunId) -> tuple[RequestId, ...]:
    return tuple(request.id for request in inbox.by_id.values() if request.run_id == run_id)


def _forget(inbox: Inbox, gone: tuple[RequestId, ...]) -> Inbox:
    known = [one for one in gone if one in inbox.by_id]
    if not known:
        return inbox
    by_id, answers = inbox.by_id, inbox.answers
    for one in known:
        by_id = by_id.delete(one)
        answers = answers.delete(one) if one in answers else answers
    return Inbox(
        by_id=by_id,
        open=tuple(one for one in inbox.open if one not in known),
        suspended=tuple(one for one in inbox.suspended if one not in known),
        answers=answers,
    )


def _end(inbox: Inbox, run_id: RunId, outcome: Outcome) -> Inbox:
    mine = _of_run(inbox, run_id)
    kept = tuple(one for one in mine if one in inbox.open and _outlives(inbox.by_id[one], outcome))
    rest = _forget(inbox, tuple(one for one in mine if one not in kept))
    if not kept:
        return rest
    return replace(
        rest,
        open=tuple(one for one in rest.open if one not in kept),
        suspended=(*rest.suspended, *kept),
    )


def _outlives(request: Request, outcome: Outcome) -> bool:
    """A plan waits for a revival; after a crash everything does: nobody had decided to let it go."""
    if outcome is Outcome.UNKNOWN:
        return True
    return outcome in _SUSPENDING and isinstance(request, PlanRequest)


def _revive(inbox: Inbox, old_run: RunId, new_run: RunId) -> Inbox:
    mine = tuple(one for one in inbox.suspended if inbox.by_id[one].run_id == old_run)
    if not mine:
        return inbox
    by_id = inbox.by_id
    for one in mine:
        by_id = by_id.set(one, replace(by_id[one], run_id=new_run))
    return replace(
        inbox,
        by_id=by_id,
        open=tuple(sorted((*inbox.open, *mine), key=lambda one: by_id[one].opened_at)),
        suspended=tuple(one for one in inbox.suspended if one not in mine),
    )
