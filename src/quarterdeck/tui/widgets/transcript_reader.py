"""The transcript of one teammate as it grows: laid to what is here, paged in where the window does not reach.

It follows the end or stays where it is; nothing here is a key.
"""

from collections.abc import Callable

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry
from quarterdeck.state.selectors import DisplayDelays, leaves_at
from quarterdeck.state.teammates import Teammate
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.connect import Beat, Connection, Source, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.past import Pages
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.kill_proof import KillProofPanel
from quarterdeck.tui.widgets.transcript_document import NOTHING, Document
from quarterdeck.tui.widgets.transcript_entries import View
from quarterdeck.tui.widgets.transcript_layout import MOST_BLOCKS
from quarterdeck.tui.widgets.transcript_line_view import LineView
from quarterdeck.tui.widgets.transcript_parts import paragraph, rule
from quarterdeck.tui.widgets.transcript_places import anchor, head_of, row_of
from quarterdeck.tui.widgets.transcript_rows import Rows
from quarterdeck.tui.widgets.transcript_status import (
    empty_words,
    foot_line,
    head_line,
    state_words,
    verb_line,
)

SPIN_S = 0.1
PAGE_ENTRIES = 100
NEWEST = 2**53
"""Above every entry id."""
KEPT = 6
"""So many transcripts keep their place and open blocks while others are looked at."""


class Seen(msgspec.Struct, frozen=True):
    """What the panel draws of the state."""

    mate: Teammate | None
    transcript: Transcript | None


class Place(msgspec.Struct):
    """A transcript with where the person left it."""

    document: Document
    top: int = 0
    follows: bool = True
    known_rows: int = 0
    """The number of the row behind the last one that has been followed to."""
    chosen: int | None = None
    """The entry of the block that the person chose."""
    is_whole: bool = False
    """Nothing older is left to page in."""


