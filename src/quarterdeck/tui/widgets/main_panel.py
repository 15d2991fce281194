"""The main panel: one view at a time, at the right or below the team. It decides nothing about which."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from quarterdeck.tui.guards import Token
from quarterdeck.tui.widgets.request_panel import RequestPanel
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from quarterdeck.tui.widgets.views import ViewPanel
from quarterdeck.tui.widgets.wider_panel import WiderPanel


class MainPanel(Vertical):
    """Holds the transcript, the request panel and the views; shows one of them."""

    DEFAULT_CSS = "MainPanel { height: 1fr; width: 1fr; }"

    def __init__(self, transcript: TranscriptPanel, request: RequestPanel, views: Iterable[Widget]) -> None:
        super().__init__(id="main")
        self.transcript = transcript
        self.request = request
        self._views: tuple[Widget, ...] = (transcript, request, *views)
        self.current: Widget = transcript

    def compose(self) -> ComposeResult:
        """Every view; all but one are hidden."""
        for view in self._views:
            view.display = view is self.current
            yield view

    def show(self, view: Widget) -> None:
        """Bring one view to the front."""
        self.current = view
        for one in self._views:
            one.display = one is view

    def painted_tokens(self) -> frozenset[Token]:
        """What the last paint of the current view shows, as far as keys can act on it."""
        current = self.current
        if current is self.request:
            token = self.request.painted_token()
            return frozenset({("request", *token)} if token is not None else ())
        if current is self.transcript:
            run_id = self.transcript.run_id
            return frozenset({("view", run_id)} if run_id is not None else ())
        if isinstance(current, WiderPanel):
            current = current.sheet
        return current.painted_tokens() if isinstance(current, ViewPanel) else frozenset()
