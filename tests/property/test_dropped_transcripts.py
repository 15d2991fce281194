"""A deleted transcript: what is left of its facts gives the same state, and nothing that was said."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.dropping import DROPPED, EMPTIED, emptied
from quarterdeck.state.entries import Note
from tests.support.action_sequences import RUNS, sequences
from tests.support.durable import durable
from tests.support.states import fold, spawned

CANARY = "the canary sings"


def journal(facts: Iterable[did.Action], run_id: RunId, findings: str) -> list[did.Action]:
    """The durable facts as a journal holds them once the transcript of the run is deleted."""
    found = []
    for fact in facts:
        if not did.is_durable(fact):
            continue
        left = emptied(fact, findings) if getattr(fact, "run_id", None) == run_id else fact
        if left is not None:
            found.append(left)
    return found


@given(sequences, sequences, st.sampled_from(RUNS), st.sampled_from(["", "found"]))
def test_what_is_left_of_the_facts_gives_back_the_state_with_the_transcript_deleted(
    facts: list[did.Action], later: list[did.Action], run_id: RunId, findings: str
) -> None:
    facts = [
        *facts,
        spawned("one", run_id=run_id),
        did.TeammateEnded(at=90.0, run_id=run_id, outcome=Outcome.COMPLETED, findings=findings),
    ]
    before = fold(AppState(), facts)
    mate = before.team.by_run[run_id]
    event("killed before" if mate.kill is not None else "ended")
    event("evicted" if mate.is_evicted else "in the team")
    drop = did.TranscriptDropped(at=99.0, run_id=run_id, entry_id=7)
    after = fold(before, [drop])
    live = fold(after, later)
    kept = [*journal(facts, run_id, mate.final_text), drop, *later]
    again = fold(AppState(), [fact for fact in kept if did.is_durable(fact)])
    assert durable(again) == durable(live)
    left = after.team.by_run[run_id]
    assert left == msgspec.structs.replace(mate, cleaned_at=mate.cleaned_at or 99.0)
    shown = after.transcripts.get(run_id)
    assert shown is None or [type(entry) for entry in shown.entries] == [Note]


@given(sequences)
def test_a_transcript_is_deleted_of_an_ended_run_alone_and_once(facts: list[did.Action]) -> None:
    state = fold(AppState(), facts)
    for run_id in RUNS:
        drop = did.TranscriptDropped(at=1.0, run_id=run_id, entry_id=1)
        mate = state.team.by_run.get(run_id)
        after = fold(state, [drop])
        if mate is None or not mate.is_terminal or mate.cleaned_at is not None:
            assert after is state
        else:
            assert fold(after, [msgspec.structs.replace(drop, at=2.0)]) is after


def _with_canary(kind: Any) -> did.Action:
    """A fact of this kind that holds the canary wherever it holds a text or more."""
    texts = {"text", "final_text", "title", "summary", "detail", "rule"}
    others = {"blocks": ({"type": "text", "text": CANARY},), "messages": (), "diff": None}
    values = {
        field.name: CANARY if field.name in texts else others.get(field.name, "x")
        for field in msgspec.structs.fields(kind)
        if field.name != "at"
    }
    told: did.Action = kind(at=0.0, **values)
    return told


@pytest.mark.parametrize("kind", [*DROPPED, *EMPTIED], ids=lambda kind: str(kind.__name__))
def test_every_kind_of_fact_that_holds_what_was_said_is_deleted_or_emptied(kind: Any) -> None:
    left = emptied(_with_canary(kind), "")
    assert (left is None) is (kind in DROPPED)
    if kind is not did.MessageQueued:
        assert CANARY not in repr(left)


def test_of_mail_stays_what_the_log_quotes_and_of_turns_the_findings() -> None:
    queued = msgspec.structs.replace(_with_canary(did.MessageQueued), text=f"begins {'x' * 500} {CANARY}")
    left = emptied(queued, "")
    assert isinstance(left, did.MessageQueued)
    assert left.text.startswith("begins xxx")
    assert len(left.text) == 80
    assert emptied(left, "") == left
    ended = _with_canary(did.TurnEnded)
    assert emptied(ended, CANARY) is ended
    note = did.NoteTaken(at=0.0, run_id=RUNS[0], text="a note")
    assert emptied(note, "") is note
