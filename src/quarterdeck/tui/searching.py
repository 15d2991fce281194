"""Searching what was said: asks the archive for what is typed, a moment after the last key, and opens hits.

The latest words win: an answer to others is dropped. It draws nothing.
"""

from functools import partial

from textual.worker import Worker

from quarterdeck.domain.archive import SearchHit, SearchScope, StoredRun
from quarterdeck.state.store import Store
from quarterdeck.tui.connect import Beat
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.ports import ArchiveGone, Controller
from quarterdeck.tui.search_scopes import Where, choices, scope_of, scope_of_run, scope_of_stored
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.stage import Stage

PAUSE_S = 0.12
"""So long after the last key is asked."""
_BEAT_S = 0.05


class SearchDesk:
    """Opens the search, asks, and goes to what was found."""

    def __init__(
        self, deck: Deck, desk: Desk, store: Store, controller: Controller, clock: Clock, stage: Stage
    ) -> None:
        self._deck = deck
        self._desk = desk
        self._store = store
        self._archive = controller.archive
        self._clock = clock
        self._stage = stage
        self._words = ""
        self._teammate: SearchScope | None = None
        """Who is meant by this teammate."""
        self._due = 0.0
        self._beat: Beat | None = None
        self._number = 0
        """Of the question that counts."""

    def open(self) -> None:
        """Show the field, with the words that were there, and what they find by now.

        From a transcript it looks there first, from anywhere else in everything.
        """
        panel, here = self._deck.search, self._desk.here
        self._teammate = self._meant()
        is_there = here.place is Place.TRANSCRIPT and self._teammate is not None
        panel.offer(choices(self._teammate), Where.TEAMMATE if is_there else Where.EVERYTHING)
        self._desk.show_view(panel, panel.field)
        self.typed(panel.words)

    def _meant(self) -> SearchScope | None:
        """The teammate that keys would act on here, if there is one."""
        here, state = self._desk.here, self._store.state
        if here.looked_at is not None:
            return scope_of_stored(here.looked_at)
        mate = here.selected
        return scope_of_run(state.session.id, state.team, mate.run_id) if mate is not None else None

    def typed(self, words: str) -> None:
        """Ask for these words, where one looks now, when no key follows; no words find nothing at once."""
        self._words = " ".join(words.split())
        self._due = self._clock.monotonic() + PAUSE_S
        self._number += 1
        results = self._deck.search.results
        if not self._words:
            results.show_found("", self._deck.search.where.chosen, None, 0.0)
        elif self._beat is None:
            self._beat = Beat(results, _BEAT_S, self._ask_when_due)

    def _ask_when_due(self) -> None:
        if self._beat is None or self._clock.monotonic() < self._due:
            return
        self._beat.close()
        self._beat = None
        if not self._words:
            return
        results = self._deck.search.results
        results.is_searching = True
        results.rebuild()
        _asks: Worker[None] = results.app.run_worker(
            partial(self._search, self._words, self._number),
            group="search",
            exclusive=True,
            exit_on_error=False,
        )

    async def _search(self, words: str, number: int) -> None:
        began, where = self._clock.monotonic(), self._deck.search.where.chosen
        try:
            found = await self._archive.search(
                words, scope_of(where, self._store.state.session.id, self._teammate)
            )
        except ArchiveGone as gone:
            if number == self._number:
                self._deck.search.results.show_found(words, where, None, 0.0)
                self._stage.say(str(gone), is_fault=True)
            return
        if number == self._number:
            self._deck.search.results.show_found(words, where, found, self._clock.monotonic() - began)

    def open_hit(self, hit: SearchHit) -> None:
        """Show the transcript at this entry; of another session's run to be looked at only."""
        state = self._store.state
        if hit.session_id == state.session.id and hit.run_id in state.team.by_run:
            self._desk.look_at(hit.run_id, entry=hit.entry)
            return
        known = self._deck.history.stored_run(hit.session_id, hit.run_id)
        self._desk.look_at(known or _bare(hit), entry=hit.entry)
        if known is None:
            self._stage.start(self._learn_more(hit))

    async def _learn_more(self, hit: SearchHit) -> None:
        """How that run ended, for the title."""
        try:
            runs = await self._archive.runs()
        except ArchiveGone:
            return  # its pages come from there too, and say so
        for run in runs:
            if (run.session_id, run.run_id) == (hit.session_id, hit.run_id):
                self._deck.main.transcript.learn(run)


def _bare(hit: SearchHit) -> StoredRun:
    """All that a hit tells of its run."""
    return StoredRun(
        session_id=hit.session_id,
        run_id=hit.run_id,
        agent_id="",
        name=hit.name,
        label="",
        model="",
        lifecycle="",
    )
