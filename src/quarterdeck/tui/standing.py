"""Where the person stands: the place that has the keys and what those act on there. It changes nothing.

`desk` moves the place; this tells what follows from it: the run, the request, what must have been painted.
"""

from collections.abc import Iterable

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.requests import PermissionRequest, Request, request_kind
from quarterdeck.state.selectors import select_request_of, select_suspended_of
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.arrangement import Wish
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.guards import Token
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ranking import FOLD

VIEWS = frozenset({Place.HISTORY, Place.RESULTS, Place.HELP, Place.SHEET, Place.WELCOME})


class Standing:
    """A place on the deck."""

    def __init__(self, deck: Deck, store: Store) -> None:
        self._deck = deck
        self._store = store
        self.place = Place.TEAM
        self.is_wide = True
        self.zoomed = False
        self.is_past = False
        """The past is shown, with the keys in it or in the help."""

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
            request = self.inbox_request()
            return request.run_id if request is not None else None
        if self.place is Place.REQUEST and main.request.request is not None:
            return main.request.request.run_id
        if self.place is Place.TRANSCRIPT:
            return main.transcript.run_id
        chosen = self._deck.roster.selected
        return None if chosen == FOLD else chosen

    @property
    def looked_at(self) -> StoredRun | None:
        """The run of another session that is meant here: it can only be looked at."""
        if self.place is Place.HISTORY:
            return self._deck.history.selected_stored
        return self._deck.main.transcript.stored if self.place is Place.TRANSCRIPT else None

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
        """The oldest request of the selected row; of a run that has ended, the one that outlived it."""
        run_id, state = self.run_id, self._store.state
        if run_id is None:
            return None
        return select_request_of(state, run_id) or select_suspended_of(state, run_id)

    def inbox_request(self) -> Request | None:
        """The chosen entry of the inbox."""
        request_id = self._deck.inbox.selected
        return self._store.state.inbox.by_id.get(request_id) if request_id is not None else None

    def needs(self, action: str) -> Iterable[Token]:
        """What must have been painted before this action may happen here."""
        answers = action in ("approve", "reject", "wider")
        if answers and self.shown_request() is not None and not self._deck.main.request.is_answerable:
            return ()  # the panel says why nothing can be answered
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
        if self.looked_at is not None:
            return ()  # nothing acts on a run of another session: the key says so
        if self.place is Place.TRANSCRIPT:
            return (("view", self._deck.main.transcript.run_id),)
        return self._selection_tokens()

    def _selection_tokens(self) -> tuple[Token, ...]:
        inbox, roster = self._deck.inbox, self._deck.roster
        return inbox.needed_tokens() if self.place is Place.INBOX else roster.needed_tokens()

    def footer_name(self) -> str:
        """The key of the footer for what is here."""
        mate = self.selected
        if self.place is Place.REQUEST:
            panel = self._deck.main.request
            request = panel.request
            if request is not None and not panel.is_answerable:
                return "Q_gone"
            if isinstance(request, PermissionRequest) and request.rule is None:
                return "Q_permission_once"
            return f"Q_{request_kind(request)}" if request is not None else "Q_permission"
        if self.place is Place.FIELD:
            return self._field_footer()
        if self.looked_at is not None:
            return f"{self.place.value}_stored"
        if self.place is Place.WELCOME and self._deck.welcome.last is not None:
            return "W_last"
        if self.place is Place.SHEET and self._deck.main.current is self._deck.wider:
            return "Y_plan" if self._deck.wider.is_plan else "Y_wider"
        if self.place is Place.TEAM and not self._store.state.team.rows:
            return "R_empty"
        if self.place in (Place.TEAM, Place.TRANSCRIPT) and mate is not None and mate.is_terminal:
            return f"{self.place.value}_ended"
        return self.place.value

    def _field_footer(self) -> str:
        deck = self._deck
        for view, name in ((deck.palette, "F_palette"), (deck.search, "F_search"), (deck.wider, "F_rule")):
            if deck.main.current is view:
                return name
        return Place.FIELD.value

    def wish(self, *, composer_rows: int) -> Wish:
        """What the arrangement has to make room for."""
        return Wish(
            team_lines=self._deck.roster.wanted_height,
            inbox_lines=self._deck.inbox.wanted_height,
            main_first=self.place in (Place.REQUEST, Place.TRANSCRIPT, Place.FIELD, Place.EDITOR, *VIEWS),
            zoomed=self.zoomed and self.place in (Place.REQUEST, Place.TRANSCRIPT, Place.FIELD, Place.EDITOR),
            writes=self.place is Place.COMPOSER,
            composer_rows=composer_rows,
            welcome=self.place is Place.WELCOME,
            whole=self.place in (Place.HELP, Place.HISTORY),
            past=self.place is Place.TIMELINE,
            inbox_has_keys=self.place is Place.INBOX,
        )
