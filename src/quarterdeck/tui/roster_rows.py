"""One roster row as segments: cursor, stripe, sign, name, doing, columns. Pure but for what it is given."""

import msgspec
from rich.segment import Segment
from rich.style import Style

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.requests import Request
from quarterdeck.state.selectors import DisplayDelays, Row
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.columns import Layout, column_heads, column_text, waited_for
from quarterdeck.tui.doing import Doing, Moment, doing
from quarterdeck.tui.look import Look
from quarterdeck.tui.ranking import Order, Which
from quarterdeck.tui.rendering.cells import fit
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.rendering.roles import Roles

WAITS_BOLD_S = 60.0
WAITS_REVERSE_S = 300.0
BEAT_LATE_S = 60.0
MOTIONLESS_STEP = 5
SIGN_AT = 2
"""Which segment of a row is its sign, and at which cell it stands."""

_QUIET_STATES = frozenset(
    {"waits", "paused", "stopping", "idle", "done", "stopped", "killed", "timed_out", "unknown"}
)
_BOLD = Style(bold=True)
_UNDERLINE = Style(underline=True)
_REVERSE = Style(reverse=True)


class RowInput(msgspec.Struct, frozen=True):
    """Everything one row is drawn from."""

    mate: Teammate
    request: Request | None
    depth: int
    told: Doing
    moment: Moment
    since: float
    beat: float | None

    @property
    def state(self) -> str:
        """A key of `signs.SIGNS`."""
        return self.told.state

    @classmethod
    def make(
        cls,
        mate: Teammate,
        request: Request | None,
        row: Row,
        *,
        now: float,
        last_sign: float,
        delays: DisplayDelays,
        viewed: bool,
        look: Look,
        look_only: bool = False,
    ) -> "RowInput":
        """Derive what the row tells. `now` and `last_sign` are epoch seconds; `look_only` offers no key."""
        step = MOTIONLESS_STEP if look.reduced_motion else 1
        moment = Moment(now, last_sign, delays, viewed, step, look_only)
        opened_at = request.opened_at if request is not None else None
        since = waited_for(mate, row.group, opened_at=opened_at, last_sign=last_sign, now=now)
        beat = None if mate.is_terminal else look.age(now - last_sign)
        return cls(mate, request, row.depth, doing(mate, request, moment), moment, look.age(since), beat)


def roster_row(given: RowInput, layout: Layout, look: Look, *, frame: str, is_chosen: bool) -> Line:
    """The row in exactly the cells of its layout.

    :param frame: the spinner's frame, for a row that thinks.
    """
    roles, state = look.roles, given.state
    sign_style, text_style = _styles(roles, state)
    weight = _BOLD if is_chosen else Style()
    name_style = roles.strong if state == "needs" else (roles.quiet if state in _QUIET_STATES else roles.text)
    branch = "  " * (given.depth - 1) + "└ " if given.depth else ""
    name = fit(branch + clean_name(given.mate.name), layout.name)
    line = [
        Segment("❯" if is_chosen else " ", roles.focus + weight),
        Segment("▌", roles.stripe(given.mate.color - 1)),
        Segment(frame or look.sign(state), sign_style + weight),
        Segment(f" {name}  ", name_style + weight),
        Segment(fit(given.told.text, layout.doing), text_style + weight),
    ]
    return (*line, *(_columns(given, layout, roles, weight)))


def team_title(count: int, every: int, which: Which, order: Order) -> str:
    """How many rows; which ones of how many and in which order, when that was chosen."""
    parts = [f"Team {count}" if which is Which.ALL else f"Team {count} of {every} · {which}"]
    if order is not Order.NEEDS:
        parts.append(order)
    return " · ".join(parts)


def team_head(title: str, layout: Layout, look: Look, *, is_focused: bool, panel: object = None) -> Line:
    """The line above the rows: the title, and the heads of the columns over them."""
    roles, rule = look.roles, look.rule(heavy=is_focused)
    style = roles.focus if is_focused else roles.rule
    before = layout.head + layout.name + 2
    over = max(len(title) + 5 - before, 0)
    return (
        Segment(rule + " ", style),
        Segment(title, look.title(panel or title, is_focused=is_focused, otherwise=roles.strong)),
        Segment(" " + rule * max(before - len(title) - 4, 1) + " ", style),
        Segment("doing ", roles.quiet),
        Segment(rule * max(layout.doing - 7 - over, 0), style),
        Segment(" " + column_heads(layout), roles.quiet),
    )


def fold_row(count: int, layout: Layout, look: Look, *, is_chosen: bool) -> Line:
    """The row that stands for folded idle rows."""
    roles = look.roles
    weight = _BOLD if is_chosen else Style()
    return (
        Segment("❯" if is_chosen else " ", roles.focus + weight),
        Segment(f" {'▸':<{layout.sign}} {count} idle", roles.quiet + weight),
        Segment("  z unfolds", roles.quiet),
    )


def _styles(roles: Roles, state: str) -> tuple[Style, Style]:
    """Of the sign and of the words."""
    match state:
        case "needs":
            return roles.needs + _BOLD, roles.needs + _BOLD
        case "failed":
            return roles.fail, roles.fail
        case "flag":
            return roles.flag, roles.flag
        case "spawning" | "thinking" | "tool":
            return roles.work, roles.text
        case "done":
            return roles.done, roles.quiet
    return roles.quiet, roles.quiet


def _columns(given: RowInput, layout: Layout, roles: Roles, weight: Style) -> list[Segment]:
    quiet = given.state in _QUIET_STATES
    plain = (roles.quiet if quiet else roles.text) + weight
    segments = []
    for column in layout.columns:
        text = column_text(column, given.mate, since=given.since, beat=given.beat)
        style = plain
        if column.name == "since" and given.request is not None:
            style = roles.needs + weight + _wait_style(given.since)
        elif column.name == "beat" and given.beat is not None and given.beat >= BEAT_LATE_S:
            style = plain + _UNDERLINE
        segments.append(Segment(" ", plain))
        blanks = len(text) - len(text.lstrip(" "))
        segments.append(Segment(" " * blanks, plain))
        segments.append(Segment(text[blanks:], style))
    return segments


def _wait_style(seconds: float) -> Style:
    if seconds >= WAITS_REVERSE_S:
        return _BOLD + _REVERSE
    return _BOLD if seconds >= WAITS_BOLD_S else Style()
