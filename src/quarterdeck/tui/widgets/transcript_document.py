"""All rows of one transcript: the finished blocks, what streams now, and the row with the verb.

Tells which row is the first that an update changed; knows nothing of widgets.
"""

from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.widgets.transcript_entries import View
from quarterdeck.tui.widgets.transcript_layout import Layout
from quarterdeck.tui.widgets.transcript_live import Live

NOTHING = Transcript()


class Document:
    """The source of rows for a transcript's view."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.layout = Layout(view)
        self.live = Live(view)
        self.verb: Line | None = None
        """The last row, while a turn is open."""
        self._empty: Line | None = None
        self._live_since = 0.0

    @property
    def origin(self) -> int:
        """The lasting number of row 0."""
        return self.layout.origin

    def total(self) -> int:
        """All rows."""
        return self._text_rows() + (self.verb is not None) + self._shows_empty()

    def line(self, index: int) -> Line:
        """One row."""
        finished = self.layout.total()
        if index < finished:
            return self.layout.line(index)
        index -= finished
        streaming = self.live.total()
        if index < streaming:
            return self.live.line(index)
        if self._shows_empty() and index == streaming:
            return self._empty or EMPTY
        return self.verb or EMPTY

    def update(self, transcript: Transcript, now: float) -> int | None:
        """Take in what is new; the first row that changed, or None."""
        stable = self.layout.total() + self.live.settled()
        self.layout.streamed = self.live.texts
        first = self.layout.merge(transcript.entries, now)
        had_live = bool(self.live.parts)
        changed = self.live.take(transcript.live)
        if changed and not had_live:
            self._live_since = transcript.last_at or now
        if changed or first is not None:
            blocks = self.layout.blocks
            self.live.set_heading(blocks[-1].entry if blocks else None, self._live_since)
        if first is None:
            return stable if changed else None
        return min(first, stable)

    def restart(self) -> None:
        """Forget all rows: another part of the conversation comes."""
        self.layout, self.live = Layout(self.view), Live(self.view)
        self.verb = None

    def set_view(self, view: View, now: float) -> None:
        """Another width, theme or way of showing: all rows are new."""
        self.view = view
        self.layout.set_view(view, now)
        self.live.set_view(view)
        blocks = self.layout.blocks
        self.live.set_heading(blocks[-1].entry if blocks else None, self._live_since)

    def set_verb(self, line: Line | None) -> bool:
        """The last row; True when it came or went."""
        moved = (line is None) != (self.verb is None)
        self.verb = line
        return moved

    def set_empty(self, line: Line) -> None:
        """What stands there while nothing was said."""
        self._empty = line

    def _text_rows(self) -> int:
        return self.layout.total() + self.live.total()

    def _shows_empty(self) -> bool:
        return self._empty is not None and not self._text_rows()
