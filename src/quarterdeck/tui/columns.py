"""Which columns a roster row has at a width, and what stands in them. Pure; texts are clean, cut by cells."""

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.state.selectors import Group
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.rendering.cells import fit, format_age, format_tokens

NAME_CELLS = (8, 16)
"""Least and most cells of a name."""
NAME_GAP = 2


class Column(msgspec.Struct, frozen=True):
    """One column: its heading, its cells, from which width it is shown, and on which side it is aligned."""

    name: str
    cells: int
    from_width: int
    right: bool = True


COLUMNS = (
    Column("since", 6, 40),
    Column("beat", 4, 103),
    Column("tools", 5, 86),
    Column("tok", 5, 80),
    Column("cache", 5, 117),
    Column("mode", 7, 129, right=False),
    Column("model", 10, 144, right=False),
)
"""In the order in which they stand."""


class Layout(msgspec.Struct, frozen=True):
    """How the cells of a row are shared out."""

    width: int
    name: int
    doing: int
    columns: tuple[Column, ...]
    sign: int = 1

    @property
    def head(self) -> int:
        """Cells before the name: cursor, stripe, sign, blank."""
        return 3 + self.sign


def lay_out(width: int, longest_name: int, *, sign: int = 1) -> Layout:
    """Share `width` cells out; `doing` takes all that is left.

    :param longest_name: cells of the longest name on the screen.
    """
    columns = tuple(one for one in COLUMNS if width >= one.from_width)
    least, most = NAME_CELLS
    name = min(max(longest_name, least), most)
    taken = 3 + sign + name + NAME_GAP + sum(one.cells + 1 for one in columns)
    return Layout(width=width, name=name, doing=max(width - taken, 0), columns=columns, sign=sign)


_MODES = {
    PermissionMode.PLAN: "plan",
    PermissionMode.DEFAULT: "default",
    PermissionMode.ACCEPT_EDITS: "edits",
    PermissionMode.BYPASS: "bypass",
}


def short_model(model: str) -> str:
    """`claude-sonnet-4-5-20250929` as `sonnet-4.5`; any other name as it is."""
    name = clean_name(model).removeprefix("claude-")
    parts = name.split("-")
    if parts and len(parts[-1]) == 8 and parts[-1].isdigit():
        parts.pop()
    if len(parts) >= 3 and parts[-1].isdigit() and parts[-2].isdigit():
        parts[-2:] = [f"{parts[-2]}.{parts[-1]}"]
    return "-".join(parts)


def column_text(column: Column, mate: Teammate, *, since: float, beat: float | None) -> str:
    """What stands in a column of this row, in exactly its cells.

    :param since: seconds of waiting or since the last sign of life.
    :param beat: seconds since the last sign of life; None = it has ended.
    """
    match column.name:
        case "since":
            text = format_age(since)
        case "beat":
            text = "–" if beat is None else format_age(beat, short=True)
        case "tools":
            text = format_tokens(mate.tools)
        case "tok":
            text = format_tokens(mate.usage.total)
        case "cache":
            rate = mate.usage.cache_hit_rate
            text = "–" if rate is None else f"{rate:.0%}"
        case "mode":
            text = _MODES[mate.permission_mode]
        case _:
            text = short_model(mate.model)
    return fit(text, column.cells, right=column.right)


def column_heads(layout: Layout) -> str:
    """The headings, each over its column, with the blank before each."""
    return "".join(" " + fit(one.name, one.cells, right=one.right) for one in layout.columns)


def waited_for(
    mate: Teammate, group: Group, *, opened_at: float | None, last_sign: float, now: float
) -> float:
    """The age in the column `since`: of its request, of its wait or end, or (at work) of its last sign."""
    if opened_at is not None:
        return now - opened_at
    return now - (last_sign if group is Group.WORKING and mate.waits_on is None else mate.since)
