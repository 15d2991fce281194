"""How a run ended, as rows: a fact that is not there yet is never shown as done."""

import msgspec

from quarterdeck.domain.teammates import KillProof, Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.widgets.kill_proof import end_rows, proof_rows
from tests.support import states
from tests.unit.tui_panels.panel_support import look, texts

DONE = KillProof(
    stream_closed_s=0.003,
    requests_withdrawn=1,
    processes_left=0,
    processes_total=14,
    processes_ended_s=0.09,
    task_ended_s=0.11,
)


def rows(proof: KillProof, cells: int = 80) -> list[str]:
    return texts(proof_rows(proof, look(), cells))


def mate(*facts: did.Action) -> Teammate:
    state = states.fold(AppState(), [states.opened(), *states.working("runaway"), *facts])
    return state.team.by_run[states.run("runaway")]


def test_the_whole_proof_as_the_design_draws_it() -> None:
    assert rows(DONE) == [
        "   0.000s  ✓  run revoked: no further call, write or answer counts",
        "   0.000s  ✓  1 open request withdrawn from the inbox",
        "   0.003s  ✓  stream to the model closed",
        "   0.090s  ✓  14 of 14 processes ended",
        "   0.110s  ✓  task ended",
        "   now     ✓  0 requests to the model since",
    ]


def test_what_is_not_proved_has_no_tick_and_no_time() -> None:
    shown = rows(KillProof(processes_total=14, processes_left=3))
    open_facts = [line for line in shown if "✓" not in line]
    assert open_facts == [
        "           …  stream to the model",
        "           …  processes: 11 of 14 ended, 3 left",
        "           …  task",
    ]


def test_before_the_first_count_no_process_is_called_ended() -> None:
    assert any("0 of 14 ended, 14 left" in line for line in rows(KillProof(processes_total=14)))


def test_each_missing_fact_alone_takes_its_tick_away() -> None:
    for name in ("stream_closed_s", "processes_ended_s", "task_ended_s"):
        shown = rows(msgspec.structs.replace(DONE, **{name: None}))
        assert sum("✓" in line for line in shown) == 5, name


def test_a_detached_task_is_never_called_ended() -> None:
    proof = msgspec.structs.replace(DONE, detached=True, task_ended_s=2.0)
    shown = rows(proof)
    assert not any("task ended" in line for line in shown)
    assert any("…  task left behind, detached" in line for line in shown)
    ended = mate(states.killed("runaway"), *states.proved("runaway"))
    whole = " ".join(
        " ".join(
            texts(end_rows(msgspec.structs.replace(ended, kill=proof), look(), 80, leaves_in=None))
        ).split()
    )
    assert "killed (detached): its task ignores cancelling." in whole


def test_a_request_after_the_kill_is_told_as_the_fault_it_is() -> None:
    shown = rows(msgspec.structs.replace(DONE, requests_since=1, refused_since=2))
    assert shown[-1] == "   now     ✗  1 request to the model since, 2 refused before being sent"


def test_the_row_leaves_only_once_nothing_is_left() -> None:
    killed = mate(states.killed("runaway"))
    assert "it can do nothing more" in texts(end_rows(killed, look(), 80, leaves_in=3.0))[0]
    proved = mate(states.killed("runaway"), *states.proved("runaway"))
    assert "leaves in 3s, or when you go out" in texts(end_rows(proved, look(), 80, leaves_in=3.0))[0]


def test_other_ends_are_short_and_give_the_reason_clean() -> None:
    failed = mate(states.ended("runaway", Outcome.FAILED, error="401\x1b[31m key refused\n[/bold]"))
    shown = texts(end_rows(failed, look(), 60, leaves_in=None))
    assert shown[0].startswith(" ✗ failed")
    assert "   401␛[31m key refused" in shown
    assert "   [/bold]" in shown
    done = mate(states.ended("runaway", Outcome.COMPLETED))
    assert texts(end_rows(done, look(), 60, leaves_in=5.0))[0].startswith(" ✓ completed")


def test_where_one_can_only_look_the_proof_is_there_and_no_key() -> None:
    proved = mate(states.killed("runaway"), *states.proved("runaway"))
    now = texts(end_rows(proved, look(), 80, leaves_in=3.0))
    then = texts(end_rows(proved, look(), 80, leaves_in=3.0, look_only=True))
    assert then[0] == now[0].removesuffix(", or when you go out")
    assert then[1:] == now[1 : len(then)]
    assert any("r revives it" in line for line in now)
    assert not any("revives" in line or "keeps it" in line for line in then)
    failed = mate(states.ended("runaway", Outcome.FAILED, error="401"))
    assert not any(
        "revives" in one for one in texts(end_rows(failed, look(), 80, leaves_in=3, look_only=True))
    )
