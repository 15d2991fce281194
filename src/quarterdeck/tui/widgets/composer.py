"""The composer: the text to one addressee, its draft, how it is said, and what completes it.

It sends nothing: it posts what the person did. The screen tells it whom it writes to.
Keys reach it through Textual or, by action name, through `Composer.do`.
"""

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.teammates import Way
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.composer_completion import Choice, Completions
from quarterdeck.tui.widgets.composer_history import Draft
from quarterdeck.tui.widgets.composer_text import WritingArea
from quarterdeck.tui.widgets.lines import LineWidget, rule_line

KEYS = {
    "enter": "send",
    "ctrl+j": "new-line",
    "shift+enter": "new-line",
    "tab": "complete",
    "shift+tab": "way",
    "escape": "back",
    "up": "older",
    "down": "newer",
    "ctrl+g": "editor",
    "ctrl+c": "copy-or-clear",
}
"""Which key means what here; a router that has its own keymap calls `Composer.do` with these actions."""

WAYS = {
    Way.STEER: ("steer", "at the next tool boundary"),
    Way.QUEUE: ("queue", "after its turn"),
    Way.INTERRUPT: ("now", "interrupts its turn"),
}
HINT = "m or enter to write"
GONE_HINT = "it is gone: r revives it, then you can write"
MOST_ROWS = 6


def no_completions(_kind: str, _prefix: str) -> tuple[str, ...]:
    """Nothing to complete."""
    return ()


class RuleRow(LineWidget):
    """`─ to builder ──── steer: at the next tool boundary ─`."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.left = ""
        self.right = ""
        self.is_active = False

    def line(self, y: int) -> Line:
        return rule_line(self.look, self.size.width, self.left, self.right, is_focused=self.is_active)


class PromptColumn(LineWidget):
    """` › ` before the first row of the text, and blanks before the others."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.prompt = " › "

    def line(self, y: int) -> Line:
        return (Segment(self.prompt, self.look.roles.focus),) if y == 0 else ()


class SuggestionRows(LineWidget):
    """The words to choose from, above the text; never over it."""

    def __init__(self, look: Look, choice: Choice) -> None:
        super().__init__(look)
        self._choice = choice

    def line(self, y: int) -> Line:
        first, shown = self._choice.window()
        if y >= len(shown):
            return ()
        one = shown[y]
        roles = self.look.roles
        is_chosen = first + y == self._choice.index
        more = f"  {first + y + 1} of {len(self._choice.suggestions)}" if is_chosen else ""
        room = max(self.size.width - 14 - width(more), 8)
        sign = "/" if one.kind == "command" else "@"
        word = Segment(cut(sign + clean_name(one.word), room), roles.strong if is_chosen else roles.text)
        return (
            Segment(" ❯ " if is_chosen else "   ", roles.focus),
            word,
            Segment(f"  {one.kind}{more}", roles.quiet),
        )


