"""The past on the screen: looked at from a moment, left at once, and no place to change anything from."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from quarterdeck.domain.ids import RequestId
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import ACTING, Place, load_keymap
from quarterdeck.tui.ports import ArchiveGone
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.past_view import PastView
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.past_story import START, story
from tests.support.states import NOW, run

KEYMAP = load_keymap()
TO_THE_KILL = ("l", *["left_square_bracket"] * 3)
MIDDLE = (120, 36)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The notice tells the time of day."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def past_of(hand: Hand) -> PastView:
    return hand.app.deck.past


def rows_then(hand: Hand) -> list[str]:
    """The rows of the team as it was."""
    lines = hand.lines
    head = next(at for at, line in enumerate(lines) if line.startswith("─ Then "))
    count = int(lines[head].split()[2])
    return lines[head + 1 : head + 1 + count]


def row_of(hand: Hand, name: str) -> str:
    return next(row for row in rows_then(hand) if f" {name} " in row)


async def test_the_moment_before_a_kill_shows_the_rows_as_they_were() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert "runaway" not in hand.text.partition("Log")[0]
        await hand.press(*TO_THE_KILL)
        await hand.until(lambda: "killed" in row_of(hand, "runaway"))
        await hand.press("left")
        await hand.until(lambda: "while :; do find . ; done" in row_of(hand, "runaway"))
        assert "plan v1 · 6 steps" in row_of(hand, "coder")
        assert "4m05s" in row_of(hand, "coder"), "ages are those of that moment"
        assert "paused" not in row_of(hand, "porter")
        assert len(rows_then(hand)) == 6
        assert "PAST " in hand.lines[0]
        assert "▲ 2 need you now" in hand.lines[0]


async def test_the_transcript_is_that_of_the_lane_and_the_moment() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("l", "home")
        for _ in range(5):
            await hand.press("down")
        assert "builder was not there at" in hand.text
        await hand.press(*["full_stop"] * 6)
        await hand.until(lambda: "builder as it was at" in hand.text and "uv build --wheel" in hand.text)
        assert "running 30s" in hand.text
        await hand.press(*["full_stop"] * 3)
        await hand.until(lambda: "exit 0 · 150.0s" in hand.text or "exit 0 · 2m30s" in hand.text)
        await hand.press(*["comma"] * 6)
        await hand.until(lambda: "uv build --wheel" not in hand.text.partition("as it was")[2])


@pytest.mark.parametrize("key", ["escape", "q", "l"])
async def test_leaving_shows_now_at_once_also_what_happened_meanwhile(key: str) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        hand.app.deck.roster.select(run("lead"))
        await hand.settle()
        await hand.press("l", "home")
        await hand.tell(
            *states.working("late", at=hand.wall()), states.killed("porter", at=hand.wall(), processes=0)
        )
        assert not any("late" in row or "killed" in row for row in rows_then(hand))
        await hand.press(key)
        assert hand.is_at(Place.TEAM)
        assert "PAST" not in hand.text
        assert "late" in hand.text
        assert "killed" in next(line for line in hand.lines if "▌✕ porter" in line)
        assert hand.app.deck.roster.selected == run("lead")


async def test_a_request_that_comes_meanwhile_is_counted_in_the_header_and_n_goes_to_it() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("l", "left")
        await hand.tell(*states.question("lead", at=hand.wall()))
        assert "▲ 3 need you now" in hand.lines[0]
        await hand.press("n")
        assert hand.is_at(Place.REQUEST)
        assert hand.app.deck.main.request.request_id == RequestId("perm-tester")
        assert "PAST" not in hand.text


@pytest.mark.parametrize("from_place", [(), ("n",), ("right",), ("h",)], ids=["team", "request", "in", "H"])
async def test_every_key_that_acts_is_refused_and_asks_nothing_of_the_controller(
    from_place: tuple[str, ...],
) -> None:
    acting = sorted({one.key for one in KEYMAP.bindings.values() if one.kind in ACTING})
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press(*from_place, "l", "left")
        sequence = hand.store.sequence
        for key in (*acting, "enter", "tab"):
            hand.app.say(" ")
            await hand.press(key)
            if key in acting:
                assert hand.notice == "This is 14:29. esc returns to now.", key
            assert hand.is_at(Place.TIMELINE), key
        assert hand.asked == []
        assert hand.store.sequence == sequence


async def test_what_acts_is_refused_by_whatever_way_it_is_asked_for() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("l", "left")
        actions = {one.action for one in KEYMAP.bindings.values() if one.kind in ACTING}
        for action in sorted(actions - {"write", "yes", "text"}):
            hand.app.perform(action)
        assert hand.asked == []
        assert hand.is_at(Place.TIMELINE)
        assert hand.notice == "This is 14:29. esc returns to now."


async def test_a_paste_and_a_click_on_the_composers_place_write_nothing() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert hand.pilot is not None
        await hand.press("l")
        hand.app.deck.composer.area.focus()
        await hand.settle()
        assert hand.is_at(Place.TIMELINE)
        await hand.press("h", "i")
        assert hand.app.deck.composer.text == ""


async def test_the_brake_goes_back_to_now_and_then_does_what_it_always_does() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("l", "left", "ctrl+x", "p")
        assert hand.asked == ["pause_all"]
        assert "PAST" not in hand.text
        await hand.press("l", "left", "ctrl+x", "k")
        assert hand.is_at(Place.SHEET)
        assert "PAST" not in hand.text


async def test_a_key_right_after_coming_back_does_not_answer_what_just_appeared() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("n", "l")
        await hand.press("escape")
        await hand.press("a", gap=0.1)
        assert hand.asked == []
        assert "just appeared" in hand.notice
        await hand.press("escape")


async def test_the_place_that_had_the_keys_has_them_again() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        for keys, place in ((("n",), Place.REQUEST), (("right",), Place.TRANSCRIPT), (("2",), Place.INBOX)):
            hand.app.desk.go(Place.TEAM)
            hand.app.deck.roster.select(run("lead"))
            await hand.settle()
            await hand.press(*keys)
            assert hand.is_at(place), place
            shown = hand.app.deck.main.current
            await hand.press("l", "left", "question_mark", "escape")
            assert hand.is_at(Place.TIMELINE)
            await hand.press("escape")
            assert hand.is_at(place), place
            assert hand.app.deck.main.current is shown


async def test_from_history_one_comes_back_to_the_team() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("h", "l")
        assert hand.is_at(Place.TIMELINE)
        await hand.press("h")
        assert hand.is_at(Place.HISTORY)
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)


async def test_a_past_that_cannot_be_read_is_one_line_and_one_stays_where_one_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:

        async def gone() -> tuple[tuple[int, did.Action], ...]:
            raise ArchiveGone("Nothing of this session is kept on disk.")

        past = hand.recorder.past
        monkeypatch.setattr(past, "facts", gone)
        await hand.press("l")
        await hand.until(lambda: hand.is_at(Place.TEAM))
        assert hand.notice == "Nothing of this session is kept on disk."
        monkeypatch.undo()
        await hand.press("l")
        await hand.until(lambda: "event 46 of 46" in hand.text)


async def test_a_state_that_cannot_be_read_is_one_line_and_the_timeline_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:

        async def gone(sequence: int) -> AppState:
            raise ArchiveGone("The journal is damaged.")

        await hand.press("l")
        monkeypatch.setattr(hand.recorder.past, "state_at", gone)
        await hand.press("left")
        await hand.until(lambda: hand.notice == "The journal is damaged.")
        assert hand.is_at(Place.TIMELINE)
        assert "event 45 of 46" in hand.text


async def test_while_the_past_is_still_read_no_key_goes_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        release = asyncio.Event()
        facts = await hand.recorder.past.facts()

        async def slow() -> tuple[tuple[int, did.Action], ...]:
            await release.wait()
            return facts

        monkeypatch.setattr(hand.recorder.past, "facts", slow)
        await hand.press("l", "x", "left", "space", "up", "minus", "end")
        assert "Reading what happened…" in hand.text
        assert hand.asked == []
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
        await hand.press("l")
        release.set()
        await hand.until(lambda: "event 46 of 46" in hand.text)


async def test_a_held_key_asks_for_few_states_and_ends_where_it_was_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await hand.press("l")
        await hand.until(lambda: "event 46 of 46" in hand.text)
        asked: list[int] = []
        waiting: list[asyncio.Future[None]] = []
        answer = hand.recorder.past.state_at

        async def slow(sequence: int) -> AppState:
            asked.append(sequence)
            waiting.append(asyncio.get_running_loop().create_future())
            await waiting[-1]
            return await answer(sequence)

        monkeypatch.setattr(hand.recorder.past, "state_at", slow)
        await hand.press(*["left"] * 30, gap=0.03)
        assert "event 16 of 46" in hand.text, "the cursor waits for no state"
        assert len(asked) == 1
        waiting[0].set_result(None)
        await hand.until(lambda: len(waiting) == 2)
        waiting[1].set_result(None)
        at = past_of(hand).timeline.cursor.moment.at
        await hand.until(lambda: past_of(hand).source.at == at)
        assert len(asked) == 2


async def test_playing_moves_by_itself_and_stops_at_the_end() -> None:
    async with screen(AppState(), size=MIDDLE, told=story(), reduced_motion=False) as hand:
        await hand.press("l", "home", "space")
        cursor = past_of(hand).timeline.cursor
        began = cursor.moment.at

        def goes_on() -> bool:
            hand.now += 0.5
            return cursor.moment.at > began + 60

        await hand.until(goes_on)
        await hand.press("space")
        stopped = cursor.moment
        hand.now += 5
        await asyncio.sleep(0)
        await hand.settle()
        assert cursor.moment == stopped
        await hand.press("space")

        def ends() -> bool:
            hand.now += 5
            return cursor.is_at_end

        await hand.until(ends)
        await hand.until(lambda: "This is the end." in hand.notice)


async def test_with_reduced_motion_space_goes_one_event_on_and_nothing_moves_by_itself() -> None:
    async with screen(AppState(), size=MIDDLE, told=story(), reduced_motion=True) as hand:
        await hand.press("l", "home", "space")
        await hand.until(lambda: "event 2 of 46" in hand.text)
        hand.now += 60
        await hand.settle()
        assert "event 2 of 46" in hand.text


async def test_clicks_choose_moments_lanes_rows_and_events() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert hand.pilot is not None
        await hand.press("l")
        await hand.until(lambda: "event 46 of 46" in hand.text)
        cursor = past_of(hand).timeline.cursor
        await hand.pilot.click("#timeline", offset=(40, 5))
        await hand.settle()
        assert cursor.lane == 2
        assert START + 170 < cursor.moment.at < START + 260
        await hand.press("end")
        row = next(at for at, one in enumerate(rows_then(hand)) if " lead " in one)
        await hand.pilot.click("#past-roster", offset=(5, row + 1))
        await hand.settle()
        assert cursor.lane == 0
        assert hand.is_at(Place.TIMELINE)
        await hand.pilot.click("#around", offset=(5, 2))
        await hand.settle()
        assert cursor.moment.at < NOW - 60


async def test_a_footer_names_pairs_of_keys_and_each_half_is_its_own_key() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert hand.pilot is not None
        await hand.press("l")
        await hand.until(lambda: "event 46 of 46" in hand.text)
        footer = hand.lines[-1]
        await hand.pilot.click("#footer", offset=(footer.index("←"), 0))
        await hand.settle()
        assert "event 45 of 46" in hand.text
        await hand.pilot.click("#footer", offset=(footer.index("→"), 0))
        await hand.settle()
        assert "event 46 of 46" in hand.text


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)])
async def test_at_every_size_the_chosen_lane_the_event_and_the_transcript_are_in_sight(
    size: tuple[int, int],
) -> None:
    async with screen(AppState(), size=size, told=story()) as hand:
        await hand.press(*TO_THE_KILL)
        for _ in range(6):
            await hand.press("down")
        await hand.until(lambda: "builder as it was at" in hand.text)
        assert "❯builder" in hand.text
        assert "▴" in hand.text
        assert "killed by you" in hand.text
        assert "PAST" in hand.lines[0]
        assert "now" in hand.lines[0][-8:]


async def test_forty_lanes_scroll_with_the_chosen_one() -> None:
    facts: list[did.Action] = [states.opened(at=START)]
    for number in range(40):
        facts += states.working(f"t{number:02}", at=START + number)
    async with screen(AppState(), size=(80, 24), told=facts) as hand:
        await hand.press("l")
        await hand.until(lambda: "of 40" in hand.text)
        for _ in range(39):
            await hand.press("down", gap=0.05)
        assert "❯t39" in hand.text
        assert "lanes 30–40 of 40" in hand.text or "–40 of 40" in hand.text
        assert "t00" not in hand.text.partition("░ model")[0].partition("Timeline")[2]


async def test_in_a_terminal_that_was_too_small_the_past_comes_back_with_its_keys() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert hand.pilot is not None
        await hand.press("l", "left")
        await hand.pilot.resize_terminal(40, 10)
        await hand.settle()
        await hand.pilot.resize_terminal(80, 24)
        await hand.settle()
        assert "PAST" in hand.lines[0]
        await hand.press("left")
        await hand.until(lambda: "event 44 of 46" in hand.text)


async def test_in_ascii_every_cell_is_ascii_and_each_activity_has_its_own_letter() -> None:
    async with screen(AppState(), size=MIDDLE, told=story(), signs=SignSet.ASCII) as hand:
        await hand.press("l", "left")
        await hand.until(lambda: "Then 5" in hand.text)
        assert hand.text.isascii()
        lane = next(line for line in hand.lines if line.startswith(" runaway"))
        assert "." in lane
        assert "#" in lane
        assert "x" in lane


async def test_without_colour_the_past_is_told_by_words_and_no_cell_has_one() -> None:
    async with screen(AppState(), size=MIDDLE, told=story(), no_color=True) as hand:
        await hand.press("l", "left")
        await hand.until(lambda: "PAST" in hand.lines[0] and "Then 5" in hand.text)
        colours = {
            (segment.style.color, segment.style.bgcolor)
            for strip in hand.strips
            for segment in strip
            if segment.style is not None
        }
        assert all(color is None or color.is_default for pair in colours for color in pair), colours


async def test_the_ground_of_the_past_is_under_everything_and_gone_with_it() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        ground = hand.app.look.roles.past.bgcolor
        await hand.press("l", "left")
        await hand.until(lambda: "Then 5" in hand.text)

        def grounds() -> int:
            return sum(
                segment.cell_length
                for strip in hand.strips
                for segment in strip
                if segment.style is not None and segment.style.bgcolor == ground
            )

        assert grounds() > 100 * 30
        await hand.press("escape")
        assert grounds() == 0


async def test_a_session_in_which_nothing_happened_has_nothing_to_look_at() -> None:
    async with screen(states.empty(), size=MIDDLE) as hand:
        hand.app.desk.go(Place.TEAM)
        await hand.press("l", "left", "space", "full_stop", "up", "plus", "enter")
        assert "Nothing has happened yet." in hand.text
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
