"""The request panel: what it shows, what its answers carry, and what happens when the world changes."""

from collections.abc import Sequence

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import PermissionScope, StepComment
from quarterdeck.domain.teammates import Outcome, PermissionMode
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.tui.widgets.request_panel import RequestPanel
from tests.support import states
from tests.support.fake_controller import Recorder, fake_controller
from tests.unit.tui_panels.panel_support import Bench, clock, look, screen_rows

PLAN, PERM, ASK = RequestId("plan-coder"), RequestId("perm-tester"), RequestId("question-docs")


def team(*facts: did.Action) -> Store:
    """Three teammates at work, and what is asked."""
    start = [
        states.opened(),
        *states.working("coder"),
        *states.working("tester", color=2),
        *states.working("docs", color=3),
    ]
    return states.store_of(states.fold(AppState(), [*start, *facts]))


def bench(*facts: did.Action) -> tuple[Bench, RequestPanel, Store, Recorder]:
    """An app around a request panel."""
    store = team(*facts)
    controller, recorder = fake_controller(store)
    panel = RequestPanel(store, controller, look(), clock())
    return Bench(panel), panel, store, recorder


def written(app: Bench) -> str:
    """The text of the field that has the keys."""
    assert isinstance(app.focused, TextArea)
    return app.focused.text


async def do(pilot: Pilot[None], panel: RequestPanel, *actions: str) -> list[bool]:
    """Act, with a pause after each."""
    done = []
    for action in actions:
        done.append(panel.do(action))
        await pilot.pause()
    return done


async def tell(pilot: Pilot[None], store: Store, facts: Sequence[did.Action]) -> None:
    """Dispatch and wait until the panel was told."""
    for fact in facts:
        store.dispatch(fact)
    await pilot.pause(0.05)
    await pilot.pause()


async def test_a_plan_is_shown_whole_with_its_place_among_those_that_need_you() -> None:
    app, panel, _store, _asked = bench(*states.permission("tester"), *states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        rows = screen_rows(app)
        assert rows[0].startswith("━ coder ▲ plan v1 ━")
        assert rows[0].endswith("of 2 that need you ━")
        assert rows[1] == " coder asks to start · plan v1 · 6 steps · waits 4m12s"
        assert "  4. Cart.total() returns Decimal instead of float." in rows
        assert rows[23].endswith("whole plan shown")
        assert rows[23].startswith(" a starts it in mode default")


async def test_nothing_is_painted_before_it_is_on_the_screen() -> None:
    app, panel, store, _asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert panel.painted_token() is None
        panel.show(PLAN)
        await pilot.pause()
        await pilot.pause()
        assert panel.painted_token() == (PLAN, 1)
        panel.display = False
        await pilot.pause()
        assert panel.painted_token() is None
        panel.display = True
        await pilot.pause()
        await pilot.pause()
        assert panel.painted_token() == (PLAN, 1)
        await tell(pilot, store, [states.killed("coder")])
        assert panel.painted_token() is None


async def test_approving_carries_id_version_and_default_mode() -> None:
    app, panel, _store, asked = bench(*states.plan("coder", version=2))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        assert await do(pilot, panel, "approve") == [True]
        assert asked.asked[-1] == ("approve_plan", PLAN, 2, PermissionMode.DEFAULT, None)
        assert app.answered == [PLAN]
        assert await do(pilot, panel, "approve") == [False]
        assert asked.names().count("approve_plan") == 1


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_a_long_command_can_be_allowed_only_after_its_end_was_shown(size: tuple[int, int]) -> None:
    command = "echo start; " + "x" * 5000 + "\n" * 200 + " " * 500 + ";\nrm -rf /"
    app, panel, _store, asked = bench(*states.permission("tester", subject=command))
    async with app.run_test(size=size) as pilot:
        panel.show(PERM)
        await pilot.pause()
        seen = ["\n".join(screen_rows(app))]
        assert not panel.is_whole_seen()
        assert await do(pilot, panel, "approve") == [False]
        assert "Not shown whole yet" in app.notices[-1]
        assert not asked.asked
        for _page in range(400):
            if not panel.do("page-down"):
                break
            await pilot.pause()
            seen.append("\n".join(screen_rows(app)))
        await pilot.pause()
        assert panel.is_whole_seen()
        whole = "\n".join(seen)
        assert "202 │ rm -rf /" in whole
        assert await do(pilot, panel, "approve") == [True]
        assert asked.asked == [("allow", PERM, 1, PermissionScope.ONCE, None)]


async def test_another_width_asks_to_see_the_end_again() -> None:
    app, panel, _store, _asked = bench(*states.permission("tester", subject="x" * 1500))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PERM)
        await pilot.pause()
        panel.do("end")
        await pilot.pause()
        await pilot.pause()
        assert panel.is_whole_seen()
        panel.do("top")
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert not panel.is_whole_seen()


