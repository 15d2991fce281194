"""The past while the session goes on: lanes grow, one stays where one is, and no panel offers what acts."""

import re

import pytest

from quarterdeck.domain.ids import CallId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import ToolStatus
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.past_desk import GROW_S
from quarterdeck.tui.ports import ArchiveGone
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.timeline_cursor import TimelineCursor
from tests.support import states
from tests.support.hand import Hand, screen
from tests.support.past_story import START, story
from tests.support.states import NOW, run

MIDDLE = (120, 36)


def cursor_of(hand: Hand) -> TimelineCursor:
    return hand.app.deck.past.timeline.cursor


def lanes(hand: Hand) -> list[str]:
    return [lane.name for lane in cursor_of(hand).lanes]


def chosen_name(hand: Hand) -> str:
    chosen = cursor_of(hand).chosen
    return chosen.name if chosen is not None else ""


async def open_past(hand: Hand) -> None:
    await hand.press("l")
    await hand.until(lambda: "event 46 of 46" in hand.text)
    await hand.until(lambda: hand.app.deck.past.source.at == cursor_of(hand).moment.at)


async def test_lanes_grow_by_themselves_and_the_moment_stays_where_it_is() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        await hand.press("left", "down")
        moment, chosen = cursor_of(hand).moment, chosen_name(hand)
        await hand.until(lambda: hand.app.deck.past.source.at == moment.at)
        shown = hand.app.deck.past.source.state
        await hand.tell(*states.working("late", at=hand.wall()), states.killed("porter", at=hand.wall()))
        hand.now += GROW_S
        await hand.until(lambda: "event 45 of 49" in hand.text)
        assert lanes(hand)[-1] == "late"
        assert any(line.startswith(" late ") for line in hand.lines)
        assert cursor_of(hand).moment == moment
        assert chosen_name(hand) == chosen
        assert hand.app.deck.past.source.state is shown, "the team is that of the moment"
        await hand.press("end")
        await hand.until(lambda: "porter ✕ killed by you" in hand.text)


async def test_facts_are_asked_for_once_a_second_at_most_and_never_when_nothing_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        answer, asked = hand.recorder.past.facts, []

        async def counted() -> tuple[tuple[int, did.Action], ...]:
            asked.append(hand.now)
            return await answer()

        monkeypatch.setattr(hand.recorder.past, "facts", counted)
        hand.now += 60
        for _ in range(8):
            await hand.settle()
        assert asked == []
        hand.app.deck.past.timeline.cursor.do("previous-event")
        await hand.tell(states.said("builder", "One.", at=hand.wall()))
        await hand.until(lambda: len(asked) == 1)
        await hand.tell(states.said("builder", "Two.", at=hand.wall()))
        for _ in range(8):
            await hand.settle()
        assert len(asked) == 1, "that second is not over"
        hand.now += GROW_S
        await hand.until(lambda: len(asked) == 2)
        await hand.press("escape")
        await hand.tell(states.said("builder", "Three.", at=hand.wall()))
        hand.now += GROW_S
        for _ in range(8):
            await hand.settle()
        assert len(asked) == 2, "the past is closed"


async def test_at_the_end_a_key_asks_for_more_at_once() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        await hand.tell(states.killed("porter", at=hand.wall(), processes=0))
        await hand.press_at("right", hand.now)
        await hand.until(lambda: "of 47" in hand.text)
        await hand.press_at("right", hand.now)
        await hand.until(lambda: "porter ✕ killed by you" in hand.text)


async def test_a_journal_that_can_be_read_no_more_is_said_once_and_the_timeline_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)

        async def gone() -> tuple[tuple[int, did.Action], ...]:
            raise ArchiveGone("The journal is damaged.")

        monkeypatch.setattr(hand.recorder.past, "facts", gone)
        await hand.tell(states.said("builder", "One.", at=hand.wall()))
        hand.now += GROW_S
        await hand.until(lambda: hand.notice == "The journal is damaged.")
        hand.app.say("-")
        await hand.tell(states.said("builder", "Two.", at=hand.wall()))
        hand.now += 10 * GROW_S
        for _ in range(8):
            await hand.settle()
        assert hand.is_at(Place.TIMELINE)
        assert hand.notice != "The journal is damaged."


