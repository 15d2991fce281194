"""A plan whose teammate failed: it needs the person, cannot be answered, and says that r revives."""

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import Place
from tests.support import states
from tests.support.hand import screen
from tests.support.states import NOW, fold, run


def cut_off(*more: did.Action) -> AppState:
    """`coder` failed with its plan submitted; `builder` works."""
    facts: list[did.Action] = [states.opened(), *states.working("builder"), *states.working("coder")]
    facts += [*states.plan("coder"), states.ended("coder", Outcome.FAILED, at=NOW - 9, error="401 no key")]
    return fold(AppState(), [*facts, *more])


async def test_the_row_stands_on_top_and_says_what_to_do() -> None:
    async with screen(cut_off()) as hand:
        assert "▲ coder" in hand.lines[2]
        assert "failed: 401 no key · plan v1 waits: r revives it" in hand.lines[2]
        assert "1 needs you" in hand.lines[0]


async def test_n_selects_the_row_opens_nothing_and_says_that_r_revives() -> None:
    async with screen(cut_off()) as hand:
        await hand.press("G", "n")
        assert hand.is_at(Place.TEAM)
        assert hand.app.deck.roster.selected == run("coder")
        assert "its plan is kept, not approved. r revives it" in hand.notice
        await hand.press("a")
        assert hand.asked == []
        assert "r revives it" in hand.notice


async def test_n_goes_on_from_the_suspended_one_to_what_can_be_answered() -> None:
    async with screen(cut_off(*states.permission("builder", subject="ls"))) as hand:
        await hand.press("n")
        assert hand.app.deck.main.request.request_id == "perm-builder"
        await hand.press("n")
        assert hand.is_at(Place.TEAM)
        assert hand.app.deck.roster.selected == run("coder")
        await hand.press("n")
        assert hand.app.deck.main.request.request_id == "perm-builder"
        assert hand.is_at(Place.REQUEST)


async def test_the_inbox_lists_it_last_and_dimmed_and_a_answers_nothing() -> None:
    state = cut_off(*states.permission("builder", at=NOW - 5, subject="ls"))
    async with screen(state) as hand:
        await hand.press("tab", "end")
        deck = hand.app.deck
        assert deck.inbox.selected == "plan-coder"
        (line,) = [line for line in hand.lines if "waits for revival" in line]
        assert "coder" in line
        styles = [one.style for one in deck.inbox.line(3) if "coder" in one.text]
        assert styles == [deck.inbox.look.roles.quiet]
        hand.now += 1
        await hand.press("a")
        assert hand.asked == []
        assert "r revives it" in hand.notice


async def test_a_revival_makes_it_answerable() -> None:
    async with screen(cut_off()) as hand:
        await hand.press("n", "r")
        await hand.until(lambda: "plan-coder" in hand.store.state.inbox.open, "the revival")
        hand.now += 5
        await hand.press("n")
        assert hand.is_at(Place.REQUEST)
        hand.now += 1
        await hand.press("a")
        assert hand.asked == ["revive", "approve_plan"]