class Composer(Vertical):
    """Rule, suggestions, prompt and text. Its height follows the text, up to `most_rows` rows of it."""

    DEFAULT_CSS = """
    Composer { height: 2; width: 1fr; }
    Composer > Horizontal { height: 1; }
    Composer PromptColumn { width: 3; height: 1fr; }
    Composer SuggestionRows { height: 0; }
    """

    class Submitted(Message):
        """The person sends a text."""

        def __init__(self, addressee: str, text: str, way: Way) -> None:
            super().__init__()
            self.addressee, self.text, self.way = addressee, text, way

    class LastMessageWanted(Message):
        """The person wants the last message back; answer with `Composer.bring_back`."""

        def __init__(self, addressee: str) -> None:
            super().__init__()
            self.addressee = addressee

    class EditorWanted(Message):
        """The person wants to write in $EDITOR; give its text to `Composer.put`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class LeaveWanted(Message):
        """The person goes away from the text; the draft stays."""

    class RowsChanged(Message):
        """It needs another number of rows (text, suggestions; without the rule)."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    def __init__(
        self, look: Look, completions: Completions = no_completions, *, name: str | None = "composer"
    ) -> None:
        super().__init__(id=name)
        self._look = look
        self._drafts: dict[str, Draft] = {}
        self._key = ""
        self._label = ""
        self._is_gone = False
        self._most_rows = MOST_ROWS
        self._has_rule = True
        self._rows = 1
        self._choice = Choice(completions)
        self.area = WritingArea(keys=KEYS, do=self.do, fold=lambda text: self._draft.pastes.fold(text))
        self._rule = RuleRow(look)
        self._prompt = PromptColumn(look)
        self._suggested = SuggestionRows(look, self._choice)

    def compose(self) -> ComposeResult:
        """The rule over the suggestions over the text."""
        yield self._rule
        yield self._suggested
        with Horizontal():
            yield self._prompt
            yield self.area

    def on_mount(self) -> None:
        """Draw the frame for the first time."""
        self.redraw()

    @property
    def addressee(self) -> str:
        """The key of the one to whom the text goes."""
        return self._key

    @property
    def text(self) -> str:
        """The whole text, with pastes unfolded."""
        return self._draft.pastes.expand(self.area.text)

    @property
    def way(self) -> Way:
        """How the text shall be said."""
        return self._draft.way

    @property
    def rows(self) -> int:
        """Rows of text and suggestions, without the rule."""
        return self._rows

    @property
    def has_keys(self) -> bool:
        """Whether the text has the focus."""
        return self.area.has_focus

    def set_addressee(self, key: str, label: str) -> None:
        """Write to another one (`label` is its name); the draft of the former stays with it."""
        if key != self._key:
            self._keep_draft()
            self._key = key
            draft = self._draft
            self._choice.close()
            self.area.load(draft.text)
            self.area.move_cursor(draft.cursor)
        self._label = label
        self.redraw()

    def set_gone(self, is_gone: bool) -> None:
        """Whether the addressee has ended, so that nothing reaches it."""
        if is_gone != self._is_gone:
            self._is_gone = is_gone
            self.redraw()

    def draft_of(self, key: str) -> str:
        """The unsent text to an addressee, as it is shown."""
        if key == self._key:
            return self.area.text
        return self._drafts[key].text if key in self._drafts else ""

    def set_frame(self, *, has_rule: bool, most_rows: int = MOST_ROWS) -> None:
        """With a rule of its own, or (narrow terminals) the addressee in the prompt; how far it may grow."""
        self._has_rule, self._most_rows = has_rule, most_rows
        self.redraw()

    def put(self, text: str) -> None:
        """Another text (from $EDITOR, a paste outside the field); `ctrl+z` brings the former back."""
        self.area.put(self._draft.pastes.fold_again(text))

    def bring_back(self, text: str) -> None:
        """A message that was sent comes back, before whatever was written meanwhile."""
        draft = self._draft
        folded = draft.pastes.fold(text)
        draft.sent.start(folded)
        self.area.put(folded if self.area.is_empty else f"{folded}\n{self.area.text}")

    def paste(self, text: str) -> None:
        """Text pasted elsewhere on the screen becomes part of the draft."""
        self.area.take_paste(text)

    def do(self, action: str) -> bool:
        """Acts as the key of that action would; false when there is nothing to do and the key may go on."""
        match action:
            case "send":
                return self._send()
            case "new-line":
                return self.area.new_line()
            case "complete":
                return self._take_suggestion() or self._leave()
            case "back":
                return self._close_suggestions() or self._leave()
            case "way":
                return self._next_way()
            case "older" | "newer":
                return self._move(-1 if action == "older" else 1)
            case "editor":
                return bool(self.post_message(self.EditorWanted(self.text)))
            case "copy-or-clear":
                return self.area.copy_or_clear()
            case "undo":
                self.area.undo()
                return True
            case _:
                return False

    def redraw(self) -> None:
        """Draws the frame anew: focus, addressee, way, theme or width changed."""
        has_keys = self.has_keys
        word, when = WAYS[self.way]
        others = [WAYS[way][0] for way in WAYS if way is not self.way]
        self._rule.left = f"to {clean_line(self._label)}" if self._label else ""
        self._rule.right = f"{word}: {when}" + (f" · shift+tab {', '.join(others)}" if has_keys else "")
        if self._is_gone:
            self._rule.right = "it is gone · esc, then r revives it" if has_keys else ""
        self._rule.is_active = has_keys
        self._rule.display = self._has_rule
        said = f" · {word}" if has_keys else ""
        self._prompt.prompt = (
            " › " if self._has_rule or not self._label else f" to {cut(self._rule.left[3:], 16)}{said} › "
        )
        self._prompt.styles.width = width(self._prompt.prompt)
        self.area.placeholder = "" if has_keys else GONE_HINT if self._is_gone else HINT
        self._measure()
        self._rule.refresh()
        self._prompt.refresh()

    def _on_descendant_focus(self) -> None:
        """The text got the keys."""
        self.redraw()

    def _on_descendant_blur(self) -> None:
        """The text lost the keys; its draft stays."""
        self._close_suggestions()
        self.redraw()

    def _on_text_area_changed(self, event: WritingArea.Changed) -> None:
        """The text changed."""
        event.stop()
        self._look_for_suggestions()

    def _on_text_area_selection_changed(self, event: WritingArea.SelectionChanged) -> None:
        """The cursor moved."""
        event.stop()
        self._look_for_suggestions()

    def on_resize(self) -> None:
        """The text wraps anew."""
        self.call_after_refresh(self._measure)

    @property
    def _draft(self) -> Draft:
        return self._drafts.setdefault(self._key, Draft())

    def _keep_draft(self) -> None:
        self._draft.text = self.area.text
        self._draft.cursor = self.area.cursor_location

    def _send(self) -> bool:
        if self.area.before_cursor.endswith("\\"):
            return self.area.new_line()
        shown, text, way = self.area.text, self.text, self.way
        if not text.strip():
            return True
        self._draft.sent.add(shown)
        self._draft.way = Way.STEER
        self.area.put("")
        self.redraw()
        self.post_message(self.Submitted(self._key, text, way))
        return True

    def _next_way(self) -> bool:
        ways = list(WAYS)
        self._draft.way = ways[(ways.index(self.way) + 1) % len(ways)]
        self.redraw()
        return True

    def _leave(self) -> bool:
        self._keep_draft()
        self.post_message(self.LeaveWanted())
        return True

    def _move(self, by: int) -> bool:
        """Up and down: in the suggestions, in what was sent, else the caret's own business."""
        if self._choice.is_open:
            self._choice.move(by)
            self._suggested.refresh()
            return True
        if self.area.is_empty and by < 0:
            self.post_message(self.LastMessageWanted(self._key))
            return True
        sent = self._draft.sent
        at_edge = self.area.cursor_at_first_line if by < 0 else self.area.cursor_at_last_line
        if not at_edge or not sent.is_shown(self.area.text):
            return False
        text = sent.step(by)
        if text is not None:
            self.area.put(text)
        return True

    def _take_suggestion(self) -> bool:
        choice = self._choice
        if not choice.is_open or choice.trigger is None:
            return False
        row, column = self.area.cursor_location
        chosen = choice.suggestions[choice.index]
        self.area.history.checkpoint()
        result = self.area.replace(
            clean_line(chosen.inserted),
            (row, choice.trigger.column),
            (row, column),
            maintain_selection_offset=False,
        )
        self.area.move_cursor(result.end_location)
        return True

    def _close_suggestions(self) -> bool:
        if not self._choice.is_open:
            return False
        self._choice.close()
        self._measure()
        return True

    def _look_for_suggestions(self) -> None:
        if self.has_keys:
            self._choice.look(self.area.before_cursor, self.area.cursor_location[0])
        self._measure()

    def _measure(self) -> None:
        """Gives the parts their heights and tells when the whole needs another one."""
        if not self.is_mounted:
            return
        suggested = len(self._choice.window()[1]) if self._choice.is_open else 0
        written = min(self.area.rows, self._most_rows)
        self._suggested.styles.height = suggested
        self._suggested.display = suggested > 0
        self._suggested.refresh()
        self.query_one(Horizontal).styles.height = written
        self.styles.height = suggested + written + (1 if self._has_rule else 0)
        if suggested + written != self._rows:
            self._rows = suggested + written
            self.post_message(self.RowsChanged(self._rows))
