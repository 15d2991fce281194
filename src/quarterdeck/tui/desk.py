"""Where the person is: which place has the keys, what the main panel shows, how one gets elsewhere.

It moves focus and views and tells the controller what is looked at; it never acts on a run.
"""

from collections.abc import Callable, Iterable

from textual.widget import Widget

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import PermissionRequest, Request, request_kind
from quarterdeck.state.selectors import select_request_of
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.arrangement import Wish
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.guards import Token
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.ranking import FOLD

LEAD_TO_BE = ""
"""The addressee while there is no teammate: what is sent starts the lead."""

_ABOUT_A_RUN = frozenset({Place.TRANSCRIPT, Place.REQUEST, Place.COMPOSER, Place.FIELD, Place.EDITOR})
_VIEWS = frozenset({Place.HISTORY, Place.HELP, Place.SHEET, Place.WELCOME})


class Desk:
    """Navigation over a deck of widgets."""

    def __init__(
        self,
        deck: Deck,
        store: Store,
        controller: Controller,
        *,
        focus: Callable[[Widget], None],
        changed: Callable[[], None],
    ) -> None:
        self._deck = deck
        self._store = store
        self._controller = controller
        self._focus = focus
        self._changed = changed
        self.place = Place.TEAM
        self.is_wide = True
        self.zoomed = False
        self._came_from = Place.TEAM
        """Where `n` was pressed: an answer leads back there."""
        self._behind_view = Place.TEAM
        self._viewed: RunId | None = None

    # What is chosen

    @property
    def selected(self) -> Teammate | None:
        """The teammate that keys act on here; None = there is none."""
        by_run = self._store.state.team.by_run
        run_id = self.run_id
        return by_run.get(run_id) if run_id is not None else None

    @property
    def run_id(self) -> RunId | None:
        """The run that keys act on in this place."""
        main = self._deck.main
        if self.place is Place.HISTORY:
            return self._deck.history.selected
        if self.place is Place.INBOX:
            request = self._inbox_request()
            return request.run_id if request is not None else None
        if self.place is Place.REQUEST and main.request.request is not None:
            return main.request.request.run_id
        if self.place is Place.TRANSCRIPT:
            return main.transcript.run_id
        chosen = self._deck.roster.selected
        return None if chosen == FOLD else chosen

    @property
    def name(self) -> str:
        """The name of the selected teammate, clean; `nobody` without one."""
        mate = self.selected
        return clean_name(mate.name) if mate is not None else "nobody"

    def shown_request(self) -> Request | None:
        """The request that the main panel shows and that keys in this place would answer."""
        main = self._deck.main
        if main.current is not main.request or not main.display:
            return None
        request = main.request.request
        if self.place is Place.INBOX:
            wanted = self._deck.inbox.selected
            return request if request is not None and request.id == wanted else None
        if self.place is Place.TEAM:
            mine = self.request_of_selected()
            return request if request is not None and mine is not None and request.id == mine.id else None
        return request

    def request_of_selected(self) -> Request | None:
        """The oldest open request of the selected row."""
        run_id = self.run_id
        return select_request_of(self._store.state, run_id) if run_id is not None else None

    def _inbox_request(self) -> Request | None:
        request_id = self._deck.inbox.selected
        return self._store.state.inbox.by_id.get(request_id) if request_id is not None else None

    def needs(self, action: str) -> Iterable[Token]:
        """What must have been painted before this action may happen here."""
        answers = action in ("approve", "reject", "wider")
        if self.place is Place.SHEET:
            deck = self._deck
            is_wider = deck.main.current is deck.wider
            return deck.wider.sheet.needed_tokens() if is_wider else deck.sheet.needed_tokens()
        if self.place is Place.REQUEST or (answers and self.shown_request() is not None):
            token = self._deck.main.request.painted_token()
            painted: tuple[Token, ...] = (("request", *token) if token else ("request", None),)
            return painted if self.place is Place.REQUEST else (*painted, *self._selection_tokens())
        if answers or action == "show-request":
            return ()
        if self.place is Place.TRANSCRIPT:
            return (("view", self._deck.main.transcript.run_id),)
        return self._selection_tokens()

    def _selection_tokens(self) -> tuple[Token, ...]:
        inbox, roster = self._deck.inbox, self._deck.roster
        return inbox.needed_tokens() if self.place is Place.INBOX else roster.needed_tokens()

    # What the main panel shows

    def selection_changed(self) -> None:
        """Another row is selected: the main panel follows, unless something in it is being read."""
        composer = self._deck.composer
        is_unaddressed = composer.addressee == LEAD_TO_BE and not composer.text.strip()
        if self.place is Place.COMPOSER and is_unaddressed and self.selected is not None:
            mate = self.selected
            composer.set_addressee(mate.run_id, clean_name(mate.name))
            self._deck.main.transcript.show(mate.run_id)
            self.tell_viewed()
        elif self.place in (Place.TEAM, Place.INBOX):
            self.show_selected()

    def show_selected(self) -> None:
        """From 100 columns the open request of the selected row, else its transcript."""
        main = self._deck.main
        request = self._inbox_request() if self.place is Place.INBOX else self.request_of_selected()
        main.transcript.show(self.run_id)
        if request is not None and self.is_wide and self.place is not Place.COMPOSER:
            main.request.show(request.id)
            main.show(main.request)
        else:
            main.show(main.transcript)
        self._address()
        self._changed()

    def show_view(self, view: Widget, focus: Widget | None = None) -> None:
        """Show History, Help, a sheet in the main panel; `focus` gets the keys, else the view itself."""
        if self._deck.main.current not in self._deck.views:
            self._behind_view = self.place
        self._deck.main.show(view)
        self._focus(focus or view)

    def close(self) -> None:
        """Back from a view to where it was opened."""
        behind = self._behind_view
        if behind is Place.REQUEST and self._deck.main.request.request is None:
            behind = Place.TEAM
        if behind not in (Place.REQUEST, Place.TRANSCRIPT, Place.WELCOME):
            self._show_behind()
        self.go(behind)

    def _show_behind(self) -> None:
        """What the main panel showed before a view covered it."""
        main = self._deck.main
        request = self.request_of_selected()
        main.transcript.show(self.run_id)
        if request is not None and self.is_wide:
            main.request.show(request.id)
        main.show(main.request if request is not None and self.is_wide else main.transcript)

    # Going

    def go(self, place: Place) -> None:
        """Give the keys to a place."""
        main, run_id = self._deck.main, self.run_id
        match place:
            case Place.INBOX if self.is_wide or self._store.state.inbox.open:
                self._focus(self._deck.inbox)
            case Place.TRANSCRIPT:
                main.transcript.show(run_id)
                main.show(main.transcript)
                self._focus(main.transcript)
            case Place.REQUEST:
                main.show(main.request)
                self._focus(main.request)
            case Place.WELCOME:
                main.show(self._deck.welcome)
                self._focus(self._deck.welcome)
            case Place.COMPOSER:
                self._address()
                self._focus(self._deck.composer.area)
            case _:
                self._focus(self._deck.roster)
        self.tell_viewed()
        self._changed()

    def _address(self) -> None:
        """The composer names whoever is selected; it never changes while it is written in."""
        composer, mate = self._deck.composer, self.selected
        if self.place is Place.COMPOSER:
            return
        if mate is None:
            composer.set_addressee(LEAD_TO_BE, "lead")
        else:
            composer.set_addressee(mate.run_id, clean_name(mate.name))

    def refocus(self) -> None:
        """Give the keys back to the place that had them, after all was hidden."""
        if self.place in (Place.FIELD, Place.EDITOR, Place.SHEET, *_VIEWS):
            if self._deck.main.current not in (self._deck.wider, self._deck.palette):
                self._focus(self._deck.main.current)
            return
        self.go(self.place)

    def open_request(self, request_id: RequestId) -> None:
        """Show a request whole and give it the keys; its row is selected too."""
        request = self._store.state.inbox.by_id.get(request_id)
        if request is None:
            return
        if self.place not in (Place.REQUEST, *_VIEWS):
            self._came_from = self.place
        self._deck.inbox.select(request_id)
        self._deck.main.request.show(request_id)
        self._deck.main.transcript.show(request.run_id)
        self.go(Place.REQUEST)
        self._deck.roster.select(request.run_id)

    def next_request(self, step: int) -> bool:
        """Open the next (or previous) one that needs the person, oldest first; False = there is none."""
        ids = self._store.state.inbox.open
        if not ids:
            return False
        current = self._deck.main.request.request_id if self.place is Place.REQUEST else None
        first = 0 if step > 0 else len(ids) - 1
        at = (ids.index(current) + step) % len(ids) if current in ids else first
        self.open_request(ids[at])
        return True

    def answered(self) -> None:
        """An answer counted: back to where the request was opened from; the row stays selected."""
        if self.place in (Place.REQUEST, Place.FIELD, Place.EDITOR):
            self.go(self._came_from if self._came_from is not Place.COMPOSER else Place.TEAM)
        self.show_selected()

    def back(self) -> None:
        """From a request, unanswered, to where one came from."""
        self.go(self._came_from)
        self.show_selected()

    def open_selected(self, *, to_write: bool) -> None:
        """Open the request of the selected row, else its transcript (and, to write, the composer)."""
        request = self._inbox_request() if self.place is Place.INBOX else self.request_of_selected()
        if request is not None:
            self.open_request(request.id)
            return
        mate = self.selected
        if mate is None:
            return
        if mate.is_terminal and mate.seen_at is None:
            self._controller.teammates.see(mate.run_id)
        self.go(Place.TRANSCRIPT)
        if to_write and not mate.is_terminal:
            self.go(Place.COMPOSER)

    def look_at(self, run_id: RunId) -> None:
        """Show the transcript of a run that has ended, from History."""
        self._controller.teammates.see(run_id)
        self._deck.main.transcript.show(run_id)
        self._deck.main.show(self._deck.main.transcript)
        self._focus(self._deck.main.transcript)

    def close_inbox_if_empty(self) -> None:
        """Where only the inbox was asked for and it is empty."""
        if self.place is Place.INBOX and not self._store.state.inbox.open and not self.is_wide:
            self.go(Place.TEAM)

    # The focus has moved

    def focus_moved(self, focused: Widget | None) -> None:
        """Note which place has the keys now, and tell the controller what is looked at."""
        place = self._deck.place_of(focused)
        if place is None or place is self.place:
            return
        was, self.place = self.place, place
        if place is Place.TEAM and was in (Place.REQUEST, Place.TRANSCRIPT, *_VIEWS):
            self.show_selected()
        self.tell_viewed()
        self._changed()

    def tell_viewed(self) -> None:
        """A run is viewed while the focus is in its transcript, request or composer."""
        run_id = self.run_id if self.place in _ABOUT_A_RUN else None
        if run_id != self._viewed:
            self._viewed = run_id
            self._controller.teammates.view(run_id)

    def footer_name(self) -> str:
        """The key of the footer for what is here."""
        mate = self.selected
        if self.place is Place.REQUEST:
            request = self._deck.main.request.request
            if isinstance(request, PermissionRequest) and request.rule is None:
                return "Q_permission_once"
            return f"Q_{request_kind(request)}" if request is not None else "Q_permission"
        if self.place is Place.FIELD and self._deck.main.current is self._deck.palette:
            return "F_palette"
        if self.place is Place.FIELD and self._deck.main.current is self._deck.wider:
            return "F_rule"
        if self.place is Place.SHEET and self._deck.main.current is self._deck.wider:
            return "Y_plan" if self._deck.wider.is_plan else "Y_wider"
        if self.place is Place.TEAM and not self._store.state.team.rows:
            return "R_empty"
        if self.place in (Place.TEAM, Place.TRANSCRIPT) and mate is not None and mate.is_terminal:
            return f"{self.place.value}_ended"
        return self.place.value

    def wish(self, *, composer_rows: int) -> Wish:
        """What the arrangement has to make room for."""
        return Wish(
            team_lines=self._deck.roster.wanted_height,
            inbox_lines=self._deck.inbox.wanted_height,
            main_first=self.place in (Place.REQUEST, Place.TRANSCRIPT, Place.FIELD, Place.EDITOR, *_VIEWS),
            zoomed=self.zoomed and self.place in (Place.REQUEST, Place.TRANSCRIPT, Place.FIELD, Place.EDITOR),
            writes=self.place is Place.COMPOSER,
            composer_rows=composer_rows,
            welcome=self.place is Place.WELCOME,
            whole=self.place in (Place.HELP, Place.HISTORY),
            inbox_has_keys=self.place is Place.INBOX,
        )
