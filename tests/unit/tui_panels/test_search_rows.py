"""The rows of a search: the word is in sight, marks stay where the words are, whatever is in the excerpt."""

import msgspec
import pytest

from quarterdeck.domain.archive import SearchHit
from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.search_scopes import Where
from quarterdeck.tui.widgets.search_rows import hit_row, mark, nothing_words, place_rows, who
from quarterdeck.tui.widgets.stored_words import day_and_time, look_only_words, short_time
from tests.support.archives import OTHER, hit, stored
from tests.support.states import NOW
from tests.unit.tui_panels.panel_support import look, texts


def shown(one: SearchHit, cells: int, *, own: str = "s1") -> str:
    row = hit_row(one, look(), cells, NOW, own_session=own, is_chosen=False)
    return "".join(segment.text for segment in row)


@pytest.mark.parametrize("cells", range(40, 121, 7))
@pytest.mark.parametrize("before", [0, 10, 60, 300])
def test_the_word_is_in_sight_at_every_width(cells: int, before: int) -> None:
    for own in ("s1", "another"):
        text = shown(
            hit("coder", "x " * before + "needle" + " y" * 50, entry=1, at=NOW, word="needle"), cells, own=own
        )
        assert "needle" in text
        assert width(text) <= cells


def test_marks_stay_on_the_words_though_cleaning_makes_the_text_longer() -> None:
    one = hit("coder", "\u202e\x1b needle \u200b needle", entry=1, at=NOW, word="needle")
    marked = mark(one, look())
    assert [marked.text[start:end] for start, end in marked.spans] == ["needle", "needle"]
    assert "<U+202E>" in marked.text


def test_spans_that_can_not_be_are_taken_as_far_as_they_can() -> None:
    one = msgspec.structs.replace(
        hit("coder", "abcdef", entry=1, at=NOW), spans=((4, 99), (1, 3), (2, 5), (-9, 1), (3, 3))
    )
    marked = mark(one, look())
    assert marked.text == "abcdef"
    assert [marked.text[start:end] for start, end in marked.spans] == ["a", "bc", "de", "f"]


def test_who_said_it_and_in_whose_conversation() -> None:
    assert who(hit("coder", "x", entry=1, at=NOW)) == ("coder", "")
    assert who(hit("coder", "x", entry=1, at=NOW, speaker="you")) == ("you", "to coder: ")
    assert who(hit("coder", "x", entry=1, at=NOW, speaker="Grep")) == ("coder", "Grep: ")


def test_the_place_shows_the_excerpt_from_a_row_before_the_word_on() -> None:
    one = hit("coder", " ".join(f"w{number}" for number in range(200)), entry=1, at=NOW, word="w150")
    rows = texts(place_rows(one, look(), 60, 4))
    assert len(rows) == 4
    assert "w150" in rows[1]
    assert all(width(row) <= 60 for row in rows)


def test_a_long_word_leaves_room_for_how_much_was_looked_through() -> None:
    words = nothing_words("z" * 300, Where.EVERYTHING, 1_234, 60)
    assert words.endswith(" in 1,234 messages.")
    assert width(words) <= 60


def test_times_of_other_days_say_the_day() -> None:
    assert short_time(NOW, NOW).count(":") == 2
    assert short_time(NOW - 3 * 86_400, NOW).endswith("Nov  ")
    assert short_time(NOW - 400 * 86_400, NOW) == "Oct 2024"
    assert day_and_time(NOW - 400 * 86_400, NOW).startswith("17 Oct 2024 ")


def test_what_brings_a_run_back_fits_the_narrowest_screen() -> None:
    words = look_only_words(stored("scout"))
    assert words == f"Look only. quarterdeck --resume {OTHER} brings scout back."
    assert width(words) <= 60


def test_nothing_found_in_one_place_says_where_and_what_looks_elsewhere() -> None:
    assert nothing_words("zebra", Where.PLANS, 1_234, 60) == "No hit for zebra in plans. tab looks elsewhere."
