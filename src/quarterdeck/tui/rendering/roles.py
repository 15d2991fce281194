"""The styles of the screen, one for each role, from the active theme; the only place that chooses colours.

A style never holds a link or an action.
"""

import msgspec
from rich.style import Style
from textual.theme import Theme

ID_COUNT = 8


class Roles(msgspec.Struct, frozen=True):
    """A style for each role: foregrounds, and the grounds (backgrounds) to lay under any of them.

    Without colour a role is told by bold, underline, dim or reverse, as DESIGN's table of states says.
    """

    colour: bool
    """False: no style holds a colour, so that words or signs must tell what colour would."""
    text: Style
    strong: Style
    emphasis: Style
    quiet: Style
    needs: Style
    needs_chip: Style
    """Text of the background's colour on the ground of `needs`."""
    fail: Style
    flag: Style
    work: Style
    done: Style
    focus: Style
    focus_title: Style
    rule: Style
    added: Style
    removed: Style
    added_word: Style
    removed_word: Style
    select: Style
    """Ground of the selected row."""
    past: Style
    """Ground of everything while the past is shown."""
    surface: Style
    """Ground of panels that stand out."""
    ids: tuple[Style, ...]
    """The stripes of the teammates, eight of them."""

    def stripe(self, index: int) -> Style:
        """The style of a teammate's stripe; any index is taken round the eight."""
        return self.ids[index % ID_COUNT]


# What a theme without our roles (one of Textual's own) shows instead.
_FALLBACK = {
    "qd-needs": "warning",
    "qd-fail": "error",
    "qd-flag": "secondary",
    "qd-work": "primary",
    "qd-done": "success",
    "qd-focus": "accent",
    "qd-add": "success",
    "qd-del": "error",
    "qd-select": "panel",
}


def roles_of(theme: Theme, *, colour: bool = True) -> Roles:
    """The roles in the colours of a theme; `colour` false (NO_COLOR): by attributes alone."""
    if not colour:
        return _PLAIN

    def hex_of(token: str) -> str | None:
        value = theme.variables.get(token) or getattr(theme, token.removeprefix("qd-"), None)
        if value is None and token in _FALLBACK:
            value = getattr(theme, _FALLBACK[token])
        return value if isinstance(value, str) else theme.foreground

    def role(token: str, *, bold: bool | None = None, ground: str | None = None) -> Style:
        return Style(color=hex_of(token), bold=bold, bgcolor=hex_of(ground) if ground else None)

    added = role("qd-add", ground="qd-add-bg") if "qd-add-bg" in theme.variables else role("qd-add")
    removed = role("qd-del", ground="qd-del-bg") if "qd-del-bg" in theme.variables else role("qd-del")
    text = role("foreground")
    changed = Style(bold=True, underline=True)
    return Roles(
        colour=True,
        text=text,
        strong=text + Style(bold=True),
        emphasis=text + Style(italic=True),
        quiet=role("qd-quiet"),
        needs=role("qd-needs"),
        needs_chip=Style(color=theme.background, bgcolor=hex_of("qd-needs"), bold=True),
        fail=role("qd-fail"),
        flag=role("qd-flag"),
        work=role("qd-work"),
        done=role("qd-done"),
        focus=role("qd-focus"),
        focus_title=role("qd-focus", bold=True),
        rule=role("qd-rule"),
        added=added,
        removed=removed,
        added_word=added + changed,
        removed_word=removed + changed,
        select=Style(bgcolor=hex_of("qd-select")),
        past=Style(bgcolor=hex_of("qd-past") if "qd-past" in theme.variables else theme.background),
        surface=Style(bgcolor=theme.surface),
        ids=tuple(role(f"qd-id-{number}") for number in range(1, ID_COUNT + 1)),
    )


_NONE = Style()
_BOLD = Style(bold=True)
_PLAIN = Roles(
    colour=False,
    text=_NONE,
    strong=_BOLD,
    emphasis=Style(underline=True),
    quiet=Style(dim=True),
    needs=_BOLD,
    needs_chip=Style(bold=True, reverse=True),
    fail=Style(bold=True, underline=True),
    flag=Style(underline=True),
    work=_NONE,
    done=Style(dim=True),
    focus=_BOLD,
    focus_title=_BOLD,
    rule=_NONE,
    added=_NONE,
    removed=_NONE,
    added_word=Style(bold=True, underline=True),
    removed_word=Style(bold=True, underline=True),
    select=Style(reverse=True),
    past=_NONE,
    surface=_NONE,
    ids=(_NONE,) * ID_COUNT,
)