async def test_v_goes_through_the_lanes_that_fit_and_the_title_says_which() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        every = ["lead", "coder", "tester", "porter", "runaway", "builder"]
        assert sorted(lanes(hand)) == sorted(every)
        shown = {}
        for _ in range(4):
            title = next(line for line in hand.lines if "Timeline" in line)
            shown[title.split(" ━")[0].split(" · ")[-1]] = lanes(hand)
            await hand.press("v")
        assert {name: sorted(found) for name, found in shown.items()} == {
            "6 lanes": sorted(every),
            "asked you": ["coder", "tester"],
            "still there": sorted(set(every) - {"runaway"}),
            "ended": ["runaway"],
        }
        assert "6 lanes" in hand.text, "none has failed, so that is left out and all are there again"


async def test_lanes_that_are_left_out_are_not_drawn_and_not_chosen() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        await hand.press("v")
        head = hand.text.partition("░ model")[0]
        assert "2 of 6 lanes · asked you" in head
        assert "coder" in head
        assert "runaway" not in head
        await hand.press(*["down"] * 5)
        assert chosen_name(hand) == "tester"
        await hand.until(lambda: "tester as it was at" in hand.text)


async def test_a_click_on_a_row_whose_lane_is_left_out_shows_all_again() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        assert hand.pilot is not None
        await open_past(hand)
        await hand.press("v")
        rows = hand.lines
        head = next(at for at, line in enumerate(rows) if line.startswith("─ Then "))
        lead = next(at for at, line in enumerate(rows) if at > head and " lead " in line)
        await hand.pilot.click("#past-roster", offset=(5, lead - head))
        await hand.settle()
        assert len(lanes(hand)) == 6
        assert chosen_name(hand) == "lead"


async def test_a_lane_that_is_shown_does_not_leave_while_one_looks() -> None:
    async with screen(AppState(), size=MIDDLE, told=story()) as hand:
        await open_past(hand)
        await hand.press("v", "v")
        assert "still there" in hand.text
        before = lanes(hand)
        await hand.tell(states.killed("porter", at=hand.wall()), *states.working("late", at=hand.wall()))
        hand.now += GROW_S
        await hand.until(lambda: "late" in lanes(hand))
        assert lanes(hand) == [*before, "late"]


RATES: list[did.Action] = [
    did.StepStarted(at=START + 600, run_id=run("builder")),
    did.UsageRecorded(at=START + 620, run_id=run("builder"), usage=Usage(output=800, requests=1)),
    did.StepStarted(at=START + 610, run_id=run("lead")),
    did.UsageRecorded(at=START + 620, run_id=run("lead"), usage=Usage(output=50, requests=1)),
]
"""Twice answered at once: 45 tokens a second from 610 to 620, 40 before that."""


def rated() -> list[did.Action]:
    silent = [one for one in story() if not isinstance(one, did.StepStarted | did.UsageRecorded)]
    return sorted([*silent, *RATES], key=lambda fact: fact.at)


@pytest.mark.parametrize("signs", [SignSet.UNICODE, SignSet.ASCII, SignSet.WORDS])
async def test_a_row_of_bars_tells_when_how_fast_the_team_was_answered(signs: SignSet) -> None:
    async with screen(AppState(), size=MIDDLE, told=rated(), signs=signs) as hand:
        await hand.press("l")
        await hand.until(lambda: "tok/s" in hand.text)
        row = next(line for line in hand.lines if line.startswith(" tok/s"))
        highest = "█" if signs is SignSet.UNICODE else "#"
        columns = hand.app.deck.past.timeline._columns
        at = 10 + int(620 / (cursor_of(hand).timeline.last.at - START) * columns)
        assert highest in row[at - 2 : at + 3]
        assert row[10 : at - 8].strip(" ▁_") == ""
        cursor_of(hand).go(cursor_of(hand).timeline.moment_at(START + 615))
        await hand.press("minus")
        row = next(line for line in hand.lines if line.startswith(" tok/s"))
        assert row.startswith(" tok/s 45 ")


