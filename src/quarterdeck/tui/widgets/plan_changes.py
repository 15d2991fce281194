"""A plan against the version before, as rows: the changed lines, and the comments on steps. Pure."""

from collections.abc import Sequence

import msgspec

from quarterdeck.domain.requests import StepComment
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.diff import plan_diff_lines
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.revisions import change_counts, diff_lines
from quarterdeck.tui.widgets.plan_body import with_steps
from quarterdeck.tui.widgets.request_body import Body
from quarterdeck.tui.widgets.transcript_parts import plain, row

_GUTTER = 4
"""Cells of the sign with its blanks."""


replace = msgspec.structs.replace


def changes_body(
    old: str,
    new: str,
    cells: int,
    look: Look,
    comments: Sequence[StepComment] = (),
    above: Sequence[Line] = (),
) -> Body:
    """The changes as rows below `above`; the steps of the new version can be commented on."""
    drawn = plan_diff_lines(old.strip("\n"), new.strip("\n"), max(1, cells - 1), look.roles)
    added, removed = change_counts(diff_lines(old.strip("\n"), new.strip("\n")))
    if not added and not removed:
        drawn += [EMPTY, row(("  No line has changed.", look.roles.quiet))]
    body = with_steps(drawn, new, look, cells, comments, "all changes shown", shown=_new_text)
    lead = [*above, EMPTY]
    steps = tuple(replace(step, first=step.first + len(lead)) for step in body.steps)
    return Body((*lead, *body.lines), steps, whole=body.whole, added=added, removed=removed)


def _new_text(line: Line) -> str:
    """The text of a row that belongs to the new version, without its sign; nothing for a removed one."""
    text = plain(line)
    return "" if text[2:3] == "-" else text[_GUTTER:]
