"""What a run said last, in one line."""

import pytest

from quarterdeck.state.teammates import KEPT_WORDS
from quarterdeck.tui.rendering.last_words import last_words


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "## How prices are rounded\n\nThere is **one place**: `round_price`.",
            "How prices are rounded There is one place: round_price.",
        ),
        ("Plain, with 2 * 3 ** 2 and a # sign.", "Plain, with 2 * 3 ** 2 and a # sign."),
        ("__init__ stays, snake_case_too", "__init__ stays, snake_case_too"),
        ("a `lone mark", "a `lone mark"),
        ("red\x1b[31m\ttext\n", "red␛[31m text"),
        ("", ""),
    ],
)
def test_the_marks_of_markdown_are_gone_and_nothing_else(said: str, shown: str) -> None:
    assert last_words(said) == shown


def test_of_a_long_text_the_beginning_is_looked_at_alone() -> None:
    assert len(last_words("word " * 100_000)) < KEPT_WORDS
