"""The team: one row per teammate, drawn line by line, only those on the screen. Owns selection and scroll.

Selection is by run id. It never asks for a new rank unless the team's revision or the open requests changed.
"""

from collections.abc import Callable, Iterator

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays, Row, select_rows
from quarterdeck.tui.columns import Layout, lay_out
from quarterdeck.tui.connect import Beat, Connection, Source, connect
from quarterdeck.tui.guards import Token
from quarterdeck.tui.look import Look
from quarterdeck.tui.ranking import (
    FOLD,
    Order,
    Shown,
    Which,
    after,
    ended_in_place,
    fold_idle,
    held,
    matching,
    next_after,
    ordered,
)
from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.roster_rows import SIGN_AT, fold_row, team_head, team_title
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.lines import BLANK, LineWidget
from quarterdeck.tui.widgets.roster_lines import DrawnRow, RowLines

HOLD_S = 2.0
"""So long after the last key of the roster its order stays."""
TICK_S = 0.1
MANY = 100
"""With more rows than this, an order that only changed by work is made by the tick."""
EMPTY_TEAM = "No teammates yet. Write to the lead below, or /spawn NAME what it shall do."
EMPTY_WITHOUT_LEAD = "No teammates yet. /spawn NAME what it shall do."
NO_MATCH = "No row matches. esc shows all."


