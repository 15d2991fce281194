import time

from quarterdeck.domain.teammates import IdleReason, Outcome
from quarterdeck.domain.usage import NO_USAGE
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ranking import FOLD
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold, run


def names(hand: Hand) -> list[str]:
    """The names in the order of the rows on the screen."""
    return [row.run_id.removeprefix("run-") for row in hand.app.deck.roster.shown.rows]


def team(*names_: str) -> AppState:
    facts: list[did.Action] = [states.opened()]
    for at, name in enumerate(names_):
        facts += states.working(name, at=NOW - 100 + at, color=at + 1)
    return fold(AppState(), facts)


async def test_who_needs_the_person_stands_on_top_longest_first() -> None:
    async with screen(team("a", "b", "c")) as hand:
        await hand.tell(*states.permission("c", at=NOW - 5), *states.permission("b", at=NOW - 50))
        assert names(hand) == ["b", "c", "a"]


async def test_nothing_moves_under_the_hand_for_two_seconds() -> None:
    async with screen(team("a", "b", "c")) as hand:
        await hand.press("j")
        await hand.tell(*states.permission("c"))
        assert names(hand) == ["a", "b", "c"]
        assert "asks:" in hand.lines[4]
        hand.now += 2.1
        await hand.until(lambda: names(hand) == ["c", "a", "b"], "the new order")
        assert hand.app.deck.roster.selected == run("b")


async def test_an_ended_row_keeps_its_place_counts_down_and_leaves_when_told() -> None:
    async with screen(team("a", "b", "c")) as hand:
        hand.now += 5
        await hand.tell(states.killed("b", at=hand.wall(), processes=0, requests=0))
        await hand.tell(*states.proved("b", at=hand.wall(), processes=0))
        assert names(hand) == ["a", "b", "c"]
        await hand.until(lambda: "killed · leaves in 3s · nothing left" in hand.lines[3], "the proof")
        hand.now += 2.5
        await hand.until(lambda: "leaves in 1s" in hand.lines[3], "the countdown")
        await hand.tell(states.evicted("b"))
        assert names(hand) == ["a", "c"]


async def test_children_stand_under_their_parent_and_families_move_as_one() -> None:
    state = fold(team("a", "b"), [states.spawned("kid", parent=run("b")), *states.permission("kid")])
    async with screen(state) as hand:
        assert names(hand) == ["b", "kid", "a"]
        assert "└ kid" in hand.lines[3]


async def test_more_than_three_idle_rows_fold_and_z_unfolds_them() -> None:
    facts: list[did.Action] = [states.opened(), *states.working("busy")]
    for at in range(12):
        facts += states.idle(f"i{at:02}")
    async with screen(fold(AppState(), facts)) as hand:
        assert names(hand) == ["busy", FOLD]
        assert "▸ 12 idle" in hand.text
        await hand.press("z")
        assert len(names(hand)) == 13
        await hand.press("z")
        await hand.press("j", "enter")
        assert len(names(hand)) == 13


async def test_the_selection_follows_its_run_when_the_order_changes() -> None:
    async with screen(team("a", "b", "c")) as hand:
        await hand.press("G")
        hand.now += 5
        await hand.tell(*states.permission("a"), *states.permission("b"))
        await hand.until(lambda: names(hand)[:2] == ["a", "b"], "the order")
        assert hand.app.deck.roster.selected == run("c")
        assert "❯▌" in hand.lines[4]


async def test_a_thousand_rows_scroll_and_only_the_visible_ones_are_drawn() -> None:
    async with screen(states.crowd(1000, needing=3)) as hand:
        assert "Team 1000" in hand.lines[1]
        await hand.press("G")
        assert "t0999" in hand.text
        assert len(hand.app.deck.roster._lines) < 100


async def test_a_frame_of_a_thousand_rows_costs_no_more_than_one_of_thirty() -> None:
    costs = {}
    for count in (30, 1000):
        async with screen(states.crowd(count)) as hand:
            roster = hand.app.deck.roster
            best = 1.0
            for _ in range(12):
                hand.now += 1.0
                start = time.perf_counter()
                for y in range(roster.size.height):
                    roster.render_line(y)
                best = min(best, time.perf_counter() - start)
            costs[count] = best
    assert costs[1000] <= 1.5 * costs[30] + 0.0005, costs


async def test_the_spinner_moves_while_a_run_thinks_and_not_under_reduced_motion() -> None:
    state = fold(team("a"), [states.used("a", 10, at=NOW)])
    for reduced in (False, True):
        async with screen(state, reduced_motion=reduced) as hand:
            signs = set()
            for _ in range(4):
                hand.now += 0.1
                await hand.settle()
                hand.app.deck.roster.refresh()
                await hand.settle()
                signs.add(hand.lines[2][2])
            assert (len(signs) > 1) is (not reduced)
            assert signs == {"●"} if reduced else "●" not in signs


async def test_a_double_click_opens_and_a_click_chooses() -> None:
    async with screen(team("a", "b", "c")) as hand:
        assert hand.pilot is not None
        await hand.pilot.click("#roster", offset=(10, 3))
        await hand.settle()
        assert hand.app.deck.roster.selected == run("c")
        await hand.pilot.click("#roster", offset=(10, 2), times=2)
        await hand.settle()
        assert hand.is_at(Place.COMPOSER)
        assert hand.app.deck.composer.addressee == run("b")


async def test_a_run_counts_as_viewed_while_the_focus_is_in_its_transcript_request_or_composer() -> None:
    async with screen() as hand:
        await hand.press("n")
        await hand.press("escape")
        await hand.press("G", "k", "right")
        await hand.press("escape")
        seen = [one[1] for one in hand.recorder.asked if one[0] == "view"]
        assert seen == [run("coder"), None, run("lead"), None]


async def test_the_log_shows_what_happened_newest_first() -> None:
    async with screen(team("a")) as hand:
        ended = did.TurnEnded(
            at=NOW, run_id=run("a"), reason=IdleReason.DONE, final_text="x", duration_s=1, usage=NO_USAGE
        )
        await hand.tell(ended, did.TeammatePaused(at=NOW, run_id=run("a"), by="you"))
        assert "‖ paused by you" in hand.text


async def test_the_footer_offers_what_the_selected_row_allows_now() -> None:
    async with screen(team("a", "b")) as hand:
        assert "x kill" in hand.lines[-1]
        await hand.press("x")
        assert hand.lines[-1].startswith(" r revive")
        assert "x kill" not in hand.lines[-1]


async def test_with_many_rows_the_order_still_follows() -> None:
    async with screen(states.crowd(300)) as hand:
        hand.now += 5
        await hand.tell(did.TeammatePaused(at=NOW, run_id=run("t0000"), by="you"))
        assert "paused by you" in hand.lines[2]
        failed = states.ended("t0250", Outcome.FAILED, error="401")
        await hand.tell(failed)
        await hand.until(lambda: names(hand)[0] == "t0250", "the failed row on top")
