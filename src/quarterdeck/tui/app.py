"""The app: puts the screen together, takes keys to the router, lays parts out. Owns no domain state."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widget import Widget

from quarterdeck.state.store import Store
from quarterdeck.tui.arrangement import Arrangement, arrange
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.guards import PaintedGuard
from quarterdeck.tui.keymap import Place, load_keymap
from quarterdeck.tui.look import Look
from quarterdeck.tui.performing import Performer
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.rendering.roles import Roles, roles_of
from quarterdeck.tui.router import Act, Escaped, Press, Router, Say, ToText
from quarterdeck.tui.settings import Clock, ScreenSettings, SignSet
from quarterdeck.tui.sheets import Sheet
from quarterdeck.tui.signs import AsciiFilter
from quarterdeck.tui.verbs import Verbs
from quarterdeck.tui.widgets.bars import FooterBar, HeaderBar, NoticeLine, TeamStrip
from quarterdeck.tui.widgets.lines import LineWidget
from quarterdeck.tui.widgets.main_panel import MainPanel
from quarterdeck.tui.widgets.request_messages import Answered, Leave, Notice
from quarterdeck.tui.widgets.request_panel import RequestPanel
from quarterdeck.tui.widgets.roster import Roster
from quarterdeck.tui.widgets.sheet_panel import SheetPanel
from quarterdeck.tui.widgets.side import InboxPanel, LogPanel
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from quarterdeck.tui.widgets.writing import Writing


class Divider(LineWidget):
    """The line between the left panels and the main panel."""

    DEFAULT_CSS = "Divider { width: 1; height: 1fr; }"

    def ground(self, y: int) -> Style:
        return self.look.roles.rule

    def line(self, y: int) -> Line:
        return ()


class QuarterdeckApp(App[int]):
    """The screen over a store and a controller. Returns 0 when the person quits."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []
    CSS = """
    Screen { layout: vertical; background: $background; color: $foreground; overflow: hidden; }
    #middle { height: 1fr; }
    #left { width: 50; }
    """

    def __init__(
        self,
        store: Store,
        controller: Controller,
        *,
        themes: Mapping[str, Theme],
        clock: Clock | None = None,
        settings: ScreenSettings | None = None,
    ) -> None:
        self._settings = settings or ScreenSettings()
        super().__init__(ansi_color=True if self._settings.no_color else None)
        self._store = store
        self._controller = controller
        self._clock = clock or Clock()
        self._themes = dict(themes)
        for theme in self._themes.values():
            self.register_theme(theme)
        name = self._settings.theme if self._settings.theme in self._themes else next(iter(self._themes))
        self.theme = name
        self.look = Look(
            self._roles(name), signs=self._settings.signs, reduced_motion=self._settings.reduced_motion
        )
        self.painted = PaintedGuard()
        self.keymap = load_keymap()
        self._router = Router(self.keymap, self.painted)
        self._sheet = SheetPanel(self.look)
        self.deck = self._make_deck()
        self.desk = Desk(self.deck, store, controller, focus=self._focus_on, changed=self._arrange_soon)
        verbs = Verbs(store, controller, self)
        self._performer = Performer(self.deck, self.desk, store, verbs, self)
        self._arranged = Arrangement()

    def _roles(self, name: str) -> Roles:
        return roles_of(self._themes[name], colour=not self._settings.no_color)

    def _make_deck(self) -> Deck:
        store, look, clock, delays = self._store, self.look, self._clock, self._settings.delays
        roster = Roster(store, look, clock, delays)
        transcript = TranscriptPanel(store, self._controller, look, clock, delays=delays, id="transcript")
        request = RequestPanel(store, self._controller, look, clock, id="request")
        return Deck(
            header=HeaderBar(store, look, clock, self._settings.version),
            strip=TeamStrip(store, look, clock, delays, lambda: roster.selected),
            roster=roster,
            inbox=InboxPanel(store, look, clock),
            log=LogPanel(store, look, clock),
            main=MainPanel(transcript, request, [self._sheet]),
            notice=NoticeLine(store, look, clock),
            writing=Writing(look),
            footer=FooterBar(look),
        )

    def compose(self) -> ComposeResult:
        """Header, team, left panels and main panel, notice, composer, footer."""
        deck = self.deck
        yield deck.header
        yield deck.strip
        yield deck.roster
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield deck.inbox
                yield deck.log
            yield Divider(self.look, name="divider")
            yield deck.main
        yield deck.notice
        yield deck.writing
        yield deck.footer

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and ASCII where the terminal needs it."""
        ascii_only = self._settings.signs is SignSet.ASCII
        return [*super().get_line_filters(), *([AsciiFilter()] if ascii_only else [])]

    def on_mount(self) -> None:
        """Give the keys to the team."""
        self.desk.go(Place.TEAM)
        self.desk.show_selected()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Every key goes to the router first; what is text goes on to its field."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.app_focus = True
            if self._take_key(event):
                return
        elif isinstance(event, events.Paste) and not event.is_forwarded and not self.desk.place.takes_text:
            self._paste(event.text)
            return
        await super().on_event(event)

    def _take_key(self, event: events.Key) -> bool:
        """Decide on a key and act; False = it is for the text field."""
        press = Press(event.key, event.character, event.time)
        route = self._router.route(press, self.desk.place, needs=self.desk.needs, addressee=self.desk.name)
        match route:
            case Act(action=action):
                self._performer.perform(action)
            case Say(words=words):
                self.say(words)
            case Escaped(words=words):
                self._performer.perform("back")
                self.say(words)
            case ToText():
                return False
        return True

    def _paste(self, text: str) -> None:
        self.desk.go(Place.COMPOSER)
        self.deck.writing.text.insert(text)

    def post_display_hook(self) -> None:
        """A paint is done: note what it showed, for the guard."""
        if not self.deck.roster.is_attached:
            return
        deck = self.deck
        tokens = {*deck.roster.painted_tokens(), *deck.inbox.painted_tokens(), *deck.main.painted_tokens()}
        self.painted.painted(tokens, self._clock.monotonic())

    # Stage

    def say(self, text: str, *, is_fault: bool = False) -> None:
        """One line for the notice."""
        if text:
            self.deck.notice.say(text, is_fault=is_fault)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside the screen."""
        self.run_worker(work)

    def ask(self, sheet: Sheet) -> None:
        """Show a sheet."""
        self._sheet.show_sheet(sheet)
        self.desk.show_view(self._sheet)

    def leave(self) -> None:
        """End the screen."""
        self.exit(0)

    def copy_selection(self) -> bool:
        """Copy the selected text."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
        return bool(text)

    def show_help(self) -> None:
        """Open the help."""

    def show_history(self) -> None:
        """Open History."""

    def show_palette(self) -> None:
        """Open the palette."""

    def choose_theme(self, name: str) -> bool:
        """Draw in another theme."""
        return name in self._themes

    # Layout

    def _focus_on(self, widget: Widget) -> None:
        self.screen.set_focus(widget, scroll_visible=False)

    def _arrange_soon(self) -> None:
        self.call_later(self._arrange)

    def on_resize(self, event: events.Resize) -> None:
        """Another size of the terminal."""
        self._arrange()

    def _arrange(self) -> None:
        if not self.is_running:
            return
        deck, desk = self.deck, self.desk
        found = arrange(self.size.width, self.size.height, desk.wish(composer_rows=1))
        desk.is_wide = found.is_wide
        if found != self._arranged:
            self._arranged = found
            apply(found, deck, self)
        name = desk.footer_name()
        sheet = self._sheet.sheet if desk.place is Place.SHEET else None
        deck.footer.show(self.keymap.footers.get(name, ()), ask=sheet.ask if sheet else "")

    # Events of the widgets

    def on_descendant_focus(self) -> None:
        """The keys have gone elsewhere."""
        self.desk.focus_moved(self.focused)

    def on_roster_chosen(self, message: Roster.Chosen) -> None:
        """Another row."""
        self.desk.selection_changed()

    def on_roster_resized(self) -> None:
        """More or fewer rows."""
        self._arrange_soon()

    def on_roster_opened(self) -> None:
        """A double click on a row."""
        self._performer.perform("open")

    def on_inbox_panel_chosen(self, message: InboxPanel.Chosen) -> None:
        """Another request."""
        self.desk.selection_changed()

    def on_inbox_panel_resized(self) -> None:
        """More or fewer requests."""
        self._arrange_soon()

    def on_inbox_panel_opened(self) -> None:
        """A double click on a request."""
        self._performer.perform("open")

    def on_notice(self, message: Notice) -> None:
        """A panel has something to say."""
        self.say(message.text)

    def on_answered(self, message: Answered) -> None:
        """An answer counted."""
        self.desk.answered()

    def on_leave(self, message: Leave) -> None:
        """A panel is done."""
        self.desk.back()


def apply(found: Arrangement, deck: Deck, app: App[int]) -> None:
    """Give every part its height and width, and hide what has none."""
    for widget, lines in (
        (deck.roster, found.team),
        (deck.inbox, found.inbox),
        (deck.log, found.log),
    ):
        widget.display = lines > 0
        widget.styles.height = max(lines, 1)
    deck.strip.display = found.strip
    left = app.query_one("#left")
    left.display = found.left > 0 or found.inbox > 0
    left.styles.width = found.left or "1fr"
    app.query_one("#divider").display = found.left > 0
    deck.writing.display = found.composer > 0
    deck.writing.address.display = found.composer_rule
    deck.writing.styles.height = found.composer + (1 if found.composer_rule else 0)
