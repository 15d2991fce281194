"""`/`: results as one types, the latest words win, enter goes to the place, esc goes back where one was."""

import asyncio

import msgspec
import pytest

from quarterdeck.domain.archive import EVERYWHERE, SearchFound, SearchScope
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Text
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.searching import PAUSE_S
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.stored_words import short_time
from tests.support import states
from tests.support.archives import FOUND, OTHER, SCOUT, WORD, fill, hit
from tests.support.fake_controller import FakeConversation
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold, run

EVIL = (
    "\x1b[31mred\x1b]0;owned\x07 \u202etxt.exe\u202c a\u200bb [/] [@click=app.quit]x[/] пай\tpal 测试员 "
    "\x9b2J e\u0301 👩‍👩‍👧 \r\n:(){ :|:& };: <b>&amp; "
)
SIZES = [(60, 16), (80, 24), (120, 36), (200, 60)]


def searched(hand: Hand) -> list[object]:
    return [one[1] for one in hand.recorder.asked if one[0] == "search"]


async def test_what_is_typed_is_asked_for_once_when_no_key_follows() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash")
        assert hand.is_at(Place.FIELD)
        for letter in WORD:
            await hand.press(letter, gap=PAUSE_S / 4)
        assert searched(hand) == [], "keys still come"
        hand.now += PAUSE_S * 2
        await hand.until(lambda: "5 hits" in hand.text)
        assert searched(hand) == [WORD]
        assert "1 of 5 · 611 messages" in hand.text


async def test_the_latest_words_win_whenever_their_answer_comes() -> None:
    async with screen() as hand:
        slow = asyncio.Event()
        hand.archive.gates["ab"] = slow
        hand.archive.answers["ab"] = SearchFound((hit("coder", "the old ab", entry=1, at=NOW, word="ab"),), 9)
        hand.archive.answers["abc"] = SearchFound(
            (hit("coder", "the new abc", entry=1, at=NOW, word="abc"),), 9
        )
        await hand.press("slash", "a", "b", gap=0.01)
        hand.now += 1
        await hand.until(lambda: searched(hand) == ["ab"])
        await hand.press("c")
        hand.now += 1
        await hand.until(lambda: "the new abc" in hand.text)
        slow.set()
        await hand.settle()
        await hand.settle()
        assert "the new abc" in hand.text
        assert "the old ab" not in hand.text


async def test_no_words_find_nothing_and_nothing_is_asked() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash", "space", "space")
        hand.now += 1
        await hand.settle()
        await hand.settle()
        assert searched(hand) == []
        assert "All words must be there" in hand.text
        await hand.find("x")
        assert "5 hits" in hand.text
        await hand.press("backspace")
        assert "5 hits" not in hand.text, "an answer to words that are gone"


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_found_says_the_word_and_how_much_was_looked_through(size: tuple[int, int]) -> None:
    async with screen(size=size) as hand:
        hand.archive.found = SearchFound((), 611)
        await hand.press("slash")
        await hand.find("zebra")
        assert "No hit for zebra in 611 messages." in hand.text


@pytest.mark.parametrize("size", SIZES)
async def test_each_hit_says_when_who_and_what_with_the_word_in_sight(size: tuple[int, int]) -> None:
    async with screen(size=size) as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        rows = [line for line in hand.lines if WORD in line and "›" not in line]
        for one, name in zip(FOUND.hits, ("you", "coder", "coder", "tester", "scout"), strict=True):
            at = short_time(one.at, hand.wall()).strip()
            assert any(name in row and at in row for row in rows), (name, at, rows)
        assert any("scout" in row and OTHER in row for row in rows), "which session, when it is another"
        assert sum(OTHER in line for line in hand.lines) == 1


async def test_words_are_bold_and_in_a_role_and_between_signs_without_colour() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        marked = [
            segment
            for strip in hand.strips
            for segment in strip
            if segment.text == WORD and segment.style is not None and segment.style.bold
        ]
        assert len(marked) >= len(FOUND.hits)
        assert {one.style.color for one in marked if one.style} != {None}
    async with screen(no_color=True) as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        assert hand.text.count(f"«{WORD}»") >= len(FOUND.hits)


