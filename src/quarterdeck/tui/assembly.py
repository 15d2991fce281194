"""Builds every widget of the screen once, and gives each its height when the arrangement changes."""

from collections.abc import Callable

from textual.widget import Widget

from quarterdeck.state.store import Store
from quarterdeck.tui.arrangement import Arrangement
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.keymap import Keymap
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.settings import Clock, ScreenSettings
from quarterdeck.tui.widgets.bars import FooterBar, HeaderBar, NoticeLine, TeamStrip
from quarterdeck.tui.widgets.composer import Composer
from quarterdeck.tui.widgets.composer_completion import Completions
from quarterdeck.tui.widgets.help_panel import HelpPanel
from quarterdeck.tui.widgets.history_panel import HistoryPanel
from quarterdeck.tui.widgets.main_panel import MainPanel
from quarterdeck.tui.widgets.palette import PalettePanel
from quarterdeck.tui.widgets.past_view import PastView
from quarterdeck.tui.widgets.request_panel import RequestPanel
from quarterdeck.tui.widgets.roster import Roster
from quarterdeck.tui.widgets.search_panel import SearchPanel
from quarterdeck.tui.widgets.sheet_panel import SheetPanel
from quarterdeck.tui.widgets.side import InboxPanel, LogPanel
from quarterdeck.tui.widgets.too_small import TooSmall
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from quarterdeck.tui.widgets.welcome_panel import WelcomePanel
from quarterdeck.tui.widgets.wider_panel import Choice, WiderPanel


def build_deck(
    store: Store,
    controller: Controller,
    look: Look,
    clock: Clock,
    settings: ScreenSettings,
    keymap: Keymap,
    *,
    completions: Completions,
    widen: Callable[[Choice], None],
) -> Deck:
    """Every part of the screen."""
    delays = settings.delays
    roster = Roster(store, look, clock, delays)
    transcript = TranscriptPanel(store, controller, look, clock, delays=delays, id="transcript")
    request = RequestPanel(store, controller, look, clock, id="request")
    views = (
        SheetPanel(look),
        WiderPanel(look, widen),
        HelpPanel(look, keymap),
        HistoryPanel(store, look, clock, controller.archive),
        PalettePanel(look),
        WelcomePanel(look),
        SearchPanel(store, look, clock),
    )
    return Deck(
        header=HeaderBar(store, look, clock, settings.version),
        strip=TeamStrip(store, look, clock, delays, lambda: roster.selected),
        roster=roster,
        inbox=InboxPanel(store, look, clock),
        log=LogPanel(store, look, clock),
        main=MainPanel(transcript, request, views),
        sheet=views[0],
        wider=views[1],
        help=views[2],
        history=views[3],
        palette=views[4],
        welcome=views[5],
        search=views[6],
        notice=NoticeLine(store, look, clock),
        composer=Composer(look, completions),
        footer=FooterBar(look),
        too_small=TooSmall(store, look, clock, name="too-small"),
        past=PastView(store, controller, look, clock, delays),
    )


def lay_parts_out(found: Arrangement, deck: Deck, *, left: Widget, divider: Widget, middle: Widget) -> None:
    """Give every part its height and width, and hide what has none."""
    small = found.too_small
    deck.too_small.display = small
    deck.past.display = found.past > 0
    for widget in (deck.header, middle):
        widget.display = not small and not found.past
    for line in (deck.notice, deck.footer):
        line.display = not small
    for panel, lines in ((deck.roster, found.team), (deck.inbox, found.inbox), (deck.log, found.log)):
        panel.display = lines > 0
        panel.styles.height = max(lines, 1)
    deck.strip.display = found.strip
    left.display = found.left > 0 or found.inbox > 0
    left.styles.width = found.left or "1fr"
    divider.display = found.left > 0
    deck.main.display = found.main > 0
    deck.composer.display = found.composer > 0
    deck.composer.set_frame(has_rule=found.composer_rule, most_rows=6 if found.is_wide else 4)
