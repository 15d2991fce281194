"""Where the person writes: the rule that names the addressee, and the composer under it."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import TextArea

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import LineWidget, rule_line


class AddressLine(LineWidget):
    """`─ to builder ──── steer: at the next tool boundary ─`."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="address")
        self.addressee = ""
        self.way = ""
        self.is_active = False

    def line(self, y: int) -> Line:
        title = f"to {self.addressee}" if self.addressee else ""
        return rule_line(self.look, self.size.width, title, self.way, is_focused=self.is_active)


class Writing(Vertical):
    """Rule and text."""

    DEFAULT_CSS = """
    Writing { height: 2; width: 1fr; }
    Writing TextArea { border: none; padding: 0 1; height: 1fr; }
    """

    def __init__(self, look: Look) -> None:
        super().__init__(id="writing")
        self.address = AddressLine(look)
        self.text = TextArea(id="composer", show_line_numbers=False)

    def compose(self) -> ComposeResult:
        """The rule over the text."""
        yield self.address
        with Horizontal():
            yield self.text
