"""What stands around a timeline: the header of the past, the team as it was, and what happened around it."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays, Row
from quarterdeck.state.store import Store
from quarterdeck.state.timeline import Event
from quarterdeck.tui.columns import Layout
from quarterdeck.tui.counts import needs_words, select_waiting
from quarterdeck.tui.look import Look
from quarterdeck.tui.past import PastSource
from quarterdeck.tui.rendering.cells import cut, fit
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.roster_rows import team_head
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.timeline_cursor import TimelineCursor
from quarterdeck.tui.timeline_drawing import clock_time
from quarterdeck.tui.widgets.bars import StateLine, folder_words
from quarterdeck.tui.widgets.lines import BLANK, LineWidget, rule_line, spread
from quarterdeck.tui.widgets.roster import Roster
from quarterdeck.tui.widgets.roster_lines import RowLines


class PastHeader(StateLine):
    """Which moment is shown, that nothing can be done there, and who needs you now."""

    def __init__(self, store: Store, look: Look, clock: Clock, cursor: TimelineCursor) -> None:
        super().__init__(store, look, clock, name="past-header")
        self._cursor = cursor

    def watched(self, state: AppState) -> object:
        return state.inbox

    def ground(self, y: int) -> Style:
        return self.look.roles.text + self.look.roles.surface

    def line(self, y: int) -> Line:
        roles = self.look.roles
        at = f" {clock_time(self._cursor.moment.at)}" if self._cursor.timeline.numbers else ""
        told = f"PAST{at} · look only · esc: now"
        waiting = len(select_waiting(self.state))
        if waiting:
            sign, style = self.look.sign("needs").strip(), roles.needs + Style(bold=True)
            rights = [(f"{sign} {needs_words(waiting)} now ", style), (f"{sign}{waiting} now ", style)]
        else:
            rights = [("nothing needs you now ", roles.quiet)]
        left: Line = ()
        # What waits now is told before where all of it is.
        for cells in (self.size.width, 0):
            place = folder_words(self.state.session.folder, cells)
            left = (
                Segment(" Quarterdeck", roles.strong),
                Segment(f"{place}   ", roles.text),
                Segment(told, roles.focus_title),
            )
            for words, style in rights:
                line = spread(left, (Segment(words, style),), self.size.width)
                if line is not left:
                    return line
        return left


class PastRoster(Roster, can_focus=False):
    """The rows as they stood at the shown moment; the chosen lane's is marked, if it had one."""

    class Pointed(Message):
        """The row of this run was clicked."""

        def __init__(self, run_id: RunId) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(self, source: PastSource, look: Look, delays: DisplayDelays) -> None:
        super().__init__(source, look, source.clock, delays, name="past-roster")
        self._lines = RowLines(look, source.clock.wall, delays, look_only=True)
        self.idle_is_open = True  # no key would unfold them

    def mark(self, run_id: RunId | None) -> None:
        """Mark the row of this run, wherever it stands."""
        self.selected = run_id
        self._refold()

    def _deliver(self, state: AppState) -> None:
        self._ranked, self._ranked_for, self._held_until = (), None, 0.0
        super()._deliver(state)
        self.refresh()

    def _keep_selection(self, before: tuple[Row, ...]) -> None:
        """The lanes tell which row is marked; here none takes another's place."""

    def _tick(self) -> None:
        """Nothing ages or spins in the past."""

    def _head(self, layout: Layout) -> Line:
        return team_head(f"Then {len(self._ranked)}", layout, self.look, is_focused=False)

    def on_click(self, event: events.Click) -> None:
        """The lane of this row is to be chosen."""
        event.prevent_default()
        at = self.top + event.y - 1
        if event.y > 0 and at < len(self.shown.rows):
            self.post_message(self.Pointed(self.shown.rows[at].run_id))

    def _empty_words(self) -> str:
        return "Nobody was there yet."


class AroundPanel(LineWidget):
    """The events before and after the cursor, that of the cursor marked."""

    DEFAULT_CSS = "AroundPanel { height: 1fr; width: 1fr; }"

    class Pointed(Message):
        """An event was clicked: its place among all of them."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, look: Look, cursor: TimelineCursor) -> None:
        super().__init__(look, name="around")
        self._cursor = cursor

    def line(self, y: int) -> Line:
        if y == 0:
            return rule_line(self.look, self.size.width, "What happened around it")
        events_, at = self._cursor.timeline.events, self._first + y - 1
        if at >= len(events_):
            return BLANK
        return self._event_line(events_[at], is_here=at == self._here)

    def ground(self, y: int) -> Style:
        is_here = y > 0 and self._first + y - 1 == self._here
        return self.look.roles.text + self.look.roles.select if is_here else self.look.roles.text

    def _event_line(self, event: Event, *, is_here: bool) -> Line:
        roles = self.look.roles
        head = f"{clock_time(event.at)} {fit(clean_name(event.who), 8)} "
        room = max(self.size.width - 2 - len(clock_time(event.at)) - 11, 1)
        style = roles.strong if event.is_decision else roles.text
        return (
            Segment("❯ " if is_here else "  ", roles.focus),
            Segment(head, roles.quiet),
            Segment(cut(clean_line(event.text), room), style),
        )

    @property
    def _here(self) -> int:
        return self._cursor.timeline.place_of(self._cursor.moment) - 1

    @property
    def _first(self) -> int:
        """Of the shown events: the cursor's stands in the middle, where there are enough."""
        shown = max(self.size.height - 1, 1)
        return max(0, min(self._here - (shown - 1) // 2, self._count - shown))

    @property
    def _count(self) -> int:
        return len(self._cursor.timeline.events)

    def on_click(self, event: events.Click) -> None:
        """Go to this event."""
        at = self._first + event.y - 1
        if event.y > 0 and at < self._count:
            self.post_message(self.Pointed(at))
