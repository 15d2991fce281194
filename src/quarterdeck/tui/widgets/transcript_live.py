"""What streams now, as rows: takes in only what is new of each part, so that length costs nothing.

It holds the drawn Markdown of the open step; the layout takes it over when the block is finished.
"""

from collections.abc import Sequence

from quarterdeck.domain.display_text import clean
from quarterdeck.state.entries import Entry, LivePart
from quarterdeck.tui.rendering.cells import wrap
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.markdown import MarkdownLines
from quarterdeck.tui.widgets.transcript_entries import View, starts_voice, thinking_head, voice
from quarterdeck.tui.widgets.transcript_parts import row

_PROBE = 256
"""Characters that are compared where a part has lost its start and cannot be compared whole."""


class StreamedText:
    """Text that grows, drawn as Markdown."""

    def __init__(self, view: View) -> None:
        self.drawn = view.markdown()
        self._margin = row(("  ", view.look.roles.text))
        self._raw: RawRows | None = RawRows(view) if view.raw else None

    def add(self, text: str) -> None:
        """Take in new text."""
        self.drawn.append(text)
        if self._raw is not None:
            self._raw.add(text)

    def total(self) -> int:
        """Rows so far."""
        return self._raw.total() if self._raw is not None else len(self.drawn)

    def settled(self) -> int:
        """Rows that will not change any more."""
        return self._raw.settled() if self._raw is not None else self.drawn.settled

    def line(self, index: int) -> Line:
        """One row."""
        if self._raw is not None:
            return self._raw.line(index)
        return (*self._margin, *self.drawn.line(index))


class RawRows:
    """Text that grows, line by line as it was written; only its last line is wrapped again."""

    def __init__(self, view: View, indent: str = "  ", *, quiet: bool = False) -> None:
        self._room = max(1, view.cells - len(indent) - 1)
        self._style = view.look.roles.quiet if quiet else view.look.roles.text
        self._indent = indent
        self._done: list[str] = []
        self._open: list[str] = [""]
        self._tail = ""

    def add(self, text: str) -> None:
        """Take in new text."""
        *whole, self._tail = (self._tail + text).split("\n")
        for line in whole:
            self._done += wrap(clean(line), self._room)
        self._open = wrap(clean(self._tail), self._room)

    def total(self) -> int:
        """Rows so far."""
        return len(self._done) + len(self._open)

    def settled(self) -> int:
        """Rows that will not change any more."""
        return len(self._done)

    def line(self, index: int) -> Line:
        """One row."""
        done = len(self._done)
        text = self._done[index] if index < done else self._open[index - done]
        return row((self._indent, self._style), (text, self._style))


class StreamedThought:
    """A thinking block that grows: one folded row, or all of it."""

    def __init__(self, view: View, *, is_open: bool) -> None:
        self._view = view
        self._rows = RawRows(view, "     ", quiet=True)
        self.is_open = is_open

    def add(self, text: str) -> None:
        """Take in new text."""
        self._rows.add(text)

    def total(self) -> int:
        """Rows so far."""
        return 1 + (self._rows.total() if self.is_open else 0)

    def settled(self) -> int:
        """Rows that will not change any more: the head counts on."""
        return 0

    def line(self, index: int) -> Line:
        """One row."""
        if index:
            return self._rows.line(index - 1)
        look = self._view.look
        return thinking_head(self._rows.total(), is_open=self.is_open, cells=self._view.cells, look=look)


class Live:
    """The rows of the open step's parts."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parts: tuple[LivePart, ...] = ()
        self._streams: list[StreamedText | StreamedThought] = []
        self._heading: list[Line] = []
        self.is_open = False
        """Thinking that streams is shown."""

    @property
    def parts(self) -> tuple[LivePart, ...]:
        """What has been taken in."""
        return self._parts

    @property
    def texts(self) -> Sequence[MarkdownLines]:
        """The drawn texts of this step."""
        return [stream.drawn for stream in self._streams if isinstance(stream, StreamedText)]

    def set_view(self, view: View) -> None:
        """Draw all anew at another width."""
        parts, self._view = self._parts, view
        self._parts, self._streams = (), []
        self._take(parts)

    def set_heading(self, before: Entry | None, at: float) -> None:
        """The name above what streams, when somebody else spoke before it."""
        probe = bool(self._streams) and _speaks_first(before)
        self._heading = voice(at, before, self._view) if probe else []

    def take(self, parts: tuple[LivePart, ...]) -> bool:
        """Take in what is new; False when nothing is."""
        if parts is self._parts:
            return False
        self._take(parts)
        return True

    def toggle(self) -> bool:
        """Show or fold the thinking that streams."""
        thoughts = [stream for stream in self._streams if isinstance(stream, StreamedThought)]
        if not thoughts:
            return False
        self.is_open = not self.is_open
        for one in thoughts:
            one.is_open = self.is_open
        return True

    def total(self) -> int:
        """Rows so far."""
        return len(self._heading) + sum(stream.total() for stream in self._streams)

    def settled(self) -> int:
        """Rows at the start that will not change any more."""
        if not self._streams:
            return 0
        before = sum(stream.total() for stream in self._streams[:-1])
        return len(self._heading) + before + self._streams[-1].settled()

    def line(self, index: int) -> Line:
        """One row."""
        if index < len(self._heading):
            return self._heading[index]
        index -= len(self._heading)
        for stream in self._streams:
            count = stream.total()
            if index < count:
                return stream.line(index)
            index -= count
        return EMPTY

    def _take(self, parts: tuple[LivePart, ...]) -> None:
        for at, part in enumerate(parts):
            old = self._parts[at] if at < len(self._parts) else None
            new = _growth(old, part)
            if old is None or new is None:
                del self._streams[at:]
                self._parts = self._parts[:at]
                self._streams.append(self._stream(part))
                new = part.text
            if new:
                self._streams[at].add(new)
        del self._streams[len(parts) :]
        self._parts = parts

    def _stream(self, part: LivePart) -> StreamedText | StreamedThought:
        return (
            StreamedThought(self._view, is_open=self.is_open)
            if part.is_thinking
            else StreamedText(self._view)
        )


def _speaks_first(before: Entry | None) -> bool:
    return before is None or not starts_voice(before, None)


def _growth(old: LivePart | None, new: LivePart) -> str | None:
    """What `new` has behind `old`; None when it is another text."""
    if old is None or old.is_thinking != new.is_thinking:
        return None
    if old is new:
        return ""
    grown = new.dropped + len(new.text) - old.dropped - len(old.text)
    if grown < 0 or grown > len(new.text):
        return None
    kept = len(new.text) - grown
    if old.dropped == new.dropped:
        return new.text[kept:] if new.text.startswith(old.text) else None
    probe = min(_PROBE, kept, len(old.text))
    same = new.text[kept - probe : kept] == old.text[len(old.text) - probe :]
    return new.text[kept:] if same else None
