"""Changes as rows: edits of files with their line numbers, and a revised plan against the one before.

Added and removed rows are told by their sign first, then by their ground; all text is cleaned here.
"""

import re
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.state.entries import Diff, DiffLine
from quarterdeck.tui.rendering.cells import expand_tabs, hard_wrap
from quarterdeck.tui.rendering.lines import Line, Span, line_text, pad_line, prefixed, wrap_spans
from quarterdeck.tui.rendering.revisions import Change, RevisedLine, diff_lines
from quarterdeck.tui.rendering.roles import Roles

NUMBER_CELLS = 5
LEAST_CELLS = 8

_HANGING = re.compile(r"\s*(?:\d+[.)]|[-*+])?\s*")


def format_change(added: int, removed: int, *, ascii_signs: bool = False) -> str:
    """The size of a change: `+2 −1`."""
    return f"+{added} {'-' if ascii_signs else '−'}{removed}"


def file_diff_lines(diff: Diff, cells: int, roles: Roles) -> list[Line]:
    """Rows of an edit: number, sign, text; a long line goes on behind an empty number."""
    rows: list[Line] = []
    for line in diff.lines:
        rows += _file_line(line, cells, roles)
    shown_added = sum(line.sign == "+" for line in diff.lines)
    shown_removed = sum(line.sign == "-" for line in diff.lines)
    hidden = diff.added + diff.removed - shown_added - shown_removed
    if hidden > 0:
        text = f"{'⋯':>{NUMBER_CELLS}} {hidden} changed lines are not shown"
        rows.append((Segment(text, roles.quiet),))
    return rows


def plan_diff_lines(
    old: str, new: str, cells: int, roles: Roles, *, marks_words: bool | None = None
) -> list[Line]:
    """Rows of a revised plan: `-` and `+` lines with the changed words marked, `~` for another number.

    `marks_words`: brackets around changed words; by default only where there is no colour.
    """
    brackets = not roles.colour if marks_words is None else marks_words
    rows: list[Line] = []
    for line in diff_lines(old, new):
        rows += _plan_line(line, cells, roles, brackets=brackets)
    return rows


def _file_line(line: DiffLine, cells: int, roles: Roles) -> list[Line]:
    number = f"{line.number:>{NUMBER_CELLS}} " if line.number > 0 else " " * (NUMBER_CELLS + 1)
    inside = max(cells - NUMBER_CELLS - 3, LEAST_CELLS)
    style = _ground(line.sign, roles)
    pieces = hard_wrap(_code_text(line.text), inside)
    return [
        pad_line(
            (
                Segment(" " * len(number) if index else number, roles.quiet),
                Segment(f"{line.sign} {piece}", style),
            ),
            cells if line.sign != " " else 0,
            style,
        )
        for index, piece in enumerate(pieces)
    ]


def _code_text(text: str) -> str:
    """A line of a file: tabs are usual there and drawn as blanks; every other odd blank is shown."""
    return clean_name(expand_tabs(text))


def _ground(sign: str, roles: Roles) -> Style:
    match sign:
        case "+":
            return roles.added
        case "-":
            return roles.removed
        case "~":
            return roles.quiet
        case _:
            return roles.text


def _plan_line(line: RevisedLine, cells: int, roles: Roles, *, brackets: bool) -> list[Line]:
    sign = line.change.value
    style = _ground(sign, roles)
    spans = _plan_spans(line, roles, style, brackets=brackets)
    if line.was:
        spans.append((f"   (was {line.was})", roles.quiet))
    gutter = f"  {sign} "
    lead = _HANGING.match(line.text)
    return _hung(spans, gutter, lead.end() if lead else 0, cells, style)


def _plan_spans(line: RevisedLine, roles: Roles, style: Style, *, brackets: bool) -> list[Span]:
    is_added = line.change is Change.ADDED
    word = roles.added_word if is_added else roles.removed_word
    left, right = ("{+", "+}") if is_added else ("[-", "-]")
    spans: list[Span] = []
    for part in line.parts:
        text = clean_line(part.text)
        if not part.is_changed:
            spans.append((text, style))
        elif brackets:
            spans.append((f"{left}{text}{right}", word))
        else:
            spans.append((text, word))
    return spans


def _hung(spans: Sequence[Span], gutter: str, hanging: int, cells: int, style: Style) -> list[Line]:
    """Wrapped rows behind a gutter; from the second on they stand under the text of the step."""
    inside = max(cells - len(gutter), LEAST_CELLS)
    rows = wrap_spans(spans, inside)
    if len(rows) > 1 and 0 < hanging < inside // 2:
        taken = len(line_text(rows[0]))
        rest = _skip(spans, taken)
        rows = [rows[0], *wrap_spans(rest, inside - hanging)]
    first = Segment(gutter, style)
    lines = prefixed(rows, first, Segment(gutter + " " * hanging, style))
    return [pad_line(line, cells, style) if style.bgcolor else line for line in lines]


def _skip(spans: Sequence[Span], count: int) -> list[Span]:
    """The spans without their first `count` characters and the blanks behind those."""
    rest: list[Span] = []
    for text, style in spans:
        kept = text[count:] if count < len(text) else ""
        count = max(count - len(text), 0)
        if kept and not rest:
            kept = kept.lstrip(" ")
        if kept:
            rest.append((kept, style))
    return rest
