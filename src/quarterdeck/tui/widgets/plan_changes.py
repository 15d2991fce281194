"""A plan against the version before, as rows: the changed lines, and the comments on steps. Pure."""

from collections.abc import Sequence

import msgspec

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.requests import PlanRequest, StepComment
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.diff import plan_diff_lines
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.revisions import change_counts, diff_lines
from quarterdeck.tui.widgets.plan_body import with_steps
from quarterdeck.tui.widgets.request_body import Body
from quarterdeck.tui.widgets.transcript_entries import clock_time
from quarterdeck.tui.widgets.transcript_parts import Part, plain, row, spread

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
    below: Sequence[Line] = (),
) -> Body:
    """The changes as rows between `above` and `below`; the steps of the new version can be commented on."""
    drawn = plan_diff_lines(old.strip("\n"), new.strip("\n"), max(1, cells - 1), look.roles)
    added, removed = change_counts(diff_lines(old.strip("\n"), new.strip("\n")))
    if not added and not removed:
        drawn += [EMPTY, row(("  No line has changed.", look.roles.quiet))]
    body = with_steps(drawn, new, look, cells, comments, "all changes shown", shown=_new_text)
    lead = [*above, EMPTY]
    steps = tuple(replace(step, first=step.first + len(lead)) for step in body.steps)
    return Body((*lead, *body.lines, *below), steps, whole=body.whole, added=added, removed=removed)


def history_rows(request: PlanRequest, cells: int, look: Look) -> list[Line]:
    """Every version with what became of it."""
    roles = look.roles
    rows = [EMPTY, row((" History of this plan", roles.strong))]
    for one in request.versions:
        told = f"   v{one.number}  {clock_time(one.submitted_at)}  "
        if one.number == request.version:
            told += "waits"
        elif one.decided_at is not None:
            told += f"rejected by you {clock_time(one.decided_at)}"
        else:
            told += "replaced"
        reason = clean_line(one.feedback.strip())
        parts: list[Part] = [(told, roles.quiet), (f' · "{reason}"' if reason else "", roles.quiet)]
        rows.append(spread(parts, [], cells, look, margin=0))
    return rows


def _new_text(line: Line) -> str:
    """The text of a row that belongs to the new version, without its sign; nothing for a removed one."""
    text = plain(line)
    return "" if text[2:3] == "-" else text[_GUTTER:]
