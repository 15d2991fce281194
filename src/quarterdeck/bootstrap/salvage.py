"""A damaged journal that is to be written on: what can be read of it, folded again for a new one.

It blocks. Imported late: sqlite3 comes along.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.recording import fact_record, run_record
from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Batch, FactRecord, RunRecord
from quarterdeck.storage.renewal import renew

_IN_ONE_BATCH = 500


def salvage(place: SessionPlace) -> Path:
    """Put a journal in place that holds all that can be read of the damaged one; where that one lies now.

    :raises OSError: there is no room, or the folder can't be written; all is as it was.
    :raises Unreadable: nothing of it can be read.
    """
    return renew(place, _batches)


def _batches(reader: JournalReader) -> Iterator[Batch]:
    """The facts as they are told, with their numbers: what a fact changes is made out again."""
    state = AppState()
    facts: list[FactRecord] = []
    findings: dict[str, str] = {}
    for sequence, action in reader.facts():
        before, state = state, reduce(state, action)
        facts.append(fact_record(sequence, action, before, state))
        if isinstance(action, did.TeammateEnded | did.TeammateKilled):
            mate = state.team.by_run.get(action.run_id)
            if mate is not None:
                findings.setdefault(mate.run_id, mate.final_text)
        if len(facts) == _IN_ONE_BATCH:
            yield Batch(facts)
            facts = []

    def row(run_id: RunId) -> RunRecord:
        """With all of its findings: the state holds their beginning alone once it is gone."""
        made = run_record(state, run_id)
        return msgspec.structs.replace(made, findings=findings.get(run_id, made.findings))

    runs: dict[str, Callable[[], RunRecord]] = {one: partial(row, one) for one in state.team.by_run}
    yield Batch(facts, runs, reader.drafts())