@pytest.mark.parametrize("size", [(80, 24), MIDDLE, (200, 60)])
async def test_how_the_team_stood_and_how_fast_it_was_answered_is_told_whole_at_every_width(
    size: tuple[int, int],
) -> None:
    async with screen(AppState(), size=size, told=rated()) as hand:
        await hand.press("l")
        await hand.until(lambda: " of 46" in hand.text)
        hand.app._desks.past.point_to(START + 620, None)
        words = "1 needed you · 1 ran · 850 tok · 45 tok/s"
        await hand.until(lambda: words in hand.text)
        line = next(line for line in hand.lines if words in line)
        assert ("at this moment:" in line) is (size[0] < 200)
        assert "$" not in line


OFFERS = re.compile(
    r"\b[A-Za-z] (revives?|continues?|opens?|unfolds?|takes|keeps|goes on|follows|drops|allows)\b"
)


def troubles() -> list[did.Action]:
    """All that on the screen of now says which key does something about it."""
    at = NOW - 60
    facts: list[did.Action] = [states.opened(at=NOW - 400)]
    for number in range(6):
        facts += states.idle(f"idle{number}", at=NOW - 300)
    for name in ("paused", "stopping", "killed", "lost", "done", "failing"):
        facts += states.working(name, at=NOW - 200)
    calls = CallId("c1")
    facts += [
        did.TeammatePaused(at=at, run_id=run("paused"), by="you"),
        did.StopRequested(at=at, run_id=run("stopping"), deadline_at=NOW + 60),
        states.killed("killed", at=at),
        *states.proved("killed", at=at),
        states.ended("lost", Outcome.UNKNOWN, at=at),
        states.ended("done", Outcome.COMPLETED, at=at),
        did.ToolStarted(at=at, run_id=run("failing"), call_id=calls, tool="Bash", title="make"),
        did.ToolEnded(
            at=at,
            run_id=run("failing"),
            call_id=calls,
            tool="Bash",
            title="make",
            status=ToolStatus.ERROR,
            summary="exit 1",
            detail="\n".join(f"line {number}" for number in range(40)),
            duration_s=1.0,
        ),
    ]
    return facts


@pytest.mark.parametrize("size", [(80, 24), MIDDLE, (200, 60)])
async def test_no_panel_of_the_past_offers_a_key_that_does_nothing_there(size: tuple[int, int]) -> None:
    async with screen(AppState(), size=size, told=troubles()) as hand:
        seen_now = hand.text
        names = ["paused", "stopping", "killed", "lost", "done", "failing"]
        for name in names:
            hand.app.deck.roster.select(run(name))
            await hand.press("right")
            seen_now += hand.text
            await hand.press("escape")
        for key in ("p continues", "s takes it back", "r revives", "o opens"):
            assert key in seen_now, "else this test would look for nothing"
        await hand.press("l", "home", "end")
        for name in names:
            hand.app._desks.past.point_to_run(run(name))
            await hand.until(lambda name=name: f"{name} as it was at" in hand.text)  # type: ignore[misc] # of now
            shown = "\n".join(hand.lines[:-2])
            assert not OFFERS.search(shown), OFFERS.search(shown)
            assert "unfolds" not in shown


@pytest.mark.parametrize("size", [(60, 16), (80, 24), MIDDLE, (200, 60)])
async def test_with_one_lane_what_the_signs_mean_and_the_bars_are_still_there(size: tuple[int, int]) -> None:
    facts = [states.opened(at=NOW - 400), *states.working("coder", at=NOW - 300), *states.plan("coder")]
    async with screen(AppState(), size=size, told=facts) as hand:
        await hand.press("l")
        await hand.until(lambda: "❯coder" in hand.text and "░ model" in hand.text)
        assert any(line.startswith(" tok/s") for line in hand.lines) is (size[0] >= 100)


async def test_a_long_folder_never_hides_who_needs_you_now() -> None:
    facts = story()
    opened = did.SessionOpened(
        **{name: getattr(facts[0], name) for name in facts[0].__struct_fields__ if name != "folder"},
        folder="/tmp/" + "deep/" * 30 + "shop",
    )
    async with screen(AppState(), size=MIDDLE, told=[opened, *facts[1:]]) as hand:
        await hand.press("l", "left")
        assert "▲ 2 need you now" in hand.lines[0]
        assert "Quarterdeck shop" in " ".join(hand.lines[0].split())
