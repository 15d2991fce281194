"""Tables in a given width: cells are wrapped inside their columns, never cut.

Where that would be too narrow, each row becomes a list of its own.
"""

from collections.abc import Sequence
from itertools import zip_longest

import msgspec
from rich.segment import Segment

from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.rendering.lines import EMPTY, Line, Span, line_width, pad_line, prefixed, wrap_spans
from quarterdeck.tui.rendering.roles import Roles

GAP = 2
LEAST_COLUMN = 6


class Cell(msgspec.Struct, frozen=True):
    """One cell: its styled text, and whether it stands at the right."""

    spans: tuple[Span, ...]
    right: bool = False

    @property
    def cells(self) -> int:
        """Cells of the text on one row."""
        return sum(width(text) for text, _style in self.spans)


def table_lines(rows: Sequence[Sequence[Cell]], cells: int, roles: Roles, dash: str) -> list[Line]:
    """Rows of a table: head, rule, body."""
    if not rows or not rows[0]:
        return []
    natural = [
        max(max((cell.cells for cell in column if cell), default=1), 1) for column in zip_longest(*rows)
    ]
    room = cells - GAP * (len(natural) - 1)
    columns = _shared(natural, room)
    if columns is None:
        return _as_list(rows, cells)
    head, *body = rows
    lines = _table_row(head, columns, roles)
    lines.append(_joined([(Segment(dash * size, roles.rule),) for size in columns], columns, roles))
    for row in body:
        lines += _table_row(row, columns, roles)
    return lines


def _shared(natural: list[int], room: int) -> list[int] | None:
    """Column widths that together fit: the widest give way first; None when they would get too narrow."""
    if sum(natural) <= room:
        return natural
    if room < LEAST_COLUMN * len(natural):
        return None
    # The largest width that all wider columns can have in common.
    left, columns = room, len(natural)
    for size in sorted(natural):
        if size > left // columns:
            break
        left -= size
        columns -= 1
    limit = left // max(columns, 1)
    return [min(size, limit) for size in natural]


def _table_row(row: Sequence[Cell], columns: list[int], roles: Roles) -> list[Line]:
    wrapped = [
        [_aligned(line, size, roles, right=cell.right) for line in wrap_spans(cell.spans, size)]
        for cell, size in zip(row, columns, strict=False)
    ]
    return [_joined(parts, columns, roles) for parts in zip_longest(*wrapped, fillvalue=EMPTY)]


def _aligned(line: Line, size: int, roles: Roles, *, right: bool) -> Line:
    blanks = size - line_width(line)
    return (Segment(" " * blanks, roles.text), *line) if right and blanks > 0 else line


def _joined(parts: Sequence[Line], columns: list[int], roles: Roles) -> Line:
    line: list[Segment] = []
    for index, (part, size) in enumerate(zip(parts, columns, strict=False)):
        is_last = index == len(parts) - 1
        line += part if is_last else pad_line(part, size + GAP, roles.text)
    return tuple(line)


def _as_list(rows: Sequence[Sequence[Cell]], cells: int) -> list[Line]:
    """Each body row as `head: value` rows, an empty row between two."""
    head, *body = rows
    lines: list[Line] = []
    for row in body or [()]:
        if lines:
            lines.append(EMPTY)
        for title, cell in zip_longest(head, row):
            spans = [
                *(title.spans if title else ()),
                *([(": ", title.spans[0][1])] if title and title.spans else []),
            ]
            wrapped = wrap_spans([*spans, *(cell.spans if cell else ())], max(cells - 2, 1))
            lines += prefixed(wrapped, Segment(""), Segment("  ")) if wrapped else []
    return lines
