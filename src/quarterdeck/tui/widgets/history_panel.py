"""History: runs that have ended, newest first; those of this session, and below them those of earlier ones.

It asks the archive once each time it is opened. However many runs there are, only those in sight are drawn.
"""

from collections.abc import Iterable
from enum import StrEnum

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.worker import Worker

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Team, Teammate
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import ArchiveGone, ArchivePort
from quarterdeck.tui.ranking import after
from quarterdeck.tui.rendering.cells import cut
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.history_rows import (
    HEAD,
    SessionRuns,
    own_detail,
    run_row,
    session_row,
    sessions_of,
    stored_detail,
    sums,
)
from quarterdeck.tui.widgets.lines import BLANK
from quarterdeck.tui.widgets.request_messages import Notice
from quarterdeck.tui.widgets.stored_words import OUTCOME_WORDS, outcome_of
from quarterdeck.tui.widgets.views import ViewPanel

DETAIL_LINES = 8

Item = Teammate | SessionRuns | StoredRun
"""A row of the list: a run, or the head of an earlier session."""
Key = RunId | tuple[str, RunId]
"""What a run is chosen by: of another session with that session's id."""


class EndedOrder(StrEnum):
    """By what the runs are ordered; the value is what the title says."""

    NEWEST = "newest first"
    NAME = "by name"
    TOKENS = "by tokens"


def select_ended(
    team: Team, order: EndedOrder = EndedOrder.NEWEST, outcome: Outcome | None = None
) -> tuple[Teammate, ...]:
    """Every run that has ended (`outcome`: so), the last one first; also among equals in other orders."""
    ended = [mate for mate in team.by_run.values() if mate.is_terminal and outcome in (None, mate.outcome)]
    ended.sort(key=lambda mate: mate.ended_at or 0.0, reverse=True)
    match order:
        case EndedOrder.NAME:
            ended.sort(key=lambda mate: clean_name(mate.name).casefold())
        case EndedOrder.TOKENS:
            ended.sort(key=lambda mate: -mate.usage.total)
    return tuple(ended)


def select_stored(
    runs: Iterable[StoredRun], order: EndedOrder = EndedOrder.NEWEST, outcome: Outcome | None = None
) -> tuple[SessionRuns | StoredRun, ...]:
    """The head of each session, then its runs in this order (`outcome`: those that ended so)."""
    items: list[SessionRuns | StoredRun] = []
    for session in sessions_of(run for run in runs if outcome in (None, outcome_of(run))):
        inside = list(session.runs)
        match order:
            case EndedOrder.NAME:
                inside.sort(key=lambda run: clean_name(run.name).casefold())
            case EndedOrder.TOKENS:
                inside.sort(key=lambda run: -run.usage.total)
        items += [session, *inside]
    return tuple(items)


def next_outcome(team: Team, chosen: Outcome | None, stored: Iterable[StoredRun] = ()) -> Outcome | None:
    """The next outcome that some run has had; None (all) behind the last one."""
    had = {mate.outcome for mate in team.by_run.values()} | {outcome_of(run) for run in stored}
    every = list(Outcome)
    first = every.index(chosen) + 1 if chosen is not None else 0
    return next((one for one in every[first:] if one in had), None)


