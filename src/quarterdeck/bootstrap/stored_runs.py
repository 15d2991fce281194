"""The runs of stored and live sessions as machines get them: `ps --json` and `sessions show --json`.

Reads only, also while another process owns the session. Fields are only ever added.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.bootstrap.events import usage_fields
from quarterdeck.bootstrap.stored_requests import (
    REQUEST_TAGS,
    StoredRequest,
    fold_requests,
    kind_of,
    subject_of,
    waiting_runs,
)
from quarterdeck.domain.archive import SearchHit, StoredRun, StoredSession
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifecycle, Outcome, WaitsOn
from quarterdeck.state import actions as did
from quarterdeck.storage.codec import StoredFact
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.index import SessionIndex
from quarterdeck.storage.reader import JournalReader, Unreadable
from quarterdeck.storage.schema import NewerSchema

Fields = dict[str, Any]

_MAY_WAIT = (None, Outcome.UNKNOWN, Outcome.FAILED, Outcome.TIMED_OUT)
"""Outcomes of runs that can have a request which only the person can answer."""

_FOR_PERSON = (WaitsOn.PLAN, WaitsOn.PERMISSION, WaitsOn.QUESTION)


class Waiting(msgspec.Struct, frozen=True):
    """What a run waits for."""

    on: str
    since: float
    for_person: bool
    suspended: bool = False
    """It has ended; the answer revives it."""


class RunNow(msgspec.Struct, frozen=True):
    """A run with what it waits for."""

    run: StoredRun
    owner: int | None
    """The process that owns its session; None = nobody."""
    waiting: Waiting | None

    @property
    def word(self) -> str:
        """Its state in one word: an outcome, `idle`, `waiting`, or a lifecycle."""
        if self.run.outcome is not None:
            return self.run.outcome
        if self.waiting is not None:
            return "waiting"
        return "idle" if self.run.lifecycle == Lifecycle.READY.value else self.run.lifecycle


def runs_now(state: Path, *, every: bool) -> tuple[tuple[RunNow, ...], tuple[str, ...]]:
    """Runs of live sessions that are not archived, or (`every`) all; and what can't be read, a line each.

    :raises IndexGone: it can't be said now.
    """
    index = SessionIndex(state)
    sessions = index.sessions()
    owners = {one.id: one.owner for one in sessions}
    by_session: dict[str, list[StoredRun]] = {}
    for run in index.runs():
        if every or (owners.get(run.session_id) is not None and not run.archived):
            by_session.setdefault(run.session_id, []).append(run)
    found: list[RunNow] = []
    faults = [
        f"{one.id}: {one.damage}" for one in sessions if one.damage and (every or one.owner is not None)
    ]
    for session_id, runs in by_session.items():
        requests: tuple[StoredRequest, ...] = ()
        if any(run.outcome in _MAY_WAIT for run in runs):
            try:
                requests = requests_of(state, session_id, runs)
            except (Unreadable, NewerSchema) as fault:
                faults.append(f"{session_id}: {fault}")
        found += with_waits(runs, requests, owners.get(session_id))
    return tuple(found), tuple(faults)


def requests_of(state: Path, session_id: str, runs: Iterable[StoredRun]) -> tuple[StoredRequest, ...]:
    """Every request of a session. :raises Unreadable: it is damaged. :raises NewerSchema: it is newer."""
    lost = [run.run_id for run in runs if run.outcome == Outcome.UNKNOWN.value]
    with JournalReader(SessionPlace(state, session_id).database) as reader:
        return fold_requests((fact for _, fact in reader.tagged(REQUEST_TAGS)), lost)


def with_waits(
    runs: Iterable[StoredRun], requests: Iterable[StoredRequest], owner: int | None
) -> list[RunNow]:
    """The runs, each with what it waits for."""
    asking = waiting_runs(requests)
    return [RunNow(run, owner, _waiting(run, asking.get(run.run_id))) for run in runs]


def _waiting(run: StoredRun, request: StoredRequest | None) -> Waiting | None:
    if request is not None:
        suspended = request.state == "suspended"
        return Waiting(kind_of(request), request.since, for_person=True, suspended=suspended)
    if run.outcome is None and run.waits_on is not None:
        return Waiting(run.waits_on, run.since, for_person=run.waits_on in _FOR_PERSON)
    return None


def run_fields(one: RunNow, now: float) -> Fields:
    """A run as one JSON object."""
    run, waiting = one.run, one.waiting
    return {
        "session_id": run.session_id,
        "session_live": one.owner is not None,
        "session_pid": one.owner or None,
        "run_id": run.run_id,
        "agent_id": run.agent_id,
        "name": run.name,
        "label": run.label,
        "model": run.model,
        "requester": run.requester,
        "state": one.word,
        "lifecycle": run.lifecycle,
        "since": run.since,
        "waiting": None
        if waiting is None
        else {
            "on": waiting.on,
            "for_person": waiting.for_person,
            "suspended": waiting.suspended,
            "since": waiting.since,
            "seconds": _age(now, waiting.since),
        },
        "outcome": run.outcome,
        "error": run.error,
        "findings": run.findings,
        "usage": usage_fields(run.usage),
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "last_sign_at": run.heartbeat_at,
        "last_sign_age_s": _age(now, run.heartbeat_at),
        "archived": run.archived,
        "transcript_deleted_at": run.cleaned_at,
    }


def session_fields(one: StoredSession) -> Fields:
    """A session as one JSON object."""
    return {
        "session_id": one.id,
        "folder": one.folder,
        "team": one.team,
        "opened_at": one.opened_at,
        "last_at": one.last_at,
        "runs": one.runs,
        "messages": one.messages,
        "live": one.owner is not None,
        "pid": one.owner or None,
        "damage": one.damage,
    }


def request_fields(one: StoredRequest) -> Fields:
    """A request as one JSON object."""
    return {
        "request_id": one.request.id,
        "run_id": one.request.run_id,
        "kind": kind_of(one),
        "version": one.request.version,
        "opened_at": one.request.opened_at,
        "state": one.state,
        "since": one.since,
        "subject": subject_of(one.request),
        "answer": None if one.answer is None else msgspec.to_builtins(one.answer),
    }


def message_fields(facts: Iterable[tuple[int, StoredFact]], runs: Sequence[StoredRun]) -> list[Fields]:
    """What was said to and by teammates, in order."""
    names: Mapping[RunId, str] = {run.run_id: run.name for run in runs}
    found: list[Fields] = []
    for seq, fact in facts:
        match fact:
            case did.TextSaid(run_id=run_id):
                speaker = names.get(run_id, run_id)
                more: Fields = {"kind": "said", "interrupted": fact.interrupted}
            case did.MessageDelivered(run_id=run_id, sender=sender):
                speaker, more = sender, {"kind": "message", "message_id": fact.message_id}
            case _:
                continue
        found.append(
            {"seq": seq, "at": fact.at, "run_id": run_id, "from": speaker, **more, "text": fact.text}
        )
    return found


def hit_fields(hit: SearchHit) -> Fields:
    """A place where the words were said, as one JSON object."""
    return msgspec.structs.asdict(hit)


def _age(now: float, at: float) -> float:
    return round(max(0.0, now - at), 3)
