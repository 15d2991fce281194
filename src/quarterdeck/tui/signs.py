"""The signs of the screen in their three sets, and the filter that turns every painted line into ASCII.

Widgets always draw the Unicode text; where a terminal cannot, the whole line is translated as it is painted.
"""

import re
from collections.abc import Mapping

import msgspec
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.settings import SignSet

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINNER_ASCII = "|/-\\|/-\\|/"


class Sign(msgspec.Struct, frozen=True):
    """One state of a row: its sign, the same in ASCII, and the word that stands for it."""

    unicode: str
    ascii: str
    word: str


SIGNS: Mapping[str, Sign] = {
    "needs": Sign("▲", "!", "NEEDS"),
    "failed": Sign("✗", "X", "FAIL"),
    "flag": Sign("↻", "%", "LOOP"),
    "spawning": Sign("·", ".", "WORK"),
    "thinking": Sign("⠋", "*", "WORK"),
    "still": Sign("●", "*", "WORK"),
    "tool": Sign("▸", ">", "TOOL"),
    "waits": Sign("◦", "~", "WAIT"),
    "paused": Sign("‖", "=", "PAUSE"),
    "stopping": Sign("▾", ",", "STOP"),
    "idle": Sign("○", "-", "IDLE"),
    "done": Sign("✓", "v", "DONE"),
    "stopped": Sign("■", "s", "ENDED"),
    "killed": Sign("✕", "x", "KILL"),
    "timed_out": Sign("□", "t", "TIME"),
    "unknown": Sign("?", "?", "LOST"),
}
"""Every state that a row can show."""

_LETTERS = {
    **{sign.unicode: sign.ascii for sign in SIGNS.values()},
    **dict(zip(SPINNER, SPINNER_ASCII, strict=True)),
    **{"❯": ">", "▌": ":", "─": "-", "━": "=", "│": "|", "┊": "|", "…": "~", "·": "-", "×": "x", "−": "-"},
    **{"›": ">", "‹": "<", "→": ">", "←": "<", "↑": "^", "↓": "v", "⋯": "~", "“": '"', "”": '"', "’": "'"},
    **{"–": "-", "—": "-", "█": "#", "░": ".", "▏": "|", "▎": "|", "◆": "*", "•": "*", "├": "|", "└": "`"},
    **{"┌": "+", "┐": "+", "┘": "+", "┼": "+", "┬": "+", "┴": "+", "┤": "+", "║": "|", "═": "=", "☐": "o"},
    **{"▴": "^", "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*"},
}
_TABLE = str.maketrans(_LETTERS)
_OTHER = re.compile(r"[^\x00-\x7f]+")


def to_ascii(text: str) -> str:
    """The text in ASCII and in as many cells: our signs by their table, any other character as `?`."""
    if text.isascii():
        return text
    return _OTHER.sub(lambda found: "?" * width(found[0]), text.translate(_TABLE))


class AsciiFilter(LineFilter):
    """Turns each painted line into ASCII, whoever drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with the same styles and widths."""
        return [
            segment if segment.control else Segment(to_ascii(segment.text), segment.style)
            for segment in segments
        ]


def choose_signs(wanted: SignSet, environment: Mapping[str, str], encoding: str) -> SignSet:
    """`auto` decided: ASCII for the Linux console and for a terminal whose encoding is not UTF-8.

    :param encoding: what standard output encodes with.
    """
    if wanted is not SignSet.AUTO:
        return wanted
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    told_utf8 = not locale or "utf8" in locale.lower().replace("-", "")
    if environment.get("TERM") in {"linux", "dumb", "vt100"} or not is_utf8 or not told_utf8:
        return SignSet.ASCII
    return SignSet.UNICODE
