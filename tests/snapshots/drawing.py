"""A painted screen as text: its rows, and under them one letter per cell for how it is drawn, with a legend.

Colours are told by the theme's tokens, so that a finer shade changes no snapshot.
"""

from collections.abc import Sequence
from string import ascii_letters, digits

from rich.color import Color, ColorType
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme

from tests.support.hand import Hand

STYLES = "--- styles"
_LETTERS = ascii_letters + digits + "!#$%&*+=?@^~<>"
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


def drawing(hand: Hand) -> str:
    """The whole screen: rows, styles, legend."""
    names = _names(hand.app.available_themes[hand.app.theme])
    legend: dict[str, str] = {}
    strips = hand.strips
    rows = [strip.text.rstrip() for strip in strips]
    styles = [_letters(strip, names, legend) for strip in strips]
    told = [f"{letter} = {words}" for words, letter in legend.items()]
    return "\n".join([*rows, STYLES, *styles, *told]) + "\n"


def _letters(strip: Strip, names: dict[str, str], legend: dict[str, str]) -> str:
    row = ""
    for segment in strip:
        words = _words(segment.style or Style.null(), names)
        row += legend.setdefault(words, _LETTERS[len(legend)]) * segment.cell_length
    return _folded(row)


def _folded(row: str) -> str:
    """`aaab` as `a3 b1`: short, and a change in one part leaves the rest as it was."""
    folded: list[str] = []
    at = 0
    while at < len(row):
        end = at
        while end < len(row) and row[end] == row[at]:
            end += 1
        folded.append(f"{row[at]}{end - at}")
        at = end
    return " ".join(folded)


def _words(style: Style, names: dict[str, str]) -> str:
    told = [_color(style.color, names)]
    ground = _color(style.bgcolor, names)
    if ground not in ("default", "background"):
        told.append(f"on {ground}")
    return " ".join([*told, *(name for name in _ATTRIBUTES if getattr(style, name))])


def _color(color: Color | None, names: dict[str, str]) -> str:
    if color is None or color.type is ColorType.DEFAULT:
        return "default"
    text = color.get_truecolor().hex if color.type is ColorType.TRUECOLOR else color.name
    return names.get(text, text)


def _names(theme: Theme) -> dict[str, str]:
    """Colour to token; tokens that share a colour share a name."""
    found: dict[str, list[str]] = {}
    own: Sequence[tuple[str, str | None]] = [
        (name, getattr(theme, name)) for name in ("foreground", "background", "surface")
    ]
    tokens = [
        (token.removeprefix("qd-"), color)
        for token, color in theme.variables.items()
        if token.startswith("qd-")
    ]
    for name, color in (*own, *tokens):
        if color is not None:
            found.setdefault(color, []).append(name)
    return {color: "/".join(tokens) for color, tokens in found.items()}
