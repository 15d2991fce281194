"""A request that outlived its run: it needs the person, and the answer revives its teammate."""

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import Place
from tests.support import states
from tests.support.hand import screen
from tests.support.states import NOW, fold, run


def cut_off(*more: did.Action) -> AppState:
    """`coder` was cut off with its plan submitted; `builder` works."""
    facts: list[did.Action] = [states.opened(), *states.working("builder"), *states.working("coder")]
    facts += [*states.plan("coder"), states.ended("coder", Outcome.UNKNOWN, at=NOW - 9)]
    return fold(AppState(), [*facts, *more])


async def test_the_row_stands_on_top_and_says_what_waits() -> None:
    async with screen(cut_off()) as hand:
        assert "▲ coder" in hand.lines[2]
        assert "unknown · plan v1 waits for you" in hand.lines[2]
        assert "1 needs you" in hand.lines[0]


async def test_n_opens_it_and_says_what_an_answer_does() -> None:
    async with screen(cut_off()) as hand:
        await hand.press("G", "n")
        assert hand.is_at(Place.REQUEST)
        assert hand.app.deck.roster.selected == run("coder")
        words = " ".join(line.partition("│")[2].strip() for line in hand.lines)
        assert "coder was cut off. Your answer revives it and is told to it; x drops the request." in words


async def test_an_answer_is_asked_for_with_its_id_and_version() -> None:
    async with screen(cut_off()) as hand:
        await hand.press("n")
        hand.now += 1
        await hand.press("a")
        assert hand.asked == ["approve_plan", "revive"]
        assert ("approve_plan", "plan-coder", 1) in [one[:3] for one in hand.recorder.asked]


async def test_x_drops_it_and_the_row_is_an_ended_one() -> None:
    async with screen(cut_off()) as hand:
        await hand.press("n")
        hand.now += 1
        await hand.press("x")
        assert hand.asked == ["dismiss"]
        await hand.until(lambda: not hand.store.state.inbox.suspended, "the drop")
        assert "needs you" not in hand.lines[0]


async def test_n_goes_through_all_and_what_outlived_its_run_comes_last() -> None:
    async with screen(cut_off(*states.permission("builder", subject="ls"))) as hand:
        await hand.press("n")
        assert hand.app.deck.main.request.request_id == "perm-builder"
        await hand.press("n")
        assert hand.app.deck.main.request.request_id == "plan-coder"
        await hand.press("n")
        assert hand.app.deck.main.request.request_id == "perm-builder"


async def test_the_inbox_lists_it_last_and_dimmed() -> None:
    state = cut_off(*states.permission("builder", at=NOW - 5, subject="ls"))
    async with screen(state) as hand:
        await hand.press("tab", "end")
        deck = hand.app.deck
        assert deck.inbox.selected == "plan-coder"
        (line,) = [line for line in hand.lines if "outlived" in line]
        assert "coder" in line
        styles = [one.style for one in deck.inbox.line(3) if "coder" in one.text]
        assert styles == [deck.inbox.look.roles.quiet]


async def test_it_takes_no_key_before_it_was_painted_for_a_while() -> None:
    async with screen(cut_off(*states.permission("builder", subject="ls"))) as hand:
        await hand.press("n", "n")
        await hand.press("a", gap=0.1)
        assert hand.asked == []
        assert "just appeared" in hand.notice


async def test_all_that_were_cut_off_are_revived_after_a_yes_but_not_who_waits_for_the_person() -> None:
    more = [
        *states.working("porter"),
        states.ended("porter", Outcome.UNKNOWN, at=NOW - 8),
        *states.working("docs"),
        states.ended("docs", Outcome.UNKNOWN, at=NOW - 7),
        *states.working("lead"),
        states.ended("lead", Outcome.FAILED, at=NOW - 6),
    ]
    async with screen(cut_off(*more)) as hand:
        await hand.press("R")
        assert hand.is_at(Place.SHEET)
        assert "Revive all 2 cut-off teammates?" in hand.text
        await hand.press("enter")
        assert hand.asked == []
        await hand.press("y")
        await hand.until(lambda: len(hand.asked) == 2, "both revivals")
        revived = [one[1] for one in hand.recorder.asked if one[0] == "revive"]
        assert revived == [run("porter"), run("docs")]
