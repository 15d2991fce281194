"""The one screen: puts the parts in their places, and hears what they tell. It decides nothing about runs."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.tui.arrangement import Arrangement, arrange
from quarterdeck.tui.assembly import lay_parts_out
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.desks import Desks
from quarterdeck.tui.keymap import Keymap, Place
from quarterdeck.tui.lean_compositor import LeanCompositor
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.widgets.composer import Composer
from quarterdeck.tui.widgets.history_panel import HistoryPanel
from quarterdeck.tui.widgets.lines import Divider, KeyClicked
from quarterdeck.tui.widgets.palette import PalettePanel
from quarterdeck.tui.widgets.past_parts import AroundPanel, PastRoster
from quarterdeck.tui.widgets.request_messages import Answered, Leave, Notice
from quarterdeck.tui.widgets.roster import Roster
from quarterdeck.tui.widgets.search_panel import SearchPanel, SearchResults
from quarterdeck.tui.widgets.side import InboxPanel
from quarterdeck.tui.widgets.timeline_panel import TimelinePanel
from quarterdeck.tui.widgets.welcome_panel import WelcomePanel
from quarterdeck.tui.widgets.writing_fields import WritingField


class MainScreen(Screen[None]):
    """Header, team, left panels and main panel, notice, composer, footer."""

    DEFAULT_CSS = """
    MainScreen { layout: vertical; background: $background; color: $foreground; overflow: hidden; }
    MainScreen #middle { height: 1fr; }
    MainScreen #left { width: 50; }
    """

    def __init__(
        self,
        deck: Deck,
        desk: Desk,
        desks: Desks,
        keymap: Keymap,
        store: Store,
        stage: Stage,
    ) -> None:
        super().__init__()
        self._compositor = LeanCompositor()
        self.deck = deck
        self.desk = desk
        self._desks = desks
        self._keymap = keymap
        self._store = store
        self._connections: list[Connection[object]] = []
        self._stage = stage
        self._arranged: Arrangement | None = None
        self._composer_rows = 1

    def compose(self) -> ComposeResult:
        """Header, team, left panels and main panel, notice, composer, footer."""
        deck = self.deck
        yield deck.too_small
        yield deck.past
        yield deck.header
        yield deck.strip
        yield deck.roster
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield deck.inbox
                yield deck.log
            yield Divider(deck.roster.look, name="divider")
            yield deck.main
        yield deck.notice
        yield deck.composer
        yield deck.footer

    def on_mount(self) -> None:
        """What a teammate's state allows is told in the footer."""
        for select in (_select_team, _select_inbox):
            self._connections.append(connect(self, self._store, select, self._state_changed))

    def on_unmount(self) -> None:
        """Listen no more."""
        for one in self._connections:
            one.close()

    def _state_changed(self, _part: object) -> None:
        self.desk.state_changed()
        self._arrange()

    def arrange_soon(self) -> None:
        """The places or what is in them changed: lay out once, when all is said."""
        self.call_later(self._arrange)

    def on_resize(self, event: events.Resize) -> None:
        """Another size of the terminal."""
        self._arrange()

    def _arrange(self) -> None:
        if not self.is_mounted:
            return
        deck, desk = self.deck, self.desk
        found = arrange(self.size.width, self.size.height, desk.here.wish(composer_rows=self._composer_rows))
        was_wide = desk.here.is_wide
        desk.here.is_wide = found.is_wide or found.too_small
        if found != self._arranged:
            self._arranged = found
            query = self.query_one
            lay_parts_out(
                found, deck, left=query("#left"), divider=query("#divider"), middle=query("#middle")
            )
        is_read = desk.here.place in (Place.REQUEST, Place.FIELD, Place.EDITOR)
        is_read = is_read and deck.main.current is deck.main.request
        deck.inbox.mark_read(deck.main.request.request_id if is_read else None)
        if self.focused is None and not found.too_small:
            desk.refocus()
        if was_wide != desk.here.is_wide:
            desk.selection_changed()
        sheet = (
            deck.sheet.sheet if desk.here.place is Place.SHEET and deck.main.current is deck.sheet else None
        )
        deck.footer.show(
            self._keymap.footers.get(desk.here.footer_name(), ()),
            ask=sheet.ask if sheet else "",
            brief=sheet.brief if sheet else "",
        )

    def _reset_focus(self, widget: Widget, avoiding: list[Widget] | None = None) -> None:
        """Textual would give the keys to some other widget when one is hidden; only the person moves them."""
        if self.focused is widget:
            self.set_focus(None)

    # Events of the widgets

    @on(events.DescendantFocus)
    def _keys_went_elsewhere(self) -> None:
        self.desk.focus_moved(self.focused)

    @on(Roster.Chosen)
    @on(InboxPanel.Chosen)
    def _another_is_chosen(self) -> None:
        self.deck.strip.refresh()
        self.desk.selection_changed()

    @on(Roster.Resized)
    @on(InboxPanel.Resized)
    @on(HistoryPanel.Chosen)
    @on(WelcomePanel.Offered)
    def _other_rows(self) -> None:
        self.arrange_soon()

    @on(Roster.Opened)
    @on(InboxPanel.Opened)
    def _double_clicked(self) -> None:
        self._stage.perform("open")

    @on(HistoryPanel.Opened)
    def _look_at_ended(self, message: HistoryPanel.Opened) -> None:
        self.desk.look_at(message.run_id)

    @on(HistoryPanel.StoredOpened)
    def _look_at_stored(self, message: HistoryPanel.StoredOpened) -> None:
        self.desk.look_at(message.run)

    @on(SearchPanel.Typed)
    def _other_words(self, message: SearchPanel.Typed) -> None:
        self._desks.search.typed(message.words)

    @on(SearchResults.Opened)
    def _hit_opened(self, message: SearchResults.Opened) -> None:
        self._desks.search.open_hit(message.hit)

    @on(SearchPanel.LeaveWanted)
    def _search_left(self) -> None:
        self.desk.close()

    @on(TimelinePanel.Pointed)
    def _timeline_clicked(self, message: TimelinePanel.Pointed) -> None:
        self._desks.past.point_to(message.at, message.lane)

    @on(AroundPanel.Pointed)
    def _event_clicked(self, message: AroundPanel.Pointed) -> None:
        self._desks.past.point_to_event(message.place)

    @on(PastRoster.Pointed)
    def _row_of_past_clicked(self, message: PastRoster.Pointed) -> None:
        self._desks.past.point_to_run(message.run_id)

    @on(Notice)
    @on(WelcomePanel.Noticed)
    def _has_something_to_say(self, message: Notice | WelcomePanel.Noticed) -> None:
        self._stage.say(message.text)
        self.arrange_soon()  # a request may have died with it, and its keys in the footer

    @on(Answered)
    def _answer_counted(self) -> None:
        self.desk.answered()

    @on(Leave)
    def _panel_is_done(self) -> None:
        self.desk.back()

    @on(KeyClicked)
    def _key_clicked(self, message: KeyClicked) -> None:
        key = events.Key(message.key, None)
        key.time = message.clicked_at
        self.app.post_message(key)

    @on(PalettePanel.Moved)
    def _palette_moved(self, message: PalettePanel.Moved) -> None:
        self._desks.palette.preview(message.entry)

    @on(PalettePanel.Taken)
    def _palette_taken(self, message: PalettePanel.Taken) -> None:
        self._desks.palette.take(message.entry)

    @on(PalettePanel.LeaveWanted)
    def _palette_left(self) -> None:
        self._desks.palette.leave()

    @on(Composer.Submitted)
    def _written(self, message: Composer.Submitted) -> None:
        self._desks.speaker.submit(self.deck.composer, message.addressee, message.text, message.way)

    @on(Composer.LastMessageWanted)
    def _last_wanted(self, message: Composer.LastMessageWanted) -> None:
        self._desks.speaker.bring_back(self.deck.composer, message.addressee)

    @on(Composer.EditorWanted)
    def _composer_to_editor(self, message: Composer.EditorWanted) -> None:
        self._stage.edit(message.text, self.deck.composer.put)

    @on(WritingField.EditorWanted)
    def _field_to_editor(self, message: WritingField.EditorWanted) -> None:
        self._stage.edit(message.text, message.field.put)

    @on(Composer.LeaveWanted)
    def _composer_left(self) -> None:
        self.desk.go(Place.TEAM)

    @on(Composer.RowsChanged)
    def _composer_grew(self, message: Composer.RowsChanged) -> None:
        self._composer_rows = message.rows
        self.arrange_soon()


def _select_team(state: AppState) -> object:
    return state.team


def _select_inbox(state: AppState) -> object:
    return state.inbox
