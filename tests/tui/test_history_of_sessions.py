"""History across sessions: this session's runs, below them those of earlier ones, looked at only."""

import msgspec
import pytest

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.history_rows import run_row
from tests.support import states
from tests.support.archives import EARLIER, OLDER, OTHER, fill, stored
from tests.support.hand import Hand, screen
from tests.support.states import NOW, run

SIZES = [(60, 16), (80, 24), (120, 36), (200, 60)]
HEADS = ("5e551011", OTHER, OLDER)


async def opened(hand: Hand) -> None:
    await hand.press("h")
    await hand.until(lambda: "are being read" not in hand.text)


def thousand() -> tuple[StoredRun, ...]:
    """A thousand runs of fifty sessions, newest first."""
    return tuple(
        stored(f"t{number:04}", session_id=f"{number // 20:08x}", began=NOW - 3_600 * (number + 30))
        for number in range(1_000)
    )


async def test_below_this_sessions_runs_those_of_earlier_sessions_stand_by_session_newest_first() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await opened(hand)
        lines = [line for line in hand.lines if line.strip()]
        assert "all sessions" in lines[1]
        assert "runaway" in lines[3]
        heads = [at for at, line in enumerate(lines[:15]) if "· session " in line]
        assert [next(one for one in HEADS if one in lines[at]) for at in heads] == list(HEADS)
        assert "lead: Find out why the cents drift in the cart" in lines[heads[1]]
        assert "3 runs ─" in lines[heads[1]]
        assert [line.split()[2] for line in lines[heads[1] + 1 : heads[1] + 4]] == ["scout", "linter", "lead"]
        assert "/home" not in "".join(lines[2:]), "no folder"
        assert "5 ended: 1 killed, 1 not ended, 2 done, 1 failed, 1 unknown" in hand.text


async def test_without_any_run_it_says_so_as_before() -> None:
    async with screen(states.empty()) as hand:
        await hand.press("escape", "h")
        assert "No run has ended yet." in hand.text
        assert "this session" in hand.lines[1]


async def test_a_run_of_an_earlier_session_is_looked_at_and_esc_leads_back_to_it() -> None:
    async with screen(size=(80, 24)) as hand:
        fill(hand.archive)
        await opened(hand)
        await hand.press("j", "j")
        assert f"quarterdeck --resume {OTHER} brings its session back" in hand.text
        await hand.press("enter")
        await hand.until(lambda: "entry 300" in hand.text)
        assert f"scout ✓ done · session {OTHER}" in hand.text
        assert "look only" in hand.text
        await hand.press("escape")
        assert hand.is_at(Place.HISTORY)
        assert any(line.startswith("❯") and "scout" in line for line in hand.lines)
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)


async def test_reviving_what_is_of_another_session_says_what_to_do_and_the_footer_does_not_offer_it() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await opened(hand)
        assert "r revive" in hand.lines[-1]
        await hand.press("j", "j")
        assert "r revive" not in hand.lines[-1]
        await hand.press("r")
        assert hand.notice == f"Look only. quarterdeck --resume {OTHER} brings scout back."
        assert hand.asked == []
        await hand.press("g", "r")
        assert hand.asked == ["revive"]


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_whose_transcript_was_deleted_says_so_and_shows_its_findings(
    size: tuple[int, int],
) -> None:
    end = did.TeammateEnded(
        at=NOW, run_id=run("fork"), outcome=Outcome.COMPLETED, findings="Two callers are left."
    )
    drop = did.TranscriptDropped(at=NOW, run_id=run("fork"), entry_id=1)
    state = states.fold(states.shop(), [states.spawned("fork", at=NOW - 60), end, drop])
    async with screen(state, size=size) as hand:
        fill(hand.archive)
        scout, *rest = hand.archive.ended
        hand.archive.ended = (msgspec.structs.replace(scout, cleaned_at=NOW), *rest)
        await opened(hand)
        (row,) = [line for line in hand.lines if line.startswith("❯")]
        assert "fork" in row
        assert "transcript deleted" in row or size[0] == 60
        assert "r revives it" not in hand.text
        if size[1] > 16:
            assert "transcript deleted: only its record is left" in hand.text
            assert "Two callers are left." in hand.text


