"""How one comes back: to History, Search or the transcript that a view or another transcript covers.

It remembers ways back and takes them; where else one goes is the desk's.
"""

from collections.abc import Callable

from textual.widget import Widget

from quarterdeck.tui.deck import Deck
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.standing import Standing


class Trail:
    """The ways back, the last one first."""

    def __init__(self, deck: Deck, here: Standing, show: Callable[[Widget, Widget], None]) -> None:
        self._deck = deck
        self._here = here
        self._show = show
        self._ways: list[Callable[[], None]] = []

    def remember(self) -> bool:
        """Note how one comes back to what is in front now; False = that is the desk's to know."""
        history, search, transcript = self._deck.history, self._deck.search, self._deck.main.transcript
        current = self._deck.main.current
        if current is search:
            focus = search.field if self._here.place is Place.FIELD else search.results
            self._ways.append(lambda: self._show(search, focus))
        elif current is history:
            self._ways.append(lambda: self._show(history, history))
        elif self._here.place is Place.TRANSCRIPT:
            run_id, stored = transcript.run_id, transcript.stored

            def show_again() -> None:
                transcript.show(run_id) if stored is None else transcript.show_stored(stored)
                self._show(transcript, transcript)

            self._ways.append(show_again)
        else:
            return False
        return True

    def come_back(self) -> bool:
        """To what was covered last; False = nothing was."""
        if not self._ways:
            return False
        self._ways.pop()()
        return True

    def forget(self) -> None:
        """The person went elsewhere for good."""
        self._ways.clear()
