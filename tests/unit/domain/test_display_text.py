"""Untrusted text: nothing that acts or hides reaches the screen as it is."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.display_text import (
    clean,
    clean_command,
    clean_line,
    clean_name,
    hidden_count,
)

# Surrogates too: a file name that is not UTF-8 brings them in.
NASTY = (
    "\x00\x07\x1b\x9b\x9d\x7f\r\n\t\u202e\u2066\u200b\u200d\u200f\ufe0f\ufe0e\ue000\U000e0041\u00a0\ud800"
    "a1👩💻❤"
)
any_text = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from(NASTY)))


def is_hidden_category(char: str) -> bool:
    """The rule of the categories, spelled slowly."""
    return unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"} and char not in "\n\t"


@given(any_text)
def test_no_control_byte_ever_comes_out(text: str) -> None:
    for cleaned in (clean(text), clean_command(text)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", cleaned)
    for cleaned in (clean_line(text), clean_name(text)):
        assert not re.search("[\x00-\x1f\x7f-\x9f]", cleaned)


@given(any_text)
def test_only_joiners_of_emoji_survive_of_the_hidden_categories(text: str) -> None:
    assert {char for char in clean(text) if is_hidden_category(char)} <= {"\u200d"}


@given(any_text)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    for function in (clean, clean_line, clean_command, clean_name):
        assert function(function(text)) == function(text)


@given(any_text)
def test_the_count_is_zero_exactly_when_nothing_was_changed(text: str) -> None:
    assert (hidden_count(text) == 0) == (clean(text) == text)
    assert (hidden_count(text, command=True) == 0) == (clean_command(text) == text)


def test_every_character_of_a_hidden_category_is_caught() -> None:
    for code in range(0x110000):
        char = chr(code)
        if is_hidden_category(char):
            assert clean(char) != char, hex(code)
        if unicodedata.category(char) == "Zs" and char != " ":
            assert clean_command(char) == f"<U+{code:04X}>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x1b]8;;http://evil\x1b\\ok", "␛]8;;http://evil␛\\ok"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\x7fb", "a␡b"),
        ("a\r\nb\tc", "a␍\nb\tc"),
        ("if x:\u202e }\u2066", "if x:<U+202E> }<U+2066>"),
        ("ad\u200bmin", "ad<U+200B>min"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("\ue0b0", "<U+E0B0>"),
        ("a\u2028b", "a<U+2028>b"),
        ("a\ufe0f", "a<U+FE0F>"),
        ("x\U000e0100", "x<U+E0100>"),
        ("fill\u3164er", "fill<U+3164>er"),
        ("naïve 漢字 é", "naïve 漢字 é"),
    ],
)
def test_what_acts_or_hides_is_spelled_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize("emoji", ["👩‍💻", "❤️", "🏳️‍🌈", "1️⃣", "☎︎", "👩🏽‍🚀"])
def test_whole_emoji_stay_as_they_are(emoji: str) -> None:
    assert clean(emoji) == emoji
    assert hidden_count(emoji) == 0


@pytest.mark.parametrize(
    "text",
    ["👩\u200d", "\u200d💻", "a\u200d💻", "👩\u200db", "❤️\ufe0f", "1\ufe0f", "\ufe0f", "👩\u200d\u200d💻"],
)
def test_a_joiner_or_selector_outside_an_emoji_is_shown(text: str) -> None:
    assert "<U+" in clean(text)
    assert hidden_count(text) >= 1


def test_a_command_shows_every_blank_but_the_space() -> None:
    assert clean_command("rm\u00a0-rf\t/\u3000x y\nls") == "rm<U+00A0>-rf␉/<U+3000>x y\nls"
    assert clean("a\u00a0b\tc") == "a\u00a0b\tc"
    assert hidden_count("a\tb\u00a0c") == 0
    assert hidden_count("a\tb\u00a0c", command=True) == 2


def test_a_line_and_a_name_have_no_newline() -> None:
    assert clean_line("a\nb\tc\x1b") == "a␊b c␛"
    assert clean_name("a\nb\tc") == "a␊b␉c"
