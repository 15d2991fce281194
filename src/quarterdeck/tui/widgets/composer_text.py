"""The text field under the composer, the reason field and the plan editor: Textual's TextArea, made safe.

What is pasted is cleaned on its way in, so that what is sent is what was on the screen. Keys that
mean something to the owner go to it by name; all others are the TextArea's own.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import TextArea

from quarterdeck.domain.display_text import clean

PASTE_GUARD_S = 0.1
"""An enter so soon after a paste came with it: it never sends."""

Fold = Callable[[str], str]
"""Takes pasted text, gives what the field shows of it."""


class WritingArea(TextArea):
    """A field for several lines that hands its owner the keys it asks for.

    `keys` maps Textual's key names to the owner's actions; `do` acts and says whether the key was used.
    """

    DEFAULT_CSS = """
    WritingArea {
        border: none; padding: 0; width: 1fr; height: 1fr; background: $background; color: $foreground;
        &:focus { border: none; }
        & .text-area--placeholder { color: $text-muted; }
        & .text-area--cursor-line { background: $background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = []
    _styled: object = None
    """The theme that holds the styles of now."""

    def __init__(
        self,
        *,
        keys: Mapping[str, str],
        do: Callable[[str], bool],
        fold: Fold = clean,
        text_id: str | None = None,
    ) -> None:
        super().__init__("", id=text_id, show_line_numbers=False, soft_wrap=True, compact=True)
        self.cursor_blink = False
        self.highlight_cursor_line = False
        self._keys = keys
        self._do = do
        self._fold = fold
        self._pasted_at = float("-inf")

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw; its styles are read from the style sheet when they can be others, not for each key."""
        if self._styled is not self._theme:
            self._theme.apply_css(self)
            self._styled = self._theme
        return super(TextArea, self).render_lines(crop)

    def notify_style_update(self) -> None:
        """Another theme, or the focus came or went."""
        self._styled = None
        super().notify_style_update()

    @property
    def is_empty(self) -> bool:
        """There is nothing in it, not even a blank."""
        document = self.document
        return document.line_count == 1 and not document.get_line(0)

    @property
    def before_cursor(self) -> str:
        """The line of the cursor, up to the cursor."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    @property
    def rows(self) -> int:
        """How many rows the text takes at the width it has."""
        return max(self.wrapped_document.height, 1)

    def load(self, text: str) -> None:
        """Another text, with the cursor behind it; what could be undone belongs to the other one."""
        self.load_text(clean(text))
        self.move_cursor(self.document.end)

    def put(self, text: str) -> None:
        """The whole text by another one; `ctrl+z` brings the old one back."""
        self.history.checkpoint()
        self.replace(clean(text), (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.checkpoint()
        self.move_cursor(self.document.end)

    def copy_or_clear(self) -> bool:
        """Copies the selection, else clears the text, which can be undone; false: there is neither."""
        if self.selected_text:
            self.action_copy()
            return True
        if self.is_empty:
            return False
        self.put("")
        return True

    def new_line(self) -> bool:
        """A new line at the cursor; a backslash right before it is taken away."""
        start, end = self.selection
        if start == end and self.before_cursor.endswith("\\"):
            start = (end[0], end[1] - 1)
        self.replace("\n", start, end, maintain_selection_offset=False)
        return True

    def take_paste(self, text: str) -> None:
        """Pasted text: with one kind of line end, cleaned, and folded when it is long."""
        whole = text.replace("\r\n", "\n").replace("\r", "\n")
        self.history.checkpoint()
        result = self.replace(self._fold(whole), *self.selection, maintain_selection_offset=False)
        self.history.checkpoint()
        self.move_cursor(result.end_location)

    def action_paste(self) -> None:
        """Paste what was copied inside the program."""
        self.take_paste(self.app.clipboard)

    def on_paste(self, event: events.Paste) -> None:
        """A paste of the terminal."""
        event.stop()
        event.prevent_default()
        self.take_paste(event.text)
        self._pasted_at = event.time

    def on_key(self, event: events.Key) -> None:
        """A key that means something to the owner."""
        action = self._keys.get(event.key)
        if action is None:
            return
        if event.key == "enter" and event.time - self._pasted_at < PASTE_GUARD_S:
            action = "new-line"
        if self._do(action):
            event.stop()
            event.prevent_default()
