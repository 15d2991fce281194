from textual.events import Paste

from quarterdeck.domain.requests import PermissionScope
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import Place
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold, run


def one_permission() -> AppState:
    return fold(
        AppState(),
        [
            states.opened(),
            *states.working("coder"),
            *states.permission("coder", subject="ls", rule="Bash(ls:*)"),
        ],
    )


async def test_an_approval_typed_ahead_of_the_request_is_dropped_and_never_queued() -> None:
    async with screen(fold(AppState(), [states.opened(), *states.working("coder")])) as hand:
        early = hand.now
        hand.now += 5.0
        await hand.tell(*states.permission("coder", subject="ls"))
        await hand.press("n")
        await hand.press_at("a", early)
        assert hand.asked == []
        assert hand.notice == "just appeared: press a again"
        hand.now += 5.0
        await hand.settle()
        assert hand.asked == []


async def test_115_ms_after_the_paint_is_dropped_and_466_ms_is_taken() -> None:
    state = fold(AppState(), [states.opened(), *states.working("coder")])
    async with screen(state, size=(80, 24)) as hand:  # narrow: it is painted when n opens it, not before
        await hand.tell(*states.permission("coder", subject="ls"))
        await hand.press("n")
        painted_at = hand.now
        await hand.press_at("a", painted_at + 0.115)
        assert hand.asked == []
        await hand.press_at("a", painted_at + 0.466)
        assert hand.asked == ["allow"]


async def test_a_version_that_just_changed_takes_no_answer() -> None:
    state = fold(AppState(), [states.opened(), *states.working("coder"), *states.plan("coder")])
    async with screen(state) as hand:
        await hand.press("n")
        hand.now += 5.0
        await hand.tell(*states.plan("coder", version=2, at=hand.wall()))
        await hand.press_at("a", hand.now + 0.1)
        assert hand.asked == []
        await hand.press_at("a", hand.now + 0.5)
        assert hand.asked == ["approve_plan"]
        assert [one[1:3] for one in hand.recorder.asked if one[0] == "approve_plan"] == [("plan-coder", 2)]


async def test_100_ms_after_the_selection_moved_by_itself_no_harm_is_done_to_the_next_row() -> None:
    facts = [*states.working("a"), *states.working("b"), *states.working("c")]
    state = fold(AppState(), [states.opened(), *facts, states.killed("b"), *states.proved("b")])
    async with screen(state) as hand:
        await hand.press("G")
        assert hand.app.deck.roster.selected == run("b")
        hand.now += 5.0
        await hand.tell(states.evicted("b"))
        assert hand.app.deck.roster.selected == run("c")
        await hand.press_at("x", hand.now + 0.1)
        assert hand.asked == []
        assert hand.notice == "just appeared: press x again"
        await hand.press_at("x", hand.now + 0.5)
        assert ("kill", (run("c"),)) in hand.recorder.asked


async def test_moving_by_hand_to_a_row_that_was_there_needs_no_waiting() -> None:
    async with screen() as hand:
        await hand.press("G")
        await hand.press("k")
        await hand.press_at("x", hand.now + 0.05)
        assert hand.asked == ["kill"]


async def test_a_word_typed_outside_a_text_field_does_no_harm_and_says_where_to_write() -> None:
    async with screen() as hand:
        hand.app.deck.roster.select(run("builder"))
        await hand.settle()
        await hand.press(*"bash", gap=0.1)
        assert hand.asked == []
        assert hand.notice == "Looks like typing. m writes to builder."
        await hand.press("p", gap=0.5)
        assert hand.asked == []
        await hand.press("p", gap=0.8)
        assert hand.asked == ["pause"]


async def test_a_paste_outside_text_becomes_a_draft_and_answers_nothing() -> None:
    async with screen(one_permission()) as hand:
        await hand.press("n")
        hand.app.post_message(Paste("a\ny\nx\n"))
        await hand.settle()
        assert hand.is_at(Place.COMPOSER)
        assert hand.asked == []
        assert hand.app.deck.composer.text == "a\ny\nx\n"


async def test_enter_and_escape_never_say_yes() -> None:
    async with screen(one_permission()) as hand:
        await hand.press("n", "enter", "enter", "escape", "enter", "enter", "escape")
        assert hand.asked == []


