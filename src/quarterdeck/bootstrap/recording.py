"""Observes the store and hands the journal what happened: facts, rows of the registry, drafts, heartbeats.

It only observes. What is for the screen alone, and what changed nothing, is not kept.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import request_kind
from quarterdeck.domain.teammates import Lifecycle, Lifetime
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Said, ToolCall
from quarterdeck.state.selectors import select_last_sign, select_lives, select_suspended_of
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import NOBODY, Teammate
from quarterdeck.storage.codec import tag_of
from quarterdeck.storage.journal import Journal
from quarterdeck.storage.records import Draft, FactRecord, RunRecord

ENDS_DRAFT = (
    did.TextSaid,
    did.StepDiscarded,
    did.StepAccepted,
    did.TurnEnded,
    did.TeammateEnded,
    did.TeammateKilled,
)
"""What a run has streamed is whole, or void, with one of these."""

DRAFT_EVERY_S = 1.0
BEAT_EVERY_S = 2.0


class Recorder:
    """One session's. `observe` is the store's observer; `tick` is called once a second."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._streaming: set[RunId] = set()
        self._ticks = 0

    def observe(self, sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        """Keep a fact that is worth it. Never raises on any fact, never waits."""
        if isinstance(action, did.TextStreamed):
            self._streaming.update(run_id for run_id, text in action.parts if text)
            return
        if not did.is_durable(action):
            return
        if after is before and not isinstance(action, did.FOR_THE_JOURNAL):
            return
        run_id = run_of(action)
        if isinstance(action, did.FOR_THE_JOURNAL) and _is_dropped(after, run_id):
            return  # a task that was abandoned still adds to a conversation that is deleted
        fact = fact_record(sequence, action, before, after)
        if fact.ends_draft:
            self._streaming.discard(run_id)
        runs: dict[str, Callable[[], RunRecord]] = {
            one: partial(run_record, after, one, said=_last_words(before, one))
            for one in _changed(action, run_id, before)
            if one in after.team.by_run
        }
        self._journal.append(fact, runs)

    def tick(self) -> None:
        """Keep what streams now as drafts; every other time, which runs give signs of life."""
        state = self._store.state
        for run_id in self._streaming:
            transcript = state.transcripts.get(run_id)
            if transcript is None:
                continue
            text = "".join(part.text for part in transcript.live if not part.is_thinking)
            if text:
                self._journal.draft(Draft(run_id, transcript.last_at, text))
        self._streaming.clear()
        self._ticks += 1
        if self._ticks * DRAFT_EVERY_S % BEAT_EVERY_S == 0:
            self._journal.beat(
                tuple(
                    (run_id, select_last_sign(state, run_id))
                    for run_id in state.team.rows
                    if _is_in_turn(state.team.by_run[run_id])
                )
            )


def fact_record(sequence: int, action: did.Action, before: AppState, after: AppState) -> FactRecord:
    """A durable fact on its way to disk."""
    return FactRecord(
        sequence,
        action.at,
        tag_of(action),
        run_of(action),
        entry_of(action, before, after),
        action,
        ends_draft=isinstance(action, ENDS_DRAFT),
        drops_transcript=isinstance(action, did.TranscriptDropped),
    )


def run_of(action: did.Action) -> RunId:
    """Whose fact it is; empty = nobody's."""
    if isinstance(action, did.RequestOpened):
        return action.request.run_id
    return getattr(action, "run_id", None) or NOBODY


def entry_of(action: did.Action, before: AppState, after: AppState) -> int | None:
    """The id of the transcript entry that it made or changed; None = of none."""
    if isinstance(action, did.TranscriptDropped):
        return action.entry_id
    run_id = run_of(action)
    old, new = before.transcripts.get(run_id), after.transcripts.get(run_id)
    if old is None or new is None or new is old:
        return None
    match action:
        case did.ToolEnded(call_id=call_id):
            for entry in reversed(new.entries):
                if isinstance(entry, ToolCall) and entry.call_id == call_id:
                    return entry.id
        case did.MessageAnswered(message_id=message_id):
            for entry in reversed(new.entries):
                if isinstance(entry, Said) and entry.message_id == message_id:
                    return entry.id
    return old.next_id if new.next_id > old.next_id else None


def _changed(action: did.Action, run_id: RunId, before: AppState) -> tuple[RunId, ...]:
    """The runs whose rows in the registry it may have changed."""
    match action:
        case did.RequestAnswered(request_id=request_id) | did.RequestWithdrawn(request_id=request_id):
            request = before.inbox.by_id.get(request_id)
            return (request.run_id,) if request is not None else ()
        case did.ChildrenAnnounced(children=children):
            return children
        case did.TeammateSpawned(revived_from=old) if old is not None:
            return (run_id, old)  # what waited for the old life waits for the new one
        case did.SessionOpened():
            return ()
    if isinstance(action, did.FOR_THE_JOURNAL):
        return ()
    return (run_id,) if run_id else ()


def _last_words(state: AppState, run_id: RunId) -> str:
    mate = state.team.by_run.get(run_id)
    return mate.final_text if mate is not None and mate.is_terminal else ""


def run_record(state: AppState, run_id: RunId, said: str = "") -> RunRecord:
    """The registry's row of a run. Pure: called in the writer's thread.

    :param said: what it had said last before the fact, if it had ended by then: the state may hold less now,
        and the row of its end may be still to be written.
    """
    mate = state.team.by_run[run_id]
    waits_on = mate.waits_on.value if mate.waits_on is not None else None
    suspended = select_suspended_of(state, run_id)
    if suspended is not None:
        waits_on = request_kind(suspended)
    return RunRecord(
        run_id=run_id,
        agent_id=mate.agent_id,
        name=mate.name,
        requester=mate.parent if mate.lifetime is Lifetime.TASK else None,
        conversation=select_lives(state.team, run_id)[-1],
        task=mate.prompt,
        label=mate.description,
        model=mate.model,
        lifetime=mate.lifetime.value,
        lifecycle=mate.lifecycle.value,
        waits_on=waits_on,
        since=mate.since,
        cleanup=mate.cleanup.value,
        time_limit_s=mate.time_limit_s,
        created_at=mate.spawned_at,
        started_at=None if mate.place is Lifecycle.SPAWNING else mate.spawned_at,
        ended_at=mate.ended_at,
        outcome=mate.outcome.value if mate.outcome is not None else None,
        error=mate.error,
        findings=(said or mate.final_text) if mate.is_terminal else "",
        captured=mate.is_terminal,
        notified=mate.notified,
        announced_at=mate.announced_at,
        cleaned_at=mate.cleaned_at,
        archived_at=mate.archived_at,
        in_turn=_is_in_turn(mate),
        usage=msgspec.json.encode(mate.usage).decode(),
        heartbeat_at=mate.last_sign_at,
    )


def _is_dropped(state: AppState, run_id: RunId) -> bool:
    mate = state.team.by_run.get(run_id)
    return mate is not None and mate.cleaned_at is not None


def _is_in_turn(mate: Teammate) -> bool:
    return not mate.is_terminal and mate.place in (Lifecycle.EXECUTING, Lifecycle.WAITING)
