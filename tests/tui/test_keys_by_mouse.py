"""Keys named in sheets are clicked: the same as pressing them, behind the same guards."""

import time

from rich.style import Style

from quarterdeck.tui.keymap import Place
from quarterdeck.tui.widgets.lines import key_segments
from tests.support.hand import Hand, screen


async def click(hand: Hand, words: str, *, last: bool = True) -> None:
    """Click on words of the screen; the last line that has them, else the first."""
    lines = [(y, line.index(words)) for y, line in enumerate(hand.lines) if words in line]
    y, x = lines[-1 if last else 0]
    assert hand.pilot is not None
    hand.now += 1
    await hand.pilot.click(offset=(x, y))
    await hand.settle()


async def test_y_of_a_sheet_is_clicked_in_the_sheet_and_in_the_footer() -> None:
    for last in (False, True):
        async with screen() as hand:
            await hand.press("ctrl+x", "k")
            await click(hand, "y kills all 5", last=last)
            assert hand.asked == ["kill"]


async def test_a_click_from_before_the_sheet_was_painted_says_no_yes() -> None:
    async with screen() as hand:
        hand.now = time.monotonic() + 1000  # the sheet is painted after any click of this test
        await hand.press("ctrl+x", "k")
        await click(hand, "y kills all 5")
        assert hand.asked == []
        assert "just appeared" in hand.notice


async def test_the_no_of_a_sheet_is_clicked() -> None:
    for last in (False, True):
        async with screen() as hand:
            await hand.press("ctrl+x", "k")
            await click(hand, "any other key: no", last=last)
            assert hand.asked == []
            assert hand.is_at(Place.TEAM)


async def test_what_is_no_key_is_no_click() -> None:
    async with screen() as hand:
        await hand.press("ctrl+x", "k")
        await click(hand, "coder", last=False)
        await hand.press("escape")
        assert hand.asked == []


def test_the_words_of_a_key_are_clicked_and_nothing_else() -> None:
    def keys(words: str) -> list[tuple[str, object]]:
        parts = key_segments(words, Style())
        assert "".join(part.text for part in parts) == words
        return [(part.text, part.style.meta["key"]) for part in parts if part.style and part.style.meta]

    assert keys(" y allows · esc back, unanswered") == [("y allows", "y"), ("esc back, unanswered", "escape")]
    assert keys(" · e edits it") == [("e edits it", "e")]
    assert keys("           ← → chooses") == [("←", "left"), ("→ chooses", "right")]
    assert keys(" easy does it") == []
