"""Keeps the terminal's title up to date and calls the person who looks elsewhere."""

import os
from collections.abc import Callable

from quarterdeck.state.store import Store
from quarterdeck.tui.counts import select_counts, select_waiting
from quarterdeck.tui.settings import ScreenSettings, SignSet
from quarterdeck.tui.terminal import (
    AWAY_S,
    BELL,
    POP_TITLE,
    PUSH_TITLE,
    Caller,
    Notifier,
    notification,
    notifier_for,
    title_sequence,
    title_text,
)


class Teller:
    """Looks at the state once a second; writes only what changed."""

    def __init__(self, store: Store, settings: ScreenSettings, write: Callable[[str], None]) -> None:
        self._store = store
        self._ascii = settings.signs is SignSet.ASCII
        self._write = write
        self._notifier = Notifier.NONE if settings.in_tmux else notifier_for(os.environ)
        self._caller = Caller()
        self._title = ""
        self._last_key_at: float | None = None
        self.focused: bool | None = None
        """Whether the terminal is in front; None = it has never told."""

    def open(self) -> None:
        """Keep the title that was there, and set ours."""
        self._write(PUSH_TITLE)
        self._set_title()

    def close(self) -> None:
        """Give the title back."""
        self._write(POP_TITLE)

    def pressed(self, at: float) -> None:
        """A key came at `at` (monotonic seconds): somebody is there."""
        self._last_key_at = at

    def tell(self, now: float) -> None:
        """Title and, if nobody looks, a call."""
        self._set_title()
        if self._last_key_at is None:
            self._last_key_at = now
        away = not self.focused if self.focused is not None else now - self._last_key_at >= AWAY_S
        state = self._store.state
        call = self._caller.look(select_waiting(state), select_counts(state).working, away=away, now=now)
        if call is not None:
            self._write(notification(self._notifier, call.text) + (BELL if call.rings else ""))

    def _set_title(self) -> None:
        state = self._store.state
        title = title_text(select_counts(state), state.session.folder, ascii_only=self._ascii)
        if title != self._title:
            self._title = title
            self._write(title_sequence(title))
