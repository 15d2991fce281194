"""The guards over keys that answer or harm, pure: what was painted since when, and what looks like typing.

Times are monotonic seconds on the clock of the key events. No key is queued here: it counts or is dropped.
"""

from collections.abc import Iterable

PAINTED_S = 0.3
"""How long a thing must have been on the screen, unchanged, before a key can act on it."""
TYPING_S = 0.25
STRIKES = 3
SILENCE_S = 0.7

GUARDED = frozenset({"yes", "no", "harm"})
"""The classes of keys that the guards hold back."""
HARMLESS = frozenset({"j", "k", "n", "N", "g", "G", "space", "asterisk", "u"})
"""Keys after which another one at once is not typing."""

Token = tuple[object, ...]
"""A thing on the screen that a key can act on, with its version: `("request", id, version)`."""


class PaintedGuard:
    """Since when each thing has been on the screen without a change."""

    def __init__(self) -> None:
        self._since: dict[Token, float] = {}

    def painted(self, tokens: Iterable[Token], at: float) -> None:
        """The screen was painted at `at` and shows exactly these things now."""
        before = self._since
        self._since = {token: before.get(token, at) for token in tokens}

    def allows(self, tokens: Iterable[Token], at: float) -> bool:
        """Whether a key pressed at `at` may act on all of these."""
        return all(
            (since := self._since.get(token)) is not None and at - since >= PAINTED_S for token in tokens
        )


class TypingGuard:
    """Tells words typed by mistake from keys meant as such, outside text fields."""

    def __init__(self) -> None:
        self._last_at = float("-inf")
        self._last_key = ""
        self._strikes = 0
        self.is_off = False
        """Letters do nothing until there was silence."""

    def allows(self, key: str, at: float, *, is_guarded: bool) -> bool:
        """Note one printable key pressed at `at`; False = it is dropped.

        :param is_guarded: the key would answer or harm.
        """
        gap = at - self._last_at
        follows_a_letter = gap < TYPING_S and self._last_key not in HARMLESS and bool(self._last_key)
        repeats = key == self._last_key
        self._last_at, self._last_key = at, key
        if self.is_off and gap < SILENCE_S:
            return False
        self.is_off = False
        if key in HARMLESS:
            return True
        if not follows_a_letter:
            self._strikes = 0
            return True
        if is_guarded or not repeats:  # a held look key repeats; nobody types like that
            self._strikes += 1
        self.is_off = self._strikes >= STRIKES
        return not (is_guarded or self.is_off)

    def forget(self) -> None:
        """A key that is no letter: what comes next starts anew."""
        self._last_key = ""
        self._strikes = 0
