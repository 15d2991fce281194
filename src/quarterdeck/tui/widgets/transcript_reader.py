"""The transcript of one run: laid to what is here, paged in where the window does not reach.

It follows the end or stays where it is; a run of another session is only looked at. Nothing here is a key.
"""

from collections.abc import Callable

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays
from quarterdeck.state.teammates import Teammate
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.connect import Beat, Connection, Source, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.transcript_document import NOTHING, Document
from quarterdeck.tui.widgets.transcript_entries import Fold, can_fold
from quarterdeck.tui.widgets.transcript_frame import Seen, TranscriptFrame
from quarterdeck.tui.widgets.transcript_line_view import LineView
from quarterdeck.tui.widgets.transcript_pages import Entries, Pages, Place
from quarterdeck.tui.widgets.transcript_places import head_of

SPIN_S = 0.1
KEPT = 6
"""So many transcripts keep their place and open blocks while others are looked at."""


Key = RunId | tuple[str, RunId]
"""A run of this session, or one of another with that session's id."""


class TranscriptReader(TranscriptFrame):
    """`show(run_id)` chooses the teammate, `show_stored(run)` a run of another session; it is drawn."""

    def __init__(
        self,
        store: Source,
        controller: Controller,
        look: Look,
        clock: Clock,
        *,
        delays: DisplayDelays | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(store, look, clock, delays=delays, id=id)
        self._controller = controller
        self._places: dict[Key, Place] = {}
        self._connection: Connection[Seen] | None = None
        self._beat: Beat | None = None
        self._pages = Pages(self, self._body, self._now, self._arrived)

    def on_mount(self) -> None:
        """Listen to the state."""
        self._connection = connect(self, self._store, self._selector(), self._receive)
        self._beat = Beat(self, SPIN_S, self._tick)

    def on_unmount(self) -> None:
        """Listen no more."""
        for one in (self._connection, self._beat):
            if one is not None:
                one.close()

    def show(self, run_id: RunId | None) -> None:
        """Show this teammate's transcript, where it was left."""
        if run_id == self.run_id and self.stored is None:
            return
        self._leave()
        self.run_id, self.stored = run_id, None
        self._enter(run_id)

    def show_stored(self, run: StoredRun) -> None:
        """Show the transcript of a run of another session, where it was left."""
        if self.stored is None or _key_of(run) != _key_of(self.stored):
            self._leave()
            self.run_id, self.stored = None, run
            self._enter(_key_of(run))

    def learn(self, run: StoredRun) -> None:
        """More is known of the stored run that is shown."""
        if self.stored is not None and _key_of(run) == _key_of(self.stored):
            self.stored = run
            self._end_running(None)
            self._draw_frame()

    def show_entry(self, entry_id: int) -> None:
        """Go to an entry of the run that is shown, wherever it is in its conversation."""
        if self._place.document.layout.place_of(entry_id) is not None:
            self._pages.owe_nothing()
            self._arrived(entry_id)
        else:
            self._pages.seek(entry_id)

    def _leave(self) -> None:
        self._keep_place()
        if self._connection is not None:
            self._connection.close()

    def _enter(self, key: Key | None) -> None:
        place = self._places.pop(key, None) if key is not None else None
        self._seen = Seen(None, None)
        self._place = place or Place(Document(self._view_for(self._run_name)))
        self._pages.open(self._place, self._source())
        self._body.source = self._place.document
        self._body.top, self._body.follows = self._place.top, self._place.follows
        if place is not None:
            self._relayout()
        self._mark_cursor()
        self._body.refresh()
        if self.is_mounted:
            self._connection = connect(self, self._store, self._selector(), self._receive)

    def _source(self) -> Entries | None:
        """Where older entries of the shown run come from."""
        run_id, stored, ports = self.run_id, self.stored, self._controller
        if stored is not None:
            session_id, its_run = _key_of(stored)
            return lambda before, count: ports.archive.page(session_id, its_run, before=before, count=count)
        if run_id is None:
            return None
        return self._source_of_entries(run_id)

    def _source_of_entries(self, run_id: RunId) -> Entries:
        """Older entries of a run of this session."""
        conversation = self._controller.conversation
        return lambda before, count: conversation.page(run_id, before=before, count=count)

    def _choose(self, entry_id: int | None) -> None:
        self._place.chosen = entry_id
        self._mark_cursor()

    # What the state says

    def _selector(self) -> Callable[[AppState], Seen]:
        """Selects this run's part; the same object while that part is the same."""
        last = Seen(None, None)

        def select(state: AppState) -> Seen:
            nonlocal last
            run_id = self.run_id
            mate = state.team.by_run.get(run_id) if run_id is not None else None
            transcript = state.transcripts.get(run_id) if run_id is not None else None
            if mate is not last.mate or transcript is not last.transcript:
                last = Seen(mate, transcript)
            return last

        return select

    def _receive(self, seen: Seen) -> None:
        if seen.mate is not None and seen.mate.run_id != self.run_id:
            return  # told before another one was chosen
        self._seen = seen
        renamed = clean_line(self._run_name) != self._place.document.view.name
        if renamed or self.look.version != self._look_version:
            self._look_version = self.look.version
            self._relayout()
        self._draw_end()
        first = self._take()
        first = self._end_running(first)
        moved = self._draw_verb()
        if first is not None or moved:
            self._body.rows_changed(first if first is not None else self._place.document.total() - 1)
        self._drop_oldest()
        self._fill()
        self._draw_frame()

    def _end_running(self, first: int | None) -> int | None:
        """A run that has ended runs no tool, whatever the window that was cut said last."""
        one = self._seen.mate or self.stored
        if one is None or (one.outcome is None and not (isinstance(one, Teammate) and one.is_idle)):
            return first
        cut = self._place.document.layout.end_running(one.ended_at or self._now())
        return first if cut is None else cut if first is None else min(first, cut)

    def _drop_oldest(self) -> None:
        """While the end is followed, forget what is far above it; it can be paged in again."""
        gone = self._place.document.layout.drop_front() if self._body.follows else 0
        if gone:
            self._body.top = max(0, self._body.top - gone)
            self._place.is_whole = False
            self._mark_cursor()

    def _take(self) -> int | None:
        """Lay the window to what is here; the first row that changed. What is between the two is paged in."""
        place, transcript = self._place, self._seen.transcript
        newest = place.document.layout.newest_id
        if self._pages.is_going_elsewhere:
            return None
        if place.is_cut:
            place.is_cut = transcript is None or not _reaches(transcript, newest or 0)
        elif transcript is not None and newest is None and not _is_up_to_date(transcript):
            # A kill leaves the last message only: the whole is paged in, unless there is nothing to page in.
            if not (place.is_whole or place.is_broken):
                return None
        elif transcript is not None and newest != place.last and not _reaches(transcript, newest):
            if self._body.follows:
                self._restart()
            else:
                place.is_cut = True
        return None if place.is_cut else place.document.update(transcript or NOTHING, self._now())

    def _restart(self) -> None:
        """Start anew from the end: what is older is paged in again."""
        self._place.document.restart()
        self._place.is_whole = self._place.is_cut = False
        self._place.known_rows = 0
        self._pages.open(self._place, self._source())
        self._body.follows = True

    def _arrived(self, gone_to: int | None) -> None:
        """A page came, or the part around an entry: the window may reach it now."""
        self._shows_loading = self._shows_loading and self._is_loading
        self._take()
        self._end_running(None)
        self._draw_verb()
        if gone_to is not None:
            self._go_to(gone_to)
        self._body.rows_changed()
        self._mark_cursor()
        self._fill()
        self._draw_end()
        self._draw_frame()

    def _go_to(self, entry_id: int) -> None:
        """Choose the block of an entry, open it, and bring it to the top; 0 is the top of all."""
        layout = self._place.document.layout
        place = layout.place_of(entry_id)
        if place is None:
            self._body.show_from(0)
            return
        if can_fold(layout.blocks[place].entry) and layout.blocks[place].fold is not Fold.WHOLE:
            layout.toggle(place, self._now())
        self._place.chosen = entry_id
        self._body.follows = False
        self._body.show_from(max(0, head_of(layout, place) - 1))

    @property
    def _is_loading(self) -> bool:
        return self._pages.is_loading

    def _fill(self) -> None:
        """Have a screenful before and behind what is in sight, so that it is there when one scrolls."""
        body = self._body
        if not self._body.size.height or self._pages.is_loading:
            return
        if body.top < body.rows and (not body.follows or self._place.document.total() < body.rows):
            self._pages.older()
        if self._place.is_cut and body.rows_below < body.rows:
            self._pages.newer()

    def _keep_place(self) -> None:
        key = _key_of(self.stored) if self.stored is not None else self.run_id
        if key is None:
            return
        self._place.top, self._place.follows = self._body.top, self._body.follows
        self._places[key] = self._place
        while len(self._places) > KEPT:
            self._places.pop(next(iter(self._places)))

    # Events

    def on_resize(self) -> None:
        """Another width lays all out anew."""
        self._last_cells = self.size.width or self._last_cells
        if self._cells != self._place.document.view.cells:
            self._relayout()
        self._draw_end()
        self._draw_frame()
        self._fill()

    def on_line_view_scrolled(self, event: LineView.Scrolled) -> None:
        """The foot tells where one is."""
        event.stop()
        self._fill()
        self._draw_end()
        self._draw_frame()


def _key_of(run: StoredRun) -> tuple[str, RunId]:
    return run.session_id, run.run_id


def _is_up_to_date(transcript: Transcript) -> bool:
    """Whether the window ends with the newest entry that the run has had."""
    entries = transcript.entries
    return not entries or entries[-1].id == transcript.next_id - 1


def _reaches(transcript: Transcript, newest: int | None) -> bool:
    """Whether nothing is missing between the window and what is here up to the entry `newest`."""
    if newest is None or not transcript.entries or newest >= transcript.next_id - 1:
        return True
    return transcript.entries[0].id <= newest + 1 and _is_up_to_date(transcript)
