"""Where a search looks: `tab` goes through the places, each is asked for, and the screen says which it is."""

import asyncio

import pytest

from quarterdeck.domain.archive import EVERYWHERE, FILE_TOOLS, SearchFound, SearchScope, TextKind
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.settings import SignSet
from tests.support import states
from tests.support.archives import FOUND, OTHER, fill
from tests.support.hand import Hand, screen
from tests.support.states import run

SIZES = [(60, 16), (80, 24), (120, 36), (200, 60)]


def asked(hand: Hand) -> list[object]:
    """Where was looked, one for each search."""
    return [one[2] for one in hand.recorder.asked if one[0] == "search"]


async def look(hand: Hand, count: int) -> None:
    """`tab`, and the answer to it."""
    await hand.press("tab")
    hand.now += 1
    await hand.until(lambda: len(asked(hand)) == count)
    await hand.until(lambda: not hand.app.deck.search.results.is_searching)


@pytest.mark.parametrize("size", SIZES)
async def test_tab_asks_in_the_next_place_and_the_chosen_one_is_in_sight(size: tuple[int, int]) -> None:
    async with screen(size=size) as hand:
        fill(hand.archive)
        hand.app.deck.roster.select(run("builder"))
        await hand.press("slash")
        await hand.find("cart")
        assert "‹ everything ›" in hand.text
        for count, words in enumerate(
            ("this session", "this teammate", "plans", "tool calls", "files", "everything"), start=2
        ):
            await look(hand, count)
            assert f"‹ {words} ›" in hand.text
            assert hand.is_at(Place.FIELD)
            assert hand.app.deck.search.field.value == "cart"
            assert hand.app.deck.search.field.size.width >= 20
        assert asked(hand) == [
            EVERYWHERE,
            SearchScope("s1"),
            SearchScope("s1", (run("builder"),)),
            SearchScope(kind=TextKind.PLAN),
            SearchScope(kind=TextKind.CALL),
            SearchScope(kind=TextKind.CALL, speakers=FILE_TOOLS),
            EVERYWHERE,
        ]
        assert hand.asked == []


async def test_from_a_transcript_its_teammate_comes_first_and_from_elsewhere_everything() -> None:
    async with screen() as hand:
        fill(hand.archive)
        hand.app.deck.roster.select(run("coder"))
        await hand.press("n", "n", "escape")
        hand.app.deck.roster.select(run("builder"))
        await hand.press("right", "slash")
        await hand.find("cart")
        assert asked(hand) == [SearchScope("s1", (run("builder"),))]
        assert "‹ this teammate ›" in hand.text
        await hand.press("escape")
        assert hand.is_at(Place.TRANSCRIPT)
        await hand.press("escape", "slash")
        hand.now += 1
        await hand.until(lambda: len(asked(hand)) == 2)
        assert asked(hand)[1] == EVERYWHERE


async def test_of_a_run_of_another_session_that_run_is_looked_through() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await hand.press("h", "down", "down", "enter")
        stored = hand.app.deck.main.transcript.stored
        assert stored is not None
        await hand.press("slash")
        await hand.find("cart")
        assert asked(hand) == [SearchScope(stored.session_id, (stored.run_id,))]


async def test_without_a_team_no_teammate_is_offered() -> None:
    async with screen(states.empty()) as hand:
        await hand.press("escape", "slash")
        assert hand.is_at(Place.FIELD)
        assert "this session" in hand.text
        assert "this teammate" not in hand.text


async def test_nothing_found_in_one_place_says_where_and_tab_finds_it_elsewhere() -> None:
    async with screen(size=(80, 24)) as hand:
        hand.archive.found = SearchFound((), 611)
        await hand.press("slash")
        await hand.find("cart")
        assert "No hit for cart in 611 messages." in hand.text
        await look(hand, 2)
        assert "No hit for cart in this session. tab looks elsewhere." in hand.text
        hand.archive.found = FOUND
        await look(hand, 3)
        assert "5 hits" in hand.text


async def test_an_answer_for_the_place_before_is_dropped() -> None:
    async with screen() as hand:
        slow = hand.archive.gates["cart"] = asyncio.Event()
        hand.archive.found = FOUND
        await hand.press("slash", *"cart", gap=0.01)
        hand.now += 1
        await hand.until(lambda: asked(hand) == [EVERYWHERE])
        hand.archive.gates.clear()
        await hand.press("tab")
        hand.archive.found = SearchFound((), 9)
        hand.now += 1
        await hand.until(lambda: "in this session" in hand.text)
        slow.set()
        await hand.settle()
        await hand.settle()
        assert "No hit for cart in this session" in hand.text


async def test_a_click_chooses_a_place_and_the_results_still_lead_back_to_the_field() -> None:
    async with screen() as hand:
        assert hand.pilot is not None
        fill(hand.archive)
        await hand.press("slash")
        await hand.find("cart")
        row = next(line for line in hand.lines if "‹ everything ›" in line)
        where = hand.app.deck.search.where
        await hand.pilot.click(where, offset=(row.index("this session") - where.region.x + 1, 0))
        hand.now += 1
        await hand.until(lambda: asked(hand) == [EVERYWHERE, SearchScope("s1")])
        await hand.until(lambda: "5 hits" in hand.text)
        await hand.press("enter")
        assert hand.is_at(Place.RESULTS)
        await hand.press("tab")
        assert hand.is_at(Place.FIELD)
        assert "‹ this session ›" in hand.text
        assert OTHER in hand.text


async def test_in_ascii_the_chosen_place_has_signs_of_ascii() -> None:
    async with screen(signs=SignSet.ASCII, size=(80, 24)) as hand:
        await hand.press("slash")
        assert "in < everything >" in hand.text
        assert hand.text.isascii()
