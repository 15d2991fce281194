"""Who does what the person asks for, over one deck: words, the palette, the past, and all other keys."""

import msgspec

from quarterdeck.state.store import Store
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.look import Look
from quarterdeck.tui.palette_entries import PaletteDesk
from quarterdeck.tui.past_desk import PastDesk
from quarterdeck.tui.performing import Performer
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.searching import SearchDesk
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.speaking import Speaker
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.verbs import Verbs
from quarterdeck.tui.welcoming import WelcomeDesk
from quarterdeck.tui.widening import Widening


class Desks(msgspec.Struct, frozen=True):
    """Each does one kind of thing; they share the deck and where the person is."""

    widening: Widening
    palette: PaletteDesk
    speaker: Speaker
    performer: Performer
    past: PastDesk
    search: SearchDesk
    welcome: WelcomeDesk

    def perform(self, action: str) -> None:
        """Do an action of the keymap, in the past or now."""
        if not self.past.takes(action):
            self.performer.perform(action)


def build_desks(
    deck: Deck,
    desk: Desk,
    store: Store,
    controller: Controller,
    look: Look,
    clock: Clock,
    stage: Stage,
) -> Desks:
    """One of each."""
    verbs = Verbs(store, controller, stage)
    widening = Widening(deck, desk, store, controller, stage)
    palette = PaletteDesk(deck, desk, store, stage)
    search = SearchDesk(deck, desk, store, controller, clock, stage)
    welcome = WelcomeDesk(deck, desk, controller, clock, stage)
    return Desks(
        widening=widening,
        palette=palette,
        speaker=Speaker(store, controller, desk, verbs, stage),
        performer=Performer(deck, desk, store, verbs, widening, palette, search, welcome, stage),
        past=PastDesk(deck, desk, store, controller, look, clock, stage),
        search=search,
        welcome=welcome,
    )
