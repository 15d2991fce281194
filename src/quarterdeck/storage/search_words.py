"""What a person typed as a query of the full-text index, and a found text as an excerpt. Pure.

Nothing of what was typed is ever query syntax: each word is a quoted phrase of letters and digits.
"""

import re
import unicodedata

from quarterdeck.domain.display_text import clean

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Where a match begins and ends: no characters of any language, and kept out of what is indexed."""
MOST_WORDS = 32
EXCERPT = 160
"""About how many characters an excerpt has."""
_BEFORE = 40
"""How much of it stands before the first match."""

_MARKS = str.maketrans({OPEN: "\ufffd", CLOSE: "\ufffd"})
_BLANKS = re.compile(r"\s+")


def indexed(text: str) -> str:
    """The text as the index keeps it: what no UTF-8 can hold and what marks a match is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8").translate(_MARKS)


def match_of(words: str) -> str:
    """All of these words, the last one by its beginning; empty = there is no word to look for."""
    phrases = []
    for word in words.split()[:MOST_WORDS]:
        kept = "".join(char if _is_of_words(char) else " " for char in word).split()
        if any(unicodedata.category(char)[0] != "M" for part in kept for char in part):
            phrases.append(f'"{" ".join(kept)}"')
    return f"{' '.join(phrases)} *" if phrases else ""


def excerpt_of(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A part of a text around its first match, fit to be shown, and where the matches stand in it.

    :param marked: the text with `OPEN` and `CLOSE` around each match.
    """
    first = max(0, marked.find(OPEN))
    start = _start(marked, first)
    text = "…" if start else ""
    spans: list[tuple[int, int]] = []
    at, opened, is_cut = start, -1, False
    while at < len(marked) and not is_cut:
        char = marked[at]
        if char == OPEN:
            opened, at = len(text), at + 1
        elif char == CLOSE:
            spans, opened, at = [*spans, (opened, len(text))], -1, at + 1
        else:
            end = _next_mark(marked, at, at + EXCERPT)
            piece = _shown(marked[at:end])
            is_cut = len(text) + len(piece) > EXCERPT
            text, at = (text + piece)[:EXCERPT], end
    if opened >= 0:
        spans.append((opened, len(text)))
    return text + ("…" if is_cut else ""), tuple(span for span in spans if span[0] < span[1])


def _is_of_words(char: str) -> bool:
    """What the tokenizer (`unicode61`) makes words of: letters, digits, private use, and their marks."""
    return unicodedata.category(char)[0] in "LNM" or unicodedata.category(char) == "Co"


def _start(marked: str, first: int) -> int:
    """Where an excerpt begins whose first match is at `first`: at a word, not in it."""
    start = max(0, first - _BEFORE)
    if start == 0:
        return 0
    blank = _BLANKS.search(marked, start, first)
    return blank.end() if blank else start


def _next_mark(marked: str, at: int, end: int) -> int:
    found = [place for mark in (OPEN, CLOSE) if (place := marked.find(mark, at, end)) >= 0]
    return min(found, default=min(end, len(marked)))


def _shown(text: str) -> str:
    return clean(_BLANKS.sub(" ", text))
