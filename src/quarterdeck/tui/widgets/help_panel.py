"""Help: the keys that work where it was opened, then all keys by task, signs, guards and files."""

from rich.segment import Segment

from quarterdeck.tui.keymap import HelpSection, Keymap, Place, shown_key
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import fit, width, wrap
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import rule_line
from quarterdeck.tui.widgets.views import ViewPanel

SIGN_WORDS = (
    "▲ needs you · ✗ failed · ↻ too quiet · ⠋ thinking · ▸ runs a tool · ◦ waits for others, a limit or a "
    "slot · ‖ paused · ▾ stopping · ○ idle · ✓ done · ■ stopped · ✕ killed · □ timed out · ? unknown after a "
    "crash · ▌ the teammate's colour"
)
GUARD_WORDS = (
    "A new or changed request ignores a, w, d, y for 300 ms. Words typed outside a text field do not act. "
    "Enter opens, sends text or goes to: it never approves, allows, kills or quits. Esc only goes back. In "
    "tmux a key right after esc can be lost; the notice line says so."
)
FILE_WORDS = "themes ~/.config/quarterdeck/themes · settings ~/.config/quarterdeck/settings.toml"
COMMAND_WORDS = (
    "/spawn NAME [--plan] PROMPT · /kill NAME · /stop NAME · /pause [NAME] · /revive NAME · "
    "/rename NAME NEW · /theme NAME · /model [NAME] MODEL · /help · /quit · @name text writes to another"
)
KEY_CELLS = 10


class HelpPanel(ViewPanel):
    """Place V."""

    def __init__(self, look: Look, keymap: Keymap) -> None:
        super().__init__(look, name="help", title="Help", right="keys that work here come first")
        self._keymap = keymap
        self._place = Place.TEAM

    def open_for(self, place: Place) -> None:
        """Tell about this place first."""
        self._place = place
        self.title = f"Help · {place.word.removeprefix('the ').capitalize()}"
        self.top = 0
        self.rebuild()

    def rows(self, cells: int) -> tuple[Line, ...]:
        here = HelpSection("Here", tuple(self._here()))
        sections = self._keymap.help
        half = (cells - 4) // 2
        rows: list[Line] = [*self._side_by_side([here], half, cells), ()]
        rows += self._side_by_side(list(sections), half, cells)
        for title, text in (
            ("Commands", COMMAND_WORDS),
            ("Signs", SIGN_WORDS),
            ("Guards", GUARD_WORDS),
            ("Files", FILE_WORDS),
        ):
            rows.append(rule_line(self.look, cells, title))
            rows += [(Segment(" " + part, self.look.roles.text),) for part in wrap(text, max(cells - 2, 1))]
        return tuple(rows)

    def _here(self) -> list[tuple[str, str]]:
        """The keys of the place, those with one effect together."""
        by_effect: dict[str, list[str]] = {}
        for one in self._keymap.of_place(self._place):
            if one.action != "nothing":
                by_effect.setdefault(one.effect, []).append(one.key)
        return [(" ".join(keys), effect) for effect, keys in by_effect.items()]

    def _side_by_side(self, sections: list[HelpSection], half: int, cells: int) -> list[Line]:
        """Two columns of sections; one section alone is folded into both."""
        if len(sections) == 1:
            keys = sections[0].keys
            middle = (len(keys) + 1) // 2
            left = HelpSection(sections[0].title, keys[:middle])
            right = HelpSection("", keys[middle:])
            return self._pair(left, right, half)
        rows: list[Line] = []
        for at in range(0, len(sections), 2):
            rows += [()] if rows else []
            rows += self._pair(sections[at], sections[at + 1], half)
        return rows

    def _pair(self, left: HelpSection, right: HelpSection, half: int) -> list[Line]:
        one, other = self._section(left, half), self._section(right, half)
        count = max(len(one), len(other))
        blank: Line = (Segment(" " * half),)
        one += [blank] * (count - len(one))
        other += [()] * (count - len(other))
        return [(Segment("  "), *a, Segment("  "), *b) for a, b in zip(one, other, strict=True)]

    def _section(self, section: HelpSection, cells: int) -> list[Line]:
        roles = self.look.roles
        rows: list[Line] = [
            (Segment(fit(section.title, cells), roles.strong),),
            (Segment(fit("─" * width(section.title), cells), roles.rule),),
        ]
        for keys, effect in section.keys:
            shown = " ".join(_one_key(key) for key in keys.split(" "))
            room = max(KEY_CELLS, width(shown) + 1)
            for at, part in enumerate(wrap(effect, max(cells - room, 1))):
                key = Segment(fit("" if at else shown, room), roles.work)
                rows.append((key, Segment(fit(part, max(cells - room, 1)), roles.text)))
        return rows


def _one_key(key: str) -> str:
    """A key by itself: here `up` and `[` do not stand for their pairs, as they do in a footer."""
    return {"up": "↑", "left_square_bracket": "["}.get(key) or shown_key(key)