async def test_a_new_version_while_reading_is_said_and_nothing_is_approved() -> None:
    app, panel, store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await tell(pilot, store, states.plan("coder", version=2, at=states.NOW))
        said = "Plan v1 changed to v2 while you read. Nothing was approved. This is v2."
        assert app.notices == [said]
        rows = screen_rows(app)
        assert any(said in row for row in rows)
        assert "plan v2, changes since v1" in rows[0]
        assert panel.painted_token() == (PLAN, 2)
        assert not asked.asked


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (states.killed("docs"), "docs was killed; its question is withdrawn."),
        (states.ended("docs", Outcome.COMPLETED), "docs has ended; its question is withdrawn."),
        (
            did.RequestWithdrawn(at=states.NOW, request_id=ASK, reason="interrupted"),
            "The question of docs was answered or withdrawn meanwhile. Nothing was sent.",
        ),
    ],
)
async def test_a_withdrawn_request_stays_readable_and_takes_no_answer(end: did.Action, words: str) -> None:
    app, panel, store, asked = bench(*states.question("docs"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(ASK)
        await pilot.pause()
        await tell(pilot, store, [end])
        rows = screen_rows(app)
        assert any(words in row for row in rows)
        assert any("Which rounding" in row for row in rows)
        assert await do(pilot, panel, "option-1", "approve", "reject") == [False, False, False]
        assert not asked.asked
        assert app.notices[-1] == words


async def test_a_failed_teammates_plan_waits_for_its_revival() -> None:
    app, panel, store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await tell(pilot, store, [states.ended("coder", Outcome.FAILED, error="401")])
        assert "has failed. Your answer revives it" in app.notices[-1]
        assert not asked.asked
        assert await do(pilot, panel, "approve") == [True]
        assert asked.asked[0][:3] == ("approve_plan", PLAN, 1)


async def test_options_choose_and_only_a_sends() -> None:
    app, panel, _store, asked = bench(*states.question("docs"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(ASK)
        await pilot.pause()
        assert await do(pilot, panel, "approve") == [False]
        assert await do(pilot, panel, "option-9") == [False]
        assert await do(pilot, panel, "option-2") == [True]
        assert any(row.startswith("❯  2  half-even") for row in screen_rows(app))
        assert not asked.asked
        assert await do(pilot, panel, "approve") == [True]
        assert asked.asked == [("answer", ASK, 1, "half-even")]


async def test_an_answer_in_ones_own_words() -> None:
    app, panel, _store, asked = bench(*states.question("docs", options=()))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(ASK)
        await pilot.pause()
        await do(pilot, panel, "approve")
        await pilot.press(*"both a", "enter")
        await pilot.pause()
        assert asked.asked == [("answer", ASK, 1, "both a")]
        assert app.answered == [ASK]
        assert app.focused is panel


async def test_a_rejection_carries_the_reason_and_the_comments_with_their_steps() -> None:
    app, panel, _store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "next-step", "next-step", "comment")
        await pilot.press(*"half-up", "enter")
        await pilot.pause()
        assert any("│ you: half-up" in row for row in screen_rows(app))
        assert not asked.asked
        await do(pilot, panel, "reject")
        assert any("1 comment goes along" in row for row in screen_rows(app))
        assert any("  4. Cart.total()" in row for row in screen_rows(app)), "the request stays readable"
        await pilot.press(*"no", "ctrl+j", *"way", "enter")
        await pilot.pause()
        quote = "2. `price.round_money`: Decimal, ROUND_HALF_EVEN, two places."
        comments = (StepComment("v1-1", quote, "half-up"),)
        assert asked.asked == [("reject_plan", PLAN, 1, "no\nway", comments)]


async def test_letters_in_a_field_are_text_and_esc_keeps_the_draft() -> None:
    app, panel, _store, asked = bench(*states.plan("coder"), *states.permission("tester"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "reject")
        await pilot.press(*"adwx", "escape")
        await pilot.pause()
        assert app.focused is panel
        assert not asked.asked
        panel.show(PERM)
        await pilot.pause()
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "reject")
        assert written(app) == "adwx"


async def test_a_reason_for_a_version_that_is_no_more_is_kept_and_not_sent() -> None:
    app, panel, store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "reject")
        await pilot.press(*"bad")
        await tell(pilot, store, states.plan("coder", version=2, at=states.NOW))
        await pilot.press("enter")
        await pilot.pause()
        assert not asked.asked
        assert "Nothing was sent; your words are kept." in app.notices[-1]
        await do(pilot, panel, "reject")
        assert written(app) == "bad"


async def test_an_edited_plan_is_shown_as_a_diff_and_approved_as_that_text() -> None:
    app, panel, _store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "edit")
        editor = app.focused
        assert isinstance(editor, TextArea)
        editor.text = editor.text.replace("HALF_EVEN", "HALF_UP")
        await pilot.press("escape")
        await pilot.pause()
        rows = screen_rows(app)
        assert "edited by you, not approved" in rows[0]
        assert any(row.startswith("  - 2.") and "HALF_EVEN" in row for row in rows)
        assert any(row.startswith("  + 2.") and "HALF_UP" in row for row in rows)
        assert not asked.asked
        await do(pilot, panel, "approve")
        edited = states.PLAN_V1.replace("HALF_EVEN", "HALF_UP")
        assert asked.asked == [("approve_plan", PLAN, 1, PermissionMode.DEFAULT, edited)]


async def test_an_editor_left_without_a_change_edits_nothing() -> None:
    app, panel, _store, asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "edit")
        await pilot.press("escape")
        await pilot.pause()
        assert "edited" not in screen_rows(app)[0]
        await do(pilot, panel, "approve")
        assert asked.asked[-1][-1] is None


