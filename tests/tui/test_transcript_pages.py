"""Older entries come late, in pages: the person scrolls on, goes elsewhere, turns round; nothing jumps."""

import asyncio

import msgspec
from textual.pilot import Pilot

from quarterdeck.domain.ids import CallId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, Text, ToolCall, ToolStatus
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from quarterdeck.tui.widgets.transcript_pages import PAGE_ENTRIES
from tests.support import states
from tests.support.fake_controller import FakeConversation, Recorder, fake_controller
from tests.unit.tui_panels.panel_support import Bench, clock, look, screen_rows

LATE = states.run("late")
FIRST = 1_001
"""The first entry of the window; all before it has to be paged in."""
PAGE = 10


class Reading:
    """The transcript of `late`, of which 1,000 entries are not in the window."""

    def __init__(self, *more: did.Action, first: int = FIRST) -> None:
        facts: list[did.Action] = [
            states.opened(),
            msgspec.structs.replace(states.spawned("late"), first_entry_id=first),
            states.ready("late"),
            *[said(number) for number in range(first, first + 30)],
            *states.working("docs", color=2),
            *more,
        ]
        self.store = states.store_of(states.fold(AppState(), facts))
        controller, self.recorder = fake_controller(self.store)
        assert isinstance(controller.conversation, FakeConversation)
        self.talk = controller.conversation
        self.talk.pages[LATE] = tuple(entry(number) for number in range(1, first + 30))
        self.panel = TranscriptPanel(self.store, controller, look(), clock())
        self.app = Bench(self.panel)

    @property
    def rows(self) -> list[str]:
        """The rows of text, without title, head and foot."""
        return [row.strip() for row in screen_rows(self.app)[2:-1]]

    @property
    def foot(self) -> str:
        return screen_rows(self.app)[-1]

    @property
    def pages_asked(self) -> int:
        return names(self.recorder).count("page")

    async def settle(self, pilot: Pilot[None]) -> None:
        """Until nothing is under way."""
        for _round in range(200):
            await pilot.pause(0.01)
            if not self.panel._pages.is_loading or self.talk.gate is not None:
                break
        await pilot.pause(0.05)


def names(recorder: Recorder) -> list[object]:
    return recorder.names()


def said(number: int) -> did.TextSaid:
    return did.TextSaid(at=states.NOW, run_id=LATE, text=f"entry {number}")


def entry(number: int) -> Entry:
    return Text(number, states.NOW, f"entry {number}")


async def first_shown(reading: Reading, pilot: Pilot[None]) -> str:
    await reading.settle(pilot)
    return next(row for row in reading.rows if row.startswith("entry"))


async def scrolled_up_at_once(pages: int) -> str:
    """Where one is when every page is there as soon as it is asked for."""
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        for _press in range(pages):
            reading.panel.do("page-up")
            await reading.settle(pilot)
        return await first_shown(reading, pilot)


async def test_scrolling_up_fast_through_several_pages_ends_where_scrolling_slowly_does() -> None:
    slowly = await scrolled_up_at_once(60)
    assert slowly not in ("entry 1", "entry 1001"), "several pages lie above the window, and more above"
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.talk.gate = asyncio.Event()
        for _press in range(60):
            assert reading.panel.do("page-up")
        await reading.settle(pilot)
        assert reading.rows[0].startswith("late"), "the first row of what is here, and no further"
        reading.talk.gate.set()
        reading.talk.gate = None
        assert await first_shown(reading, pilot) == slowly


async def test_one_page_is_asked_for_at_a_time_however_often_the_key_is_pressed() -> None:
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        before = reading.pages_asked
        reading.talk.gate = asyncio.Event()
        for _press in range(60):
            reading.panel.do("page-up")
        await reading.settle(pilot)
        assert reading.pages_asked == before + 1


async def test_who_turns_round_while_a_page_is_under_way_stays_where_they_are() -> None:
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.talk.gate = asyncio.Event()
        for _press in range(20):
            reading.panel.do("page-up")
        reading.panel.do("down")
        reading.panel.do("down")
        await reading.settle(pilot)
        before = reading.rows
        reading.talk.gate.set()
        reading.talk.gate = None
        await reading.settle(pilot)
        assert [row for row in reading.rows if row.startswith("entry")] == [
            row for row in before if row.startswith("entry")
        ]


async def test_a_page_that_arrives_after_the_person_went_elsewhere_is_dropped() -> None:
    docs = states.run("docs")
    told = [did.TextSaid(at=states.NOW, run_id=docs, text=f"from docs {number}") for number in range(90)]
    reading = Reading(*told)
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.talk.gate = asyncio.Event()
        for _press in range(20):
            reading.panel.do("page-up")
        await reading.settle(pilot)
        reading.panel.show(docs)
        await pilot.pause(0.05)
        for _press in range(4):
            reading.panel.do("page-up")
        await pilot.pause(0.05)
        before = reading.rows
        assert any(row.startswith("from docs") for row in before)
        reading.talk.gate.set()
        await reading.settle(pilot)
        assert reading.rows == before
        assert not any(row.startswith("entry") for row in reading.rows)
        reading.talk.gate = None
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.panel.do("top")
        await reading.settle(pilot)
        assert "entry 1" in reading.rows


async def test_while_a_page_is_under_way_the_foot_says_so_and_then_no_more() -> None:
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.talk.gate = asyncio.Event()
        for _press in range(20):
            reading.panel.do("page-up")
        await pilot.pause(0.25)
        assert reading.foot.endswith("loading…")
        reading.talk.gate.set()
        reading.talk.gate = None
        await reading.settle(pilot)
        assert "loading" not in reading.foot


