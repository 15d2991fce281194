"""Every (key, place) of the keymap, pressed on the screen: what it says is what happens.

One app per place; the place is entered anew by keys or by the desk before each key.
"""

from collections.abc import Awaitable, Callable

import pytest
from textual import events

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.keymap import TEXT, Place, load_keymap
from quarterdeck.tui.ranking import Order, Which
from tests.support import states
from tests.support.archives import FOUND
from tests.support.hand import Hand, screen
from tests.support.states import NOW, fold, run

KEYMAP = load_keymap()
LONG = "\n".join(f"line {number}" for number in range(200))

Check = Callable[[Hand], bool]


def crew() -> AppState:
    """A plan, a permission with a rule, a question, one at work, one idle, one killed."""
    return fold(AppState(), crew_facts())


def crew_facts() -> list[did.Action]:
    """What made the crew."""
    return [
        states.opened(),
        *states.working("coder"),
        *states.plan("coder", texts=(states.PLAN_V1 + "\n" + LONG,)),
        *states.working("tester"),
        *states.permission("tester", subject="pytest -q", rule="Bash(pytest:*)"),
        *states.working("asker"),
        *states.question("asker", options=tuple("abcdefghi")),
        *states.working("builder"),
        *states.builder_at_work(),
        states.said("builder", LONG, at=NOW - 2),
        *states.idle("lead"),
        *states.working("gone"),
        states.killed("gone"),
        *states.proved("gone"),
    ]


async def enter_team(hand: Hand, name: str = "builder") -> None:
    await _reset(hand)
    hand.app.deck.roster.select(run(name))
    await hand.settle()


async def _reset(hand: Hand) -> None:
    hand.now += 20
    for place in (Place.SHEET, Place.FIELD, Place.EDITOR, Place.HELP, Place.TIMELINE):
        if hand.is_at(place):
            await hand.press("escape")
    hand.app.desk.here.zoomed = False
    hand.app.desk.go(Place.TEAM)
    await hand.settle()
    hand.recorder.asked.clear()
    hand.now += 1


async def enter_inbox(hand: Hand) -> None:
    await _reset(hand)
    hand.app.deck.inbox.is_newest_first = False
    hand.app.deck.inbox.select(hand.store.state.inbox.open[0])
    await hand.press("tab")
    hand.now += 1


async def enter_transcript(hand: Hand) -> None:
    await enter_team(hand)
    hand.app.desk.go(Place.TRANSCRIPT)
    await hand.settle()
    hand.now += 1


async def enter_request(hand: Hand, request_id: str = "plan-coder") -> None:
    await _reset(hand)
    state = hand.store.state
    hand.app.desk.open_request(next(one for one in state.inbox.open if one == request_id))
    await hand.settle()
    await hand.press("home")
    hand.now += 1


async def enter_composer(hand: Hand) -> None:
    await enter_team(hand)
    await hand.press("m")


async def enter_history(hand: Hand) -> None:
    await enter_team(hand)
    await hand.press("h")
    hand.now += 1


async def enter_results(hand: Hand) -> None:
    hand.archive.found = FOUND
    await enter_team(hand)
    await hand.press("slash")
    hand.app.deck.search.field.value = ""
    await hand.find("x")
    await hand.press("enter")


async def enter_timeline(hand: Hand) -> None:
    await enter_team(hand)
    await hand.press("l")
    timeline = hand.app.deck.past.timeline
    await hand.until(lambda: not timeline.is_reading)
    timeline.cursor.lane = 1
    timeline.cursor.go(timeline.cursor.timeline.moment_at(NOW - 100))
    hand.now += 1


async def enter_help(hand: Hand) -> None:
    await enter_team(hand)
    await hand.press("question_mark")
    hand.now += 1


async def enter_sheet(hand: Hand) -> None:
    await enter_team(hand)
    await hand.press("ctrl+x", "k")
    hand.now += 1


async def enter_welcome(hand: Hand) -> None:
    hand.now += 20
    hand.app.desk.go(Place.WELCOME)
    await hand.settle()


ENTER: dict[Place, Callable[[Hand], Awaitable[None]]] = {
    Place.TEAM: enter_team,
    Place.INBOX: enter_inbox,
    Place.TRANSCRIPT: enter_transcript,
    Place.REQUEST: enter_request,
    Place.COMPOSER: enter_composer,
    Place.TIMELINE: enter_timeline,
    Place.HISTORY: enter_history,
    Place.RESULTS: enter_results,
    Place.HELP: enter_help,
    Place.SHEET: enter_sheet,
    Place.WELCOME: enter_welcome,
}


