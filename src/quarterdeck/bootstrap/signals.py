"""Signals as exit codes: the loop is told, and whoever runs decides how to end."""

import asyncio
import signal
from collections.abc import Callable

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def on_ending_signal(
    tell: Callable[[int], None], signals: tuple[signal.Signals, ...] = ENDING
) -> Callable[[], None]:
    """Call `tell(128 + n)` in the loop when one of `signals` comes. Returns what ends it."""
    loop = asyncio.get_running_loop()
    for one in signals:
        loop.add_signal_handler(one, tell, 128 + one)

    def remove() -> None:
        for one in signals:
            loop.remove_signal_handler(one)

    return remove


def settle(future: "asyncio.Future[int]", code: int) -> None:
    """Give the future its code, if it has none yet: the first signal counts."""
    if not future.done():
        future.set_result(code)
