"""A field under a request for the person's own words: a reason, a comment, an answer, the plan itself.

Every letter is text. Enter sends (in the plan: a new line); esc and tab go back and keep the text.
"""

from enum import StrEnum

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from quarterdeck.domain.display_text import clean
from quarterdeck.tui.look import Look
from quarterdeck.tui.widgets.transcript_parts import rule
from quarterdeck.tui.widgets.transcript_rows import Rows

MOST_ROWS = 6


class Writes(StrEnum):
    """What is written."""

    REASON = "reason"
    COMMENT = "comment"
    ANSWER = "answer"
    PLAN = "plan"


class FieldText(TextArea):
    """The text of the field."""

    DEFAULT_CSS = """
    FieldText { border: none; padding: 0 1; height: 1fr; }
    FieldText:focus { border: none; }
    """

    class Sent(Message):
        """Enter: take it."""

    class Left(Message):
        """Esc or tab: keep it and go back."""

    def __init__(self, text: str, *, sends: bool, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(text, soft_wrap=True, show_line_numbers=False, tab_behavior="focus", id=id)
        self._sends = sends

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "tab", "shift+tab"):
            self._take(event, self.Left())
        elif event.key == "enter" and self._sends:
            self._enter(event)
        elif event.key in ("ctrl+j", "shift+enter"):
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "ctrl+c" and self.selection.is_empty:
            event.stop()
            event.prevent_default()
            self.clear()
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        await super()._on_paste(events.Paste(clean(event.text)))
        event.prevent_default()
        event.stop()

    def _enter(self, event: events.Key) -> None:
        """Send; after a backslash it is a new line."""
        row, column = self.cursor_location
        if column and self.document[row][column - 1] == "\\":
            event.stop()
            event.prevent_default()
            self.action_delete_left()
            self.insert("\n")
            return
        self._take(event, self.Sent())

    def _take(self, event: events.Key, message: Message) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(message)


class RequestField(Vertical):
    """The field with its title; `version` is the one that was shown when it was opened."""

    DEFAULT_CSS = "RequestField { width: 1fr; height: 2; }"

    class Sent(Message):
        """The person is done: `text` counts."""

        def __init__(self, field: "RequestField", text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

    class Left(Message):
        """The person went back: `text` is a draft."""

        def __init__(self, field: "RequestField", text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

    def __init__(
        self, writes: Writes, title: str, hint: str, text: str, look: Look, *, version: int, quote: str = ""
    ) -> None:
        super().__init__()
        self.writes = writes
        self.version = version
        self.quote = quote
        self._title = title
        self._hint = hint
        self._look = look
        self._rule = Rows()
        is_plan = writes is Writes.PLAN
        self._text = FieldText(text, sends=not is_plan, id="plan-editor" if is_plan else "request-field-text")

    def compose(self) -> ComposeResult:
        """The title over the text."""
        yield self._rule
        yield self._text

    @property
    def text(self) -> str:
        """What is written so far."""
        return self._text.text

    def on_mount(self) -> None:
        """The cursor goes into the text, behind what is there."""
        if self.writes is Writes.PLAN:
            self.styles.height = "1fr"
        else:
            self._text.move_cursor(self._text.document.end)
        self._fit()
        self._text.focus()

    def on_resize(self) -> None:
        """Draw the title at this width."""
        self._rule.show([rule(self._title, self._hint, self.size.width, self._look, focused=True)])
        self._fit()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Grow with the text."""
        event.stop()
        self._fit()

    def on_field_text_sent(self, event: FieldText.Sent) -> None:
        """Pass it on with the text."""
        event.stop()
        self.post_message(self.Sent(self, self.text))

    def on_field_text_left(self, event: FieldText.Left) -> None:
        """Pass it on with the text."""
        event.stop()
        self.post_message(self.Left(self, self.text))

    def _fit(self) -> None:
        if self.writes is not Writes.PLAN:
            self.styles.height = 1 + min(MOST_ROWS, max(1, self._text.wrapped_document.height))