def at(place: Place) -> Check:
    return lambda hand: hand.is_at(place)


def asked(name: str) -> Check:
    return lambda hand: name in hand.asked


def says(words: str) -> Check:
    return lambda hand: words in hand.notice


def shows(words: str) -> Check:
    return lambda hand: words in hand.text


def moment(hand: Hand) -> float:
    return hand.app.deck.past.timeline.cursor.moment.at


def anything(_hand: Hand) -> bool:
    """Moves and views: the next test files tell what they show."""
    return True


CHECKS: dict[str, Check] = {
    "open": lambda hand: (
        hand.is_at(Place.COMPOSER) or hand.is_at(Place.REQUEST) or hand.is_at(Place.TRANSCRIPT)
    ),
    "look-inside": at(Place.TRANSCRIPT),
    "to-team": at(Place.TEAM),
    "to-inbox": at(Place.INBOX),
    "to-main": lambda hand: hand.is_at(Place.TRANSCRIPT) or hand.is_at(Place.REQUEST),
    "to-composer": at(Place.COMPOSER),
    "write": at(Place.COMPOSER),
    "back": at(Place.TEAM),
    "close": at(Place.TEAM),
    "next-request": at(Place.REQUEST),
    "previous-request": at(Place.REQUEST),
    "show-request": says("waits for nothing"),
    "interrupt": asked("interrupt"),
    "pause": asked("pause"),
    "stop": asked("stop"),
    "kill": asked("kill"),
    "history": at(Place.HISTORY),
    "search": lambda hand: hand.is_at(Place.FIELD) and hand.app.deck.search.field.has_focus,
    "to-field": lambda hand: hand.is_at(Place.FIELD) and hand.app.deck.search.field.has_focus,
    "timeline": at(Place.TIMELINE),
    "to-now": at(Place.TEAM),
    "help": at(Place.HELP),
    "palette": at(Place.FIELD),
    "chord": says("ctrl+x: k kill all"),
    "copy-selection": says("ctrl+q quits"),
    "enter-answers-nothing": says("Enter answers nothing here"),
    "quit": at(Place.SHEET),
    "yes": asked("kill"),
    "no": lambda hand: hand.is_at(Place.TEAM) and hand.asked == [],
    "nothing": lambda hand: hand.asked == [],
    "wider": at(Place.SHEET),
    "reject": lambda hand: hand.is_at(Place.FIELD) or "reject_plan" in hand.asked,
    "comment": at(Place.FIELD),
    "edit": at(Place.EDITOR),
    "next-scope": at(Place.TEAM),
    "previous-scope": at(Place.TEAM),
    "edit-rule": at(Place.TEAM),
    "revive-all": says("Nobody was cut off"),
    "revive": lambda hand: hand.asked == ["revive"] or "has not ended" in hand.notice,
}
"""What must be so after an action; scopes and rules are a no in a sheet that has none."""