async def test_an_earlier_run_whose_transcript_was_deleted_says_so() -> None:
    async with screen() as hand:
        fill(hand.archive)
        hand.archive.ended = tuple(
            msgspec.structs.replace(one, cleaned_at=NOW) if one.name == "scout" else one
            for one in hand.archive.ended
        )
        await opened(hand)
        await hand.press("j", "j")
        assert "transcript deleted, its record is left" in hand.text
        assert "enter looks inside" not in hand.text
        await hand.press("j")
        assert "enter looks inside" in hand.text


async def test_an_archive_that_is_gone_is_one_notice_and_this_sessions_runs_stay() -> None:
    async with screen() as hand:
        hand.archive.gone = "The index can't be read."
        await opened(hand)
        await hand.until(lambda: hand.notice == "The index can't be read.")
        assert "runaway" in hand.lines[3]


async def test_order_and_outcome_hold_inside_each_session() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await opened(hand)
        await hand.press("o")
        names = [line.split()[2] for line in hand.lines if line.startswith("  19 Nov")]
        assert names == ["lead", "linter", "scout"]
        await hand.press("v")
        assert "done · by name" in hand.lines[1]
        assert OTHER in hand.text
        assert "linter" not in hand.text
        assert "5e551011" not in hand.text, "a session without a match has no row"


async def test_the_cursor_passes_over_the_rows_of_sessions() -> None:
    async with screen() as hand:
        fill(hand.archive)
        await opened(hand)
        panel = hand.app.deck.history
        assert panel.selected == run("runaway")
        seen = []
        for _step in EARLIER:
            await hand.press("down")
            chosen = panel.selected_stored
            seen.append(chosen.name if chosen is not None else None)
        assert seen == [one.name for one in EARLIER]
        await hand.press("down", "home")
        assert panel.selected == run("runaway")


async def test_a_thousand_runs_scroll_and_only_what_is_in_sight_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[object] = []

    def counting(run: StoredRun, look: Look, cells: int, now: float, *, is_chosen: bool) -> Line:
        drawn.append(run)
        return run_row(run, look, cells, now, is_chosen=is_chosen)

    monkeypatch.setattr("quarterdeck.tui.widgets.history_panel.run_row", counting)
    async with screen(size=(120, 36)) as hand:
        hand.archive.ended = thousand()
        await opened(hand)
        panel = hand.app.deck.history
        await hand.until(lambda: "1001 ended" in hand.text or "1,001 ended" in hand.text)
        arranged = panel._items
        drawn.clear()
        await hand.press("down")
        assert len(drawn) <= 36 * 3, "a few paints of what is in sight"
        assert panel._items is arranged, "a key arranges nothing anew"
        await hand.press("end")
        assert "t0999" in hand.text
        await hand.press("pageup", "pageup")
        assert "t0999" not in hand.text
        await hand.press("home")
        assert panel.selected == run("runaway")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("signs", [SignSet.UNICODE, SignSet.ASCII])
@pytest.mark.parametrize("no_color", [False, True])
async def test_stored_text_that_would_act_is_shown_and_keeps_the_columns(
    size: tuple[int, int], signs: SignSet, no_color: bool
) -> None:
    evil = "\x1b]0;owned\x07 \u202etxt.exe a\u200bb [/] 测试员 e\u0301 👩‍👩‍👧 \r\n\x9b2J " * 4
    one = msgspec.structs.replace(
        stored("x", outcome=Outcome.FAILED),
        session_id=evil[:40],
        name=evil,
        label=evil,
        error=evil,
        findings=evil,
        model=evil,
    )
    odd = msgspec.structs.replace(one, outcome="exploded", ended_at=None, created_at=0.0, heartbeat_at=0.0)
    async with screen(size=size, signs=signs, no_color=no_color) as hand:
        hand.archive.ended = (one, odd)
        await opened(hand)
        for keys in (("down",), ("down",), ("enter",)):
            await hand.press(*keys)
            assert all(strip.cell_length == size[0] for strip in hand.strips)
            assert not any(char in hand.text for char in "\x1b\x07\u202e\u200b\x9b")


async def test_the_chosen_run_stays_in_sight_when_the_terminal_gets_smaller() -> None:
    async with screen(size=(120, 60)) as hand:
        assert hand.pilot is not None
        hand.archive.ended = thousand()
        await opened(hand)
        await hand.press(*["down"] * 30)
        name = hand.app.deck.history.selected_stored
        assert name is not None
        await hand.pilot.resize_terminal(80, 24)
        await hand.settle()
        assert any(line.startswith("❯") and name.name in line for line in hand.lines)
