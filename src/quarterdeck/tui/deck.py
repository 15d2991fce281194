"""The widgets of the screen by name, and which place has the keys. It only looks; `desk` decides."""

import msgspec
from textual.widget import Widget
from textual.widgets import Input, TextArea

from quarterdeck.tui.keymap import Place
from quarterdeck.tui.widgets.bars import FooterBar, HeaderBar, NoticeLine, TeamStrip
from quarterdeck.tui.widgets.composer import Composer
from quarterdeck.tui.widgets.help_panel import HelpPanel
from quarterdeck.tui.widgets.history_panel import HistoryPanel
from quarterdeck.tui.widgets.main_panel import MainPanel
from quarterdeck.tui.widgets.palette import PalettePanel
from quarterdeck.tui.widgets.past_view import PastView
from quarterdeck.tui.widgets.request_reader import RequestReader
from quarterdeck.tui.widgets.roster import Roster
from quarterdeck.tui.widgets.search_panel import SearchPanel
from quarterdeck.tui.widgets.sheet_panel import SheetPanel
from quarterdeck.tui.widgets.side import InboxPanel, LogPanel
from quarterdeck.tui.widgets.too_small import TooSmall
from quarterdeck.tui.widgets.transcript_reader import TranscriptReader
from quarterdeck.tui.widgets.welcome_panel import WelcomePanel
from quarterdeck.tui.widgets.wider_panel import WiderPanel
from quarterdeck.tui.widgets.writing_fields import PlanEditor


class Deck(msgspec.Struct, frozen=True):
    """Every part of the screen; all of them exist as long as the screen does."""

    header: HeaderBar
    strip: TeamStrip
    roster: Roster
    inbox: InboxPanel
    log: LogPanel
    main: MainPanel
    notice: NoticeLine
    composer: Composer
    footer: FooterBar
    sheet: SheetPanel
    wider: WiderPanel
    help: HelpPanel
    history: HistoryPanel
    palette: PalettePanel
    search: SearchPanel
    welcome: WelcomePanel
    too_small: TooSmall
    past: PastView

    @property
    def views(self) -> tuple[Widget, ...]:
        """What covers transcript and request for a while."""
        return (self.sheet, self.wider, self.help, self.history, self.palette, self.search)

    @property
    def redrawn(self) -> tuple[TranscriptReader | RequestReader | Composer, ...]:
        """Parts that keep what they have drawn: another theme is told to them."""
        return (self.main.transcript, self.main.request, self.composer, self.past.transcript)

    def place_of(self, focused: Widget | None) -> Place | None:
        """Which place a focused widget belongs to; None = nothing of ours has the focus."""
        if focused is None:
            return None
        if focused is self.composer.area:
            return Place.COMPOSER
        if isinstance(focused, TextArea | Input):
            return Place.EDITOR if _is_plan_editor(focused) else Place.FIELD
        for widget, place in (
            (self.roster, Place.TEAM),
            (self.inbox, Place.INBOX),
            (self.main.transcript, Place.TRANSCRIPT),
            (self.main.request, Place.REQUEST),
            (self.past.timeline, Place.TIMELINE),
        ):
            if focused is widget:
                return place
        return _VIEW_PLACES.get(focused.id or "")


def _is_plan_editor(focused: Widget) -> bool:
    return any(isinstance(node, PlanEditor) for node in focused.ancestors)


_VIEW_PLACES = {
    "history": Place.HISTORY,
    "search-results": Place.RESULTS,
    "help": Place.HELP,
    "sheet": Place.SHEET,
    "wider-sheet": Place.SHEET,
    "welcome": Place.WELCOME,
}
