"""What the recorder hands to the journal of a run's registry row."""

from collections.abc import Callable, Mapping

from quarterdeck.bootstrap.recording import Recorder
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.store import Store
from quarterdeck.storage.records import FactRecord, RunRecord
from tests.support import states
from tests.support.states import evicted, run


class StuckJournal:
    """Takes what it is told, as the real one while the disk takes nothing: the newest row of a run counts."""

    def __init__(self) -> None:
        self.rows: dict[str, Callable[[], RunRecord]] = {}

    def append(self, fact: FactRecord, runs: Mapping[str, Callable[[], RunRecord]] | None = None) -> None:
        self.rows.update(runs or {})


def test_all_findings_are_kept_of_a_run_that_ends_and_leaves_while_the_disk_is_stuck() -> None:
    store, journal = Store(), StuckJournal()
    store.observe(Recorder(store, journal).observe)  # type: ignore[arg-type] # it needs no more of a journal
    findings = "word " * 1000
    end = did.TeammateEnded(at=1.0, run_id=run("a"), outcome=Outcome.COMPLETED, findings=findings)
    for fact in (*states.working("a"), end, evicted("a")):
        store.dispatch(fact)
    assert len(store.state.team.by_run[run("a")].final_text) < len(findings)
    row = journal.rows[run("a")]()
    assert (row.findings, row.captured) == (findings, True)
