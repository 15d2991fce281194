"""Streamed text of all runs, merged into one action per tick for the whole program.

Only text is merged here; a fact that ends or accepts something goes straight to the store, after `flush`.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextvars import Context

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.identity import bind
from quarterdeck.state.actions import TextStreamed

TICK_S = 0.05
LEAD_S = 0.01
"""How long before a whole tick of the loop's clock: what is dispatched then makes the screen's next frame."""

_Pending = dict[RunId, list[str]]


class TextMerger:
    """Text and thinking on their way to the store. No timer runs while nobody streams."""

    def __init__(
        self,
        dispatch: Callable[[TextStreamed], object],
        *,
        tick_s: float = TICK_S,
        wall_clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._dispatch = dispatch
        self._tick_s = tick_s
        self._wall_clock = wall_clock
        self._call_later = call_later
        self._text: _Pending = {}
        self._thinking: _Pending = {}
        self._is_ticking = False
        # The action holds the text of many runs, so it is dispatched as nobody's: a timer would
        # otherwise run as the teammate that happened to stream first.
        self._nobody: Context = bind(None)

    def text(self, run_id: RunId, text: str) -> None:
        """Add streamed text; an empty one is passed on as a sign of life."""
        self._text.setdefault(run_id, []).append(text)
        self._tick_later()

    def thinking(self, run_id: RunId, text: str) -> None:
        """Add streamed thinking. The action shows thinking before text, so earlier text goes out first."""
        if run_id in self._text:
            self.flush()
        self._thinking.setdefault(run_id, []).append(text)
        self._tick_later()

    def flush(self) -> None:
        """Dispatch what is pending, of all runs. Before every fact that ends or accepts what was streamed."""
        if not self._text and not self._thinking:
            return
        text, self._text = self._text, {}
        thinking, self._thinking = self._thinking, {}
        action = TextStreamed(at=self._wall_clock(), parts=_joined(text), thinking=_joined(thinking))
        self._nobody.copy().run(self._dispatch, action)

    def discard(self, run_id: RunId) -> None:
        """Forget what is pending of the run: it was killed, or its response was thrown away."""
        self._text.pop(run_id, None)
        self._thinking.pop(run_id, None)

    def _tick_later(self) -> None:
        if not self._is_ticking:
            self._is_ticking = True
            self._call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._is_ticking = False
        self.flush()


def in_step(loop: AbstractEventLoop) -> Callable[[float, Callable[[], None]], object]:
    """A `call_later` whose calls come at the loop's whole ticks, so that they share a paint with the rest."""

    def call_later(tick_s: float, call: Callable[[], None]) -> object:
        now = loop.time()
        return loop.call_at(now + tick_s - (now + LEAD_S) % tick_s, call)

    return call_later


def _joined(pending: _Pending) -> tuple[tuple[RunId, str], ...]:
    return tuple((run_id, "".join(parts)) for run_id, parts in pending.items())
