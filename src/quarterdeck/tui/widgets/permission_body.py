"""A permission as rows: the exact command or path, never cut, and what a yes is bound to. Pure."""

import re
from collections.abc import Iterator

from quarterdeck.domain.display_text import clean, clean_command, clean_line, clean_name, hidden_count
from quarterdeck.domain.requests import PermissionRequest
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import expand_tabs, hard_wrap
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.request_body import Body
from quarterdeck.tui.widgets.transcript_parts import Part, paragraph, row

COMMANDS = frozenset({"Bash"})
_BLANKS = re.compile(r" {2,}| +$")
_LABEL_CELLS = 10


def permission_body(request: PermissionRequest, cells: int, look: Look) -> Body:
    """All rows of a permission request."""
    is_command = request.tool in COMMANDS
    lines: list[Line] = [EMPTY, *gutter_rows(request.subject, cells, look, is_command=is_command), EMPTY]
    lines += [*_facts(request, cells, look, is_command=is_command), EMPTY]
    lines += _labelled("folder", clean_name(request.folder), cells, look)
    must_see = len(lines)
    lines += _labelled("limits", _limits(request, is_command=is_command), cells, look)
    lines += _labelled("why asks", clean_line(request.why), cells, look)
    if request.rule is None and is_command:
        lines += _labelled("", "no rule can be given for it (w is off)", cells, look)
    if request.preview:
        lines += [
            EMPTY,
            row((" what changes", look.roles.quiet)),
            *preview_rows(request.preview, cells, look),
        ]
        must_see = len(lines)
    return Body(
        tuple(lines), must_see=must_see, whole="whole command shown" if is_command else "whole change shown"
    )


def gutter_rows(text: str, cells: int, look: Look, *, is_command: bool = True) -> list[Line]:
    """The text broken at the edge behind `$ │`, `… │` where it goes on, `2 │` for a real second line."""
    roles = look.roles
    lines = spelled(clean_command(text) if is_command else clean_name(text), look).split("\n")
    marker_cells = len(str(len(lines))) if len(lines) > 1 else 1
    room = max(1, cells - marker_cells - 5)
    rows: list[Line] = []
    for number, line in enumerate(lines, start=1):
        marker = str(number) if number > 1 else ("$" if is_command else " ")
        spans = list(blank_spans(line))
        at = 0
        for part in hard_wrap(line, room):
            gutter: Part = (f" {marker:>{marker_cells}} │ ", roles.quiet)
            rows.append(row(gutter, *_marked(part, at, spans, look)))
            at += len(part)
            marker = "…"
    return rows


def spelled(text: str, look: Look) -> str:
    """On a terminal of ASCII every other character by its number: no sign stands for another."""
    if look.signs is not SignSet.ASCII or text.isascii():
        return text
    return "".join(char if char.isascii() else f"<U+{ord(char):04X}>" for char in text)


def blank_spans(line: str) -> Iterator[tuple[int, int]]:
    """Where two or more blanks follow one another, or blanks end the line."""
    for match in _BLANKS.finditer(line):
        yield match.span()


def _marked(part: str, at: int, spans: list[tuple[int, int]], look: Look) -> list[Part]:
    """One row's text, with the runs of blanks in it made visible. `at` = where it starts in its line."""
    roles = look.roles
    parts: list[Part] = []
    done = 0
    for start, end in spans:
        first, last = max(start - at, done), min(end - at, len(part))
        if last <= first:
            continue
        parts.append((part[done:first], roles.text))
        # In ASCII the mark would be a sign that a command can hold itself, so only the style tells there.
        mark = "·" if look.signs is SignSet.UNICODE else " "
        parts.append((mark * (last - first), roles.flag if mark == "·" else roles.needs_chip))
        done = last
    parts.append((part[done:], roles.text))
    return parts


def _facts(request: PermissionRequest, cells: int, look: Look, *, is_command: bool) -> list[Line]:
    """`whole · 251 characters · 1 line · nothing invisible · exactly this runs`."""
    text, roles = request.subject, look.roles
    lines, hidden = text.count("\n") + 1, hidden_count(text, command=True)
    runs = [end - start for line in text.split("\n") for start, end in blank_spans(line)]
    told = ["whole", f"{len(text)} character{'' if len(text) == 1 else 's'}"]
    told.append(f"{lines} line{'' if lines == 1 else 's'}")
    told.append(f"{hidden} invisible, spelled out" if hidden else "nothing invisible")
    foreign = sum(not char.isascii() for char in text) - sum(
        hidden_count(char, command=True) for char in text
    )
    if foreign > 0:
        told.append(f"{foreign} outside ASCII")
    if runs:
        many = f"{len(runs)} run{'' if len(runs) == 1 else 's'} of blanks"
        told.append(f"{many}, up to {max(runs)}, marked")
    if is_command:
        told.append("exactly this runs")
    suspicious = bool(hidden or foreign > 0 or lines > 1 or any(run > 2 for run in runs))
    return paragraph(" · ".join(told), roles.flag if suspicious else roles.quiet, cells)


def _limits(request: PermissionRequest, *, is_command: bool) -> str:
    told = [f"{request.timeout_s:.0f} s"] if request.timeout_s is not None else []
    if is_command:
        told.append("no stdin")
    return ", ".join(told)


def _labelled(label: str, text: str, cells: int, look: Look) -> list[Line]:
    """`folder    ~/src/shop`, wrapped under its text."""
    if not text:
        return []
    roles = look.roles
    hang = " " * (_LABEL_CELLS + 1)
    rows = paragraph(text, roles.text, cells, hang)
    first = row(
        (f" {label:<{_LABEL_CELLS}}", roles.quiet), *[(part.text, roles.text) for part in rows[0][1:]]
    )
    return [first, *rows[1:]]


def preview_rows(preview: str, cells: int, look: Look) -> list[Line]:
    """What would be written, line by line, broken at the edge; a diff's lines in their colours."""
    roles = look.roles
    styles = {"+": roles.added, "-": roles.removed, "@": roles.quiet}
    is_diff = preview.startswith(("--- ", "+++ ", "@@", "diff "))
    rows: list[Line] = []
    for line in spelled(clean(preview), look).removesuffix("\n").split("\n"):
        style = styles.get(line[:1], roles.text) if is_diff else roles.text
        for at, part in enumerate(hard_wrap(expand_tabs(line), max(1, cells - 6))):
            rows.append(row((f" {' ' if at == 0 else '…'} │ ", roles.quiet), (part, style)))
    return rows


def asked_for(request: PermissionRequest) -> str:
    """`asks to run a command`."""
    match request.tool:
        case "Bash":
            return "asks to run a command"
        case "Edit":
            return "asks to change a file"
        case "Write":
            return "asks to write a file"
        case "Read":
            return "asks to read a file"
    return f"asks to use {clean_line(request.tool)}"
