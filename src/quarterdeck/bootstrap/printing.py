"""Standard output for machines, written beside the loop: a reader that stops reading stops nothing here."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from quarterdeck.bootstrap.events import events_of
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState


class Printer:
    """Lines in order. When nobody reads them any more that is told once, and nothing is said to nobody."""

    def __init__(
        self,
        scopes: ScopeTree,
        on_reader_gone: Callable[[], None],
        kept: Callable[[], Awaitable[None]],
    ) -> None:
        self._scopes = scopes
        self._kept = kept
        self._on_reader_gone = on_reader_gone
        self._waiting: list[str] = []
        self._writing: asyncio.Task[None] | None = None
        self._is_read = True

    def events(self, sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        """What a fact means to machines. An observer of the store: it never raises, and never waits."""
        for event in events_of(sequence, action, before, after):
            self.line(event)

    def line(self, fields: dict[str, Any]) -> None:
        """One JSON object."""
        self.text(json.dumps(fields, ensure_ascii=True))

    def text(self, text: str) -> None:
        """Text and a newline, as soon as the reader takes it."""
        if not self._is_read:
            return
        self._waiting.append(f"{text}\n")
        if self._writing is None or self._writing.done():
            self._writing = self._scopes.start_task(self._write_all(), name="print")

    async def finish(self, stop: asyncio.Event, within_s: float | None) -> None:
        """Return once all is written, the time is up, or `stop` is set from here on."""
        if self._writing is None or self._writing.done():
            return
        ways: set[asyncio.Future[Any]] = {self._writing}
        if not stop.is_set():  # else only time limits the last words: they are not told yet
            ways.add(self._scopes.start_task(_set(stop), name="stop printing"))
        await asyncio.wait(ways, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for way in ways - {self._writing}:
            way.cancel()

    async def _write_all(self) -> None:
        while self._waiting and self._is_read:
            text, self._waiting = "".join(self._waiting), []
            await self._kept()  # nothing is told to a machine that a crash would take back
            try:
                await run_in_thread(partial(_write, text), name="print")
            except (OSError, ValueError):
                self._is_read = False
                # What is still buffered must not fail again when the interpreter ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                self._on_reader_gone()


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
