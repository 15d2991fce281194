"""The transcript panel: it stays where it was put, follows when told, pages in, folds, selects, copies."""

from collections.abc import Sequence

import msgspec
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from quarterdeck.domain.ids import CallId
from quarterdeck.domain.teammates import IdleReason, Outcome
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, Text, ToolStatus
from quarterdeck.state.store import Store
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from tests.support import states
from tests.support.fake_controller import FakeConversation, fake_controller
from tests.unit.tui_panels.panel_support import Bench, clock, look, screen_rows

CODER = states.run("coder")


def bench(*facts: did.Action) -> tuple[Bench, TranscriptPanel, Store, FakeConversation]:
    """An app around the transcript of `coder`."""
    start = [states.opened(), *states.working("coder"), *states.working("docs", color=2)]
    store = states.store_of(states.fold(AppState(), [*start, *facts]))
    controller, _recorder = fake_controller(store)
    assert isinstance(controller.conversation, FakeConversation)
    panel = TranscriptPanel(store, controller, look(), clock())
    return Bench(panel), panel, store, controller.conversation


def say(text: str, *, interrupted: bool = False) -> did.TextSaid:
    return did.TextSaid(at=states.NOW, run_id=CODER, text=text, interrupted=interrupted)


def stream(text: str) -> did.TextStreamed:
    return did.TextStreamed(at=states.NOW, parts=((CODER, text),))


def ran(number: int, detail: str) -> did.ToolEnded:
    return did.ToolEnded(
        at=states.NOW,
        run_id=CODER,
        call_id=CallId(f"t{number}"),
        tool="Bash",
        title=f"make part{number}",
        status=ToolStatus.OK,
        summary="exit 0",
        detail=detail,
        duration_s=0.2,
    )


async def tell(pilot: Pilot[None], store: Store, *facts: did.Action) -> None:
    """Dispatch and wait until the panel was told."""
    for fact in facts:
        store.dispatch(fact)
    await pilot.pause(0.05)
    await pilot.pause()


