"""Rows put together from styled parts: spread to both margins, wrapped behind an indent, as a rule.

Text that is not our own must be clean before it gets here; nothing here interprets markup.
"""

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import ELLIPSIS, cut, width, wrap
from quarterdeck.tui.rendering.lines import Line

Part = tuple[str, Style]
"""Text and its style; the unit that rows are put together from."""


def row(*parts: Part) -> Line:
    """The parts side by side; empty ones are left out."""
    return tuple(Segment(text, style) for text, style in parts if text)


def plain(line: Line) -> str:
    """The text of a row without trailing blanks."""
    return "".join(segment.text for segment in line).rstrip()


def parts_width(parts: Iterable[Part]) -> int:
    """Cells of the parts side by side."""
    return sum(width(text) for text, _style in parts)


def cut_parts(parts: Sequence[Part], cells: int) -> list[Part]:
    """The parts in at most `cells` cells; what was cut is told by an ellipsis."""
    if parts_width(parts) <= cells:
        return list(parts)
    kept: list[Part] = []
    left = cells
    for at, (text, style) in enumerate(parts):
        rest = parts_width(parts[at + 1 :])
        if width(text) + min(rest, 1) <= left:
            kept.append((text, style))
            left -= width(text)
            continue
        short = cut(text, left)
        if short == text:
            short = cut(text + " ", left) if width(text) >= left else text + ELLIPSIS
        kept.append((short, style))
        break
    return kept


def spread(left: Sequence[Part], right: Sequence[Part], cells: int, look: Look, *, margin: int = 1) -> Line:
    """One row: `left` at one margin, `right` at the other; the left part is cut when both do not fit."""
    room = max(0, cells - 2 * margin)
    right_cells = parts_width(right)
    if right_cells > room - 1:
        right, right_cells = cut_parts(right, room), min(right_cells, room)
    left_room = room - right_cells - (1 if right_cells else 0)
    shown = cut_parts(left, max(0, left_room))
    gap = room - parts_width(shown) - right_cells
    blank = look.roles.text
    return row((" " * margin, blank), *shown, (" " * max(0, gap), blank), *right)


def paragraph(text: str, style: Style, cells: int, indent: str = " ", hang: str | None = None) -> list[Line]:
    """Clean text wrapped at blanks behind `indent` (`hang` from the second row on), with a margin."""
    hang = indent if hang is None else hang
    room = max(1, cells - max(width(indent), width(hang)) - 1)
    rows = wrap(text, room)
    return [row((indent if at == 0 else hang, style), (line, style)) for at, line in enumerate(rows)]


def rule(left: str, right: str, cells: int, look: Look, *, focused: bool, panel: object = "") -> Line:
    """A panel's title in its rule, heavy when it has the focus; `left` and `right` are clean."""
    roles = look.roles
    stroke = look.rule(heavy=focused)
    line_style = roles.focus if focused else roles.rule
    title_style = look.title(panel, is_focused=focused, otherwise=roles.text)
    if width(left) + width(right) + 8 > cells:
        right = ""
    right_room = width(right) + 3 if right else 1
    title = cut(left, max(0, cells - right_room - 4))
    fill = cells - width(title) - 3 - (width(right) + 3 if right else 0)
    parts: list[Part] = [(stroke + " ", line_style), (title, title_style), (" ", line_style)]
    parts.append((stroke * max(0, fill), line_style))
    if right:
        parts += [(" ", line_style), (right, roles.quiet), (" " + stroke, line_style)]
    return row(*parts)