async def test_a_revised_plan_shows_changes_then_whole_then_the_one_before_then_raw() -> None:
    app, panel, _store, _asked = bench(*states.plan("coder", version=2))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        titles, bodies = [], []
        for _view in range(4):
            rows = screen_rows(app)
            titles.append(rows[0].split("━")[1].strip())
            bodies.append("\n".join(rows))
            await do(pilot, panel, "view")
        assert titles == [
            "coder ▲ plan v2, changes since v1",
            "coder ▲ plan v2",
            "coder ▲ plan v2, this is v1",
            "coder ▲ plan v2, as written",
        ]
        assert "  ~ 7. Run" in bodies[0]
        assert '│ "Half-up, not half-even' in bodies[0]
        assert "HALF_EVEN" not in bodies[1]
        assert "HALF_EVEN" in bodies[2]
        assert "# Fix cart rounding" in bodies[3]


async def test_a_refused_answer_says_why_and_keeps_the_draft() -> None:
    app, panel, store, _asked = bench(*states.question("docs"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(ASK)
        await pilot.pause()
        await do(pilot, panel, "option-1")
        store.dispatch(did.RequestWithdrawn(at=states.NOW, request_id=ASK, reason="gone"))
        panel.do("approve")
        await pilot.pause()
        assert app.answered == []
        assert app.notices[0].startswith("That was answered or withdrawn meanwhile.")


async def test_arrows_go_from_step_to_step_where_all_is_in_sight_and_scroll_else() -> None:
    app, panel, _store, _asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await do(pilot, panel, "down", "down")
        assert any(row.startswith("❯ 2. ") for row in screen_rows(app))
        await pilot.resize_terminal(80, 10)
        await pilot.pause()
        await do(pilot, panel, "down")
        rows = screen_rows(app)
        assert rows[-1].endswith("lines 2–8 of 12")


async def test_arrows_and_clicks_choose_options_and_send_nothing() -> None:
    app, panel, _store, asked = bench(*states.question("docs"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(ASK)
        await pilot.pause()
        await do(pilot, panel, "down")
        assert any(row.startswith("❯  1  half-up") for row in screen_rows(app))
        at = next(index for index, row in enumerate(screen_rows(app)) if "2  half-even" in row)
        await pilot.click(offset=(8, at))
        await pilot.pause()
        assert any(row.startswith("❯  2  half-even") for row in screen_rows(app))
        assert not asked.asked


async def test_the_title_is_heavy_as_soon_as_the_request_has_the_keys() -> None:
    app, panel, _store, _asked = bench(*states.plan("coder"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        panel.blur()
        await pilot.pause()
        assert screen_rows(app)[0].startswith("─ coder")
        panel.focus()
        await pilot.pause()
        assert screen_rows(app)[0].startswith("━ coder")


async def test_the_foot_never_says_all_shown_while_a_row_is_hidden() -> None:
    app, panel, store, _asked = bench(*states.plan("coder"))
    async with app.run_test(size=(69, 23)) as pilot:
        panel.show(PLAN)
        await pilot.pause()
        await tell(pilot, store, states.plan("coder", version=2, at=states.NOW))
        is_cut = panel.body.source.total() > panel.body.rows
        assert is_cut
        assert f"lines 1–{panel.body.rows} of" in screen_rows(app)[-1]