async def test_the_screen_of_the_design_is_drawn() -> None:
    store = states.store_of(states.shop())
    controller, _recorder = fake_controller(store)
    panel = TranscriptPanel(store, controller, look(), clock())
    app = Bench(panel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(states.run("builder"))
        await pilot.pause(0.05)
        rows = screen_rows(app)
        assert rows[0].startswith("━ builder ▸ running a tool ━")
        assert rows[0].endswith(" live ━")
        assert rows[1].startswith(" sonnet-4.5 · default · beat 3s · 48k tok")
        whole = "\n".join(rows)
        assert " │ Bump to 2.4.1 before you build." in whole
        assert "▸ Read pyproject.toml" in whole
        assert '     7 + version = "2.4.1"' in whole
        assert "2 lines folded" in whole
        assert "running 18s · timeout 120s" in whole
        assert any(row.endswith("Hauling… 6m38s") for row in rows)
        assert "$" not in whole


async def test_text_streams_in_and_the_end_is_followed() -> None:
    app, panel, store, _talk = bench()
    async with app.run_test(size=(60, 12)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        assert any("coder has said nothing yet." in row for row in screen_rows(app))
        for number in range(30):
            await tell(pilot, store, stream(f"Line *{number}*.\n\n"))
        rows = screen_rows(app)
        assert "  Line 29." in rows
        assert rows[-1].endswith("live")


async def test_scrolled_up_it_stays_while_text_streams_and_counts_what_is_new() -> None:
    app, panel, store, _talk = bench(*[say(f"paragraph {number}") for number in range(40)])
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        panel.do("page-up")
        await pilot.pause()
        before = screen_rows(app)[2:-1]
        await tell(pilot, store, stream("one\n\ntwo\n\nthree"))
        rows = screen_rows(app)
        assert rows[2:-1] == before
        assert rows[-1].endswith("new lines ↓")
        assert "reading" in rows[0]
        panel.do("end")
        await pilot.pause()
        rows = screen_rows(app)
        assert "  three" in rows
        assert rows[-1].endswith("live")
        await tell(pilot, store, stream("\n\nfour"))
        assert "  four" in screen_rows(app)


async def test_finished_text_replaces_what_streamed_once() -> None:
    app, panel, store, _talk = bench()
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await tell(pilot, store, stream("All **done**"))
        await tell(pilot, store, stream(" now."), say("All **done** now."))
        rows = screen_rows(app)
        assert rows.count("  All done now.") == 1
        await tell(pilot, store, say("Half a sen", interrupted=True))
        assert any("interrupted" in row for row in screen_rows(app))


async def test_a_discarded_step_leaves_the_screen() -> None:
    app, panel, store, _talk = bench()
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await tell(pilot, store, stream("Never mind this"))
        assert any("Never mind" in row for row in screen_rows(app))
        await tell(pilot, store, did.StepDiscarded(at=states.NOW, run_id=CODER, reason="cut off"))
        assert not any("Never mind" in row for row in screen_rows(app))


async def test_paging_up_past_the_window_brings_the_older_part_and_moves_nothing() -> None:
    app, panel, _store, talk = bench(
        msgspec.structs.replace(states.spawned("late"), first_entry_id=301),
        *[did.TextSaid(at=states.NOW, run_id=states.run("late"), text=f"entry {n}") for n in range(301, 331)],
    )
    older: tuple[Entry, ...] = tuple(Text(number, states.NOW, f"entry {number}") for number in range(1, 301))
    talk.pages[states.run("late")] = older
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(states.run("late"))
        await pilot.pause(0.05)
        seen: list[str] = []
        for _step in range(600):
            seen += [row.strip() for row in screen_rows(app)[2:-1]]
            if not panel.do("up"):
                break
            await pilot.pause()
        assert {f"entry {number}" for number in range(1, 331)} <= set(seen)
        panel.do("top")
        await pilot.pause()
        assert "  entry 1" in screen_rows(app)
        panel.do("end")
        await pilot.pause()
        assert "  entry 330" in screen_rows(app)


async def test_a_kill_shows_its_proof_and_the_whole_conversation_stays() -> None:
    app, panel, store, _talk = bench(*[say(f"said {number}") for number in range(10)])
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        await tell(pilot, store, states.killed("coder", processes=14))
        rows = screen_rows(app)
        assert "killed" in rows[0]
        assert any("… " in row and "0 of 14 ended, 14 left" in row for row in rows), rows
        assert not any("✓" in row and "task" in row for row in rows)
        await tell(pilot, store, *states.proved("coder", processes=14))
        whole = "\n".join(screen_rows(app))
        assert "0.003s  ✓  stream to the model closed" in whole
        assert "0.090s  ✓  14 of 14 processes ended" in whole
        assert "0.110s  ✓  task ended" in whole
        assert "✓  0 requests to the model since" in whole
        assert "r revives it on its whole conversation · h keeps it for good" in whole
        panel.do("top")
        await pilot.pause()
        assert "  said 0" in screen_rows(app)


async def test_a_failed_run_says_why() -> None:
    app, panel, store, _talk = bench(say("hello"))
    async with app.run_test(size=(80, 24)) as pilot:
        panel.show(CODER)
        await tell(pilot, store, states.ended("coder", Outcome.FAILED, error="401: key \x1b[31mrefused"))
        whole = "\n".join(screen_rows(app))
        assert "✗ failed" in whole
        assert "401: key ␛[31mrefused" in whole


async def test_blocks_open_fold_step_and_copy() -> None:
    app, panel, _store, _talk = bench(ran(1, "alpha\nbeta"), ran(2, "gamma"), say("The *end*."))
    async with app.run_test(size=(70, 20)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        assert not any("gamma" in row for row in screen_rows(app))
        assert panel.do("fold")
        await pilot.pause()
        rows = screen_rows(app)
        assert "     gamma" in rows
        assert not any("alpha" in row for row in rows)
        assert any(row.startswith("❯▾ Bash make part2") for row in rows)
        panel.do("previous-block")
        await pilot.pause()
        assert any(row.startswith("❯▸ Bash make part1") for row in screen_rows(app))
        panel.do("fold")
        await pilot.pause()
        assert "     alpha" in screen_rows(app)
        panel.do("copy")
        await pilot.pause()
        assert app.copied == ["Bash make part1\nalpha\nbeta"]
        assert app.notices == ["Copied 3 lines."]
        panel.do("next-block")
        panel.do("next-block")
        panel.do("copy")
        assert app.copied[-1] == "The *end*."
        panel.do("fold-all")
        await pilot.pause()
        assert not any("alpha" in row or "gamma" in row for row in screen_rows(app))
        panel.do("fold-all")
        await pilot.pause()
        assert sum("alpha" in row or "gamma" in row for row in screen_rows(app)) == 2


async def test_raw_shows_the_text_as_it_was_written() -> None:
    app, panel, _store, _talk = bench(say("# Head\n\n**bold** [x](http://y)"))
    async with app.run_test(size=(70, 20)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        assert not any("**bold**" in row for row in screen_rows(app))
        panel.do("view")
        await pilot.pause()
        assert "  **bold** [x](http://y)" in screen_rows(app)


async def test_text_can_be_selected_by_mouse_also_after_scrolling() -> None:
    app, panel, _store, _talk = bench(*[say(f"paragraph number {number}") for number in range(30)])
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        panel.do("page-up")
        await pilot.pause()
        rows = screen_rows(app)
        at = next(index for index, row in enumerate(rows) if row.startswith("  paragraph number"))
        await pilot.mouse_down(offset=(2, at))
        await pilot.hover(offset=(10, at))
        await pilot.mouse_up(offset=(10, at))
        await pilot.pause()
        assert app.screen.get_selected_text() == "paragraph"


async def test_a_selection_gives_rows_that_are_not_in_sight_too() -> None:
    app, panel, _store, _talk = bench(*[say(f"text {number}") for number in range(30)])
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        app.screen.selections = {panel.body: Selection(Offset(0, 0), None)}
        await pilot.pause()
        selected = app.screen.get_selected_text() or ""
        assert selected.startswith("coder "), "the margin of the panel is not copied"
        assert "\n text 0\n text 1\n" in selected
        assert "\n text 29\n" in selected


async def test_another_teammate_and_back_keeps_the_place_and_what_was_opened() -> None:
    app, panel, _store, _talk = bench(ran(1, "alpha"), *[say(f"text {number}") for number in range(30)])
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        panel.do("top")
        await pilot.pause()
        panel.do("fold")
        await pilot.pause()
        before = screen_rows(app)[2:-1]
        assert "     alpha" in before
        panel.show(states.run("docs"))
        await pilot.pause(0.05)
        assert any("docs has said nothing yet." in row for row in screen_rows(app))
        panel.show(CODER)
        await pilot.pause(0.05)
        assert screen_rows(app)[2:-1] == before


async def test_a_turn_ends_with_its_mark() -> None:
    app, panel, store, _talk = bench()
    end = did.TurnEnded(
        at=states.NOW,
        run_id=CODER,
        reason=IdleReason.DONE,
        final_text="x",
        duration_s=42,
        usage=Usage(input=3000, output=100),
    )
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await tell(pilot, store, say("x"), end)
        row = next(row for row in screen_rows(app) if row.startswith(" Charted for 42s"))
        assert row.endswith("3.1k tok")


async def test_another_width_lays_all_out_again() -> None:
    app, panel, _store, _talk = bench(say("word " * 40))
    async with app.run_test(size=(100, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        await pilot.resize_terminal(40, 14)
        await pilot.pause(0.05)
        rows = [row for row in screen_rows(app) if row.startswith("  word")]
        assert len(rows) == 6
        assert all(len(row) <= 40 for row in rows)


async def test_an_evicted_runs_conversation_can_be_read() -> None:
    app, panel, _store, talk = bench(states.ended("coder", Outcome.COMPLETED), evicted())
    talk.pages[CODER] = tuple(Text(number, states.NOW, f"old {number}") for number in range(1, 4))
    async with app.run_test(size=(60, 20)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        await pilot.pause()
        shown: Sequence[str] = screen_rows(app)
        assert "  old 1" in shown
        assert "  old 3" in shown


def evicted() -> did.TeammateEvicted:
    return did.TeammateEvicted(at=states.NOW, run_id=CODER)


async def test_a_click_on_the_head_of_a_block_opens_it_and_on_text_does_nothing() -> None:
    app, panel, _store, _talk = bench(ran(1, "alpha"), say("just text"))
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        at = next(index for index, row in enumerate(screen_rows(app)) if "make part1" in row)
        await pilot.click(offset=(6, at))
        await pilot.pause()
        rows = screen_rows(app)
        assert "     alpha" in rows
        await pilot.click(offset=(6, rows.index("  just text")))
        await pilot.pause()
        assert "     alpha" in screen_rows(app)


async def test_nothing_is_called_running_once_the_run_has_ended() -> None:
    started = did.ToolStarted(
        at=states.NOW - 252, run_id=CODER, call_id=CallId("r"), tool="Bash", title="sleep 900", timeout_s=999
    )
    printed = did.ToolPrinted(at=states.NOW - 1, run_id=CODER, call_id=CallId("r"), tail="tick\ntock\n")
    app, panel, store, _talk = bench(say("first"), started, printed)
    async with app.run_test(size=(70, 24)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        assert any("running 4m12s" in row for row in screen_rows(app))
        await tell(pilot, store, states.killed("coder"))
        panel.do("end")
        await pilot.pause()
        rows = screen_rows(app)
        assert not any("running" in row for row in rows)
        assert any("sleep 900" in row and row.endswith("cut at 4m12s") for row in rows)
        assert "     tock" in rows


async def test_what_was_told_before_another_was_chosen_is_not_mixed_in() -> None:
    app, panel, store, _talk = bench(say("from coder"))
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        store.dispatch(say("more from coder"))
        panel.show(states.run("docs"))
        await pilot.pause(0.1)
        assert not any("from coder" in row for row in screen_rows(app))
        panel.show(CODER)
        await pilot.pause(0.1)
        assert "  more from coder" in screen_rows(app)


async def test_another_theme_is_drawn_at_once_and_the_text_stays() -> None:
    app, panel, _store, _talk = bench(say("hello"), ran(1, "alpha"))
    async with app.run_test(size=(60, 14)) as pilot:
        panel.show(CODER)
        await pilot.pause(0.05)
        before = screen_rows(app)
        panel.look.change_roles(look(colour=False).roles)
        panel.redraw()
        await pilot.pause()
        assert screen_rows(app) == before
        styles = [
            segment.style
            for index in range(panel.body.source.total())
            for segment in panel.body.source.line(index)
        ]
        assert not any(style is not None and style.color is not None for style in styles)
