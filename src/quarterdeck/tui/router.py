"""Decides what a key does: by place and keymap, behind the guards. It remembers past keys and nothing else.

It never acts: `route` answers with what to do, and every dropped key with the words that say so.
"""

from collections.abc import Callable, Iterable

import msgspec

from quarterdeck.tui.guards import GUARDED, PaintedGuard, Token, TypingGuard
from quarterdeck.tui.keymap import TEXT, Binding, Keymap, Place, shown_key

CHORD_S = 3.0

CHORD_WORDS = "ctrl+x: k kill all (asks) · p pause or continue all · i interrupt all (asks) · esc nothing"
CHORD_ACTIONS = {
    "k": "kill-all",
    "ctrl+k": "kill-all",
    "p": "pause-all",
    "ctrl+p": "pause-all",
    "i": "interrupt-all",
}


class Press(msgspec.Struct, frozen=True):
    """One key with the time of its own event (monotonic seconds)."""

    key: str
    character: str | None
    at: float

    @property
    def is_printable(self) -> bool:
        """It would type something."""
        return self.character is not None and self.character.isprintable()


class Act(msgspec.Struct, frozen=True):
    """Do an action of the keymap."""

    action: str
    key: str


class ToText(msgspec.Struct, frozen=True):
    """The key belongs to the text field."""


class Escaped(msgspec.Struct, frozen=True):
    """Esc and a letter came as one key: do what Esc does, and say the words."""

    words: str


class Say(msgspec.Struct, frozen=True):
    """Nothing is done; the notice line says why."""

    words: str
    flashes: bool = False


Route = Act | ToText | Escaped | Say


class Router:
    """The one place in which keys are decided on."""

    def __init__(self, keymap: Keymap, painted: PaintedGuard) -> None:
        self._keymap = keymap
        self._painted = painted
        self._typing = TypingGuard()
        self._chord_until = float("-inf")

    def route(
        self,
        press: Press,
        place: Place,
        *,
        needs: Callable[[str], Iterable[Token]],
        addressee: str,
        has_selection: bool = False,
        off: str = "",
    ) -> Route:
        """What this key does in this place.

        :param needs: for an action, what must have been painted for a while before it may happen.
        :param addressee: whom `m` writes to, for the words.
        :param has_selection: text is selected in the text field.
        :param off: nothing can be changed from here; what a key that would is answered with.
        """
        if press.at <= self._chord_until:
            return self._end_chord(press)
        self._chord_until = float("-inf")
        binding = self._keymap.binding(press.key, place)
        if off and binding is None and self._keymap.acts(press.key):
            return Say(off)
        if binding is None:
            return self._unbound(press, place, addressee)
        if binding.action == "chord":
            return self._start_chord(press, place, has_selection=has_selection)
        if binding.action == TEXT:
            self._typing.forget()
            return ToText()
        if place.takes_text:
            return Act(binding.action, press.key)
        return self._held_back(press, binding, needs, addressee) or Act(binding.action, press.key)

    def _held_back(
        self, press: Press, binding: Binding, needs: Callable[[str], Iterable[Token]], addressee: str
    ) -> Say | None:
        is_guarded = binding.kind in GUARDED
        if not press.is_printable:
            self._typing.forget()
        elif not self._typing.allows(press.key, press.at, is_guarded=is_guarded):
            return self._typing_words(press, addressee)
        if is_guarded and not self._painted.allows(needs(binding.action), press.at):
            return Say(f"just appeared: press {shown_key(press.key)} again", flashes=True)
        return None

    def _typing_words(self, press: Press, addressee: str) -> Say:
        if self._typing.is_off:
            return Say(f"Looks like typing. m writes to {addressee}.")
        return Say(
            f"{shown_key(press.key)} came right after another letter, so it did nothing. Press it again."
        )

    def _start_chord(self, press: Press, place: Place, *, has_selection: bool) -> Route:
        self._typing.forget()
        if place.takes_text and has_selection:
            return ToText()
        self._chord_until = press.at + CHORD_S
        return Say(CHORD_WORDS)

    def _end_chord(self, press: Press) -> Route:
        self._chord_until = float("-inf")
        action = CHORD_ACTIONS.get(press.key)
        if action is not None:
            return Act(action, press.key)
        if press.key == "escape":
            return Say("ctrl+x given up. Nothing was done.")
        return Say(f"ctrl+x {shown_key(press.key)} is nothing: k, p or i. Nothing was done.")

    def _unbound(self, press: Press, place: Place, addressee: str) -> Route:
        letter = press.key.removeprefix("alt+")
        if letter != press.key and len(letter) == 1:
            return Escaped(f"esc and {letter} came together (tmux): went back, {letter} did nothing.")
        missing = self._keymap.missing(press.key, place)
        if place.takes_text:
            return Say(missing) if missing and not press.is_printable else ToText()
        if place is Place.SHEET:
            return Act("no", press.key)
        if press.is_printable and not self._typing.allows(press.key, press.at, is_guarded=False):
            return self._typing_words(press, addressee)
        return Say(missing or self._nothing_words(press, place))

    def _nothing_words(self, press: Press, place: Place) -> str:
        if press.key == "ctrl+z":
            return "ctrl+z would freeze the whole team. ctrl+x p pauses it."
        small = press.key.lower()
        if press.key != small and len(press.key) == 1 and self._keymap.is_known(small):
            return f"{press.key} does nothing. Caps Lock?"
        return f"{shown_key(press.key)} does nothing in {place.word}."
