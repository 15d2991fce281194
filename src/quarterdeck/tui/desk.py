"""Where the person is: which place has the keys, what the main panel shows, how one gets elsewhere.

It moves focus and views and tells the controller what is looked at; it never acts on a run.
"""

from collections.abc import Callable

from textual.widget import Widget

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import Request
from quarterdeck.state.store import Store
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.standing import VIEWS, Standing
from quarterdeck.tui.trail import Trail

LEAD_TO_BE = ""
"""The addressee while there is no teammate: what is sent starts the lead."""

_ABOUT_A_RUN = frozenset({Place.TRANSCRIPT, Place.REQUEST, Place.COMPOSER, Place.FIELD, Place.EDITOR})


_ELSEWHERE = frozenset({Place.TEAM, Place.INBOX, Place.COMPOSER})
"""Who is here has left History and Search for good."""


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
        self.here = Standing(deck, store)
        self._trail = Trail(deck, self.here, self._show)
        self._came_from = Place.TEAM
        """Where `n` was pressed: an answer leads back there."""
        self._behind_view = Place.TEAM
        self._viewed: RunId | None = None

    # What the main panel shows

    def selection_changed(self) -> None:
        """Another row is selected: the main panel follows, unless something in it is being read."""
        composer = self._deck.composer
        is_unaddressed = composer.addressee == LEAD_TO_BE and not composer.text.strip()
        if self.here.place is Place.COMPOSER and is_unaddressed and self.here.selected is not None:
            mate = self.here.selected
            composer.set_addressee(mate.run_id, clean_name(mate.name))
            self._deck.main.transcript.show(mate.run_id)
            self._tell_viewed()
        elif self.here.place in (Place.TEAM, Place.INBOX):
            self.show_selected()

    def show_selected(self) -> None:
        """From 100 columns the open request of the selected row, else its transcript."""
        main = self._deck.main
        request = (
            self.here.inbox_request() if self.here.place is Place.INBOX else self.here.request_of_selected()
        )
        main.transcript.show(self.here.run_id)
        if request is not None and self.here.is_wide and self.here.place is not Place.COMPOSER:
            main.request.show(request.id)
            main.show(main.request)
        else:
            main.show(main.transcript)
        self._address()
        self._changed()

    def _show_new_request(self) -> None:
        """The selected row asks for something new: from 100 columns it is shown, unless something is read."""
        main, request = self._deck.main, self.here.request_of_selected()
        if self.here.place is not Place.TEAM or not self.here.is_wide or request is None:
            return
        shows_it = main.current is main.request and main.request.request_id == request.id
        if main.current in (main.transcript, main.request) and not shows_it:
            self.show_selected()

    def show_view(self, view: Widget, focus: Widget | None = None) -> None:
        """Show History, Help, a sheet in the main panel; `focus` gets the keys, else the view itself."""
        current = self._deck.main.current
        if current is not view and not self._trail.remember() and current not in self._deck.views:
            self._behind_view = self.here.place
        self._show(view, focus or view)

    def _show(self, view: Widget, focus: Widget) -> None:
        self._deck.main.show(view)
        self._focus(focus)
        self._changed()

    def close(self) -> None:
        """Back from a view, or a transcript that a view led to, to where it was opened."""
        if self._trail.come_back():
            return
        if self.here.place is Place.TRANSCRIPT:
            self.go(Place.TEAM)
            return
        behind = self._behind_view
        if behind is Place.TIMELINE:
            self.go(behind)
            return
        if behind is Place.REQUEST and self._deck.main.request.request is None:
            behind = Place.TEAM
        if behind not in (Place.REQUEST, Place.TRANSCRIPT, Place.WELCOME):
            self._show_behind()
        self.go(behind)

    def _show_behind(self) -> None:
        """What the main panel showed before a view covered it."""
        main = self._deck.main
        request = self.here.request_of_selected()
        main.transcript.show(self.here.run_id)
        if request is not None and self.here.is_wide:
            main.request.show(request.id)
        main.show(main.request if request is not None and self.here.is_wide else main.transcript)

    # Going

    def go(self, place: Place) -> None:
        """Give the keys to a place."""
        main, run_id = self._deck.main, self.here.run_id
        match place:
            case Place.INBOX if self.here.is_wide or self._deck.inbox.wanted_height:
                self._focus(self._deck.inbox)
            case Place.TRANSCRIPT:
                if self.here.looked_at is None:
                    main.transcript.show(run_id)
                main.show(main.transcript)
                self._focus(main.transcript)
            case Place.REQUEST:
                main.show(main.request)
                self._focus(main.request)
            case Place.TIMELINE:
                self._focus(self._deck.past.timeline)
            case Place.WELCOME:
                main.show(self._deck.welcome)
                self._focus(self._deck.welcome)
            case Place.COMPOSER:
                self._address()
                self._focus(self._deck.composer.area)
            case _:
                self._focus(self._deck.roster)
        self._tell_viewed()
        self._changed()

    def _address(self) -> None:
        """The composer names whoever is selected; it never changes while it is written in."""
        composer, mate = self._deck.composer, self.here.selected
        if self.here.place is Place.COMPOSER:
            return
        if mate is None:
            composer.set_addressee(LEAD_TO_BE, "lead")
        else:
            composer.set_addressee(mate.run_id, clean_name(mate.name))
        self._tell_addressee()

    def _tell_addressee(self) -> None:
        """The composer tells when the one it writes to has ended."""
        composer = self._deck.composer
        mate = self._store.state.team.by_run.get(RunId(composer.addressee))
        composer.set_gone(mate is not None and mate.is_terminal)

    def state_changed(self) -> None:
        """The team or the requests are others than before."""
        self._tell_addressee()
        self._show_new_request()

    def refocus(self) -> None:
        """Give the keys back to the place that had them, after all was hidden."""
        if self.here.place in (Place.FIELD, Place.EDITOR, Place.SHEET, *VIEWS):
            if self._deck.main.current is self._deck.search:
                search = self._deck.search
                self._focus(search.field if self.here.place is Place.FIELD else search.results)
            elif self._deck.main.current not in (self._deck.wider, self._deck.palette):
                self._focus(self._deck.main.current)
            return
        self.go(self.here.place)

    def open_request(self, request_id: RequestId) -> None:
        """Show a request whole and give it the keys; its row is selected too."""
        request = self._store.state.inbox.by_id.get(request_id)
        if request is None:
            return
        if self.here.place in (Place.FIELD, *VIEWS):
            self._trail.forget()
        if self.here.place not in (Place.REQUEST, *VIEWS):
            self._came_from = self.here.place
        self._deck.inbox.select(request_id)
        self._deck.main.request.show(request_id)
        self._deck.main.transcript.show(request.run_id)
        self.go(Place.REQUEST)
        self._deck.roster.select(request.run_id)
        self._address()

    def next_request(self, step: int) -> Request | None:
        """Open the next (or previous) one that needs the person, oldest first; None = there is none.

        What outlived its run comes last.
        """
        inbox = self._store.state.inbox
        ids = (*inbox.open, *inbox.suspended)
        if not ids:
            return None
        current = self._deck.main.request.request_id if self.here.place is Place.REQUEST else None
        first = 0 if step > 0 else len(ids) - 1
        at = (ids.index(current) + step) % len(ids) if current in ids else first
        request = inbox.by_id[ids[at]]
        self.open_request(request.id)
        return request

    def answered(self) -> None:
        """An answer counted: back to where the request was opened from; the row stays selected."""
        if self.here.place in (Place.REQUEST, Place.FIELD, Place.EDITOR):
            self.go(self._came_from if self._came_from is not Place.COMPOSER else Place.TEAM)
        self.show_selected()

    def back(self) -> None:
        """From a request, unanswered, to where one came from."""
        self.go(self._came_from)
        self.show_selected()

    def open_selected(self, *, to_write: bool) -> None:
        """Open the request of the selected row, else its transcript (and, to write, the composer)."""
        request = (
            self.here.inbox_request() if self.here.place is Place.INBOX else self.here.request_of_selected()
        )
        if request is not None:
            self.open_request(request.id)
            return
        mate = self.here.selected
        if mate is None:
            return
        if mate.is_terminal and mate.seen_at is None:
            self._controller.teammates.see(mate.run_id)
        self.go(Place.TRANSCRIPT)
        if to_write and not mate.is_terminal:
            self.go(Place.COMPOSER)

    def look_at(self, run: RunId | StoredRun, *, entry: int | None = None) -> None:
        """Show the transcript of a run, at an entry that a search found; `close` leads back.

        A run of another session can only be looked at.
        """
        transcript = self._deck.main.transcript
        self._trail.remember()
        if isinstance(run, StoredRun):
            transcript.show_stored(run)
        else:
            mate = self._store.state.team.by_run.get(run)
            if mate is not None and mate.is_terminal:
                self._controller.teammates.see(run)
            transcript.show(run)
        self._show(transcript, transcript)
        if entry is not None:
            transcript.show_entry(entry)

    def return_to(self, view: Widget, focused: Widget) -> None:
        """From the past: show what the main panel showed and give the keys to whatever had them."""
        self._deck.main.show(view)
        self._focus(focused)
        if self.here.place in (Place.TEAM, Place.INBOX):
            self.show_selected()
        self._changed()

    # The focus has moved

    def focus_moved(self, focused: Widget | None) -> None:
        """Note which place has the keys now, and tell the controller what is looked at."""
        place = self._deck.place_of(focused)
        if place is None or place is self.here.place:
            return
        if self.here.is_past and place not in (Place.TIMELINE, Place.HELP):
            self._focus(self._deck.past.timeline)  # nothing of now can be had from there, by a click either
            return
        was, self.here.place = self.here.place, place
        if place in _ELSEWHERE:
            self._trail.forget()
        if place is Place.TEAM and was in (Place.REQUEST, Place.TRANSCRIPT, *VIEWS):
            self.show_selected()
        self._tell_viewed()
        self._changed()

    def _tell_viewed(self) -> None:
        """A run is viewed while the focus is in its transcript, request or composer."""
        run_id = self.here.run_id if self.here.place in _ABOUT_A_RUN else None
        if run_id != self._viewed:
            self._viewed = run_id
            self._controller.teammates.view(run_id)
