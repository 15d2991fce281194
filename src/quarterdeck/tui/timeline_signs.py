"""How the cells of a timeline are drawn: signs and roles for what a teammate did and what you did. Pure."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.timeline import Act, Activity
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, width
from quarterdeck.tui.rendering.roles import Roles
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.signs import SIGNS, to_ascii
from quarterdeck.tui.timeline_drawing import Cell

_SIGNS = {
    Activity.MODEL: "░",
    Activity.TOOL: "█",
    Activity.NEEDS_YOU: "▲",
    Activity.WAITS: "◦",
    Activity.PAUSED: "‖",
    Activity.IDLE: "·",
    Activity.GONE: " ",
}
_ENDS = {
    Outcome.COMPLETED: "done",
    Outcome.STOPPED: "stopped",
    Outcome.KILLED: "killed",
    Outcome.TIMED_OUT: "timed_out",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "unknown",
}
ACTS = {
    Act.SPAWN: "+",
    Act.WRITE: "→",
    Act.HOLD: "p",
    Act.STOP: "s",
    Act.YES: "a",
    Act.NO: "d",
    Act.KILL: "x",
}
"""What stands in your own lane."""
LEVELS = " ▁▂▃▄▅▆▇█"
"""A bar from none to the highest."""
_LEGEND = "░ model  █ tool  ▲ waits for you  ◦ waits  ‖ paused  · idle  ✕ killed"
_LEGEND_MORE = (
    "   you: → wrote  a yes  d no  x kill",
    "  + spawn  p pause  s stop",
    "   ✓ done  ✗ failed  ■ stopped  □ timed out",
)


def told_in(text: str, look: Look) -> str:
    """Signs as this look has them: where words stand for them, in ASCII."""
    return to_ascii(text) if look.signs is SignSet.WORDS else text


def painted(cells: Sequence[Cell], look: Look) -> list[Segment]:
    """Cells of a lane; neighbours that are alike in one segment."""
    found: list[Segment] = []
    start = 0
    for at in range(1, len(cells) + 1):
        if at == len(cells) or cells[at] != cells[start]:
            if cells:
                found.append(
                    Segment(_sign(cells[start], look) * (at - start), _style(cells[start], look.roles))
                )
            start = at
    return found


def legend_line(look: Look, cells: int) -> str:
    """What the signs mean, as much of it as there is room for."""
    words = _LEGEND
    for more in _LEGEND_MORE:
        if width(words + more) + 2 <= cells:
            words += more
    return " " + cut(told_in(words, look), cells - 2)


def _sign(cell: Cell, look: Look) -> str:
    if cell.activity is Activity.ENDED:
        sign = SIGNS[_ENDS[cell.outcome or Outcome.UNKNOWN]]
        return sign.ascii if look.signs is SignSet.WORDS else sign.unicode
    return told_in(_SIGNS[cell.activity], look)


def _style(cell: Cell, roles: Roles) -> Style:
    match cell.activity:
        case Activity.NEEDS_YOU:
            return roles.needs
        case Activity.TOOL | Activity.MODEL:
            return roles.work
        case Activity.ENDED if cell.outcome is Outcome.FAILED:
            return roles.fail
        case Activity.ENDED if cell.outcome is Outcome.COMPLETED:
            return roles.done
    return roles.quiet