async def test_enter_goes_to_the_results_and_enter_there_to_the_entry_of_a_living_run() -> None:
    async with screen() as hand:
        fill(hand.archive)
        talk = hand.app._controller.conversation
        assert isinstance(talk, FakeConversation)
        talk.pages[run("tester")] = tuple(Text(number, NOW, f"said {number}") for number in range(1, 401))
        hand.archive.found = SearchFound((hit("tester", "said 200", entry=200, at=NOW, word="200"),), 400)
        await hand.press("slash")
        await hand.find("200")
        await hand.press("enter")
        assert hand.is_at(Place.RESULTS)
        await hand.press("enter")
        assert hand.is_at(Place.TRANSCRIPT)
        assert hand.app.deck.main.transcript.run_id == run("tester")
        await hand.until(lambda: "❯ said 200" in hand.text or "❯said 200" in hand.text)


async def test_of_an_evicted_run_the_place_is_shown_too_and_esc_leads_back_step_by_step() -> None:
    gone = [
        *states.working("scout"),
        did.TeammateEnded(at=NOW, run_id=run("scout"), outcome=Outcome.COMPLETED, findings="", error=""),
        states.evicted("scout"),
    ]
    async with screen(fold(states.shop(), gone)) as hand:
        talk = hand.app._controller.conversation
        assert isinstance(talk, FakeConversation)
        talk.pages[run("scout")] = tuple(Text(number, NOW, f"said {number}") for number in range(1, 401))
        hand.archive.found = SearchFound((hit("scout", "said 7", entry=7, at=NOW, word="7"),), 400)
        await hand.press("slash")
        await hand.find("7")
        assert "(ended, in History)" in hand.text
        await hand.press("enter", "enter")
        await hand.until(lambda: "said 7" in hand.text and hand.is_at(Place.TRANSCRIPT))
        await hand.press("escape")
        assert hand.is_at(Place.RESULTS)
        assert "1 of 1" in hand.text
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
        assert hand.asked == []


async def test_a_run_of_another_session_is_looked_at_and_says_what_brings_it_back() -> None:
    async with screen(size=(80, 24)) as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        await hand.press("enter", "end", "enter")
        await hand.until(lambda: "Drift starts in price.round_money" in hand.text)
        assert hand.is_at(Place.TRANSCRIPT)
        await hand.until(lambda: f"scout ✓ done · session {OTHER}" in hand.text, "how it ended")
        assert f"quarterdeck --resume {OTHER} brings it back" in hand.text
        assert ("page", OTHER, SCOUT, 101, 100) in hand.recorder.asked
        for key in ("x", "i", "p", "s", "r", "m", "enter", "a"):
            hand.app.deck.notice.say("-")
            await hand.press(key)
            assert hand.notice == f"Look only. quarterdeck --resume {OTHER} brings scout back.", key
            assert hand.is_at(Place.TRANSCRIPT)
        assert hand.asked == []
        await hand.press("escape")
        assert hand.is_at(Place.RESULTS)


async def test_a_run_of_another_session_is_read_from_top_to_end_page_by_page() -> None:
    async with screen(size=(80, 24)) as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        await hand.press("enter", "end", "enter")
        await hand.until(lambda: "entry 41" in hand.text)
        await hand.press("g")
        await hand.until(lambda: "Find the drift." in hand.text)
        seen = ""
        for _page in range(30):
            await hand.press("space")
            seen += hand.text + "\n"
        assert all(f"entry {number}\n" in seen for number in range(41, 301))
        assert "the end" in hand.text


async def test_zoom_keeps_the_run_that_is_looked_at() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        await hand.press("enter", "end", "enter", "z")
        assert f"session {OTHER}" in hand.text
        assert not hand.app.deck.roster.display


async def test_an_archive_that_is_gone_is_one_notice_and_the_screen_goes_on() -> None:
    async with screen() as hand:
        hand.archive.gone = "The index can't be read; it is being rebuilt."
        await hand.press("slash", "x")
        hand.now += 1
        await hand.until(lambda: hand.notice == "The index can't be read; it is being rebuilt.")
        assert "hit" not in hand.text.split("Search", 1)[1].split("searching as you type")[0]
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)


async def test_a_place_that_can_not_be_read_is_one_notice() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        hand.archive.gone = "Session 7f3a1b2c is damaged."
        await hand.press("enter", "end", "enter")
        await hand.until(lambda: hand.notice == "Session 7f3a1b2c is damaged.")
        assert hand.is_at(Place.TRANSCRIPT)