class TranscriptReader(Vertical, can_focus=True):
    """`show(run_id)` chooses the teammate; what happens to it is drawn."""

    DEFAULT_CSS = "TranscriptReader { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        store: Source,
        controller: Controller,
        look: Look,
        clock: Clock,
        *,
        delays: DisplayDelays | None = None,
        has_title: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._store = store
        self._pages: Pages = controller.conversation
        self.look = look
        self._clock = clock
        self._delays = delays or DisplayDelays()
        self._has_title = has_title
        self.run_id: RunId | None = None
        self._seen = Seen(None, None)
        self._places: dict[RunId, Place] = {}
        self._raw = False
        self._second = 0
        self._place = Place(Document(self._view_for("")))
        self._look_version = look.version
        self._connection: Connection[Seen] | None = None
        self._beat: Beat | None = None
        self._head = Rows(id="transcript-head")
        self._proof = KillProofPanel(id="kill-proof")
        self._body = LineView(self._place.document, follows=True, id="transcript-body")
        self._foot = Rows(id="transcript-foot")

    def compose(self) -> ComposeResult:
        """Title and head, how it ended, the rows, the foot."""
        yield self._head
        yield self._proof
        yield self._body
        yield self._foot

    def on_mount(self) -> None:
        """Listen to the state."""
        self._connection = connect(self, self._store, self._selector(), self._receive)
        self._beat = Beat(self, SPIN_S, self._tick)

    def on_unmount(self) -> None:
        """Listen no more."""
        for one in (self._connection, self._beat):
            if one is not None:
                one.close()

    @property
    def body(self) -> LineView:
        """The rows that scroll."""
        return self._body

    @property
    def title(self) -> tuple[str, str]:
        """Left and right text of the title; clean."""
        mate = self._seen.mate
        if mate is None:
            return "Transcript", ""
        right = "" if mate.is_terminal else ("live" if self._body.follows else "reading")
        return f"{clean_line(mate.name)} {state_words(mate, self.look)}", right

    def show(self, run_id: RunId | None) -> None:
        """Show this teammate's transcript, where it was left."""
        if run_id == self.run_id:
            return
        self._keep_place()
        self.run_id = run_id
        if self._connection is not None:
            self._connection.close()
        place = self._places.pop(run_id, None) if run_id is not None else None
        self._seen = Seen(None, None)
        self._place = place or Place(Document(self._view_for(self._name_of(run_id))))
        self._body.source = self._place.document
        self._body.top, self._body.follows = self._place.top, self._place.follows
        if place is not None:
            self._relayout()
        self._mark_cursor()
        self._body.refresh()
        if self.is_mounted:
            self._connection = connect(self, self._store, self._selector(), self._receive)

    def redraw(self) -> None:
        """Colours or signs have changed: draw all anew."""
        self._look_version = self.look.version
        self._relayout()
        self._draw_end()
        self._draw_frame()

    def _choose(self, entry_id: int | None) -> None:
        self._place.chosen = entry_id
        self._mark_cursor()

    def _mark_cursor(self) -> None:
        layout = self._place.document.layout
        place = layout.place_of(self._place.chosen) if self._place.chosen is not None else None
        self._body.cursor_style = self.look.roles.focus
        self._body.set_cursor(head_of(layout, place) if place is not None else None)

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
        renamed = (seen.mate.name if seen.mate else "") != self._place.document.view.name
        self._seen = seen
        if renamed or self.look.version != self._look_version:
            self._look_version = self.look.version
            self._relayout()
        self._draw_end()
        first = self._take(seen.transcript or NOTHING)
        first = self._end_running(first)
        moved = self._draw_verb()
        if first is not None or moved:
            self._body.rows_changed(first if first is not None else self._place.document.total() - 1)
        self._drop_oldest()
        if self._needs_older():
            self._page_in()
        self._draw_frame()

    def _end_running(self, first: int | None) -> int | None:
        """A run that has ended runs no tool, whatever the window that was cut said last."""
        mate = self._seen.mate
        if mate is None or not (mate.is_terminal or mate.is_idle):
            return first
        cut = self._place.document.layout.end_running(mate.ended_at or self._now())
        return first if cut is None else cut if first is None else min(first, cut)

    def _drop_oldest(self) -> None:
        """While the end is followed, forget what is far above it; it can be paged in again."""
        gone = self._place.document.layout.drop_front() if self._body.follows else 0
        if gone:
            self._body.top = max(0, self._body.top - gone)
            self._place.is_whole = False
            self._mark_cursor()

    def _take(self, transcript: Transcript) -> int | None:
        """Lay the window to what is here; what is missing between the two is paged in."""
        document, entries = self._place.document, transcript.entries
        newest = document.layout.newest_id
        if newest is not None and entries and entries[0].id > newest + 1 and self.run_id is not None:
            first = entries[0].id
            between = self._pages.page(self.run_id, before=first, count=min(first - newest - 1, MOST_BLOCKS))
            entries = (*(one for one in between if one.id > newest), *entries)
            transcript = msgspec.structs.replace(transcript, entries=entries)
        return document.update(transcript, self._now())

    def _needs_older(self) -> bool:
        """A window that does not fill the panel: the rest of the conversation belongs there too."""
        has_room = self._place.document.total() < self._body.rows
        return has_room and not self._place.is_whole and self._body.size.height > 0

    def _page_in(self) -> bool:
        """Fetch older entries and put them in front; False when there are none."""
        if self.run_id is None or self._place.is_whole:
            return False
        layout = self._place.document.layout
        before = layout.oldest_id if layout.oldest_id is not None else NEWEST
        older: tuple[Entry, ...] = ()
        if before > 1:
            older = self._pages.page(self.run_id, before=before, count=PAGE_ENTRIES)
        if not older:
            self._place.is_whole = True
            return False
        rows = layout.put_in_front(older, self._now())
        self._body.rows_put_in_front(rows)
        self._mark_cursor()
        return rows > 0

    # Drawing

    def _tick(self) -> None:
        """What ages by itself: the verb, running calls, the countdown of a row that leaves."""
        if self._seen.mate is None or not self.is_on_screen:
            return
        document, body = self._place.document, self._body
        for index in document.layout.tick(self._now(), body.top, body.rows):
            body.refresh_row(index)
        before = document.verb
        if self._draw_verb():
            body.rows_changed(document.total() - 1)
        elif document.verb != before:
            body.refresh_row(document.total() - 1)
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._draw_end()
            self._draw_frame()

    def _draw_verb(self) -> bool:
        mate, look = self._seen.mate, self.look
        document = self._place.document
        if mate is None:
            return document.set_verb(None)
        if not document.layout.blocks:
            text = empty_words(mate, self._now())
            document.set_empty(paragraph(text, look.roles.quiet, self._cells)[0])
        return document.set_verb(verb_line(mate, self._now(), self._clock.monotonic(), look))

    def _draw_end(self) -> None:
        mate = self._seen.mate
        if mate is None or mate.outcome is None:
            self._proof.show(())
            return
        at = leaves_at(mate, self._delays, viewed=self._store.state.team.viewed)
        self._proof.show_end(
            mate,
            self.look,
            self._cells,
            leaves_in=max(0.0, at - self._now()) if at is not None else None,
            most=max(1, self.size.height - 4),
            is_short=not self._body.follows,
        )

    def _draw_frame(self) -> None:
        """Title, head and foot."""
        mate, body = self._seen.mate, self._body
        lines: list[Line] = []
        if self._has_title:
            lines.append(rule(*self.title, self._cells, self.look, focused=self.has_focus, panel=self))
        if mate is None:
            self._head.show(lines)
            self._foot.show(())
            return
        last_sign = max(mate.last_sign_at, self._seen.transcript.last_at if self._seen.transcript else 0.0)
        lines.append(head_line(mate, last_sign, self._now(), self._cells, self.look))
        self._head.show(lines)
        end = self._place.document.total() + self._place.document.origin
        if body.follows or body.is_at_end:
            self._place.known_rows = end
        foot = foot_line(
            messages=self._place.document.layout.message_count,
            rows_below=0 if body.follows else body.rows_below,
            new_rows=max(0, end - self._place.known_rows),
            is_ended=mate.is_terminal,
            cells=self._cells,
            look=self.look,
        )
        self._foot.show((foot,))

    def _relayout(self) -> None:
        document, body = self._place.document, self._body
        at = anchor(document.layout, body.top)
        document.set_view(self._view_for(self._name_of(self.run_id)), self._now())
        self._draw_verb()
        if at is not None and not body.follows:
            body.top = row_of(document.layout, at)
        body.rows_changed()
        body.refresh()
        self._mark_cursor()

    def _view_for(self, name: str) -> View:
        return View(self._cells, self.look, clean_line(name), self._raw)

    def _name_of(self, run_id: RunId | None) -> str:
        mate = self._store.state.team.by_run.get(run_id) if run_id is not None else None
        return mate.name if mate is not None else ""

    def _keep_place(self) -> None:
        if self.run_id is None:
            return
        self._place.top, self._place.follows = self._body.top, self._body.follows
        self._places[self.run_id] = self._place
        while len(self._places) > KEPT:
            self._places.pop(next(iter(self._places)))

    @property
    def _cells(self) -> int:
        return self.size.width or 80

    def _now(self) -> float:
        return self._clock.wall()

    # Events

    def on_resize(self) -> None:
        """Another width lays all out anew."""
        if self._cells != self._place.document.view.cells:
            self._relayout()
        self._draw_end()
        self._draw_frame()
        if self._needs_older():
            self._page_in()

    def redraw_title(self) -> None:
        """It flashes, or the rule gets heavy or light, once Textual has noted who has the keys."""
        self.call_later(self._draw_frame)

    on_focus = on_blur = redraw_title

    def on_line_view_scrolled(self, event: LineView.Scrolled) -> None:
        """The foot tells where one is."""
        event.stop()
        self._draw_end()
        self._draw_frame()
