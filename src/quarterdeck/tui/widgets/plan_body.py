"""A plan as rows: whole as Markdown, raw as it was written, with the steps that can be commented on. Pure."""

import re
from collections.abc import Callable, Sequence

from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.domain.requests import PlanRequest, StepComment
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import expand_tabs, wrap
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.markdown import MarkdownLines
from quarterdeck.tui.widgets.request_body import Body, Step
from quarterdeck.tui.widgets.transcript_parts import paragraph, plain, row

STEP = re.compile(r"^ {0,3}((?:\d{1,9}[.)])|[-*+])\s+(.*)$")
"""A list item that is not indented: its marker and its text."""
_FENCE = re.compile(r"^ {0,3}(```|~~~)")


def source_steps(text: str) -> list[tuple[str, str]]:
    """The steps of a plan: marker and text of each list item of the first level. Numbered ones win."""
    found: list[tuple[str, str]] = []
    in_code = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            in_code = not in_code
        match = None if in_code else STEP.match(line)
        if match is not None:
            found.append((match[1], clean_line(match[2])))
    numbered = [step for step in found if step[0][0].isdigit()]
    return numbered or found


def plan_title(text: str) -> str:
    """The first heading or the first line, clean."""
    for line in text.split("\n"):
        if line.strip():
            return clean_line(line.strip().lstrip("#").strip())
    return ""


def whole_body(text: str, cells: int, look: Look, comments: Sequence[StepComment] = ()) -> Body:
    """The plan as Markdown; the person's comments stand under their steps."""
    drawn = MarkdownLines(max(1, cells - 3), look.roles, text=text)
    lines = [EMPTY, *((*row(("  ", look.roles.text)), *line) for line in drawn)]
    return with_steps(lines, text, look, cells, comments, "whole plan shown")


def raw_body(text: str, cells: int, look: Look, comments: Sequence[StepComment] = ()) -> Body:
    """The plan as it was written."""
    style = look.roles.text
    lines: list[Line] = [EMPTY]
    for line in clean(text).rstrip("\n").split("\n"):
        lines += [row(("  ", style), (part, style)) for part in wrap(expand_tabs(line), max(1, cells - 3))]
    return with_steps(lines, text, look, cells, comments, "whole plan shown")


def with_steps(
    lines: Sequence[Line],
    text: str,
    look: Look,
    cells: int,
    comments: Sequence[StepComment],
    whole: str,
    *,
    shown: Callable[[Line], str] = plain,
) -> Body:
    """Find the rows of the steps of `text` and put the comments under them.

    :param shown: the text of a row, as far as it may be a step's.
    """
    heads = _heads([shown(line) for line in lines], source_steps(text))
    rows: list[Line] = []
    steps: list[Step] = []
    at = 0
    for place, (first, quote) in enumerate(heads):
        end = heads[place + 1][0] if place + 1 < len(heads) else None
        rows += lines[at:first]
        stop = _step_end(lines, first, end)
        steps.append(Step(len(rows), stop - first, quote))
        rows += lines[first:stop]
        rows += comment_rows([one for one in comments if one.quote == quote], cells, look)
        at = stop
    rows += lines[at:]
    loose = [one for one in comments if one.quote not in {step.quote for step in steps}]
    if loose:
        rows += [EMPTY, *comment_rows(loose, cells, look)]
    return Body(tuple(rows), tuple(steps), whole=whole)


def comment_rows(comments: Sequence[StepComment], cells: int, look: Look) -> list[Line]:
    """`     │ you: …` for each comment."""
    rows: list[Line] = []
    for one in comments:
        rows += paragraph(f"you: {clean(one.text)}", look.roles.needs, cells, "     │ ")
    return rows


def asked_rows(request: PlanRequest, name: str, cells: int, look: Look) -> list[Line]:
    """What the person said to the version before, and what this version answers."""
    if len(request.versions) < 2:
        return []
    before, now = request.versions[-2], request.versions[-1]
    if not before.feedback.strip() and not before.comments and not now.answers:
        return []
    roles = look.roles
    answers = {one.comment_id: one.text for one in now.answers}
    lines = paragraph(f"What you asked for, and where {name} says it is answered", roles.strong, cells)
    if before.feedback.strip():
        lines += paragraph(f'"{clean(before.feedback.strip())}"', roles.text, cells, " │ ")
        lines += _answer(answers.pop("feedback", None), name, cells, look, is_asked=False)
    for one in before.comments:
        quote = f"on {clean_line(one.quote)}: " if one.quote else ""
        lines += paragraph(f'{quote}"{clean(one.text)}"', roles.text, cells, " │ ")
        lines += _answer(answers.pop(one.id, None), name, cells, look, is_asked=True)
    for text in answers.values():
        lines += _answer(text, name, cells, look, is_asked=True)
    return lines


def _answer(text: str | None, name: str, cells: int, look: Look, *, is_asked: bool) -> list[Line]:
    """A comment without an answer says so; a reason as a whole need not have one of its own."""
    roles = look.roles
    if text is not None:
        return paragraph(
            f"{look.sign('done').strip()} {name}: {clean(text)}", roles.done, cells, "   ", "     "
        )
    if not is_asked:
        return []
    told = f"{look.sign('waits').strip()} {name} does not answer this one"
    return paragraph(told, roles.flag, cells, "   ", "     ")


def _heads(lines: Sequence[str], steps: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
    """The first row of each step, in order; steps that cannot be found are left out."""
    found: list[tuple[int, str]] = []
    at = 0
    for marker, text in steps:
        for index in range(at, len(lines)):
            if _is_head(lines[index].strip(), marker, text):
                found.append((index, f"{marker} {text}" if marker[0].isdigit() else text))
                at = index + 1
                break
    return found


def _is_head(shown: str, marker: str, text: str) -> bool:
    if marker[0].isdigit():
        return shown.startswith((f"{marker[:-1]}. ", f"{marker[:-1]}) ")) or shown == marker
    first = re.sub(r"[*_`\[\]]", "", text).split(" ", 1)[0]
    return shown[:1] in "-*+•" and re.sub(r"[*_`\[\]]", "", shown[1:]).strip().startswith(first)


def _step_end(lines: Sequence[Line], first: int, next_first: int | None) -> int:
    """Behind the last row of a step: before the next one, or before an empty row."""
    last = next_first if next_first is not None else len(lines)
    for index in range(first + 1, last):
        if not plain(lines[index]):
            return index
    return last