async def test_the_words_and_the_chosen_hit_are_kept_and_asked_for_again() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        await hand.press("down", "down", "escape")
        assert hand.is_at(Place.TEAM)
        await hand.press("slash")
        hand.now += 1
        await hand.until(lambda: len(searched(hand)) == 2)
        assert "3 of 5" in hand.text
        assert hand.app.deck.search.field.value == WORD


async def test_search_over_history_goes_back_to_history() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("h", "slash")
        await hand.find(WORD)
        await hand.press("escape")
        assert hand.is_at(Place.HISTORY)
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)


async def test_search_from_a_looked_at_transcript_goes_back_to_that_one_after_another_was_opened() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("h", "down", "down", "enter")
        transcript = hand.app.deck.main.transcript
        assert transcript.stored is not None
        first = transcript.stored
        await hand.press("slash")
        await hand.find(WORD)
        await hand.press("enter", "enter")
        assert transcript.run_id == run("builder")
        await hand.press("escape", "escape")
        assert hand.is_at(Place.TRANSCRIPT)
        assert transcript.stored == first
        await hand.press("escape")
        assert hand.is_at(Place.HISTORY)


async def test_keys_typed_into_the_field_are_text_and_act_on_nothing() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("slash", *"xkills/?", gap=0.02)
        assert hand.app.deck.search.field.value == "xkills/?"
        assert hand.asked == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("signs", [SignSet.UNICODE, SignSet.ASCII])
@pytest.mark.parametrize("no_color", [False, True])
async def test_stored_text_that_would_act_is_shown_and_keeps_the_columns(
    size: tuple[int, int], signs: SignSet, no_color: bool
) -> None:
    evil = EVIL * 3
    one = msgspec.structs.replace(
        hit("coder", f"{evil} needle {evil}", entry=1, at=NOW, word="needle"),
        session_id=evil[:40],
        name=evil[:60],
        speaker=evil[60:120],
    )
    bad = msgspec.structs.replace(one, spans=((-5, 3), (2, 9_999), (7, 4), (10**9, 10**9 + 1)), entry=2)
    async with screen(size=size, signs=signs, no_color=no_color) as hand:
        hand.archive.found = SearchFound((one, bad), 2, more=True)
        await hand.press("slash")
        await hand.find("needle")
        assert all(strip.cell_length == size[0] for strip in hand.strips)
        assert not any(char in hand.text for char in "\x1b\x07\u202e\u200b\x9b")
        await hand.press("enter", "enter")
        await hand.settle()
        assert all(strip.cell_length == size[0] for strip in hand.strips)
        assert not any(char in hand.text for char in "\x1b\x07\u202e\u200b\x9b")


async def test_a_click_chooses_a_hit_and_a_double_click_opens_it() -> None:
    async with screen() as hand:
        assert hand.pilot is not None
        fill(hand.archive)
        await hand.press("slash")
        await hand.find(WORD)
        results = hand.app.deck.search.results
        await hand.pilot.click(results, offset=(10, 3))
        await hand.settle()
        assert results.at == 2
        await hand.pilot.click(results, offset=(10, 2), times=2)
        await hand.settle()
        assert hand.is_at(Place.TRANSCRIPT)
        assert hand.app.deck.main.transcript.run_id == run("coder")


async def test_two_hundred_hits_scroll_and_the_chosen_one_stays_in_sight_at_another_size() -> None:
    hits = tuple(
        hit("coder", f"needle {number}", entry=number, at=NOW, word="needle") for number in range(1, 201)
    )
    async with screen() as hand:
        assert hand.pilot is not None
        hand.archive.found = SearchFound(hits, 5_000, more=True)
        await hand.press("slash")
        await hand.find("needle")
        assert "1 of 200 newest, more are older · 5,000 messages" in hand.text
        await hand.press("enter", *["pagedown"] * 3)
        chosen = hand.app.deck.search.results.chosen
        assert chosen is not None
        assert chosen.entry > 20
        await hand.pilot.resize_terminal(60, 16)
        await hand.settle()
        assert any("❯" in line and chosen.excerpt in line for line in hand.lines)


async def test_a_search_that_fails_for_no_known_reason_is_said_and_the_screen_goes_on() -> None:
    async def fail(words: str, scope: SearchScope = EVERYWHERE) -> SearchFound:
        raise OSError(words)

    async with screen() as hand:
        hand.archive.search = fail  # type: ignore[method-assign] # on purpose
        await hand.press("slash", "x")
        hand.now += 1
        await hand.until(lambda: "That failed: OSError" in hand.notice)
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
