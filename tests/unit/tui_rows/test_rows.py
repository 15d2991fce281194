import msgspec
import pytest
from rich.segment import Segment

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import (
    DisplayDelays,
    Group,
    Row,
    select_last_sign,
    select_request_of,
    select_rows,
)
from quarterdeck.tui.columns import COLUMNS, column_heads, lay_out, short_model
from quarterdeck.tui.doing import Moment, doing, outline
from quarterdeck.tui.look import Look
from quarterdeck.tui.ranking import FOLD, ended_in_place, fold_idle, held, next_after
from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.roster_rows import RowInput, roster_row
from quarterdeck.tui.theming import load_themes
from tests.support import states
from tests.support.states import NOW, fold, run

LOOK = Look(roles_of(load_themes()[0]["quarterdeck-dark"]))


def told(state: AppState, name: str, *, now: float = NOW) -> tuple[str, str]:
    mate = state.team.by_run[run(name)]
    moment = Moment(now, select_last_sign(state, run(name)), DisplayDelays())
    found = doing(mate, select_request_of(state, run(name)), moment)
    return found.state, found.text


def after(*facts: did.Action, name: str = "coder") -> AppState:
    return fold(AppState(), [states.opened(), *states.working(name), *facts])


def row_text(state: AppState, name: str, cells: int, *, now: float = NOW) -> str:
    return "".join(segment.text for segment in row_line(state, name, cells, now=now))


def row_line(state: AppState, name: str, cells: int, *, now: float = NOW) -> tuple[Segment, ...]:
    row = next(row for row in select_rows(state.team, state.inbox) if row.run_id == run(name))
    given = RowInput.make(
        state.team.by_run[run(name)],
        select_request_of(state, run(name)),
        row,
        now=now,
        last_sign=select_last_sign(state, run(name)),
        delays=DisplayDelays(),
        viewed=False,
        look=LOOK,
    )
    return roster_row(given, lay_out(cells, 8), LOOK, frame="", is_chosen=False)


# Columns


@pytest.mark.parametrize("cells", [60, 80, 86, 103, 117, 129, 144, 200])
def test_a_row_is_exactly_as_wide_as_the_screen(cells: int) -> None:
    state = states.shop()
    for name in ("coder", "tester", "builder", "lead", "runaway"):
        assert width(row_text(state, name, cells)) == cells


def test_columns_drop_out_at_their_widths_and_never_come_back() -> None:
    for column in COLUMNS:
        narrower = lay_out(column.from_width - 1, 8).columns
        assert column not in narrower
        assert column in lay_out(column.from_width, 8).columns
    assert set(lay_out(300, 8).columns) == set(COLUMNS)


def test_the_name_has_8_to_16_cells_and_doing_takes_what_is_left() -> None:
    assert lay_out(80, 3).name == 8
    assert lay_out(80, 12).name == 12
    assert lay_out(80, 40).name == 16
    layout = lay_out(120, 8)
    assert layout.head + layout.name + 2 + layout.doing + len(column_heads(layout)) == 120


def test_wide_and_combining_names_stay_aligned() -> None:
    for name in ("テスター", "e\u0301clair", "👩‍💻dev", "a" * 60):
        spawned = states.spawned(name, run_id=run("odd"))
        state = fold(AppState(), [states.opened(), spawned])
        assert width(row_text(state, "odd", 80)) == 80


def test_a_name_cannot_bring_control_characters_to_the_screen() -> None:
    state = fold(AppState(), [states.opened(), states.spawned("a\x1b[2Jb", run_id=run("bad"))])
    assert "\x1b" not in row_text(state, "bad", 80)


def test_models_are_shortened() -> None:
    assert short_model("claude-sonnet-4-5-20250929") == "sonnet-4.5"
    assert short_model("claude-haiku-4-5") == "haiku-4.5"
    assert short_model("my-own-model") == "my-own-model"


# Doing


