"""How fast the team was answered in each column of a timeline, as bars. Pure."""

from collections.abc import Sequence
from math import ceil

from quarterdeck.state.timeline import Response
from quarterdeck.tui.timeline_cursor import Window
from quarterdeck.tui.timeline_drawing import column_of


def column_rates(responses: Sequence[Response], window: Window, columns: int) -> tuple[float, ...]:
    """Tokens per second in each column: what each response said is spread over the time that it took."""
    cell_s = window.span / columns
    said = [0.0] * columns
    for one in responses:
        if one.end <= window.start or one.start >= window.end or cell_s <= 0:
            continue
        first, last = column_of(one.start, window, columns), column_of(one.end, window, columns)
        for column in range(first, last + 1):
            left = window.start + column * cell_s
            within = min(one.end, left + cell_s) - max(one.start, left)
            said[column] += max(within, 0.0) * one.rate
    return tuple(tokens / cell_s for tokens in said) if cell_s > 0 else tuple(said)


def bars(rates: Sequence[float], levels: str) -> str:
    """A sign for each rate: the first of `levels` for none, the last for the highest of them."""
    most = max(rates, default=0.0)
    top = len(levels) - 1
    return "".join(levels[min(ceil(rate / most * top), top) if rate > 0 else 0] for rate in rates)
