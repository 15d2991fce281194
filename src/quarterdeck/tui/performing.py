"""Does what the keymap names: one method per action, by the place one is in. No guards here, no drawing."""

from collections.abc import Callable

from quarterdeck.domain.display_text import clean_name
from quarterdeck.state.selectors import select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.counts import select_waiting
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.palette_entries import PaletteDesk
from quarterdeck.tui.searching import SearchDesk
from quarterdeck.tui.sheets import quit_sheet
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.verbs import Verbs
from quarterdeck.tui.welcoming import WelcomeDesk
from quarterdeck.tui.widening import Widening
from quarterdeck.tui.widgets.stored_words import look_only_words
from quarterdeck.tui.widgets.views import ViewPanel


class Performer:
    """`perform(action)`; what is no action of its own goes to the widget that has the keys."""

    def __init__(
        self,
        deck: Deck,
        desk: Desk,
        store: Store,
        verbs: Verbs,
        widening: Widening,
        palette: PaletteDesk,
        search: SearchDesk,
        welcome: WelcomeDesk,
        stage: Stage,
    ) -> None:
        self._deck = deck
        self._desk = desk
        self._store = store
        self._verbs = verbs
        self._stage = stage
        self._widening = widening
        self._palette = palette
        self._search = search
        self._welcome = welcome
        self._actions: dict[str, Callable[[], object]] = {**self._going(), **self._acting()}

    def _going(self) -> dict[str, Callable[[], object]]:
        """Actions that move or show."""
        return {
            "open": self._open,
            "look-inside": self._look_inside,
            "to-team": self._to_team,
            "to-inbox": self._to_inbox,
            "to-main": self._to_main,
            "to-composer": self._to_composer,
            "write": self._to_composer,
            "back": self._desk.back,
            "close": self._desk.close,
            "next-request": lambda: self._next(1),
            "previous-request": lambda: self._next(-1),
            "history": self._history,
            "search": self._search.open,
            "continue-last": self._welcome.go_on,
            "to-field": self._deck.search.to_field,
            "help": self._help,
            "palette": self._palette.open,
            "zoom": self._zoom,
            "copy-selection": self._copy_selection,
            "enter-answers-nothing": self._enter_answers_nothing,
            "nothing": lambda: None,
        }

    def _acting(self) -> dict[str, Callable[[], object]]:
        """Actions that answer or act."""
        return {
            "approve": lambda: self._answer("approve"),
            "reject": lambda: self._answer("reject"),
            "edit": lambda: self._answer("edit"),
            "show-request": self._show_request,
            "interrupt": lambda: self._on_run(self._verbs.interrupt),
            "pause": lambda: self._on_run(self._verbs.pause),
            "stop": lambda: self._on_run(self._verbs.stop),
            "kill": lambda: self._on_run(self._verbs.kill),
            "revive": lambda: self._on_run(self._verbs.revive),
            "revive-all": self._verbs.revive_all,
            "kill-all": self._verbs.kill_all,
            "interrupt-all": self._verbs.interrupt_all,
            "pause-all": self._verbs.pause_all,
            "quit": self._quit,
            "wider": self._widening.open,
            "yes": self._yes,
            "no": self._desk.close,
            "next-scope": lambda: self._in_wider(lambda: self._deck.wider.choose(1)),
            "previous-scope": lambda: self._in_wider(lambda: self._deck.wider.choose(-1)),
            "edit-rule": lambda: self._in_wider(self._deck.wider.edit_rule),
        }

    def perform(self, action: str) -> None:
        """Do one action."""
        own = self._actions.get(action)
        if own is not None:
            own()
        elif not self._widget_does(action):
            self._stage.say(f"Nothing to do: {action.replace('-', ' ')}.")

    def _widget_does(self, action: str) -> bool:
        deck, place = self._deck, self._desk.here.place
        if place is Place.TEAM:
            return deck.roster.do(action)
        if place is Place.INBOX:
            return deck.inbox.do(action)
        if place is Place.RESULTS:
            return deck.search.results.do(action)
        current = deck.main.current
        if current is deck.main.transcript:
            return deck.main.transcript.do(action) or action in _MOVES
        if current is deck.main.request:
            return deck.main.request.do(action) or action in _MOVES
        return isinstance(current, ViewPanel) and current.do(action)

    # Going

    def _to_team(self) -> None:
        if self._desk.here.place is Place.TRANSCRIPT:
            self._desk.close()
        else:
            self._desk.go(Place.TEAM)

    def _is_look_only(self) -> bool:
        """A run of another session is meant: say what brings it back."""
        run = self._desk.here.looked_at
        if run is not None:
            self._stage.say(look_only_words(run))
        return run is not None

    def _open(self) -> None:
        if self._desk.here.place in (Place.TEAM, Place.INBOX):
            if self._deck.roster.selected is not None and self._desk.here.run_id is None:
                self._deck.roster.toggle_idle()
            self._desk.open_selected(to_write=True)
        else:
            self._widget_does("open")

    def _look_inside(self) -> None:
        if self._deck.roster.selected is not None and self._desk.here.run_id is None:
            self._deck.roster.toggle_idle()
        self._desk.open_selected(to_write=False)

    def _to_main(self) -> None:
        main = self._deck.main
        if main.current is main.request and self._desk.here.shown_request() is not None:
            request = self._desk.here.shown_request()
            if request is not None:
                self._desk.open_request(request.id)
        elif self._desk.here.selected is not None:
            self._desk.go(Place.TRANSCRIPT)

    def _to_inbox(self) -> None:
        self._desk.go(Place.INBOX)
        if self._desk.here.place is not Place.INBOX:
            self._stage.say("Nothing needs you.")

    def _to_composer(self) -> None:
        if self._desk.here.place is Place.TRANSCRIPT and self._is_look_only():
            return
        if self._desk.here.place in (Place.HISTORY, Place.RESULTS):
            self._desk.close()
        mate = self._desk.here.selected
        if mate is not None and mate.is_terminal:
            self._stage.say(f"{clean_name(mate.name)} is gone: r revives it, then you can write.")
            return
        if mate is None and self._store.state.team.rows:
            self._stage.say("No teammate is chosen. esc shows all.")
            return
        self._desk.selection_changed()  # a row chosen by the key before may not have been told yet
        self._desk.go(Place.COMPOSER)

    def _next(self, step: int) -> None:
        request = self._desk.next_request(step)
        if request is None:
            self._stage.say("Nothing needs you.")

    def _zoom(self) -> None:
        self._desk.here.zoomed = not self._desk.here.zoomed
        self._desk.focus_moved(None)
        self._desk.go(self._desk.here.place)

    # Answering

    def _show_request(self) -> None:
        if self._is_look_only():
            return
        here = self._desk.here
        request = here.request_of_selected()
        if request is None:
            self._stage.say(f"{self._desk.here.name} waits for nothing.")
        else:
            self._desk.open_request(request.id)

    def _answer(self, action: str) -> None:
        """Answer what the main panel shows whole; what is not shown is shown first."""
        desk = self._desk
        if desk.here.place is not Place.REQUEST and desk.here.shown_request() is None:
            self._show_request()
            return
        if action in ("reject", "edit") and desk.here.place is not Place.REQUEST:
            request = desk.here.shown_request()
            if request is not None:
                desk.open_request(request.id)
        self._deck.main.request.do(action)

    def _enter_answers_nothing(self) -> None:
        self._stage.say("Enter answers nothing here: a says yes, d says no, n leaves it for later.")

    # Views and sheets

    def _history(self) -> None:
        self._deck.history.ask()
        self._desk.show_view(self._deck.history)

    def _help(self) -> None:
        self._deck.help.open_for(self._desk.here.place)
        self._desk.show_view(self._deck.help)

    def _yes(self) -> None:
        deck = self._deck
        if deck.main.current is deck.wider:
            deck.wider.say_yes()
            return
        sheet = deck.sheet.sheet
        self._desk.close()
        if sheet is not None:
            sheet.yes()

    def _in_wider(self, act: Callable[[], object]) -> None:
        """Keys of the sheet for a wider yes; in any other sheet they are a no."""
        if self._deck.main.current is self._deck.wider:
            act()
        else:
            self._desk.close()

    # Acting on runs, and leaving

    def _on_run(self, verb: Callable[[Teammate], None]) -> None:
        if self._is_look_only():
            return
        mate = self._desk.here.selected
        if mate is None:
            self._stage.say("No teammate is chosen.")
            return
        verb(mate)

    def _quit(self) -> None:
        running = select_living(self._store.state.team)
        if not running:
            self._stage.leave()
            return
        needing = len(select_waiting(self._store.state))
        self._stage.ask(
            quit_sheet(len(running), needing, self._stage.leave, comes_back=self._verbs.comes_back())
        )

    def _copy_selection(self) -> None:
        if not self._stage.copy_selection():
            self._stage.say("Nothing is selected to copy. ctrl+q quits, and asks first.")


_MOVES = frozenset({"up", "down", "page-up", "page-down", "half-up", "half-down", "top", "end"})
"""Moves that do nothing at the end of a text; nothing needs to be said then."""
