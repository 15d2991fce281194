"""Nothing of what is approved is lost at the right edge, at any width, and no resize makes it look read."""

import re

import pytest

from quarterdeck.domain.display_text import clean, clean_command
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.rendering.cells import width as cells_of
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold

COMMAND = " ".join(f"part{number:03}" for number in range(60)) + " && 日本語の名前 | rm -rf /tmp/last"
STEPS = "\n".join(
    f"{number}. Step{number} " + " ".join(f"w{number}x{word}" for word in range(34)) + f" end{number}"
    for number in range(1, 6)
)
PLANS = (STEPS, STEPS.replace("x7 ", "x7changed "))
GUTTER = re.compile(r"^ (?:[$…]|\d+) │ ")


def asked() -> AppState:
    """A long command asked first, then a plan that came back with other words in it."""
    return fold(
        AppState(),
        [
            states.opened(),
            *states.working("tester"),
            *states.permission("tester", subject=COMMAND),
            *states.working("coder", color=2),
            *states.plan("coder", version=2, at=NOW - 10, texts=PLANS),
        ],
    )


def panel_rows(hand: Hand) -> list[str]:
    """The rows of the request's own text as they are painted, at the panel's columns."""
    region = hand.app.deck.main.request.body.region
    rows = hand.strips[region.y : region.bottom]
    return [strip.crop(region.x, region.right).text for strip in rows]


async def read_whole(hand: Hand) -> list[str]:
    """Every row of the request, one row after the other, as the person scrolls through it."""
    view = hand.app.deck.main.request.body
    view.show_from(0)
    await hand.settle()
    rows: dict[int, str] = {}
    while True:
        rows |= {view.top + at: row for at, row in enumerate(panel_rows(hand))}
        if not view.show_from(view.top + view.rows):
            return [rows[at] for at in sorted(rows)]
        await hand.settle()


def command_in(rows: list[str]) -> str:
    """The command put together again from its rows."""
    parts = [(row, GUTTER.match(row)) for row in rows]
    return "".join(row[match.end() :].rstrip("\n") for row, match in parts if match).rstrip()


def words_in(rows: list[str], signs: str) -> list[str]:
    """The words of the changed rows with these signs in front."""
    return [word for row in rows if row[2:3] in signs for word in row[4:].split()]


@pytest.mark.parametrize("width", [60, 61, 79, 80, 99, 100, 101, 119, 120, 137, 160, 199, 200])
async def test_every_character_of_a_command_and_of_a_plan_is_on_some_row(width: int) -> None:
    async with screen(asked(), size=(width, 20)) as hand:
        await hand.press("n")
        assert squeezed(command_in(await read_whole(hand))) == squeezed(clean_command(COMMAND))
        await hand.press("n")
        rows = await read_whole(hand)
        kept = [row for row in rows if not row.startswith("  -")]
        for word in clean(PLANS[1]).split():
            assert word in "".join(row[4:].rstrip() + " " for row in kept).split(), (word, width)
        for number in range(1, 6):
            assert f"w{number}x7" in words_in(rows, "-")
            assert f"w{number}x7changed" in words_in(rows, "+")


def squeezed(text: str) -> str:
    """Without blanks: a row that ends in one shows it as nothing."""
    return text.replace(" ", "")


async def test_no_width_loses_a_character_while_the_terminal_is_drawn_wider_and_narrower() -> None:
    async with screen(asked(), size=(120, 20)) as hand:
        assert hand.pilot is not None
        await hand.press("n")
        for width in [*range(60, 201, 7), *range(200, 59, -9)]:
            await hand.pilot.resize_terminal(width, 20)
            await hand.settle()
            assert squeezed(command_in(await read_whole(hand))) == squeezed(clean_command(COMMAND)), width
            room = hand.app.deck.main.request.body.region.width
            assert all(cells_of(row) <= room for row in panel_rows(hand))


@pytest.mark.parametrize(
    ("before", "after"), [((120, 36), (80, 24)), ((80, 24), (120, 36)), ((200, 60), (60, 16))]
)
async def test_a_request_that_was_laid_out_at_another_width_before_it_is_shown(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    async with screen(asked(), size=before) as hand:
        assert hand.pilot is not None
        await hand.press("n", "escape")
        await hand.press("h")  # hidden behind History while the terminal changes
        await hand.pilot.resize_terminal(*after)
        await hand.settle()
        await hand.press("escape", "n")
        assert squeezed(command_in(await read_whole(hand))) == squeezed(clean_command(COMMAND))


async def test_another_request_shown_where_the_panel_was_hidden_is_laid_out_for_the_width_it_gets() -> None:
    async with screen(asked(), size=(120, 20)) as hand:
        await hand.press("n", "n", "h")
        hand.app.deck.main.request.show(hand.store.state.inbox.open[0])
        await hand.settle()
        await hand.press("escape", "escape", "n")
        assert squeezed(command_in(await read_whole(hand))) == squeezed(clean_command(COMMAND))


async def test_read_to_its_end_and_then_made_smaller_it_must_be_read_again() -> None:
    async with screen(asked(), size=(200, 60)) as hand:
        assert hand.pilot is not None
        await hand.press("n")
        assert hand.app.deck.main.request.is_whole_seen()
        await hand.pilot.resize_terminal(60, 16)
        await hand.settle()
        assert not hand.app.deck.main.request.is_whole_seen()
        await hand.press("a")
        assert hand.asked == []
        assert "Not shown whole yet" in hand.notice
        await hand.press("space", "space", "space")
        await hand.press("a")
        assert hand.asked == ["allow"]


async def test_fewer_rows_at_the_same_width_ask_for_no_second_reading_of_what_was_read() -> None:
    async with screen(asked(), size=(80, 36)) as hand:
        assert hand.pilot is not None
        await hand.press("n")
        assert hand.app.deck.main.request.is_whole_seen()
        await hand.pilot.resize_terminal(80, 16)
        await hand.settle()
        assert hand.app.deck.main.request.is_whole_seen()


async def test_another_width_starts_the_guard_anew() -> None:
    async with screen(asked(), size=(200, 60)) as hand:
        assert hand.pilot is not None
        await hand.press("n")
        hand.now += 5
        await hand.pilot.resize_terminal(190, 60)
        await hand.settle()
        resized_at = hand.now
        await hand.press_at("a", resized_at + 0.1)
        assert hand.asked == []
        await hand.press_at("a", resized_at + 0.5)
        assert hand.asked == ["allow"]
