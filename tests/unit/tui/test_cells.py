"""Cells: nothing is ever wider than asked, and a command keeps every character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.tui.rendering import cells

line_text = st.lists(st.sampled_from([*"ab c  漢字ﬁ—ü", "e\u0301", "👩‍💻", "❤️"]), max_size=80).map("".join)
some_cells = st.integers(2, 30)


@given(line_text, some_cells)
def test_cut_is_never_too_wide_and_marks_what_it_cut(text: str, size: int) -> None:
    shown = cells.cut(text, size)
    assert cell_len(shown) <= size
    assert shown == text or (shown.endswith("…") and cell_len(text) > size)


@given(line_text, some_cells)
def test_fit_is_exactly_as_wide_as_asked(text: str, size: int) -> None:
    assert cell_len(cells.fit(text, size)) == size
    assert cell_len(cells.fit(text, size, right=True)) == size


@given(line_text, some_cells)
def test_hard_wrap_loses_and_adds_nothing(text: str, size: int) -> None:
    rows = cells.hard_wrap(text, size)
    assert "".join(rows) == text
    assert all(cell_len(row) <= size for row in rows)


@given(line_text, some_cells)
def test_wrap_loses_blanks_only_and_fits(text: str, size: int) -> None:
    rows = cells.wrap(text, size)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(row) <= size for row in rows)


def test_wrap_breaks_at_words_and_inside_long_ones() -> None:
    assert cells.wrap("one two three", 7) == ["one two", "three"]
    assert cells.wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]
    assert cells.wrap("  in\n\nlast", 10) == ["  in", "", "last"]
    assert cells.wrap("漢字漢字 ab", 5) == ["漢字", "漢字", "ab"]
    assert cells.wrap("", 5) == [""]


def test_hard_wrap_keeps_runs_of_blanks() -> None:
    command = "true" + " " * 20 + "; rm -rf x"
    assert cells.hard_wrap(command, 10)[1] == " " * 10
    assert "".join(cells.hard_wrap(command, 10)) == command


def test_cut_of_wide_text_stops_before_half_a_character() -> None:
    assert cells.cut("漢字漢字", 6) == "漢字…"
    assert cells.cut("漢字", 4) == "漢字"
    assert cells.cut("abc", 0) == ""
    assert cells.cut("abc", 1) == "…"


def test_tabs_reach_the_next_stop() -> None:
    assert cells.expand_tabs("a\tb\t漢\tc") == "a   b   漢  c"


@pytest.mark.parametrize(
    ("seconds", "shown", "short"),
    [
        (-3, "now", "now"),
        (0.4, "now", "now"),
        (8, "8s", "8s"),
        (192, "3m12s", "3m"),
        (3599, "59m59s", "59m"),
        (3840, "1h04m", "1h"),
        (183600, "2d03h", "2d"),
        (86400 * 400, "400d", "400d"),
    ],
)
def test_an_age_fits_six_cells(seconds: float, shown: str, short: str) -> None:
    assert cells.format_age(seconds) == shown
    assert cells.format_age(seconds, short=True) == short


@given(st.integers(0, 86400 * 99999))
def test_no_age_is_wider_than_its_column(seconds: int) -> None:
    assert len(cells.format_age(seconds)) <= 6


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (950, "950"),
        (1234, "1.2k"),
        (9949, "9.9k"),
        (9950, "10k"),
        (84_000, "84k"),
        (999_600, "1.0M"),
        (1_300_000, "1.3M"),
    ],
)
def test_tokens_are_short(count: int, shown: str) -> None:
    assert cells.format_tokens(count) == shown


def test_bytes_have_decimal_units() -> None:
    assert [cells.format_bytes(n) for n in (950, 1234, 84_000_000)] == ["950 B", "1.2 kB", "84 MB"]
