"""Rows of the screen as tuples of Rich segments, which `textual.strip.Strip` takes as they are."""

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style

from quarterdeck.tui.rendering.cells import width, wrap_offsets

Line = tuple[Segment, ...]
"""One row of the screen: segments of text and style, none of them a control."""

Span = tuple[str, Style]
"""Clean text of one style, before it is broken into rows; may hold newlines."""

EMPTY: Line = ()


def line_text(line: Line) -> str:
    """The text of a row, without its styles."""
    return "".join(segment.text for segment in line)


def line_width(line: Line) -> int:
    """Cells of a row."""
    return sum(width(segment.text) for segment in line)


def pad_line(line: Line, cells: int, style: Style) -> Line:
    """The row filled with blanks of a style up to `cells`."""
    missing = cells - line_width(line)
    return (*line, Segment(" " * missing, style)) if missing > 0 else line


def prefixed(lines: Iterable[Line], first: Segment, rest: Segment) -> list[Line]:
    """The rows with a segment in front: `first` of the first row, `rest` of all others."""
    return [(rest if index else first, *line) for index, line in enumerate(lines)]


def wrap_spans(spans: Sequence[Span], cells: int) -> list[Line]:
    """Rows of at most `cells` cells, broken at blanks and at each newline."""
    rows: list[Line] = []
    for line in _logical_lines(spans):
        if len(line) == 1:
            text, style = line[0]
            rows += [(Segment(text[a:b], style),) if b > a else EMPTY for a, b in wrap_offsets(text, cells)]
        else:
            rows += _wrap_mixed(line, cells)
    return rows


def _logical_lines(spans: Sequence[Span]) -> list[list[Span]]:
    lines: list[list[Span]] = [[]]
    for text, style in spans:
        first, *others = text.replace("\t", "    ").split("\n")
        if first:
            lines[-1].append((first, style))
        lines.extend([(other, style)] if other else [] for other in others)
    return [line or [("", Style.null())] for line in lines]


def _wrap_mixed(line: list[Span], cells: int) -> list[Line]:
    plain = "".join(text for text, _style in line)
    rows: list[Line] = []
    at = index = 0  # the span under the hand and where it starts in the plain text
    for start, end in wrap_offsets(plain, cells):
        row: list[Segment] = []
        while index < len(line):
            text, style = line[index]
            piece = text[max(start - at, 0) : end - at]
            if piece:
                row.append(Segment(piece, style))
            if at + len(text) > end:
                break
            at += len(text)
            index += 1
        rows.append(tuple(row))
    return rows
