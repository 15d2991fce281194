"""The notice of a session that came back: what to do is read at the least width, with the time before it."""

import pytest

from quarterdeck.bootstrap.recovery import Recovered, came_back_words
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.arrangement import LEAST_WIDTH

BEFORE = len(" 14:31:06 ")


def words(cut_off: int, *, crashed: bool = False, damage: tuple[str, ...] = ()) -> str:
    found = Recovered(
        state=AppState(), last=1, drafts={}, unread={}, next_entries={}, crashed=crashed, damage=damage
    )
    return came_back_words(found, cut_off)


@pytest.mark.parametrize("crashed", [False, True])
def test_several_turns_that_were_cut_off_tell_both_keys_at_the_least_width(crashed: bool) -> None:
    told = words(99, crashed=crashed)
    assert told.endswith("r revives one, R all.")
    assert "99 turns" in told
    assert ("crash" in told) is crashed
    assert BEFORE + len(told) <= LEAST_WIDTH - 1


def test_one_turn_that_was_cut_off_tells_of_no_others() -> None:
    assert words(1) == "1 turn was cut off: r revives it."
    assert words(1, crashed=True) == "A crash cut off 1 turn: r revives it."


def test_where_no_turn_was_open_nothing_is_asked_for() -> None:
    assert words(0) == "Everybody is back as they were."
    assert words(0, crashed=True) == "The program was gone all at once. Everybody is back as they were."


def test_a_damaged_journal_is_told_before_all_else() -> None:
    assert "2 parts of the journal can't be read" in words(3, crashed=True, damage=("a", "b"))
