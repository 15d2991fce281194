"""Bytes as text and back, diffs, globs, bounded results: the pure parts of the tools."""

import codecs
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.tools.diffs import MOST_LINES, file_diff
from quarterdeck.tools.glob_match import glob_matcher
from quarterdeck.tools.results import MOST_CONTENT, cut_middle, text_result
from quarterdeck.tools.text_file import decode, encode

MARKS = (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE)


@given(st.sampled_from(MARKS), st.binary(max_size=200))
@example(b"", b"a\r\n\xff\r")
def test_every_text_file_comes_back_byte_for_byte(mark: bytes, rest: bytes) -> None:
    content = mark + rest
    file = decode(content)
    if file is not None:
        assert encode(file) == content
        file.shown.encode("utf-8")


LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_a_diff_tells_the_whole_change(old: str, new: str) -> None:
    diff = file_diff("f", old, new)
    before, after = old.split("\n"), new.split("\n")
    gone = [(number, text) for sign, number, text in diff.lines if sign == "-"]
    come = [(number, text) for sign, number, text in diff.lines if sign == "+"]
    assert (diff.added, diff.removed) == (len(come), len(gone))
    assert all(before[number - 1] == text for number, text in gone)
    assert all(after[number - 1] == text for sign, number, text in diff.lines if sign in "+ ")
    kept_before = [text for at, text in enumerate(before, 1) if at not in {number for number, _ in gone}]
    kept_after = [text for at, text in enumerate(after, 1) if at not in {number for number, _ in come}]
    assert kept_before == kept_after


def test_a_large_diff_is_cut_but_counted_whole() -> None:
    diff = file_diff("f", "", "x\n" * 5_000)
    assert diff.added == 5_000
    assert len(diff.lines) == MOST_LINES


NAMES = st.text("ab.", min_size=1, max_size=4)


@given(
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(st.sampled_from(["*", "a*", "?", "ab", "**"]), max_size=4),
)
def test_globs_match_as_the_plain_recursion_says(names: list[str], pattern: list[str]) -> None:
    parts = [*pattern, "*"]
    wanted = _matches(parts if len(parts) > 1 else ["**", *parts], names)
    assert glob_matcher("/".join(parts))("/".join(names)) == wanted


def _matches(parts: list[str], names: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return _matches(parts[1:], names) or (bool(names) and _matches(parts, names[1:]))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _matches(parts[1:], names[1:])


@given(st.text(max_size=400), st.integers(min_value=100, max_value=200))
def test_a_cut_text_keeps_its_ends_and_its_bound(text: str, most: int) -> None:
    cut = cut_middle(text, most)
    assert len(cut) <= most
    assert cut == text or (cut[:20] == text[:20] and cut[-10:] == text[-10:] and "left out" in cut)


@pytest.mark.parametrize("text", ["\ud800" * 10, "a\0b", "\ue000" * 100_000])
def test_a_result_always_goes_over_the_wire(text: str) -> None:
    result = text_result(text, "x")
    content = str(result.content)
    assert "\0" not in content
    assert len(content) <= MOST_CONTENT
    content.encode("utf-8")
