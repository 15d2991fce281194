"""A widget that draws only the lines that are on the screen, from a tuple of rendered rows or row by row.

It has no focus of its own: keys come from the app's router, the wheel scrolls.
"""

import re

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, width
from quarterdeck.tui.rendering.lines import Line, line_width
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.own_rows import OwnRows

BLANK: Line = ()


class LineWidget(OwnRows, can_focus=False):
    """Base of all panels: `line(y)` gives the row at `y` of the widget, without padding."""

    DEFAULT_CSS = "LineWidget { height: 1; width: 1fr; }"

    def __init__(self, look: Look, *, name: str | None = None) -> None:
        super().__init__(id=name)
        self.look = look
        self._strips: dict[int, tuple[Line, Style, int, Strip]] = {}

    def line(self, y: int) -> Line:
        """The row at `y`, counted from the widget's top."""
        raise NotImplementedError

    def ground(self, y: int) -> Style:
        """The style under a whole row."""
        return self.look.roles.text

    def render_line(self, y: int) -> Strip:
        """The row as Textual wants it: exactly as wide as the widget; the same strip for the same line."""
        cells = self.outer_size.width  # the same without borders; `size` asks the compositor for each row
        ground = self.ground(y)
        line = self.line(y)
        known = self._strips.get(y)
        if known is not None and known[0] == line and known[1] is ground and known[2] == cells:
            return known[3]
        segments = [
            Segment(segment.text, ground + segment.style if segment.style else ground) for segment in line
        ]
        strip = Strip(segments).adjust_cell_length(cells, ground)
        self._strips[y] = (line, ground, cells, strip)
        return strip


def rule_line(
    look: Look,
    cells: int,
    left: str,
    right: str = "",
    *,
    is_focused: bool = False,
    lead: int = 1,
    panel: object = "",
) -> Line:
    """A panel's title in its rule: `─ Inbox 2 ────── oldest first ─`; heavy and bold when focused.

    :param panel: whose title it is, if that can flash.
    """
    roles = look.roles
    rule = look.rule(heavy=is_focused)
    style = roles.focus if is_focused else roles.rule
    title = look.title(panel, is_focused=is_focused, otherwise=roles.strong)
    room = max(cells - lead - 3, 0)
    tail = f" {right} " if right and width(left) + width(right) + 2 <= room else ""
    shown = cut(left, max(room - width(tail), 0))
    fill = max(cells - lead - 2 - width(shown) - width(tail) - (1 if tail else 0), 0)
    line: list[Segment] = [Segment(rule * lead, style)]
    line += [Segment(" "), Segment(shown, title), Segment(" ")] if shown else [Segment(rule * 2, style)]
    line.append(Segment(rule * fill, style))
    if tail:
        line += [Segment(tail, roles.quiet), Segment(rule, style)]
    return tuple(line)


def spread(left: Line, right: Line, cells: int) -> Line:
    """Two parts of a row at its two ends; `right` is left out when both do not fit."""
    gap = cells - line_width(left) - line_width(right)
    if not right or gap < 1:
        return left
    return (*left, Segment(" " * gap), *right)


class ScrollLines(LineWidget):
    """A panel whose rows are all rendered at once and scrolled; for short texts only."""

    def __init__(self, look: Look, *, name: str | None = None) -> None:
        super().__init__(look, name=name)
        self._lines: tuple[Line, ...] = ()
        self.top = 0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._lines)

    def show_lines(self, lines: tuple[Line, ...]) -> None:
        """Draw these rows from now on; the place stays where it is as far as it can."""
        self._lines = lines
        self.scroll_rows(0)
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Go `rows` down (negative: up), within the text."""
        self.top = max(0, min(self.top + rows, len(self._lines) - self.size.height))
        self.refresh()

    def keep_visible(self, row: int) -> None:
        """Scroll as little as needed to have this row on the screen."""
        height = max(self.size.height, 1)
        self.top = min(max(self.top, row - height + 1), max(row, 0))
        self.refresh()

    def line(self, y: int) -> Line:
        at = self.top + y
        return self._lines[at] if at < len(self._lines) else BLANK

    def do(self, action: str) -> bool:
        """Scroll by an action of the keymap; False = not one of these."""
        page = max(self.size.height - 1, 1)
        steps = {
            "up": -1,
            "down": 1,
            "page-up": -page,
            "page-down": page,
            "half-up": -(page // 2),
            "half-down": page // 2,
            "top": -len(self._lines),
            "end": len(self._lines),
        }
        if action not in steps:
            return False
        self.scroll_rows(steps[action])
        return True

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls what is under it."""
        event.stop()
        self.scroll_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls what is under it."""
        event.stop()
        self.scroll_rows(-3)


_KEY = re.compile(r"(?:^ *|(?<= · )|(?<= {3}))(y|esc|e|any other key)(?=[ :])|([←→])(?= )")
_CLICKED = {"esc": "escape", "any other key": "escape", "←": "left", "→": "right"}


def key_segments(words: str, style: Style) -> tuple[Segment, ...]:
    """Our own words about keys, each part such that a click on it is its key: `y quits · esc back`."""
    places = [
        (match.start(match.lastindex or 0), match[match.lastindex or 0]) for match in _KEY.finditer(words)
    ]
    if not places:
        return (Segment(words, style),)
    found = [Segment(words[: places[0][0]], style)]
    for at, (start, key) in enumerate(places):
        end = places[at + 1][0] if at + 1 < len(places) else len(words)
        part = words[start:end]
        told = part.rstrip(" ·")
        found.append(Segment(told, style + Style(meta={"key": _CLICKED.get(key, key)})))
        found.append(Segment(part[len(told) :], style))
    return tuple(one for one in found if one.text)


class KeyClicked(Message):
    """A key named on the screen was clicked: the same as pressing it."""

    def __init__(self, key: str, at: float) -> None:
        super().__init__()
        self.key = key
        self.clicked_at = at
        """The click's own time: a guard counts to it, however late it is handled."""

    @classmethod
    def under(cls, event: events.Click) -> "KeyClicked | None":
        """The message for what `key_segments` drew under the pointer."""
        key = event.style.meta.get("key")
        return cls(key, event.time) if isinstance(key, str) else None


class Divider(LineWidget):
    """The line between the left panels and the main panel."""

    DEFAULT_CSS = "Divider { width: 1; height: 1fr; }"

    def line(self, y: int) -> Line:
        sign = " " if self.look.signs is SignSet.WORDS else "│"
        return (Segment(sign, self.look.roles.rule),)
