"""What tests of the main panel share: a look, an app that holds one widget, the text of the screen."""

from collections.abc import Iterable

from textual.app import App, ComposeResult
from textual.widget import Widget

from quarterdeck.domain.ids import RequestId
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.settings import Clock, SignSet
from quarterdeck.tui.theming import load_themes
from quarterdeck.tui.widgets.request_messages import Answered, Notice
from quarterdeck.tui.widgets.transcript_entries import View
from quarterdeck.tui.widgets.transcript_parts import plain
from tests.support import states

THEME = load_themes()[0]["quarterdeck-dark"]


def look(*, colour: bool = True, signs: SignSet = SignSet.UNICODE, reduced_motion: bool = False) -> Look:
    """The default look."""
    return Look(roles_of(THEME, colour=colour), signs=signs, reduced_motion=reduced_motion)


def view(cells: int = 60, *, name: str = "coder", raw: bool = False) -> View:
    """What entries are laid out with."""
    return View(cells, look(), name, raw)


def texts(lines: Iterable[Line]) -> list[str]:
    """The rows as text."""
    return [plain(line) for line in lines]


class Bench(App[None]):
    """An app around one widget; keeps the messages that it sends up."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.notices: list[str] = []
        self.answered: list[RequestId] = []
        self.copied: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def on_notice(self, message: Notice) -> None:
        self.notices.append(message.text)

    def on_answered(self, message: Answered) -> None:
        self.answered.append(message.request_id)


def screen_rows(app: App[None]) -> list[str]:
    """What the terminal would show, row by row."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def clock(now: float = states.NOW) -> Clock:
    """Time that stands still."""
    return Clock(wall=lambda: now, monotonic=lambda: 0.0)
