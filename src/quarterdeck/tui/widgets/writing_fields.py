"""The reason under a request, and the editor of a plan: the composer's text field with other keys.

What is typed stays with its request until it is sent or dropped, whatever else gets the focus meanwhile.
"""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.tui.look import Look
from quarterdeck.tui.widgets.composer import PromptColumn, RuleRow
from quarterdeck.tui.widgets.composer_text import WritingArea

REASON_KEYS = {
    "enter": "send",
    "ctrl+j": "new-line",
    "shift+enter": "new-line",
    "tab": "back",
    "escape": "back",
    "ctrl+g": "editor",
    "ctrl+c": "copy-or-clear",
}
PLAN_KEYS = {"tab": "back", "escape": "back", "ctrl+g": "editor", "ctrl+c": "copy"}
REASON_WORDS = "enter sends · ctrl+j new line · esc keeps the draft"
PLAN_WORDS = "enter new line · esc goes back, edits kept, nothing approved"
MOST_ROWS = 6


class WritingField(Vertical):
    """A title in a rule over a text that belongs to the thing with the key `about`."""

    DEFAULT_CSS = """
    WritingField { height: 2; width: 1fr; }
    WritingField PromptColumn { width: 3; height: 1fr; }
    """

    class Submitted(Message):
        """The person sends the text (it may be empty) about something."""

        def __init__(self, field: "WritingField", about: str, text: str) -> None:
            super().__init__()
            self.field, self.about, self.text = field, about, text

        @property
        def control(self) -> "WritingField":
            """The field that it came from."""
            return self.field

    class LeaveWanted(Submitted):
        """The person goes back; the text is kept, and is told as it stands."""

    class EditorWanted(Submitted):
        """The person wants to go on in $EDITOR; give its text to `WritingField.put`."""

    def __init__(self, look: Look, *, keys: Mapping[str, str], words: str, name: str | None = None) -> None:
        super().__init__(id=name)
        self._drafts: dict[str, str] = {}
        self._about = ""
        self._rule = RuleRow(look)
        self._rule.right = words
        self._prompt = PromptColumn(look)
        self.area = WritingArea(keys=keys, do=self.do)

    def compose(self) -> ComposeResult:
        """The rule over the text."""
        yield self._rule
        with Horizontal():
            yield self._prompt
            yield self.area

    @property
    def about(self) -> str:
        """The key of the thing that the text is about."""
        return self._about

    @property
    def text(self) -> str:
        """The text as it stands."""
        return self.area.text

    def open(self, about: str, title: str, text: str = "") -> None:
        """Write about something: its draft, else `text`. The draft of the former stays with it."""
        if about != self._about:
            self._keep()
            self._about = about
            self.area.load(self._drafts.get(about, text))
        self._rule.left = clean_line(title)
        self._rule.refresh()
        self.fit_rows()

    def draft_of(self, about: str, default: str = "") -> str:
        """The text about something, as far as it was written."""
        return self.area.text if about == self._about else self._drafts.get(about, default)

    def drop(self, about: str) -> None:
        """What it was about is settled: its draft goes."""
        self._drafts.pop(about, None)
        if about == self._about:
            self._about = ""
            self.area.load("")

    def put(self, text: str) -> None:
        """Another text, from $EDITOR; `ctrl+z` brings the former back."""
        self.area.put(text)

    def do(self, action: str) -> bool:
        """Acts as the key of that action would; false when the key may go on."""
        match action:
            case "send":
                return self._send()
            case "new-line":
                return self.area.new_line()
            case "back":
                self._keep()
                return bool(self.post_message(self.LeaveWanted(self, self._about, self.text)))
            case "editor":
                return bool(self.post_message(self.EditorWanted(self, self._about, self.text)))
            case "copy":
                self.area.action_copy()
                return True
            case "copy-or-clear":
                return self.area.copy_or_clear()
            case "undo":
                self.area.undo()
                return True
            case _:
                return False

    def fit_rows(self) -> None:
        """Gives the field the height that its text needs."""
        self.styles.height = 1 + min(self.area.rows, MOST_ROWS)

    def _on_text_area_changed(self, event: WritingArea.Changed) -> None:
        """The text changed."""
        event.stop()
        self._keep()
        self.fit_rows()

    def _on_descendant_focus(self) -> None:
        """The text got the keys."""
        self._rule.is_active = True
        self._rule.refresh()

    def _on_descendant_blur(self) -> None:
        """The text lost the keys; its draft stays."""
        self._rule.is_active = False
        self._keep()
        self._rule.refresh()

    def _keep(self) -> None:
        if self._about:
            self._drafts[self._about] = self.area.text

    def _send(self) -> bool:
        if self.area.before_cursor.endswith("\\"):
            return self.area.new_line()
        self._keep()
        return bool(self.post_message(self.Submitted(self, self._about, self.text)))


class ReasonField(WritingField):
    """`━ Reject plan v1 of coder · your reason goes to it ━━━ enter sends · … ━`; an empty reason counts."""

    def __init__(self, look: Look, *, name: str | None = "reason") -> None:
        super().__init__(look, keys=REASON_KEYS, words=REASON_WORDS, name=name)


class PlanEditor(WritingField):
    """The whole text of a plan: enter is a new line, going back keeps the edits and approves nothing."""

    DEFAULT_CSS = """
    PlanEditor { height: 1fr; }
    """

    def __init__(self, look: Look, *, name: str | None = "plan-editor") -> None:
        super().__init__(look, keys=PLAN_KEYS, words=PLAN_WORDS, name=name)
        self._original = ""

    @property
    def is_edited(self) -> bool:
        """Whether the text differs from the plan that was opened."""
        return self.text != clean(self._original)

    def open(self, about: str, title: str, text: str = "") -> None:
        """Edit a plan: the edits made so far, else its text."""
        self._original = text
        super().open(about, title, text)

    def fit_rows(self) -> None:
        """It takes the room that it is given."""
