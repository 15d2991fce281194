"""Telling widgets about the state, late and once: marked dirty by the store, delivered per frame.

`deliver` runs in the widget's own message queue (`call_later`), so that an error in a widget is never raised
inside a teammate's task. It gets the newest selection only; `is` decides whether anything changed.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, Protocol, TypeVar

from textual.widget import Widget

from quarterdeck.state.app_state import AppState

T = TypeVar("T")


class Source(Protocol):
    """Where a widget is told from: the store, or a moment of the past that stands for it."""

    @property
    def state(self) -> AppState:
        """The state to show."""
        ...

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` when `state` is another. Returns what ends it."""
        ...


FRAME_S = 0.025
"""At most this often is a widget told."""


def until_frame(now: float) -> float:
    """Seconds from `now` (the loop's clock) to the next frame: all widgets are told in the same ones."""
    return FRAME_S - now % FRAME_S


class Connection(Generic[T]):
    """One widget's view of a source; `close()` ends it."""

    def __init__(
        self, widget: Widget, source: Source, select: Callable[[AppState], T], deliver: Callable[[T], object]
    ) -> None:
        self._widget = widget
        self._source = source
        self._select = select
        self._deliver = deliver
        self._last: T | None = None
        self._told = False
        self._seen: AppState | None = None
        self._timer: asyncio.TimerHandle | None = None
        # Facts come from teammates' tasks; what is drawn must run as nobody's, in the widget's own context.
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = source.subscribe(self._mark)
        self._flush()

    def close(self) -> None:
        """Tell the widget nothing more."""
        self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _mark(self) -> None:
        if self._timer is None and self._widget.is_attached:
            self._timer = self._loop.call_at(
                (now := self._loop.time()) + until_frame(now), self._flush, context=self._context
            )

    def _flush(self) -> None:
        self._timer = None
        state = self._source.state
        if state is self._seen:
            return
        self._seen = state
        selected = self._select(state)
        if self._told and selected is self._last:
            return
        self._told = True
        self._last = selected
        self._widget.call_later(self._deliver, selected)


class Beat:
    """Calls `tick` in the widget's queue at every multiple of a period, in step with the frames.

    Timers of their own would each bring a paint of their own.
    """

    def __init__(self, widget: Widget, period_s: float, tick: Callable[[], object]) -> None:
        self._widget = widget
        self._period_s = period_s
        self._tick = tick
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._timer = self._next()

    def close(self) -> None:
        """Beat no more."""
        self._timer.cancel()

    def _next(self) -> asyncio.TimerHandle:
        now = self._loop.time()
        at = now + self._period_s - now % self._period_s
        return self._loop.call_at(at, self._beat, context=self._context)

    def _beat(self) -> None:
        self._timer = self._next()
        if self._widget.is_attached:
            self._widget.call_later(self._tick)


def connect(
    widget: Widget, source: Source, select: Callable[[AppState], T], deliver: Callable[[T], object]
) -> Connection[T]:
    """Call `deliver(select(state))` in `widget`'s queue now and, coalesced, after each change of the result.

    Call it from `on_mount`; close it in `on_unmount`.
    """
    return Connection(widget, source, select, deliver)
