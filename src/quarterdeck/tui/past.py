"""A moment of the past as panels are told of it: a source of states beside the store, with its own clock.

It changes nothing and fetches by a port; of what is wanted only the newest counts.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Protocol

from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry
from quarterdeck.state.timeline import Moment
from quarterdeck.tui.ports import ArchiveGone, PastPort
from quarterdeck.tui.settings import Clock

KEPT = 64
"""So many states that were looked at are kept: going back and forth asks for none of them again."""


class PastSource:
    """What `connect()` takes instead of the store while the past is shown."""

    def __init__(self) -> None:
        self._state = AppState()
        self._at = 0.0
        self._subscribers: list[Callable[[], None]] = []
        self.clock = Clock(wall=lambda: self._at, monotonic=lambda: self._at)
        """Stands at the shown moment: every age is that of then, and nothing moves by itself."""

    @property
    def state(self) -> AppState:
        """The state at the shown moment."""
        return self._state

    @property
    def at(self) -> float:
        """The shown moment, epoch seconds."""
        return self._at

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` when another moment is shown. Returns what ends it."""
        self._subscribers.append(changed)
        return lambda: self._subscribers.remove(changed) if changed in self._subscribers else None

    def show(self, state: AppState, at: float) -> None:
        """Show another moment."""
        self._state, self._at = state, at
        for changed in tuple(self._subscribers):
            changed()


class Pages(Protocol):
    """Entries of a conversation that are not in a window any more."""

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first."""
        ...


class PagesThen:
    """Pages of a conversation as far as it had got by the shown moment."""

    def __init__(self, pages: Pages, source: PastSource) -> None:
        self._pages = pages
        self._source = source

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """What the window of that moment holds; what had left it by then, from the conversation itself."""
        state = self._source.state
        if run_id not in state.team.by_run:
            return ()
        then = state.transcripts.get(run_id)
        if then is None:
            return await self._pages.page(run_id, before=before, count=count)
        older = tuple(entry for entry in then.entries if entry.id < before)
        if older:
            return older[-count:]
        return await self._pages.page(run_id, before=min(before, then.next_id), count=count)


class StateFetcher:
    """Fetches the state of the newest moment that is wanted; those that were passed by are not asked for."""

    def __init__(
        self,
        port: PastPort,
        *,
        start: Callable[[Coroutine[None, None, None]], None],
        show: Callable[[AppState, Moment], None],
        fail: Callable[[str], None],
    ) -> None:
        self._port = port
        self._start = start
        self._show = show
        self._fail = fail
        self._wanted: Moment | None = None
        self._round = 0
        self._is_fetching = False
        self._kept: OrderedDict[int, AppState] = OrderedDict()

    def want(self, moment: Moment) -> None:
        """Show this moment as soon as its state is there."""
        known = self._kept.get(moment.number)
        if known is not None:
            self._wanted = None
            self._kept.move_to_end(moment.number)
            self._show(known, moment)
            return
        self._wanted = moment
        if not self._is_fetching:
            self._is_fetching = True
            self._start(self._run(self._round))

    def stop(self) -> None:
        """Nothing is wanted any more; what is still on its way is dropped."""
        self._wanted = None
        self._round += 1
        self._is_fetching = False

    async def _run(self, round_: int) -> None:
        while (moment := self._next(round_)) is not None:
            try:
                state = await self._port.state_at(moment.number)
            except ArchiveGone as gone:
                if round_ == self._round:
                    self._wanted = None
                    self._fail(str(gone))
                break
            if round_ != self._round:
                return
            self._keep(moment.number, state)
            if self._next(round_) is None:
                break  # what was wanted since is shown already
            if self._wanted == moment:
                self._wanted = None
            self._show(state, moment)
        if round_ == self._round:
            self._is_fetching = False

    def _next(self, round_: int) -> Moment | None:
        return self._wanted if round_ == self._round else None

    def _keep(self, number: int, state: AppState) -> None:
        self._kept[number] = state
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
