"""Untrusted text becomes display text here, and only here: what could act or hide is made visible.

Pure: a string in, a string out. It knows nothing of markup, widths or colours.
Clean whole lines or blocks, not single characters: joined emoji are judged by their neighbours.
"""

import re
from functools import cache

_KEPT = "\n\t"
_ASCII_CONTROLS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in _KEPT} | {0x7F: 0x2421}

# The categories Cf, Zl, Zp, Cs and Co, and what else Unicode calls default-ignorable (fillers, selectors).
# A fixed class, since asking for each category is too slow for streams; a test compares it with unicodedata.
_HIDING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
_BLANKS = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
_HIDDEN = re.compile(f"[{_HIDING}]")
_HIDDEN_IN_COMMAND = re.compile(f"[{_HIDING}{_BLANKS}]")

# A base that an emoji selector or joiner may follow: the pictograph blocks and the few signs outside them.
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_KEYCAP = "\u20e3"


def clean(text: str) -> str:
    """The text with every control and invisible character made visible; newline and tab stay.

    C0 becomes its picture (`␛`), everything else `<U+202E>`. Applying it twice changes nothing more.
    """
    if text.isascii():
        return text if text.isprintable() else text.translate(_ASCII_CONTROLS)
    return _HIDDEN.sub(_visible_match, text)


def clean_line(text: str) -> str:
    """As `clean`, on one line: a newline becomes `␊`, a tab a space."""
    cleaned = clean(text)
    return cleaned.replace("\n", "␊").replace("\t", " ") if "\n" in cleaned or "\t" in cleaned else cleaned


def clean_command(text: str) -> str:
    """As `clean`, for a command: every blank but the space is shown too (a tab as `␉`); newlines stay."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN_IN_COMMAND.sub(_visible_match, text)


def clean_name(text: str) -> str:
    """As `clean_command`, on one line, for a file name, path, branch or any other name."""
    return clean_command(text).replace("\n", "␊")


def hidden_count(text: str, *, command: bool = False) -> int:
    """How many characters `clean` (or `clean_command`) has to make visible."""
    pattern = _HIDDEN_IN_COMMAND if command else _HIDDEN
    if text.isascii() and text.isprintable():
        return 0
    return sum(1 for match in pattern.finditer(text) if not _belongs_to_emoji(match))


def _visible_match(match: re.Match[str]) -> str:
    return match[0] if _belongs_to_emoji(match) else _visible(match[0])


@cache
def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return chr(0x2421 if code == 0x7F else 0x2400 + code)
    return f"<U+{code:04X}>"


def _belongs_to_emoji(match: re.Match[str]) -> bool:
    """True for a joiner between two emoji and for an emoji selector directly behind its base."""
    char, text, at = match[0], match.string, match.start()
    if char == "\u200d":
        before = at - 1
        if text[before : before + 1] == "\ufe0f":
            before -= 1
        return before >= 0 and _is_emoji(text, before) and _is_emoji(text, at + 1)
    if char not in "\ufe0e\ufe0f" or at == 0:
        return False
    if text[at - 1] in "0123456789#*":
        return text[at + 1 : at + 2] == _KEYCAP
    return _is_emoji(text, at - 1)


def _is_emoji(text: str, at: int) -> bool:
    return at < len(text) and _EMOJI.match(text, at) is not None