async def test_what_can_not_be_read_is_one_notice_and_asked_for_again_by_the_person_only() -> None:
    reading = Reading()
    reading.talk.gone = "The journal is damaged behind entry 12."
    async with reading.app.run_test(size=(60, 50)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        assert reading.app.notices == ["The journal is damaged behind entry 12."]
        assert "entry 1001" in reading.rows, "what is here stays"
        reading.store.dispatch(said(1_031))
        await reading.settle(pilot)
        assert reading.pages_asked == 1
        reading.panel.do("page-up")
        await reading.settle(pilot)
        assert reading.app.notices == ["The journal is damaged behind entry 12."] * 2
        reading.talk.gone = ""
        reading.panel.do("page-up")
        await reading.settle(pilot)
        assert any(f"entry {number}" in reading.rows for number in range(901, 1_001))


async def test_the_top_of_a_long_conversation_costs_one_page_and_the_rest_follows() -> None:
    reading = Reading(first=5_001)
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        before = reading.pages_asked
        reading.panel.do("top")
        await reading.settle(pilot)
        assert "entry 1" in reading.rows
        assert reading.pages_asked == before + 1
        assert reading.foot.endswith("more ↓")
        seen: set[str] = set()
        for _press in range(40):
            seen.update(reading.rows)
            reading.panel.do("page-down")
            await reading.settle(pilot)
        assert {f"entry {number}" for number in range(1, 2 * PAGE_ENTRIES)} <= seen
        reading.panel.do("end")
        await reading.settle(pilot)
        assert "entry 5030" in reading.rows
        assert reading.foot.endswith("live")


async def test_a_part_that_was_gone_to_joins_the_live_end_when_one_scrolls_there() -> None:
    reading = Reading()
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.panel.show_entry(700)
        await reading.settle(pilot)
        assert "❯ entry 700" in reading.rows or "❯entry 700" in reading.rows, reading.rows
        reading.store.dispatch(did.TextStreamed(at=states.NOW, parts=((LATE, "streams now"),)))
        await reading.settle(pilot)
        assert "streams now" not in reading.rows, "what streams belongs to the end, which is not here"
        seen: set[str] = set()
        for _press in range(200):
            seen.update(reading.rows)
            reading.panel.do("page-down")
            await reading.settle(pilot)
            if "streams now" in reading.rows:
                break
        assert "streams now" in reading.rows
        assert {f"entry {number}" for number in range(705, 1_020)} <= seen
        assert reading.foot.endswith("live")


async def test_the_entry_gone_to_is_opened_and_named_by_the_cursor() -> None:
    reading = Reading()
    call = ToolCall(
        id=400,
        at=states.NOW,
        call_id=CallId("x"),
        tool="Bash",
        title="make",
        status=ToolStatus.OK,
        summary="exit 0",
        detail="the needle is here",
    )
    kept = reading.talk.pages[LATE]
    reading.talk.pages[LATE] = (*kept[:399], call, *kept[400:])
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        reading.panel.show_entry(400)
        await reading.settle(pilot)
        assert "the needle is here" in reading.rows
        assert any(row.startswith("❯▾ Bash make") for row in reading.rows)


async def test_a_window_that_no_page_reaches_is_shown_all_the_same() -> None:
    reading = Reading()
    reading.talk.pages[LATE] = reading.talk.pages[LATE][:500]
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.panel.show_entry(480)
        await reading.settle(pilot)
        asked = reading.pages_asked
        for _press in range(20):
            reading.panel.do("page-down")
            await reading.settle(pilot)
        assert "entry 1030" in reading.rows
        assert reading.pages_asked <= asked + 3, "it does not ask for ever"


async def test_of_a_killed_run_all_is_shown_not_only_its_last_message() -> None:
    ended = did.ToolEnded(
        at=states.NOW,
        run_id=LATE,
        call_id=CallId("t"),
        tool="Bash",
        title="make all",
        status=ToolStatus.OK,
        summary="",
        detail="",
        duration_s=0.1,
    )
    reading = Reading(ended, states.killed("late"))
    call = ToolCall(1_031, states.NOW, CallId("t"), "Bash", "make all", ToolStatus.OK)
    reading.talk.pages[LATE] = (*reading.talk.pages[LATE], call)
    async with reading.app.run_test(size=(60, 40)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        reading.panel.do("end")
        await reading.settle(pilot)
        assert any("Bash make all" in row for row in reading.rows)
        assert "entry 1030" in reading.rows


async def test_of_a_killed_run_of_which_nothing_is_kept_the_last_message_is_shown() -> None:
    reading = Reading(states.killed("late"))
    reading.talk.pages.clear()
    async with reading.app.run_test(size=(60, 24)) as pilot:
        reading.panel.show(LATE)
        await reading.settle(pilot)
        assert "entry 1030" in reading.rows


async def test_an_evicted_run_is_read_from_any_entry_on() -> None:
    reading = Reading(
        did.TeammateEnded(at=states.NOW, run_id=LATE, outcome=Outcome.COMPLETED, findings="", error=""),
        did.TeammateEvicted(at=states.NOW, run_id=LATE),
    )
    async with reading.app.run_test(size=(60, PAGE + 3)) as pilot:
        reading.panel.show(LATE)
        reading.panel.show_entry(300)
        await reading.settle(pilot)
        assert any(row.endswith("entry 300") for row in reading.rows)
        reading.panel.do("page-up")
        await reading.settle(pilot)
        assert "entry 298" in reading.rows
        reading.panel.do("end")
        await reading.settle(pilot)
        assert "entry 1030" in reading.rows