def test_a_plan_tells_version_steps_and_title() -> None:
    assert told(after(*states.plan("coder")), "coder") == ("needs", "plan v1 · 6 steps · Fix cart rounding")
    assert outline("no steps, no title") == ""
    assert outline("1. one step") == "1 step"


def test_a_permission_and_a_question_tell_what_they_ask() -> None:
    assert told(after(*states.permission("coder", subject="pytest -q")), "coder") == (
        "needs",
        "asks: pytest -q",
    )
    edit = states.permission("coder", tool="Edit", subject="src/a.py")
    assert told(after(*edit), "coder")[1] == "asks: Edit src/a.py"
    assert told(after(*states.question("coder")), "coder")[1] == "question: Which rounding do invoices use?"


def test_a_hostile_command_is_shown_as_text_on_one_line() -> None:
    asked = states.permission("coder", subject="rm -rf /\n\x1b[2J[bold]x\u202e")
    text = told(after(*asked), "coder")[1]
    assert "\x1b" not in text
    assert "\n" not in text
    assert "[bold]" in text
    assert "<U+202E>" in text


def test_thinking_shows_the_verb_and_a_running_tool_hides_it() -> None:
    assert told(after(), "coder")[0] == "flag"  # nothing heard for 398 s
    state = after(states.used("coder", 10, at=NOW - 1))
    assert told(state, "coder") == ("thinking", "Charting… 6m38s")
    state = after(states.tool_started("coder"))
    assert told(state, "coder") == ("tool", "Bash uv build --wheel · 18s")


def test_a_run_that_is_silent_for_300_seconds_looks_wrong() -> None:
    state = after(states.used("coder", 10, at=NOW - 310))
    assert told(state, "coder") == ("flag", "quiet 5m10s · Charting… 6m38s")


def test_paused_and_stopping_say_who_and_how_long() -> None:
    paused = after(did.TeammatePaused(at=NOW, run_id=run("coder"), by="you"))
    assert told(paused, "coder") == ("paused", "paused by you")
    asked = did.StopRequested(at=NOW, run_id=run("coder"), deadline_at=NOW + 40)
    assert told(after(asked), "coder") == ("stopping", "stopping, 40s left, s takes it back")
    closing = did.ClosingStepStarted(at=NOW, run_id=run("coder"))
    assert told(after(asked, closing), "coder") == ("stopping", "last report, 40s left")


def test_idle_says_why() -> None:
    assert told(fold(AppState(), states.idle("lead", said="All\ndone")), "lead") == (
        "idle",
        "idle · done: “All done”",
    )
    fresh = fold(AppState(), [states.spawned("coder"), states.ready("coder")])
    assert told(fresh, "coder") == ("idle", "idle · nothing to do")


def test_a_kill_counts_processes_down_then_seconds_then_says_nothing_is_left() -> None:
    killed = states.killed("coder")
    assert told(after(killed), "coder")[1] == "killed · ending 14 of 14 processes"
    counted = did.KillProcessesCounted(at=NOW, run_id=run("coder"), left=3, total=14, after_s=0.05)
    assert told(after(killed, counted), "coder")[1] == "killed · ending 3 of 14 processes"
    proved = after(killed, *states.proved("coder"))
    assert told(proved, "coder")[1] == (
        "killed · leaves in 3s · nothing left of 14 processes · 0 requests since"
    )
    assert "leaves in 1s" in told(proved, "coder", now=NOW + 2.1)[1]


def test_a_detached_kill_never_promises_to_leave() -> None:
    detached = did.KillTaskEnded(at=NOW, run_id=run("coder"), after_s=2.0, detached=True)
    text = told(after(states.killed("coder", processes=0), detached), "coder")[1]
    assert text.startswith("killed (detached)")
    assert "leaves" not in text


