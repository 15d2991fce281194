"""The frame around a transcript and its rows: title, head, how it ended, the row with the verb, the foot.

Draws what it was told of the run; it asks nobody for entries and knows no keys.
"""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RunId
from quarterdeck.state.selectors import DisplayDelays, leaves_at
from quarterdeck.state.teammates import Teammate
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.connect import Source
from quarterdeck.tui.look import Look
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.framed_panel import FramedPanel
from quarterdeck.tui.widgets.kill_proof import KillProofPanel
from quarterdeck.tui.widgets.stored_words import stored_head, stored_title
from quarterdeck.tui.widgets.transcript_document import Document
from quarterdeck.tui.widgets.transcript_entries import View
from quarterdeck.tui.widgets.transcript_line_view import LineView
from quarterdeck.tui.widgets.transcript_pages import Place
from quarterdeck.tui.widgets.transcript_parts import paragraph
from quarterdeck.tui.widgets.transcript_places import anchor, head_of, row_of
from quarterdeck.tui.widgets.transcript_status import (
    empty_words,
    foot_line,
    head_line,
    state_words,
    verb_line,
)


class Seen(msgspec.Struct, frozen=True):
    """What the panel draws of the state."""

    mate: Teammate | None
    transcript: Transcript | None


class TranscriptFrame(FramedPanel):
    """Title, head, rows and foot of the run that is shown. Who makes it fetch and listen is a subclass."""

    KIND = "transcript"
    LOOK_ONLY: ClassVar[bool] = False
    """Nothing can be changed from it: its rows offer no key."""

    def __init__(
        self,
        store: Source,
        look: Look,
        clock: Clock,
        *,
        delays: DisplayDelays | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(look, clock, id=id)
        self._store = store
        self._delays = delays or DisplayDelays()
        self.run_id: RunId | None = None
        """The run of this session that is shown."""
        self.stored: StoredRun | None = None
        """The run of another session that is shown instead."""
        self._last_cells = 80
        """Its width when it was last in sight: out of sight it has none."""
        self._seen = Seen(None, None)
        self._raw = False
        self._second = 0
        self._place = Place(Document(self._view_for("")))
        self._look_version = look.version
        self._proof = KillProofPanel(id="kill-proof")
        self._body = LineView(self._place.document, follows=True, id="transcript-body")
        self._shows_loading = False

    def compose(self) -> ComposeResult:
        """Title and head, how it ended, the rows, the foot."""
        yield self._head
        yield self._proof
        yield self._body
        yield self._foot

    @property
    def body(self) -> LineView:
        """The rows that scroll."""
        return self._body

    @property
    def title(self) -> tuple[str, str]:
        """Left and right text of the title; clean."""
        mate = self._seen.mate
        if self.stored is not None:
            return stored_title(self.stored, self.look), "look only"
        if mate is None:
            return "Transcript", ""
        right = "" if mate.is_terminal else ("live" if self._body.follows else "reading")
        return f"{clean_line(mate.name)} {state_words(mate, self.look)}", right

    def redraw(self) -> None:
        """Colours or signs have changed: draw all anew."""
        self._look_version = self.look.version
        self._relayout()
        self._draw_end()
        self._draw_frame()

    def _mark_cursor(self) -> None:
        layout = self._place.document.layout
        place = layout.place_of(self._place.chosen) if self._place.chosen is not None else None
        self._body.cursor_style = self.look.roles.focus
        self._body.set_cursor(head_of(layout, place) if place is not None else None)

    # Drawing

    @property
    def _is_loading(self) -> bool:
        """Entries were asked for and are not here yet."""
        raise NotImplementedError

    def _tick(self) -> None:
        """What ages by itself: the verb, running calls, the countdown of a row that leaves."""
        if (self._seen.mate is None and self.stored is None) or not self.is_on_screen:
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
        if second != self._second or self._is_loading != self._shows_loading:
            self._second, self._shows_loading = second, self._is_loading
            self._draw_end()
            self._draw_frame()

    def _draw_verb(self) -> bool:
        mate, look = self._seen.mate, self.look
        document = self._place.document
        if mate is None or self._place.is_cut:
            if self.stored is not None and self._place.is_whole:
                text = f"{clean_line(self._run_name)} said nothing."
                document.set_empty(paragraph(text, look.roles.quiet, self._cells)[0])
            return document.set_verb(None)
        if not document.layout.blocks:
            text = empty_words(mate, self._now())
            document.set_empty(paragraph(text, look.roles.quiet, self._cells)[0])
        now, monotonic = self._now(), self._clock.monotonic()
        return document.set_verb(verb_line(mate, now, monotonic, look, look_only=self.LOOK_ONLY))

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
            look_only=self.LOOK_ONLY,
        )

    def _draw_frame(self) -> None:
        """Title, head and foot."""
        mate, body = self._seen.mate, self._body
        if self.stored is not None:
            head = stored_head(self.stored, self._now(), self._cells, self.look)
        elif mate is not None:
            transcript = self._seen.transcript
            last_sign = max(mate.last_sign_at, transcript.last_at if transcript else 0.0)
            head = head_line(mate, last_sign, self._now(), self._cells, self.look)
        else:
            self._show_frame()
            return
        end = self._place.document.total() + self._place.document.origin
        if body.follows or body.is_at_end:
            self._place.known_rows = end
        foot = foot_line(
            messages=self._place.document.layout.message_count,
            rows_below=0 if body.follows else body.rows_below,
            new_rows=max(0, end - self._place.known_rows),
            is_ended=mate is None or mate.is_terminal,
            cells=self._cells,
            look=self.look,
            is_cut=self._place.is_cut,
            is_loading=self._shows_loading,
        )
        self._show_frame([head], [foot])

    def _relayout(self) -> None:
        document, body = self._place.document, self._body
        at = anchor(document.layout, body.top)
        document.set_view(self._view_for(self._run_name), self._now())
        self._draw_verb()
        if at is not None and not body.follows:
            body.top = row_of(document.layout, at)
        body.rows_changed()
        body.refresh()
        self._mark_cursor()

    def _view_for(self, name: str) -> View:
        return View(self._cells, self.look, clean_line(name), self._raw, self.LOOK_ONLY)

    @property
    def _run_name(self) -> str:
        """Of the shown run; as it came."""
        if self.stored is not None:
            return self.stored.name
        mate = self._store.state.team.by_run.get(self.run_id) if self.run_id is not None else None
        return mate.name if mate is not None else ""

    @property
    def _cells(self) -> int:
        return self.size.width or self._last_cells

    def on_show(self) -> None:
        """In sight again, perhaps at another width."""
        self._last_cells = self.size.width or self._last_cells
        if self._place.document.view.cells != self._cells:
            self._relayout()

    def _now(self) -> float:
        return self._clock.wall()
