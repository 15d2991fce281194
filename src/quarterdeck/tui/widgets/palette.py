"""The palette: what can be done, seen or chosen, narrowed by typing. It is drawn in the main panel.

It only tells what was chosen; a theme under the cursor is previewed by whoever listens.
"""

from collections.abc import Sequence

import msgspec
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, fit
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import BLANK, LineWidget, rule_line
from quarterdeck.tui.widgets.views import ViewPanel


class Entry(msgspec.Struct, frozen=True):
    """One line: its kind (`theme`, `action`, `command`, `teammate`), its value and its words; clean."""

    kind: str
    value: str
    label: str
    hint: str = ""


class PaletteField(Input):
    """What is typed; the keys that choose go to the palette."""

    DEFAULT_CSS = "PaletteField { border: none; height: 1; } PaletteField:focus { border: none; }"

    class Pressed(Message):
        """A key that chooses, takes or leaves."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def on_mount(self) -> None:
        """Nothing moves by itself but spinners and countdowns."""
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown", "enter", "escape", "tab"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Pressed(event.key))
            return
        await super()._on_key(event)


class PaletteList(ViewPanel, can_focus=False):
    """The entries that fit what was typed."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="palette-list", title="")
        self.entries: Sequence[Entry] = ()
        self.at = 0

    def rows(self, cells: int) -> tuple[Line, ...]:
        roles = self.look.roles
        if not self.entries:
            return ((Segment(" Nothing fits.", roles.quiet),),)
        return tuple(
            (
                Segment("❯ " if at == self.at else "  ", roles.focus),
                Segment(fit(one.kind, 9), roles.quiet),
                Segment(cut(one.label, max(cells - 12, 1)), roles.strong if at == self.at else roles.text),
                Segment(f"  {one.hint}" if one.hint else "", roles.quiet),
            )
            for at, one in enumerate(self.entries)
        )

    def line(self, y: int) -> Line:
        return BLANK if y == 0 else super().line(y)

    def move(self, step: int) -> None:
        """Another entry."""
        if self.entries:
            self.at = max(0, min(self.at + step, len(self.entries) - 1))
        self.rebuild()
        room = max(self.size.height - 1, 1)
        self.top = min(max(self.top, self.at - room + 1), self.at)


class PaletteHead(LineWidget):
    """The title. The field below it has the keys as long as it is shown."""

    DEFAULT_CSS = "PaletteHead { height: 1; }"

    def line(self, y: int) -> Line:
        return rule_line(self.look, self.size.width, "Palette", "type to narrow · esc back", is_focused=True)


class PalettePrompt(LineWidget):
    """` › ` in front of what is typed."""

    DEFAULT_CSS = "PalettePrompt { height: 1; width: 3; }"

    def line(self, y: int) -> Line:
        return (Segment(" › ", self.look.roles.focus),)


class PalettePanel(Vertical):
    """The field over the list."""

    DEFAULT_CSS = "PalettePanel { height: 1fr; } PalettePanel Horizontal { height: 1; }"

    class Moved(Message):
        """The cursor is on another entry (None: on none)."""

        def __init__(self, entry: Entry | None) -> None:
            super().__init__()
            self.entry = entry

    class Taken(Message):
        """This entry was chosen."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    class LeaveWanted(Message):
        """Back, nothing chosen."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="palette")
        self.head = PaletteHead(look)
        self.list = PaletteList(look)
        self.field = PaletteField(id="palette-field", compact=True, placeholder="type to narrow")
        self._all: tuple[Entry, ...] = ()

    def compose(self) -> ComposeResult:
        """The title, the field, the list."""
        yield self.head
        with Horizontal():
            yield PalettePrompt(self.head.look)
            yield self.field
        yield self.list

    def open(self, entries: tuple[Entry, ...]) -> None:
        """Offer these."""
        self._all = entries
        self.field.value = ""
        self._narrow()

    def _narrow(self) -> None:
        words = self.field.value.casefold().split()
        self.list.entries = tuple(
            one for one in self._all if all(word in f"{one.kind} {one.label}".casefold() for word in words)
        )
        self.list.at = 0
        self.list.top = 0
        self.list.rebuild()
        self._tell()

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        return self.list.entries[self.list.at] if self.list.entries else None

    def _tell(self) -> None:
        self.post_message(self.Moved(self.chosen))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._narrow()

    def on_palette_field_pressed(self, event: PaletteField.Pressed) -> None:
        """Choose, take or leave."""
        event.stop()
        match event.key:
            case "enter":
                if self.chosen is not None:
                    self.post_message(self.Taken(self.chosen))
            case "escape" | "tab":
                self.post_message(self.LeaveWanted())
            case key:
                self.list.move({"up": -1, "down": 1, "pageup": -10, "pagedown": 10}[key])
                self._tell()