class Roster(LineWidget, can_focus=True):
    """Place R. The head is its first line."""

    class Chosen(Message):
        """Another row is selected."""

        def __init__(self, run_id: RunId | None, *, by_itself: bool) -> None:
            super().__init__()
            self.run_id = run_id
            self.by_itself = by_itself

    class Opened(Message):
        """A row was double-clicked."""

    class Resized(Message):
        """There are more or fewer rows than before."""

    def __init__(
        self, store: Source, look: Look, clock: Clock, delays: DisplayDelays, *, name: str = "roster"
    ) -> None:
        super().__init__(look, name=name)
        self._store = store
        self._clock = clock
        self._state = store.state
        self._ranked: tuple[Row, ...] = ()
        self._ranked_for: tuple[int, tuple[RequestId, ...]] | None = None
        self._held_until = 0.0
        self._must_rank = False
        self._lines = RowLines(look, clock.wall, delays)
        self._drawn: dict[int, RunId | None] = {}
        self._told: dict[int, DrawnRow] = {}
        """By row of the widget: what the last tick found there, and drew where it was another."""
        self._frames: dict[tuple[str, Style, Style], Strip] = {}
        self._laid: tuple[object, Layout] | None = None
        self._drawn_generation = -1
        self._generation = 0
        self._connection: Connection[AppState] | None = None
        self._beat: Beat | None = None
        self._last_second = -1
        self._last_frame = ""
        self._dirty = False
        self._may_move = False
        self.shown = Shown()
        self.selected: RunId | None = None
        self.top = 0
        self.idle_is_open = False
        self.order = Order.NEEDS
        self.which = Which.ALL

    def on_mount(self) -> None:
        """Listen to the store and to the one clock of the rows."""
        self._connection = connect(self, self._store, lambda state: state, self._deliver)
        self._beat = Beat(self, TICK_S, self._tick)

    def on_unmount(self) -> None:
        """Listen no more."""
        for one in (self._connection, self._beat):
            if one is not None:
                one.close()

    # What is shown

    def _deliver(self, state: AppState) -> None:
        self._state = state
        self._dirty = True
        # No revision tells that tokens or a name have changed; once a second is enough.
        self._may_move = self.order in (Order.TOKENS, Order.NAME)
        wanted = (state.team.revision, state.inbox.open)
        if wanted == self._ranked_for:
            return
        is_open_same = self._ranked_for is not None and wanted[1] == self._ranked_for[1]
        self._ranked_for = wanted
        self._must_rank = True
        if is_open_same and len(state.team.rows) > MANY and len(self._ranked) == len(state.team.rows):
            self.refresh()  # the rank of so many is made by the tick, ten times a second
        else:
            self._rank()

    def _rank(self, shown_before: tuple[Row, ...] = ()) -> None:
        """Bring the rows up to date; while the hand is on them their order stays.

        :param shown_before: what was shown, where that must not tell the places: rows were arranged anew.
        """
        ranked = ordered(select_rows(self._state.team, self._state.inbox), self._state.team, self.order)
        if self._clock.monotonic() < self._held_until:
            stays = {row.run_id for row in self._ranked}
            ranked = held(self._ranked, matching(ranked, self.which, keep=stays))
        else:
            ranked = matching(ranked, self.which)
            ranked = ended_in_place(self._ranked, ranked) if self.order is Order.NEEDS else ranked
            self._must_rank = False
        before, self._ranked = shown_before or self._ranked, ranked
        self._keep_selection(before)
        self._refold()

    def _refold(self) -> None:
        count = len(self.shown.rows)
        self.shown = fold_idle(self._ranked, is_open=self.idle_is_open, keep=self.selected)
        if len(self.shown.rows) != count:
            self.post_message(self.Resized())
        self._show_selected()
        self.refresh()

    def _keep_selection(self, before: tuple[Row, ...]) -> None:
        if self.selected == FOLD or any(row.run_id == self.selected for row in self._ranked):
            return
        if self.selected is None:
            new = self._ranked[0].run_id if self._ranked else None
        else:
            new = next_after(before, self.selected, self._ranked, self._state.team)
        if new != self.selected:
            was_chosen = self.selected is not None
            self.selected = new
            self._generation += 1 if was_chosen else 0
            self.post_message(self.Chosen(new, by_itself=True))

    def _tick(self) -> None:
        if self._must_rank and self._clock.monotonic() >= self._held_until:
            self._rank()
            return
        second = int(self._clock.wall())
        if self._may_move and second != self._last_second:
            self._must_rank, self._may_move = True, False
        frame = self.look.spinner(self._clock.monotonic()) if self.look.spins else ""
        if self._dirty or second != self._last_second or frame != self._last_frame:
            self._last_second, self._last_frame = second, frame
            self._dirty = False
            self._refresh_changed()

    def _refresh_changed(self) -> None:
        """Have only the rows painted that changed, and of those that only spin only the sign."""
        layout, cells = self._layout(), self.outer_size.width
        told: dict[int, DrawnRow] = {}
        changed = []
        for y, row in enumerate(self._visible(), start=1):
            if row.run_id == FOLD:
                continue
            drawn = told[y] = self._row(row, layout)
            if self._told.get(y) is not drawn:
                changed.append(Region(0, y, cells, 1))
            elif drawn.spinner is not None:
                changed.append(Region(SIGN_AT, y, self.look.sign_cells, 1))
        self._told = told
        if changed:
            self.refresh(*changed)

    def _visible(self) -> Iterator[Row]:
        yield from self.shown.rows[self.top : self.top + max(self.outer_size.height - 1, 0)]

    @property
    def wanted_height(self) -> int:
        """Lines for the head and every row."""
        return max(len(self.shown.rows), 1) + 1

    # Drawing

    def line(self, y: int) -> Line:
        layout = self._layout()
        if y == 0:
            return self._head(layout)
        at = self.top + y - 1
        if at >= len(self.shown.rows):
            self._drawn[y] = None
            if at == 0:
                return (Segment(" " + self._empty_words(), self.look.roles.quiet),)
            return BLANK
        row = self.shown.rows[at]
        self._drawn[y] = row.run_id
        if row.run_id == self.selected:
            self._drawn_generation = self._generation
        if row.run_id == FOLD:
            return fold_row(self.shown.folded, layout, self.look, is_chosen=self.selected == FOLD)
        return self._row(row, layout).line

    def ground(self, y: int) -> Style:
        at = self.top + y - 1
        roles = self.look.roles
        is_row = y > 0 and at < len(self.shown.rows)
        if is_row and self.shown.rows[at].run_id == self.selected:
            return roles.text + roles.select
        return roles.text

    def finished_line(self, y: int, finish: Callable[[Strip], Strip]) -> Strip:
        strip = super().finished_line(y, finish)
        at = self.top + y - 1
        if y == 0 or at >= len(self.shown.rows) or self.shown.rows[at].run_id == FOLD:
            return strip
        style = self._row(self.shown.rows[at], self._layout()).spinner
        if style is None:
            return strip
        frame, ground = self.look.spinner(self._clock.monotonic()), self.ground(y)
        sign = self._frames.get((frame, style, ground))
        if sign is None:
            sign = self._frames[frame, style, ground] = Strip([Segment(frame, ground + style)])
        return Strip.join([strip.crop(0, SIGN_AT), finish(sign), strip.crop(SIGN_AT + sign.cell_length)])

    def _row(self, row: Row, layout: Layout) -> DrawnRow:
        self._lines.keep(2 * len(self.shown.rows) + 50)
        return self._lines.row(self._state, row, layout, is_chosen=row.run_id == self.selected)

    def _layout(self) -> Layout:
        team, size = self._state.team, self.outer_size
        wanted = (self.shown, self.top, size, self.look.sign_cells, team.revision)
        if self._laid is None or self._laid[0] != wanted:
            rows = [row for row in self._visible() if row.run_id != FOLD]
            names = [width(clean_name(team.by_run[row.run_id].name)) + 2 * row.depth for row in rows]
            self._laid = (wanted, lay_out(size.width, max(names, default=0), sign=self.look.sign_cells))
        return self._laid[1]

    def _head(self, layout: Layout) -> Line:
        title = team_title(len(self._ranked), len(self._state.team.rows), self.which, self.order)
        return team_head(title, layout, self.look, is_focused=self.has_focus, panel=self)

    def _empty_words(self) -> str:
        return NO_MATCH if self._state.team.rows else EMPTY_TEAM

    # What was painted

    def painted_tokens(self) -> frozenset[Token]:
        """The rows that the last paint showed, and which selection it showed."""
        if not self.display or not self.size.height:
            return frozenset()
        rows = (self._drawn.get(y) for y in range(1, self.size.height))
        return frozenset(
            [("row", run_id) for run_id in rows if run_id is not None] + [("chosen", self._drawn_generation)]
        )

    def needed_tokens(self) -> tuple[Token, ...]:
        """What must have been painted before a key may act on the selected row."""
        return (("row", self.selected), ("chosen", self._generation))

    # Selecting

    def select(self, run_id: RunId | None) -> None:
        """Select a row, as the person asked."""
        if run_id == self.selected:
            return
        if self.which is not Which.ALL and self.shown.index_of(run_id) is None:
            self._arrange_anew(self.order, Which.ALL)  # who is wanted from elsewhere is not hidden
        self.selected = run_id
        self._held_until = self._clock.monotonic() + HOLD_S
        self._must_rank = True
        self._show_selected()
        self.refresh()
        self.post_message(self.Chosen(run_id, by_itself=False))

    def do(self, action: str) -> bool:
        """Move by an action of the keymap; False = not one of these."""
        self._held_until = self._clock.monotonic() + HOLD_S
        self._must_rank = True
        rows = self.shown.rows
        arrange = self._arranging().get(action)
        if arrange is not None:
            arrange()
            return True
        page = max(self.size.height - 2, 1)
        steps = {
            "up": -1,
            "down": 1,
            "page-up": -page,
            "page-down": page,
            "top": -len(rows),
            "end": len(rows),
        }
        if action not in steps:
            return False
        if rows:
            at = self.shown.index_of(self.selected) or 0
            self.select(rows[max(0, min(at + steps[action], len(rows) - 1))].run_id)
        return True

    def _arranging(self) -> dict[str, Callable[[], None]]:
        return {
            "fold-idle": self.toggle_idle,
            "order": lambda: self._arrange_anew(after(self.order), self.which),
            "which": lambda: self._arrange_anew(self.order, after(self.which)),
            "show-all": lambda: self._arrange_anew(self.order, Which.ALL),
        }

    def _arrange_anew(self, order: Order, which: Which) -> None:
        """Order or choose the rows as the person asks, now; then they are held again."""
        if (order, which) == (self.order, self.which):
            return
        self.order, self.which = order, which
        before = self._ranked
        self._ranked, self._held_until = (), 0.0
        self._rank(before)
        self._held_until = self._clock.monotonic() + HOLD_S

    def toggle_idle(self) -> None:
        """Unfold the idle rows, or fold them."""
        self.idle_is_open = not self.idle_is_open
        if self.selected == FOLD:
            idle = [row for row in self._ranked if self.shown.index_of(row.run_id) is None]
            self.selected = idle[0].run_id if idle else None
            self.post_message(self.Chosen(self.selected, by_itself=False))
        self._refold()

    def _show_selected(self) -> None:
        at = self.shown.index_of(self.selected)
        room = max(self.size.height - 1, 1)
        if at is not None:
            self.top = min(max(self.top, at - room + 1), at)
        self.top = max(0, min(self.top, len(self.shown.rows) - room))

    def on_resize(self) -> None:
        """The selected row stays in sight."""
        before = self.top
        self._show_selected()
        if self.top != before:
            self.refresh()  # rows that came while all were hidden had scrolled it

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a double click opens it."""
        at = self.top + event.y - 1
        if event.y > 0 and at < len(self.shown.rows):
            self.select(self.shown.rows[at].run_id)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls without selecting."""
        event.stop()
        self.top = max(0, min(self.top + 2, len(self.shown.rows) - max(self.size.height - 1, 1)))
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls without selecting."""
        event.stop()
        self.top = max(0, self.top - 2)
        self.refresh()

    def on_focus(self) -> None:
        """The rule gets heavy."""
        self.refresh()

    def on_blur(self) -> None:
        """The rule gets light."""
        self.refresh()
