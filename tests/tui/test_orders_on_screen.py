"""`o` and `v` on the screen: what the titles say, what stays under the hand, how one gets back to all."""

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ranking import Which
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold, run


def names(hand: Hand) -> list[str]:
    return [row.run_id.removeprefix("run-") for row in hand.app.deck.roster.shown.rows]


def crew() -> AppState:
    facts: list[did.Action] = [states.opened(), *states.working("zoe"), *states.working("adam")]
    facts += [*states.working("bob"), *states.permission("bob"), states.used("adam", 500, at=NOW - 9)]
    return fold(AppState(), facts)


async def test_o_orders_at_once_and_the_title_says_how() -> None:
    async with screen(crew()) as hand:
        assert names(hand) == ["bob", "zoe", "adam"]
        await hand.press("o")
        assert names(hand) == ["zoe", "adam", "bob"]
        assert "━ Team 3 · as a tree ━" in hand.lines[1]
        assert hand.app.deck.roster.selected == run("bob")
        await hand.press("o")
        assert names(hand) == ["adam", "bob", "zoe"]
        assert "by tokens" in hand.lines[1]
        await hand.press("o")
        assert names(hand) == ["adam", "bob", "zoe"]
        assert "Team 3 · by name" in hand.lines[1]
        await hand.press("o")
        assert names(hand) == ["bob", "zoe", "adam"]
        assert "Team 3 ━" in hand.lines[1]


async def test_tokens_that_grow_change_the_order_but_not_under_the_hand() -> None:
    async with screen(crew()) as hand:
        await hand.press("o", "o")
        await hand.tell(states.used("zoe", 9000, at=hand.wall()))
        assert names(hand) == ["adam", "bob", "zoe"]
        hand.now += 2.5
        await hand.until(lambda: names(hand) == ["zoe", "adam", "bob"], "the new order")
        assert hand.app.deck.roster.selected == run("bob")


async def test_v_shows_some_rows_the_title_says_which_and_esc_shows_all() -> None:
    async with screen(crew()) as hand:
        await hand.press("v")
        assert names(hand) == ["bob"]
        assert "Team 1 of 3 · need me" in hand.lines[1]
        await hand.press("v")
        assert names(hand) == ["zoe", "adam"]
        assert hand.app.deck.roster.selected in (run("zoe"), run("adam"))
        await hand.press("v")
        assert names(hand) == []
        assert "No row matches. esc shows all." in hand.text
        await hand.press("x", "m")
        assert hand.asked == []
        assert "esc shows all" in hand.notice
        await hand.press("escape")
        assert names(hand) == ["bob", "zoe", "adam"]
        assert hand.app.deck.roster.which is Which.ALL


async def test_a_row_that_no_longer_matches_stays_under_the_hand_and_then_leaves() -> None:
    async with screen(crew()) as hand:
        await hand.press("v", "v", "j")
        await hand.tell(states.ended("zoe", Outcome.FAILED, at=hand.wall(), error="401"))
        assert names(hand) == ["zoe", "adam"]
        hand.now += 2.5
        await hand.until(lambda: names(hand) == ["adam"], "the row gone")


async def test_when_the_selected_row_leaves_the_filter_the_next_one_takes_no_key_at_once() -> None:
    async with screen(crew()) as hand:
        await hand.press("v", "v", "g")
        first = hand.app.deck.roster.selected
        hand.now += 5
        await hand.tell(states.ended("zoe", Outcome.FAILED, at=hand.wall(), error="401"))
        assert hand.app.deck.roster.selected != first
        await hand.press_at("x", hand.now + 0.1)
        assert hand.asked == []


async def test_n_goes_to_a_row_that_the_filter_hides_and_shows_all_for_it() -> None:
    async with screen(crew()) as hand:
        await hand.press("v", "v", "n")
        assert hand.is_at(Place.REQUEST)
        assert names(hand) == ["bob", "zoe", "adam"]
        assert hand.app.deck.roster.selected == run("bob")


async def test_the_inbox_stands_newest_first_when_asked_and_keeps_what_is_selected() -> None:
    async with screen() as hand:
        await hand.press("tab")
        assert hand.app.deck.inbox.selected == "plan-coder"
        await hand.press("o")
        assert "newest first" in hand.text
        assert hand.app.deck.inbox.selected == "plan-coder"
        order = [
            next(at for at, line in enumerate(hand.lines[8:]) if words in line[:44])
            for words in ("tester    permission", "coder     plan v1")
        ]
        assert order == sorted(order)
        await hand.press("up")
        assert hand.app.deck.inbox.selected == "perm-tester"
        await hand.press("o")
        assert "oldest first" in hand.text


async def test_history_says_which_outcomes_and_in_which_order() -> None:
    facts: list[did.Action] = [states.opened()]
    for at, name in enumerate(("mia", "bob", "eve")):
        facts += states.working(name)
        facts.append(
            states.ended(name, (Outcome.COMPLETED, Outcome.FAILED, Outcome.COMPLETED)[at], at=NOW + at)
        )
    async with screen(fold(AppState(), facts)) as hand:
        await hand.press("h")
        assert "this session" in hand.lines[1]
        await hand.press("o")
        assert "this session · by name" in hand.lines[1]
        assert [line.split()[1 + line.startswith("❯")] for line in hand.lines[3:6]] == ["bob", "eve", "mia"]
        await hand.press("v")
        assert "done · by name" in hand.lines[1]
        assert not any(" bob " in line for line in hand.lines[2:5])
        await hand.press("v")
        assert "failed · by name" in hand.lines[1]
        assert any(" bob " in line for line in hand.lines[2:4])
        await hand.press("v")
        assert "this session" in hand.lines[1]
