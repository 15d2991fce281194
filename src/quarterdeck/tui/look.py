"""How everything is drawn at the moment: roles, signs, motion. One object for all widgets of a screen.

It changes when a theme is chosen; `version` tells caches that they are stale.
"""

from rich.style import Style

from quarterdeck.tui.rendering.roles import Roles
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.signs import SIGNS, SPINNER


class Look:
    """Shared by reference; only the app changes it."""

    def __init__(
        self, roles: Roles, *, signs: SignSet = SignSet.UNICODE, reduced_motion: bool = False
    ) -> None:
        self.roles = roles
        self.signs = signs
        self.reduced_motion = reduced_motion or signs is SignSet.WORDS
        self.has_focus = True
        """Whether the terminal is in front of the person, as far as it tells."""
        self.version = 0
        self.flashing: object | None = None
        """The panel whose title flashes: a key for it was dropped."""

    def change_roles(self, roles: Roles) -> None:
        """Draw in other colours from now on."""
        self.roles = roles
        self.version += 1

    def sign(self, name: str) -> str:
        """The sign of a state, or its word in five cells."""
        sign = SIGNS[name]
        if self.signs is SignSet.WORDS:
            return f"{sign.word:<5}"
        return sign.ascii if self.signs is SignSet.ASCII else sign.unicode

    @property
    def sign_cells(self) -> int:
        """How wide the column of signs is."""
        return 5 if self.signs is SignSet.WORDS else 1

    def title(self, panel: object, *, is_focused: bool, otherwise: Style) -> Style:
        """The style of a panel's title: while it flashes, while it has the keys, and otherwise."""
        if self.flashing is panel:
            return self.roles.needs_chip
        return self.roles.focus_title if is_focused else otherwise

    @property
    def spins(self) -> bool:
        """Whether the sign of a run that thinks moves."""
        return self.signs is not SignSet.WORDS and not self.reduced_motion

    def spinner(self, now: float) -> str:
        """The frame of the one spinner clock: ten a second, one a second when nobody looks.

        :param now: monotonic seconds.
        """
        if self.signs is SignSet.WORDS:
            return self.sign("thinking")
        if self.reduced_motion:
            return self.sign("still")
        return SPINNER[int(now * (10 if self.has_focus else 1)) % len(SPINNER)]

    def age(self, seconds: float) -> float:
        """An age as it is shown: whole seconds, steps of five without motion."""
        whole = max(0, int(seconds))
        return float(whole - whole % 5 if self.reduced_motion and whole >= 5 else whole)

    def rule(self, *, heavy: bool) -> str:
        """What a rule is drawn with."""
        if self.signs is SignSet.WORDS:
            return " "
        return "━" if heavy else "─"