async def test_a_sheet_takes_y_only_after_it_was_painted_and_any_other_key_is_no() -> None:
    state = fold(AppState(), _family())
    async with screen(state) as hand:
        await hand.press("x")
        assert hand.is_at(Place.SHEET)
        assert "Kill builder and the 2 it spawned (lint, wheel)" in hand.lines[-1]
        await hand.press_at("y", hand.now + 0.26)
        assert hand.asked == []
        await hand.press("n")
        assert hand.is_at(Place.TEAM)
        assert hand.asked == []
        await hand.press("x", "enter", "y")
        assert ("kill", (run("builder"), run("lint"), run("wheel"))) in hand.recorder.asked


async def test_a_letter_that_comes_with_escape_is_not_typed_and_acts_on_nothing() -> None:
    async with screen() as hand:
        await hand.press("m", "h", "i", "alt+x")
        assert hand.is_at(Place.TEAM)
        assert hand.app.deck.composer.draft_of(run("coder")) == "hi"
        assert hand.notice == "esc and x came together (tmux): went back, x did nothing."
        assert hand.asked == []


async def test_a_wider_yes_shows_rule_and_scope_and_gives_exactly_that() -> None:
    async with screen(one_permission()) as hand:
        await hand.press("n", "w")
        assert hand.is_at(Place.SHEET)
        assert "Bash(ls:*)" in hand.text
        assert "‹ coder ›" in hand.text
        await hand.press("right")
        assert "‹ whole team ›" in hand.text
        await hand.press_at("y", hand.now + 0.1)
        assert hand.asked == []
        await hand.press("y")
        expected = ("allow", "perm-coder", 1, PermissionScope.TEAM, "Bash(ls:*)")
        assert expected in hand.recorder.asked


async def test_the_rule_of_a_wider_yes_can_be_edited_before() -> None:
    async with screen(one_permission()) as hand:
        await hand.press("n", "w", "e")
        assert hand.is_at(Place.FIELD)
        for _ in range(3):
            await hand.press("backspace")
        for letter in " -l)":
            await hand.press("space" if letter == " " else letter)
        await hand.press("enter")
        assert hand.is_at(Place.SHEET)
        assert "Bash(ls -l)" in hand.text
        await hand.press("y")
        assert ("allow", "perm-coder", 1, PermissionScope.TEAMMATE, "Bash(ls -l)") in hand.recorder.asked


async def test_a_command_without_a_rule_has_no_wider_yes() -> None:
    async with screen() as hand:
        await hand.press("n", "n", "w")
        assert hand.is_at(Place.REQUEST)
        assert hand.notice == "That command is not simple, so no rule can allow it. a allows it once."


def _family() -> list[did.Action]:
    return [
        states.opened(),
        *states.working("builder", at=NOW - 20),
        states.spawned("lint", parent=run("builder")),
        states.spawned("wheel", parent=run("builder")),
    ]


def one_at_work() -> AppState:
    return fold(AppState(), [states.opened(), *states.working("coder")])


def flashing(hand: Hand) -> list[str]:
    """The titles that are drawn as a chip now."""
    chip = hand.app.look.roles.needs_chip.bgcolor
    rows = hand.strips[1:]
    return [one.text for strip in rows for one in strip if one.style and one.style.bgcolor == chip]


async def test_a_dropped_key_flashes_the_title_of_its_panel_once() -> None:
    async with screen(one_at_work(), size=(80, 24), reduced_motion=False) as hand:
        await hand.tell(*states.permission("coder", subject="ls"))
        await hand.press("n")
        painted_at = hand.now
        await hand.press_at("a", painted_at + 0.1)
        assert hand.notice == "just appeared: press a again"
        (title,) = flashing(hand)
        assert title.startswith("coder ▲ permission")
        await hand.until(lambda: flashing(hand) == [], "the end of the flash")
        assert hand.asked == []


async def test_the_title_of_the_team_flashes_where_its_row_just_appeared() -> None:
    async with screen(one_permission(), reduced_motion=False) as hand:
        hand.app.deck.roster.select(None)
        await hand.tell(*states.working("new"), *states.permission("new", at=1.0))
        hand.app.deck.roster.select(run("new"))
        hand.app.painted.painted((), hand.now)
        await hand.press_at("x", hand.now)
        assert hand.asked == []
        assert flashing(hand) == ["Team 2"]


async def test_nothing_flashes_under_reduced_motion() -> None:
    async with screen(one_at_work(), size=(80, 24), reduced_motion=True) as hand:
        await hand.tell(*states.permission("coder", subject="ls"))
        await hand.press("n")
        await hand.press_at("a", hand.now + 0.1)
        assert hand.notice == "just appeared: press a again"
        assert flashing(hand) == []
