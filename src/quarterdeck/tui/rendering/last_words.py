"""What a run said last, as one line of a row: the beginning of it, without the marks of its Markdown."""

import re

from quarterdeck.domain.display_text import clean_line
from quarterdeck.state.teammates import KEPT_WORDS

_HEADING = re.compile(r"^ {0,3}#{1,6} +", re.MULTILINE)
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_CODE = re.compile(r"`([^`\n]+)`")


def last_words(said: str) -> str:
    """Clean and on one line; as much as the state keeps of a run that is gone, also of one that is not."""
    text = _HEADING.sub("", said[:KEPT_WORDS])
    return clean_line(" ".join(_CODE.sub(r"\1", _STRONG.sub(r"\1", text)).split()))