class HistoryPanel(ViewPanel):
    """Place H."""

    class Opened(Message):
        """The chosen run is to be looked at."""

        def __init__(self, run_id: RunId) -> None:
            super().__init__()
            self.run_id = run_id

    class Chosen(Message):
        """The cursor is on another run: other keys may work there."""

    class StoredOpened(Message):
        """The chosen run of another session is to be looked at."""

        def __init__(self, run: StoredRun) -> None:
            super().__init__()
            self.run = run

    def __init__(self, store: Store, look: Look, clock: Clock, archive: ArchivePort) -> None:
        super().__init__(look, name="history", title="History · runs that have ended", right="this session")
        self._store = store
        self._clock = clock
        self._archive = archive
        self._stored: tuple[StoredRun, ...] = ()
        self._stored_items: tuple[SessionRuns | StoredRun, ...] = ()
        self._items: tuple[Item, ...] = ()
        self._places: dict[Key, int] = {}
        self._sums = ""
        self._is_asking = False
        self._key: Key | None = None
        self.order = EndedOrder.NEWEST
        self.outcome: Outcome | None = None
        self._connection: Connection[Team] | None = None

    def on_mount(self) -> None:
        """Listen to the team."""
        self._connection = connect(self, self._store, _select_team, self._deliver)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()

    # What there is

    def ask(self) -> None:
        """Ask for the runs of earlier sessions; what is known of them is shown until then."""
        self._is_asking = True
        _asks: Worker[None] = self.app.run_worker(
            self._ask, group="history", exclusive=True, exit_on_error=False
        )

    async def _ask(self) -> None:
        try:
            self._stored = await self._archive.runs()
        except ArchiveGone as gone:
            self.post_message(Notice(str(gone)))
        self._is_asking = False
        self._arrange_stored()
        self._deliver(self._store.state.team)

    def stored_run(self, session_id: str, run_id: RunId) -> StoredRun | None:
        """A run of an earlier session, as far as the last question told."""
        same = (run for run in self._stored if (run.session_id, run.run_id) == (session_id, run_id))
        return next(same, None)

    @property
    def selected(self) -> RunId | None:
        """The run of this session under the cursor."""
        return self._key if isinstance(self._key, str) else None

    @property
    def selected_stored(self) -> StoredRun | None:
        """The run of another session under the cursor."""
        chosen = self._chosen
        return chosen if isinstance(chosen, StoredRun) else None

    @property
    def _chosen(self) -> Item | None:
        at = self._places.get(self._key) if self._key is not None else None
        return self._items[at] if at is not None else None

    def _arrange_stored(self) -> None:
        self._stored_items = select_stored(self._stored, self.order, self.outcome)

    def _deliver(self, team: Team) -> None:
        if not self.display:
            return
        self._items = (*select_ended(team, self.order, self.outcome), *self._stored_items)
        self._places = {key: at for at, item in enumerate(self._items) if (key := _key_of(item)) is not None}
        self._sums = sums([_outcome_of(item) for item in self._items if not isinstance(item, SessionRuns)])
        self.right = self._right()
        self.top = max(0, min(self.top, len(self._items) - self._list_lines))
        if self._key not in self._places:
            self._key = next(iter(self._places), None)
            self.post_message(self.Chosen())
        self.refresh()

    def _right(self) -> str:
        """Of the title: which runs in which order."""
        which = "all sessions" if self._stored else "this session"
        words = OUTCOME_WORDS[self.outcome][1] if self.outcome is not None else which
        return words if self.order is EndedOrder.NEWEST else f"{words} · {self.order}"

    def _arrange_anew(self) -> None:
        self._arrange_stored()
        self._deliver(self._store.state.team)
        self._reveal(self._places.get(self._key, 0) if self._key is not None else 0)

    def _reveal(self, at: int) -> None:
        """Scroll as little as needed; a session's head comes into sight with its first run."""
        first = at - 1 if at and isinstance(self._items[at - 1], SessionRuns) else at
        self.top = min(max(self.top, at - self._list_lines + 1), first)

    def on_resize(self) -> None:
        """Another size: the chosen run stays in sight."""
        if self.display:
            self._arrange_anew()

    def rebuild(self) -> None:
        self._deliver(self._store.state.team)

    def rows(self, cells: int) -> tuple[Line, ...]:
        return ()

    # Drawing

    @property
    def _list_lines(self) -> int:
        """Lines for runs: what is left by title, heads, sums and detail."""
        room = self.size.height - 2
        wanted = len(self._items)
        if wanted + DETAIL_LINES + 4 <= room:
            return wanted
        return max(min(wanted, room - (10 if room >= 18 else 6)), 1)

    def line(self, y: int) -> Line:
        cells, roles = self.size.width, self.look.roles
        if y == 0:
            return super().line(0)
        if not self._places:
            return (Segment(self._nothing(), roles.quiet),) if y == 1 else BLANK
        if y == 1:
            return (Segment(cut(HEAD, cells), roles.quiet),)
        shown = self._list_lines
        if y - 2 < shown:
            return self._item_line(self.top + y - 2, cells)
        below = y - 2 - shown
        if below == 1:
            return (Segment(cut(" " + self._sums, cells), roles.quiet),)
        detail = self._detail(cells)
        at = below - 3
        return detail[at] if 0 <= at < len(detail) else BLANK

    def _nothing(self) -> str:
        if self._is_asking:
            return " Earlier sessions are being read."
        return " No run has ended yet." if self.outcome is None else " No run matches. v shows others."

    def ground(self, y: int) -> Style:
        roles, at = self.look.roles, self.top + y - 2
        in_list = 0 <= y - 2 < self._list_lines and self._places
        is_chosen = in_list and self._key is not None and self._places.get(self._key) == at
        return roles.text + roles.select if is_chosen else roles.text

    def _item_line(self, at: int, cells: int) -> Line:
        if at >= len(self._items):
            return BLANK
        item, now = self._items[at], self._clock.wall()
        if isinstance(item, SessionRuns):
            return session_row(item, self.look, cells, now)
        return run_row(item, self.look, cells, now, is_chosen=_key_of(item) == self._key)

    def _detail(self, cells: int) -> list[Line]:
        match self._chosen:
            case Teammate() as mate:
                return own_detail(mate, self.look, cells)
            case StoredRun() as run:
                return stored_detail(run, self.look, cells, self._clock.wall())
        return []

    # What the keys do

    def do(self, action: str) -> bool:
        """Choose or open; False = not one of these."""
        if action == "open":
            if self.selected is not None:
                self.post_message(self.Opened(self.selected))
            elif self.selected_stored is not None:
                self.post_message(self.StoredOpened(self.selected_stored))
            return True
        if action in ("order", "which"):
            if action == "order":
                self.order = after(self.order)
            else:
                self.outcome = next_outcome(self._store.state.team, self.outcome, self._stored)
            self._arrange_anew()
            return True
        page = max(self._list_lines - 1, 1)
        count = len(self._items)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "top": -count, "end": count}
        if action not in steps:
            return False
        self._move(steps[action])
        return True

    def _move(self, by: int) -> None:
        """Choose another run; the heads of sessions are passed over."""
        if not self._places:
            return
        at = self._places.get(self._key, 0) if self._key is not None else 0
        to = max(0, min(at + by, len(self._items) - 1))
        step = 1 if by > 0 else -1
        while 0 <= to < len(self._items) and isinstance(self._items[to], SessionRuns):
            to += step
        key = _key_of(self._items[to]) if 0 <= to < len(self._items) else None
        if key is None:
            self.top = 0  # only a head is above: it comes into sight
        else:
            self._key = key
            self._reveal(to)
            self.post_message(self.Chosen())
        self.refresh()


def _select_team(state: AppState) -> Team:
    return state.team


def _key_of(item: Item) -> Key | None:
    match item:
        case Teammate():
            return item.run_id
        case StoredRun():
            return item.session_id, item.run_id
    return None


def _outcome_of(run: Teammate | StoredRun) -> Outcome | None:
    return outcome_of(run) if isinstance(run, StoredRun) else run.outcome
