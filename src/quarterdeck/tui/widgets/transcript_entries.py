"""One entry of a transcript to rows: messages, text, thinking, tool calls, diffs, marks. Pure.

Everything that others wrote is cleaned here, right before it becomes rows.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

import msgspec

from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.state.entries import (
    Diff,
    Entry,
    Note,
    Said,
    Text,
    Thinking,
    ToolCall,
    ToolStatus,
    TurnMark,
)
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import expand_tabs, format_age, format_tokens, hard_wrap, width
from quarterdeck.tui.rendering.diff import file_diff_lines
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.markdown import MarkdownLines
from quarterdeck.tui.widgets.transcript_parts import Part, paragraph, row, spread

BRIEF_ROWS = 5
"""Rows of a result that is open only in part."""
BRIEF_DIFF_ROWS = 12


class Fold(IntEnum):
    """How much of a block is shown."""

    FOLDED = 0
    BRIEF = 1
    WHOLE = 2


class View(msgspec.Struct, frozen=True):
    """What the rows of an entry depend on besides the entry."""

    cells: int
    look: Look
    name: str
    """Whose transcript it is."""
    raw: bool = False
    """Text as it was written, not as Markdown."""
    look_only: bool = False
    """No key opens or folds anything there."""

    def markdown(self, text: str = "") -> MarkdownLines:
        """Rows for a teammate's text at this width, without the margin."""
        return MarkdownLines(max(1, self.cells - 3), self.look.roles, text=text)


def default_fold(entry: Entry) -> Fold:
    """What is open without being asked: changes, failures and what runs now."""
    match entry:
        case ToolCall(status=ToolStatus.RUNNING | ToolStatus.ERROR):
            return Fold.BRIEF
        case ToolCall(diff=diff) if diff is not None:
            return Fold.BRIEF
        case ToolCall() | Thinking():
            return Fold.FOLDED
    return Fold.WHOLE


def can_fold(entry: Entry) -> bool:
    """Whether opening and folding it means anything."""
    return isinstance(entry, ToolCall | Thinking)


def entry_rows(
    entry: Entry, before: Entry | None, fold: Fold, view: View, now: float, drawn: MarkdownLines | None = None
) -> list[Line]:
    """The rows of one entry, with the heading that is due when another one spoke before it."""
    rows: list[Line] = []
    if isinstance(entry, Said):
        if before is not None:
            rows.append(EMPTY)
    elif starts_voice(entry, before):
        rows += voice(entry.at, before, view)
    match entry:
        case Said():
            return rows + _said(entry, view)
        case Text():
            return rows + _text(entry, view, drawn)
        case Thinking():
            return rows + _thinking(entry, fold, view)
        case ToolCall():
            return rows + _tool(entry, fold, view, now)
        case TurnMark():
            return [_turn(entry, view)]
        case Note(text=text):
            roles = view.look.roles
            return rows + paragraph(clean_line(text), roles.quiet, view.cells, " ◦ ", "   ")


def starts_voice(entry: Entry, before: Entry | None) -> bool:
    """Whether the teammate's name and the time stand above this entry."""
    if not isinstance(entry, Text | Thinking | ToolCall):
        return False
    return before is None or isinstance(before, Said | TurnMark)


def source_text(entry: Entry) -> str:
    """What copying a block gives: its text as it was written, cleaned."""
    match entry:
        case Said(text=text) | Text(text=text) | Thinking(text=text) | Note(text=text):
            return clean(text)
        case ToolCall():
            head = clean(f"{entry.tool} {entry.title}")
            body = "\n".join(f"{one.sign}{one.text}" for one in entry.diff.lines) if entry.diff else ""
            return "\n".join(part for part in (head, clean(body), clean(entry.detail)) if part)
        case TurnMark():
            return f"{entry.past_verb} for {format_age(entry.duration_s)}"


def clock_time(at: float) -> str:
    """Local time of day, to the second."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def voice(at: float, before: Entry | None, view: View) -> list[Line]:
    """The teammate's name and the time, behind an empty row when something stands above."""
    roles = view.look.roles
    head = row((" ", roles.text), (view.name, roles.strong), (f" {clock_time(at)}", roles.quiet))
    return [EMPTY, head] if isinstance(before, Said | TurnMark) else [head]


def _said(entry: Said, view: View) -> list[Line]:
    look, roles = view.look, view.look.roles
    left: list[Part] = [
        (clean_line(entry.sender), roles.strong),
        (f" {clock_time(entry.at)} · {entry.way.value}", roles.quiet),
    ]
    state = "delivered · answered" if entry.answered else "delivered"
    head = spread(left, [(state, roles.quiet)], view.cells, look)
    return [head, *paragraph(clean(entry.text), roles.text, view.cells, " │ ")]


def _text(entry: Text, view: View, drawn: MarkdownLines | None) -> list[Line]:
    rows = text_rows(entry.text, view, drawn)
    if entry.interrupted:
        rows.append(row((" ◦ interrupted", view.look.roles.flag)))
    return rows


def text_rows(text: str, view: View, drawn: MarkdownLines | None = None) -> list[Line]:
    """A teammate's text: Markdown (`drawn` while it streamed), or literally."""
    if view.raw:
        return paragraph(clean(text), view.look.roles.text, view.cells, "  ")
    return with_margin(drawn if drawn is not None else view.markdown(text), view)


def with_margin(lines: Iterable[Line], view: View) -> list[Line]:
    """Rows of a text, moved to where text stands."""
    margin = row(("  ", view.look.roles.text))
    return [(*margin, *line) for line in lines]