EXPECTED: dict[tuple[str, Place], Check] = {
    ("timeline", Place.TIMELINE): at(Place.TEAM),
    ("open", Place.TIMELINE): lambda hand: hand.app.deck.past.timeline.is_small,
    ("next-event", Place.TIMELINE): lambda hand: moment(hand) > NOW - 100,
    ("previous-event", Place.TIMELINE): lambda hand: moment(hand) < NOW - 100,
    ("next-decision", Place.TIMELINE): lambda hand: moment(hand) == NOW - 63,
    ("previous-decision", Place.TIMELINE): lambda hand: moment(hand) == NOW - 252,
    ("minute-on", Place.TIMELINE): lambda hand: moment(hand) == NOW - 40,
    ("minute-back", Place.TIMELINE): lambda hand: moment(hand) == NOW - 160,
    ("first-event", Place.TIMELINE): lambda hand: moment(hand) == NOW - 500,
    ("last-event", Place.TIMELINE): lambda hand: moment(hand) == NOW,
    ("zoom-in", Place.TIMELINE): lambda hand: hand.app.deck.past.timeline.cursor.window.span == 250,
    ("zoom-out", Place.TIMELINE): lambda hand: hand.app.deck.past.timeline.cursor.window.span == 500,
    ("up", Place.TIMELINE): lambda hand: hand.app.deck.past.timeline.cursor.lane == 0,
    ("down", Place.TIMELINE): lambda hand: hand.app.deck.past.timeline.cursor.lane == 2,
    ("which", Place.TIMELINE): lambda hand: (
        [lane.name for lane in hand.app.deck.past.timeline.cursor.lanes] == ["coder", "tester", "asker"]
    ),
    ("play", Place.TIMELINE): lambda hand: moment(hand) > NOW - 100,
    ("page-up", Place.TIMELINE): lambda hand: hand.asked == [],
    ("page-down", Place.TIMELINE): lambda hand: hand.asked == [],
    ("approve", Place.TEAM): says("builder waits for nothing"),
    ("reject", Place.TEAM): says("builder waits for nothing"),
    ("edit", Place.TEAM): says("builder waits for nothing"),
    ("approve", Place.INBOX): asked("approve_plan"),
    ("approve", Place.REQUEST): asked("approve_plan"),
    ("open", Place.WELCOME): says("quarterdeck"),
    ("continue-last", Place.WELCOME): says("There is no earlier session of this folder."),
    ("option-1", Place.WELCOME): says("ANTHROPIC_API_KEY"),
    ("option-2", Place.WELCOME): says("ANTHROPIC_BASE_URL"),
    ("option-3", Place.WELCOME): says("quarterdeck demo"),
    ("order", Place.TEAM): lambda hand: hand.app.deck.roster.order is not Order.NEEDS,
    ("order", Place.INBOX): shows("newest first"),
    ("order", Place.HISTORY): shows("· by name"),
    ("which", Place.TEAM): lambda hand: hand.app.deck.roster.which is not Which.ALL,
    ("which", Place.HISTORY): lambda hand: hand.app.deck.history.outcome is not None,
    ("show-all", Place.TEAM): lambda hand: hand.app.deck.roster.which is Which.ALL,
    ("zoom", Place.TRANSCRIPT): lambda hand: not hand.app.deck.roster.display,
    ("zoom", Place.REQUEST): lambda hand: not hand.app.deck.roster.display,
    ("open", Place.TEAM): at(Place.COMPOSER),
    ("open", Place.INBOX): at(Place.REQUEST),
    ("open", Place.HISTORY): at(Place.TRANSCRIPT),
    ("open", Place.RESULTS): at(Place.TRANSCRIPT),
    ("down", Place.RESULTS): lambda hand: hand.app.deck.search.results.at == 1,
    ("end", Place.RESULTS): lambda hand: hand.app.deck.search.results.at == len(FOUND.hits) - 1,
    ("up", Place.TEAM): lambda hand: hand.app.deck.roster.selected != run("builder"),
    ("down", Place.TEAM): lambda hand: hand.app.deck.roster.selected != run("builder"),
    ("top", Place.TEAM): lambda hand: hand.app.deck.roster.selected == run("coder"),
    ("down", Place.INBOX): lambda hand: hand.app.deck.inbox.selected == "perm-tester",
    ("end", Place.INBOX): lambda hand: hand.app.deck.inbox.selected == hand.store.state.inbox.open[-1],
    ("up", Place.TRANSCRIPT): lambda hand: not hand.app.deck.main.transcript.body.is_at_end,
    ("top", Place.TRANSCRIPT): lambda hand: hand.app.deck.main.transcript.body.top == 0,
    ("down", Place.REQUEST): lambda hand: hand.app.deck.main.request.body.top == 1,
    ("page-down", Place.REQUEST): lambda hand: hand.app.deck.main.request.body.top > 5,
    ("end", Place.REQUEST): lambda hand: hand.app.deck.main.request.body.is_at_end,
}

MOVES_AND_VIEWS = {
    *("up", "down", "page-up", "page-down", "half-up", "half-down", "top", "end"),
    *("fold", "fold-all", "view", "copy", "previous-block", "next-block", "previous-step", "next-step"),
    *("fold-idle", "zoom"),
    *(f"option-{number}" for number in range(1, 10)),
}


def check_of(action: str, place: Place) -> Check:
    found = EXPECTED.get((action, place)) or CHECKS.get(action)
    if found is None:
        assert action in MOVES_AND_VIEWS, f"{action} has no check"
        return anything
    return found


def state_of(place: Place) -> AppState:
    return states.empty(model=None) if place is Place.WELCOME else crew()


