"""What a person types is never query syntax, and an excerpt says truly where the words stand."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.display_text import clean_line
from quarterdeck.storage.search_words import CLOSE, EXCERPT, OPEN, excerpt_of, indexed, match_of


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("cart", '"cart" *'),
        ("cart  rounding", '"cart" "rounding" *'),
        ("storage/reader.py", '"storage reader py" *'),
        ('say "hi"', '"say" "hi" *'),
        ("a OR b", '"a" "OR" "b" *'),
        ("NEAR(a b)", '"NEAR a" "b" *'),
        ("text:x ^y -z", '"text x" "y" "z" *'),
        ("it's", '"it s" *'),
        ("x\x00y\x1b", '"x y" *'),
        ("caf\u0065\u0301", '"caf\u0065\u0301" *'),
        ("* \" ' -- ()", ""),
        ("\u0301", ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
def test_words_become_quoted_phrases(typed: str, query: str) -> None:
    assert match_of(typed) == query


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_no_text_is_a_syntax_error_or_anything_but_words(typed: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE found USING fts5 (text)")
    query = match_of(typed)
    if query:
        database.execute("SELECT * FROM found WHERE found MATCH ?", (query,)).fetchall()
    database.close()


def test_the_excerpt_of_a_short_text_is_the_text() -> None:
    assert excerpt_of(f"fix the {OPEN}cart{CLOSE} now") == ("fix the cart now", ((8, 12),))


def test_the_excerpt_of_a_long_text_is_around_the_first_match() -> None:
    excerpt, spans = excerpt_of(f"{'before ' * 100}{OPEN}needle{CLOSE}{' after' * 100}")
    ((start, end),) = spans
    assert excerpt[start:end] == "needle"
    assert excerpt.startswith("…before ")
    assert excerpt.endswith("…")
    assert len(excerpt) <= EXCERPT + 1


def test_spans_hold_in_what_is_shown_though_hidden_characters_are_made_visible() -> None:
    excerpt, spans = excerpt_of(f"a\u202eb\x1b[2J\n\n\t{OPEN}cart{CLOSE} and {OPEN}cart{CLOSE}")
    assert [excerpt[start:end] for start, end in spans] == ["cart", "cart"]
    assert clean_line(excerpt) == excerpt
    assert "<U+202E>" in excerpt


def test_a_text_without_a_match_is_shown_from_its_beginning() -> None:
    assert excerpt_of("x" * 400) == (f"{'x' * EXCERPT}…", ())


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=300), st.integers(0, 300))
def test_spans_always_lie_in_the_excerpt(text: str, at: int) -> None:
    kept = indexed(text)
    marked = f"{kept[:at]}{OPEN}{kept[at : at + 9]}{CLOSE}{kept[at + 9 :]}"
    excerpt, spans = excerpt_of(marked)
    assert all(0 <= start < end <= len(excerpt) for start, end in spans)


def test_what_marks_a_match_is_never_in_an_indexed_text() -> None:
    assert indexed(f"a{OPEN}b{CLOSE}\ud800") == "a\ufffdb\ufffd?"