def _thinking(entry: Thinking, fold: Fold, view: View) -> list[Line]:
    look, roles = view.look, view.look.roles
    if not entry.text.strip():
        return [
            spread(
                [("  thinking", roles.quiet)], [("not shown by the provider", roles.quiet)], view.cells, look
            )
        ]
    body = paragraph(clean(entry.text.strip("\n")), roles.quiet, view.cells, "     ")
    head = thinking_head(len(body), is_open=fold is not Fold.FOLDED, cells=view.cells, look=look)
    return [head] if fold is Fold.FOLDED else [head, *body]


def thinking_head(lines: int, *, is_open: bool, cells: int, look: Look) -> Line:
    """`▸ thinking        9 lines folded`."""
    roles = look.roles
    sign = "▾" if is_open else "▸"
    many = f"{lines} line{'' if lines == 1 else 's'}"
    told = many if is_open else f"{many} folded"
    return spread([(f"{sign} ", roles.quiet), ("thinking", roles.quiet)], [(told, roles.quiet)], cells, look)


def _tool(entry: ToolCall, fold: Fold, view: View, now: float) -> list[Line]:
    body = _tool_body(entry, fold, view) if fold is not Fold.FOLDED else []
    shown, hidden = _brief(entry, body) if fold is Fold.BRIEF else (body, 0)
    rows = [tool_head(entry, fold, view, now, len(body), hidden)]
    if fold is Fold.WHOLE:
        rows += _whole_title(entry, view)
    rows += shown
    if hidden:
        told = f"     ⋯ {hidden} line{'' if hidden == 1 else 's'} folded"
        told += "" if view.look_only else " · o opens"
        rows.append(row((told, view.look.roles.quiet)))
    return rows


def _brief(entry: ToolCall, body: list[Line]) -> tuple[list[Line], int]:
    """The rows of a body that are shown unasked, and how many are not: a diff's start, an output's end."""
    most = BRIEF_DIFF_ROWS if entry.diff is not None else BRIEF_ROWS
    if len(body) <= most:
        return body, 0
    return (body[:most] if entry.diff is not None else body[-most:]), len(body) - most


def tool_head(entry: ToolCall, fold: Fold, view: View, now: float, lines: int = 0, hidden: int = 0) -> Line:
    """`▾ Bash uv build --wheel          running 18s · timeout 120s`; ages while it runs."""
    look, roles = view.look, view.look.roles
    sign = "▾" if fold is not Fold.FOLDED else "▸"
    left: list[Part] = [
        (f"{sign} ", roles.quiet),
        (clean_line(entry.tool), roles.strong),
        (" " + clean_line(entry.title), roles.text),
    ]
    told = [part for part in _tool_state(entry, look, now) if part]
    if fold is not Fold.FOLDED:
        if entry.rule and (fold is Fold.WHOLE or entry.status is not ToolStatus.RUNNING):
            told.append(clean_line(entry.rule))
        if hidden and entry.diff is None:
            told.append(f"{lines} lines, {lines - hidden} shown")
    style = roles.fail if entry.status in (ToolStatus.ERROR, ToolStatus.REFUSED) else roles.quiet
    if entry.status is ToolStatus.RUNNING:
        style = roles.work
    return spread(left, [(" · ".join(told), style)] if told else [], view.cells, look)


def _tool_state(entry: ToolCall, look: Look, now: float) -> list[str]:
    took = f"{entry.duration_s:.1f}s" if entry.duration_s < 60 else format_age(entry.duration_s)
    summary = clean_line(entry.summary)
    match entry.status:
        case ToolStatus.RUNNING:
            limit = f"timeout {entry.timeout_s:.0f}s" if entry.timeout_s is not None else ""
            return [f"running {format_age(look.age(now - entry.at))}", limit]
        case ToolStatus.CANCELLED:
            return [summary or "cancelled"]
        case ToolStatus.REFUSED:
            return ["refused", summary]
        case ToolStatus.ERROR:
            return [summary or "failed", took]
        case ToolStatus.OK:
            return [summary, took]


def _whole_title(entry: ToolCall, view: View) -> list[Line]:
    """The title again, whole, when the head cannot show all of it."""
    title = clean(entry.title)
    if "\n" not in title and width(entry.tool) + width(title) + 30 <= view.cells:
        return []
    return paragraph(title, view.look.roles.text, view.cells, "   │ ")


def _tool_body(entry: ToolCall, fold: Fold, view: View) -> list[Line]:
    rows = diff_rows(entry.diff, view) if entry.diff is not None else []
    detail = clean(entry.detail).strip("\n")
    # What the model got beside a diff repeats it, so it is shown only when all is asked for.
    if detail and (entry.diff is None or fold is Fold.WHOLE):
        rows += _literal(detail, view)
    return rows


def _literal(text: str, view: View) -> list[Line]:
    """Output line by line, broken at the edge: nothing is rearranged."""
    style, room = view.look.roles.quiet, max(1, view.cells - 6)
    return [
        row(("     ", style), (part, style))
        for line in text.split("\n")
        for part in hard_wrap(expand_tabs(line), room)
    ]


def diff_rows(diff: Diff, view: View) -> list[Line]:
    """A change of a file with line numbers."""
    margin = row((" ", view.look.roles.text))
    return [(*margin, *line) for line in file_diff_lines(diff, max(1, view.cells - 2), view.look.roles)]


def _turn(entry: TurnMark, view: View) -> Line:
    look, roles = view.look, view.look.roles
    told = f"{entry.past_verb or 'Worked'} for {format_age(max(1.0, entry.duration_s))}"
    usage = [f"{format_tokens(entry.usage.total)} tok"] if entry.usage.total else []
    rate = entry.usage.cache_hit_rate
    if rate is not None and entry.usage.cache_read:
        usage.append(f"cache {rate:.0%}")
    right: list[Part] = [(" · ".join(usage), roles.quiet)] if usage else []
    return spread([(clean_line(told), roles.quiet)], right, view.cells, look)