@pytest.mark.parametrize("place", list(ENTER), ids=lambda place: place.name)
async def test_every_key_of_a_place_does_what_the_keymap_says(place: Place) -> None:
    wrong: list[str] = []
    told = sorted(crew_facts(), key=lambda fact: fact.at) if place is Place.TIMELINE else []
    async with screen(AppState() if told else state_of(place), acts=False, told=told) as hand:
        for binding in KEYMAP.of_place(place):
            if binding.action == TEXT or (place is Place.WELCOME and binding.action == "quit"):
                continue
            wrong += await _try(hand, place, binding.key, binding.action)
    assert not wrong, "\n".join(wrong)


async def _try(hand: Hand, place: Place, key: str, action: str) -> list[str]:
    await ENTER[place](hand)
    if not hand.is_at(place):
        return [f"{place.name} was not entered for {key}: {hand.app.desk.here.place}"]
    await hand.press(key)
    if check_of(action, place)(hand):
        return []
    return [f"{key} in {place.name} ({action}): {hand.app.desk.here.place} {hand.asked} {hand.notice!r}"]


async def test_a_key_of_something_that_is_not_there_yet_says_so_and_does_nothing() -> None:
    async with screen(crew()) as hand:
        for key in KEYMAP.absent:
            await enter_team(hand)
            await hand.press(key)
            assert "not there yet" in hand.notice, key
            assert hand.is_at(Place.TEAM)
            assert hand.asked == []


async def test_keys_that_wait_in_the_queue_together_each_go_to_the_place_of_their_turn() -> None:
    async with screen(crew()) as hand:
        await enter_team(hand)
        for at_, key in enumerate("mhax"):
            event = events.Key(key, key)
            event.time = hand.now + at_ * 0.4
            hand.app.post_message(event)
        await hand.settle()
        assert hand.app.deck.composer.text == "hax"
        assert hand.asked == []


async def test_in_a_narrow_request_m_brings_the_composer_and_letters_are_text() -> None:
    async with screen(crew(), size=(80, 24)) as hand:
        await hand.press("n", "m", *"hax")
        assert hand.is_at(Place.COMPOSER)
        assert hand.app.deck.composer.text == "hax"
        assert "to coder · steer › hax" in hand.text


async def test_a_terminal_that_was_too_small_gives_the_keys_back_where_they_were() -> None:
    async with screen(crew()) as hand:
        assert hand.pilot is not None
        await hand.press("n")
        await hand.pilot.resize_terminal(40, 10)
        await hand.settle()
        await hand.pilot.resize_terminal(120, 36)
        await hand.settle()
        assert hand.is_at(Place.REQUEST)
        assert "━ coder ▲ plan v1" in hand.text
        await hand.press("m", *"hax")
        assert hand.app.deck.composer.text == "hax"


async def test_letters_go_into_the_composer_and_nowhere_else() -> None:
    async with screen(crew()) as hand:
        await enter_composer(hand)
        await hand.press(*"xkills", gap=0.05)
        assert hand.app.deck.composer.text == "xkills"
        assert hand.asked == []


async def test_the_brake_works_while_writing_and_keeps_the_draft() -> None:
    async with screen(crew()) as hand:
        await enter_composer(hand)
        await hand.press("h", "i", "ctrl+x", "p")
        assert hand.asked == ["pause_all"]
        assert hand.app.deck.composer.text == "hi"
        assert hand.is_at(Place.COMPOSER)


async def test_each_addressee_keeps_its_draft() -> None:
    async with screen(crew()) as hand:
        await enter_composer(hand)
        await hand.press("h", "i", "escape")
        hand.app.deck.roster.select(run("lead"))
        await hand.press("m")
        assert hand.app.deck.composer.text == ""
        await hand.press("escape")
        hand.app.deck.roster.select(run("builder"))
        await hand.press("m")
        assert hand.app.deck.composer.text == "hi"


async def test_the_addressee_does_not_change_under_the_cursor_when_its_row_leaves() -> None:
    async with screen(crew()) as hand:
        await enter_composer(hand)
        await hand.press("h")
        ended: did.Action = states.killed("builder")
        await hand.tell(ended, *states.proved("builder"), states.evicted("builder"))
        assert hand.app.deck.composer.addressee == run("builder")
        assert hand.app.deck.composer.text == "h"


async def test_all_blocks_above_the_composer_open_and_fold_while_a_draft_is_written() -> None:
    async with screen() as hand:
        hand.app.deck.roster.select(run("builder"))
        await hand.press("m", "h", "ctrl+o")
        assert "The build backend is hatchling." in hand.text
        await hand.press("ctrl+o")
        assert "The build backend is hatchling." not in hand.text
        assert hand.app.deck.composer.text == "h"
        assert hand.is_at(Place.COMPOSER)