def test_every_other_end_has_its_word() -> None:
    words = {
        Outcome.COMPLETED: ("done", "done · leaves in 5s · “All is done.”"),
        Outcome.STOPPED: ("stopped", "stopped · leaves in 3s · “All is done.”"),
        Outcome.TIMED_OUT: ("timed_out", "timed out · leaves in 30s"),
        Outcome.UNKNOWN: ("unknown", "unknown · r revives"),
    }
    for outcome, expected in words.items():
        assert told(after(states.ended("coder", outcome)), "coder") == expected
    failed = states.ended("coder", Outcome.FAILED, error="401, key refused")
    assert told(after(failed), "coder") == ("failed", "failed: 401, key refused")


def test_a_wait_for_the_person_gets_bold_after_a_minute_and_reverse_after_five() -> None:
    state = after(*states.permission("coder", at=NOW, subject="ls"))

    def style(now: float) -> tuple[bool, bool]:
        line = row_line(state, "coder", 80, now=now)
        since = next(segment for segment in line[5:] if segment.text.strip())
        assert since.style is not None
        return bool(since.style.bold), bool(since.style.reverse)

    assert style(NOW + 10) == (False, False)
    assert style(NOW + 61) == (True, False)
    assert style(NOW + 301) == (True, True)


# Order


def rows(*specs: tuple[str, Group]) -> tuple[Row, ...]:
    return tuple(Row(run(name), group, 0) for name, group in specs)


def test_held_rows_keep_their_order_and_new_ones_come_last() -> None:
    before = rows(("a", Group.WORKING), ("b", Group.WORKING))
    ranked = rows(("c", Group.NEEDS_YOU), ("b", Group.NEEDS_YOU), ("a", Group.WORKING))
    assert [row.run_id for row in held(before, ranked)] == [run("a"), run("b"), run("c")]
    assert held(before, ranked)[1].group is Group.NEEDS_YOU


def test_a_row_that_ended_stays_where_it_was() -> None:
    before = rows(("a", Group.WORKING), ("b", Group.WORKING), ("c", Group.IDLE))
    ranked = rows(("a", Group.WORKING), ("c", Group.IDLE), ("b", Group.ENDED))
    assert [row.run_id for row in ended_in_place(before, ranked)] == [run("a"), run("b"), run("c")]


def test_more_than_three_idle_rows_fold_and_the_selected_one_never_hides() -> None:
    three = rows(("w", Group.WORKING), *((f"i{n}", Group.IDLE) for n in range(3)))
    assert fold_idle(three, is_open=False, keep=None).folded == 0
    many = rows(("w", Group.WORKING), *((f"i{n}", Group.IDLE) for n in range(12)))
    shown = fold_idle(many, is_open=False, keep=None)
    assert [row.run_id for row in shown.rows] == [run("w"), FOLD]
    assert shown.folded == 12
    kept = fold_idle(many, is_open=False, keep=run("i5"))
    assert run("i5") in [row.run_id for row in kept.rows]
    assert kept.folded == 11
    assert len(fold_idle(many, is_open=True, keep=None).rows) == 13


def test_rows_that_need_the_person_failed_or_work_never_fold() -> None:
    many = rows(
        *((f"n{n}", group) for n, group in enumerate([Group.NEEDS_YOU, Group.FAILED, Group.WORKING] * 4))
    )
    assert fold_idle(many, is_open=False, keep=None).rows == many


def test_when_a_row_leaves_the_selection_goes_to_its_next_life_else_to_the_next_one() -> None:
    before = rows(("a", Group.IDLE), ("b", Group.IDLE), ("c", Group.IDLE))
    told = [fact for name in "abc" for fact in states.working(name)]
    team = fold(AppState(), told).team
    assert next_after(before, run("b"), rows(("a", Group.IDLE), ("c", Group.IDLE)), team) == run("c")
    assert next_after(before, run("c"), rows(("a", Group.IDLE), ("b", Group.IDLE)), team) == run("b")
    assert next_after(before, run("a"), (), team) is None
    lives = team.by_run.set(run("c"), msgspec.structs.replace(team.by_run[run("c")], revived_from=run("a")))
    again = msgspec.structs.replace(team, by_run=lives)
    assert next_after(before, run("a"), rows(("b", Group.IDLE), ("c", Group.IDLE)), again) == run("c")
