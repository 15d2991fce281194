"""Welcome and the last session of this folder: offered when there is one, and `c` goes on with it."""

import pytest

from quarterdeck.domain.archive import LastSession
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.widgets.welcome_panel import last_session_words
from tests.support import states
from tests.support.fake_controller import FakeSession
from tests.support.hand import Hand, screen
from tests.support.states import NOW

LAST = LastSession(id="7f3a1b2c", last_at=NOW - 86_400, teammates=6, requests=2, crashed=True)
SIZES = [(60, 16), (80, 24), (120, 36), (200, 60)]


async def welcome_with(hand: Hand, last: LastSession | None) -> None:
    """Welcome, opened anew with this session before it."""
    session = hand.app._controller.session
    assert isinstance(session, FakeSession)
    session.last = last
    hand.app._desks.welcome.open()
    await hand.until(lambda: hand.app.deck.welcome.last is last)
    await hand.settle()


@pytest.mark.parametrize("size", SIZES)
async def test_the_last_session_is_told_and_its_key_stands_in_the_footer(size: tuple[int, int]) -> None:
    async with screen(states.empty(model=None), size=size) as hand:
        assert hand.is_at(Place.WELCOME)
        await welcome_with(hand, LAST)
        words = " ".join(hand.text.split())
        assert ("Last session here: 7f3a1b2c" if size[1] > 16 else "c brings back 7f3a1b2c") in words
        assert "6 teammates, 2 open requests." in words
        assert "ANTHROPIC_BASE_URL" in words
        assert "quarterdeck demo" in words
        assert "c continue last session" in hand.lines[-1]


async def test_c_ends_this_screen_for_that_session() -> None:
    async with screen(states.empty(model=None)) as hand:
        await welcome_with(hand, LAST)
        await hand.press("c")
        assert hand.app.wanted_session == "7f3a1b2c"
        assert hand.app.return_value == 0
        assert hand.asked == []


async def test_without_one_nothing_is_said_of_it_and_c_leaves_nothing() -> None:
    async with screen(states.empty(model=None)) as hand:
        await welcome_with(hand, None)
        assert "Last session" not in hand.text
        assert "continue" not in hand.lines[-1]
        await hand.press("c")
        assert hand.notice == "There is no earlier session of this folder."
        assert hand.app.wanted_session == ""
        assert hand.app.return_value is None
        await hand.press("question_mark", "escape")
        assert hand.is_at(Place.WELCOME)


async def test_a_screen_that_is_quit_wants_no_other() -> None:
    async with screen(states.empty(model=None)) as hand:
        await welcome_with(hand, LAST)
        await hand.press("q")
        assert (hand.app.return_value, hand.app.wanted_session) == (0, "")


def test_how_it_ended_and_what_c_does_are_told() -> None:
    crashed, quit_ = (
        last_session_words(LAST, NOW),
        last_session_words(
            LastSession(id="a\x1b[2J", last_at=NOW, teammates=1, requests=0, crashed=False, scripted=True),
            NOW,
        ),
    )
    assert crashed[1] == "It ended without goodbye. Nothing is running. c brings it back to look at."
    assert "\x1b" not in quit_[0]
    assert quit_[0].endswith("1 teammate.")
    assert quit_[1] == "It was ended by you. Nothing is running. c brings it back."
