"""Long pastes as one short mark in the text: `[pasted 1,234 lines #1]`, whole again when it is sent."""

import re

from quarterdeck.domain.display_text import clean

MOST_CHARACTERS = 2_000
MOST_LINES = 20
MOST_UNFOLDED = 10_000
"""A text from outside that is longer than this is folded too: the field takes 0.1 s for so much."""

_MARK = re.compile(r"\[pasted [\d,]+ (?:lines|characters) #(\d+)\]")


class Pastes:
    """The folded texts of one draft, by number."""

    def __init__(self) -> None:
        self._by_mark: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """What the field shows of pasted text: itself, clean, or a mark when it is long."""
        lines = text.count("\n") + 1
        if len(text) <= MOST_CHARACTERS and lines <= MOST_LINES:
            return clean(text)
        return self._mark(text)

    def expand(self, shown: str) -> str:
        """The text with every mark that still stands in it replaced by what was pasted."""
        return _MARK.sub(lambda match: self._by_mark.get(match[0], match[0]), shown)

    def fold_again(self, text: str) -> str:
        """A text that was expanded comes back edited: what is unchanged becomes its mark again."""
        for mark, pasted in self._by_mark.items():
            text = text.replace(pasted, mark, 1)
        return self._mark(text) if len(text) > MOST_UNFOLDED else text

    def _mark(self, text: str) -> str:
        lines = text.count("\n") + 1
        size = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        mark = f"[pasted {size} #{len(self._by_mark) + 1}]"
        self._by_mark[mark] = text
        return mark
