"""The whole past on the screen: header, timeline, the team, the events and the transcript of one moment.

It stands in the place of everything between the screen's top and its notice line, and is told by a source.
"""

from rich.style import Style
from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Horizontal, Vertical

from quarterdeck.domain.ids import RunId
from quarterdeck.state.selectors import DisplayDelays
from quarterdeck.state.store import Store
from quarterdeck.tui.arrangement import PastArrangement, arrange_past
from quarterdeck.tui.look import Look
from quarterdeck.tui.past import PastSource
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.lines import Divider
from quarterdeck.tui.widgets.past_parts import AroundPanel, PastHeader, PastRoster
from quarterdeck.tui.widgets.past_transcript import PastTranscript
from quarterdeck.tui.widgets.timeline_panel import TimelinePanel


class PastView(Vertical):
    """Parts of the past; `lay_out` gives each its room."""

    DEFAULT_CSS = """
    PastView { height: 1fr; width: 1fr; display: none; }
    PastView #past-middle { height: 1fr; }
    """

    def __init__(
        self, store: Store, controller: Controller, look: Look, clock: Clock, delays: DisplayDelays
    ) -> None:
        super().__init__(id="past")
        self.source = PastSource()
        self.timeline = TimelinePanel(look)
        self.header = PastHeader(store, look, clock, self.timeline.cursor)
        self.roster = PastRoster(self.source, look, delays)
        self.around = AroundPanel(look, self.timeline.cursor)
        self.transcript = PastTranscript(self.source, controller, look, self.timeline.cursor, delays=delays)
        self._divider = Divider(look, name="past-divider")
        self._laid: PastArrangement | None = None

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield self.header
        yield self.timeline
        yield self.roster
        with Horizontal(id="past-middle"):
            yield self.around
            yield self._divider
            yield self.transcript

    def lay_out(self) -> None:
        """Give every part its height and width, and hide what has none."""
        if not self.is_mounted or not self.size.height:
            return
        found = arrange_past(
            self.size.width,
            self.size.height,
            lanes=len(self.timeline.cursor.lanes),
            rows=self.roster.wanted_height,
            is_small=self.timeline.is_small,
        )
        if found == self._laid:
            return
        self._laid = found
        self.timeline.styles.height = found.timeline
        self.roster.display = found.team > 0
        self.roster.styles.height = max(found.team, 1)
        self.around.display = self._divider.display = found.left > 0
        self.around.styles.width = max(found.left, 1)

    def moved(self) -> None:
        """The cursor holds another moment, lane or window."""
        self.lay_out()
        self.timeline.moved()
        self.header.refresh()
        self.around.refresh()

    def point(self, run_id: RunId | None, name: str) -> None:
        """Mark the row of a run and show its transcript."""
        self.roster.mark(run_id)
        self.transcript.point(run_id, name)
        self.transcript.redraw_moment()

    def lay_ground(self, style: Style | None) -> None:
        """Lay the background of a style under the whole screen; None or a style without one: its own."""
        colour = style.bgcolor if style is not None else None
        self.screen.styles.background = Color.from_rich_color(colour) if colour is not None else None

    def on_resize(self) -> None:
        """Another size."""
        self.lay_out()

    def on_roster_resized(self) -> None:
        """There were more rows or fewer at this moment."""
        self.lay_out()
