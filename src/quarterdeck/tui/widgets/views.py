"""Views that the main panel can hold beside transcripts and requests: History, Help, sheets, Welcome."""

from textual import events

from quarterdeck.tui.guards import Token
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import BLANK, KeyClicked, ScrollLines, rule_line


class ViewPanel(ScrollLines, can_focus=True):
    """A titled text that scrolls; its first line is the title."""

    DEFAULT_CSS = "ViewPanel { height: 1fr; width: 1fr; }"

    def __init__(self, look: Look, *, name: str, title: str, right: str = "") -> None:
        super().__init__(look, name=name)
        self.title = title
        self.right = right

    def rows(self, cells: int) -> tuple[Line, ...]:
        """The rows at this width."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Make the rows anew: the width, the look or what is told has changed."""
        if self.size.width:
            self.show_lines(self.rows(self.size.width))

    def scroll_rows(self, rows: int) -> None:
        room = max(self.size.height - 1, 1)
        self.top = max(0, min(self.top + rows, self.count - room))
        self.refresh()

    def line(self, y: int) -> Line:
        if y == 0:
            return rule_line(
                self.look, self.size.width, self.title, self.right, is_focused=self.has_focus, panel=self
            )
        return super().line(y - 1) if y > 0 else BLANK

    def painted_tokens(self) -> frozenset[Token]:
        """Nothing here can be acted on, unless a view says so."""
        return frozenset()

    def on_resize(self) -> None:
        """Another width."""
        self.rebuild()

    def on_show(self) -> None:
        """It came to the front."""
        self.rebuild()

    def on_click(self, event: events.Click) -> None:
        """A key that is named here can be clicked."""
        clicked = KeyClicked.under(event)
        if clicked is not None:
            self.post_message(clicked)

    def on_focus(self) -> None:
        """The rule gets heavy."""
        self.refresh()

    def on_blur(self) -> None:
        """The rule gets light."""
        self.refresh()
