"""What was asked of the person in a stored session, and what became of it: folded from its facts. Pure."""

from collections.abc import Iterable

import msgspec

from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import (
    Answer,
    PermissionRequest,
    PlanRequest,
    QuestionRequest,
    Request,
    request_kind,
)
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.requests import Inbox, reduce_inbox

REQUEST_TAGS = (
    "request_opened",
    "request_answered",
    "request_withdrawn",
    "teammate_ended",
    "teammate_killed",
    "teammate_spawned",
)
"""The facts that move a request."""

replace = msgspec.structs.replace


class StoredRequest(msgspec.Struct, frozen=True):
    """One request, in its newest version."""

    request: Request
    state: str
    """`open`, `suspended` (waits for a revival), `rejected` (may come back), `answered` or `gone`."""
    since: float
    """When it came into this state (epoch seconds)."""
    answer: Answer | None = None

    @property
    def waits_for_person(self) -> bool:
        """Only the person can go on with it."""
        return self.state in ("open", "suspended")


def fold_requests(facts: Iterable[did.Action], lost: Iterable[RunId] = ()) -> tuple[StoredRequest, ...]:
    """Every request, the oldest first.

    :param lost: runs that a crash ended, which no fact tells yet.
    """
    inbox = Inbox()
    found: dict[RequestId, StoredRequest] = {}
    for fact in (*facts, *(_lost(run_id) for run_id in lost)):
        before, inbox = inbox, reduce_inbox(inbox, fact)
        if inbox is not before:
            _note(found, before, inbox, fact)
    return tuple(found.values())


def waiting_runs(requests: Iterable[StoredRequest]) -> dict[RunId, StoredRequest]:
    """The oldest request of each run that waits for the person."""
    found: dict[RunId, StoredRequest] = {}
    for one in sorted(requests, key=lambda one: one.request.opened_at):
        if one.waits_for_person:
            found.setdefault(one.request.run_id, one)
    return found


def subject_of(request: Request) -> str:
    """What it is about: a plan's text, the command or path, the question."""
    match request:
        case PlanRequest():
            return request.text
        case PermissionRequest(subject=subject):
            return subject
        case QuestionRequest(question=question):
            return question


def kind_of(stored: StoredRequest) -> str:
    """`plan`, `permission` or `question`."""
    return request_kind(stored.request)


def _lost(run_id: RunId) -> did.TeammateEnded:
    return did.TeammateEnded(at=0.0, run_id=run_id, outcome=Outcome.UNKNOWN, findings="")


def _note(found: dict[RequestId, StoredRequest], before: Inbox, after: Inbox, fact: did.Action) -> None:
    for one in (*before.by_id, *(new for new in after.by_id if new not in before.by_id)):
        request = after.by_id.get(one)
        state = _state_in(after, one)
        answer = None
        if isinstance(fact, did.RequestAnswered) and fact.request_id == one:
            answer, state = fact.answer, "rejected" if request is not None else "answered"
        known = found.get(one)
        if request is None and known is not None:
            found[one] = replace(known, state=state, since=fact.at or known.since, answer=answer)
        elif request is not None and (known is None or known.state != state or known.request != request):
            found[one] = StoredRequest(request, state, _since(request, state, fact, known), answer)


def _state_in(inbox: Inbox, request_id: RequestId) -> str:
    if request_id in inbox.open:
        return "open"
    if request_id in inbox.suspended:
        return "suspended"
    return "rejected" if request_id in inbox.by_id else "gone"


def _since(request: Request, state: str, fact: did.Action, known: StoredRequest | None) -> float:
    """A request that waits does so since it was opened, in whatever life of its run."""
    if state in ("open", "suspended"):
        return request.opened_at
    return fact.at or (known.since if known is not None else request.opened_at)
