"""Welcome: asks for the last session of this folder, and goes on with it. It draws nothing."""

from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.stage import Stage


class WelcomeDesk:
    """Place W."""

    def __init__(self, deck: Deck, desk: Desk, controller: Controller, clock: Clock, stage: Stage) -> None:
        self._deck = deck
        self._desk = desk
        self._port = controller.session
        self._clock = clock
        self._stage = stage

    def open(self) -> None:
        """Show the ways on; the last session as soon as it is known."""
        self._desk.go(Place.WELCOME)
        self._stage.start(self._ask())

    async def _ask(self) -> None:
        self._deck.welcome.show_last(await self._port.last_here(), self._clock.wall())

    def go_on(self) -> None:
        """End this screen; the last session comes instead."""
        last = self._deck.welcome.last
        if last is None:
            self._stage.say("There is no earlier session of this folder.")
        else:
            self._stage.leave(last.id)
