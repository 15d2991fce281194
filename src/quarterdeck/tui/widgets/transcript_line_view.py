"""Draws the visible rows of a source; it scrolls, follows, selects, and knows what it has painted.

It never asks Textual for a new layout when the number of rows changes.
"""

from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.own_rows import OwnRows
from quarterdeck.tui.widgets.transcript_parts import plain

WHEEL_ROWS = 3
_SCREENS = 4
"""So many screens of finished rows are kept."""


class LineSource(Protocol):
    """Rows by index. `origin` is the number of row 0: it falls when rows are put in front."""

    @property
    def origin(self) -> int:
        """The lasting number of row 0."""
        ...

    def total(self) -> int:
        """How many rows there are."""
        ...

    def line(self, index: int) -> Line:
        """One row, 0 <= index < total."""
        ...


class LineView(OwnRows, can_focus=False):
    """Shows `source` from row `top` on. `follows`: keeps to the end while rows are added."""

    DEFAULT_CSS = "LineView { height: 1fr; width: 1fr; }"

    class Scrolled(Message):
        """The rows shown are others than before."""

    class Painted(Message):
        """Rows have been drawn that had not been before, or for the first time since `forget_painted`."""

    def __init__(self, source: LineSource, *, follows: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.source = source
        self.top = 0
        self.follows = follows
        self.can_follow = follows
        self.cursor: int | None = None
        """The row that is marked in the margin."""
        self.cursor_style = Style()
        self.content: object = None
        """What `source` is the rows of."""
        self.painted: object = None
        """The content of which rows have been painted."""
        self.painted_to = 0
        """Rows in front of this one have been painted, or skipped by the person's own jump."""
        self._strips: dict[int, tuple[Line, int, Strip]] = {}
        """By a row's lasting number: what it was made from, its cells, and the strip."""

    @property
    def rows(self) -> int:
        """How many rows are visible."""
        return max(1, self.size.height)

    @property
    def last_top(self) -> int:
        """The top row when the end is shown."""
        return max(0, self.source.total() - self.rows)

    @property
    def is_at_end(self) -> bool:
        """The last row is visible."""
        return self.top >= self.last_top

    @property
    def rows_below(self) -> int:
        """How many rows are hidden behind the last visible one."""
        return max(0, self.last_top - self.top)

    def scroll_rows(self, by: int) -> bool:
        """Move the window; False when it is at that end already."""
        return self.show_from(self.top + by)

    def show_from(self, top: int) -> bool:
        """Make `top` the first visible row, as far as there are rows; False when nothing moved."""
        new = min(max(0, top), self.last_top)
        moved = new != self.top
        self.top = new
        self.follows = self.can_follow and self.is_at_end
        if moved:
            self.refresh()
            self.post_message(self.Scrolled())
        return moved

    def reveal(self, index: int, count: int = 1) -> None:
        """Scroll as little as needed for `count` rows from `index` on to be visible, at least the first."""
        if index < self.top or count >= self.rows:
            self.show_from(index)
        elif index + count > self.top + self.rows:
            self.show_from(index + count - self.rows)

    def rows_changed(self, first: int = 0) -> None:
        """Rows from `first` on are new. The top stays, or follows the end."""
        last_top = self.last_top
        if (self.follows and self.top != last_top) or self.top > last_top:
            self.top = last_top
            self.refresh()
            self.post_message(self.Scrolled())
            return
        at = max(0, first - self.top)
        if at < self.rows:
            self.refresh(Region(0, at, self.size.width, self.rows - at))

    def rows_put_in_front(self, count: int) -> None:
        """`count` rows were added before row 0: what is visible stays where it is."""
        self.top += count
        self.rows_changed(0)

    def refresh_row(self, index: int) -> None:
        """One row is new."""
        if self.top <= index < self.top + self.rows:
            self.refresh(Region(0, index - self.top, self.size.width, 1))

    def set_cursor(self, index: int | None) -> None:
        """Mark a row in the margin (None: no row)."""
        if index == self.cursor:
            return
        for changed in (self.cursor, index):
            if changed is not None:
                self.refresh_row(changed)
        self.cursor = index

    def forget_painted(self) -> None:
        """The content is another one, or laid out anew: nothing of it has been painted."""
        self.painted, self.painted_to = None, 0

    def on_resize(self) -> None:
        """Keep to the end, or within what there is; whoever tells how much is in sight tells it anew."""
        self.rows_changed()
        self.post_message(self.Scrolled())

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw, and remember how far the rows have been drawn."""
        strips = super().render_lines(crop)
        to = min(self.source.total(), self.top + crop.bottom)
        is_new = self.painted != self.content
        if crop.y and (is_new or self.top + crop.y > self.painted_to):
            return strips  # a part: rows above it have not been painted
        if to > self.painted_to or is_new:
            self.painted, self.painted_to = self.content, max(to, self.painted_to)
            self.post_message(self.Painted())
        return strips

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        index = self.top + y
        cells = self.outer_size.width  # the same without borders; `size` asks the compositor for each row
        if not 0 <= index < self.source.total():
            return Strip.blank(cells)
        number = index + self.source.origin
        line = self.source.line(index)
        span = self._selected_span(number)
        if index != self.cursor and span is None:
            return self._plain_strip(number, line, cells)
        strip = Strip(line)
        if index == self.cursor:
            strip = Strip.join([Strip([Segment("❯", self.cursor_style)]), strip.crop(1)])
        if span is not None:
            strip = _mark(strip, *span, self._selection_style())
        return strip.apply_offsets(0, number).crop_extend(0, cells, None)

    def _plain_strip(self, number: int, line: Line, cells: int) -> Strip:
        """The row without any mark; made once, wherever it is scrolled to."""
        known = self._strips.get(number)
        if known is not None and known[0] == line and known[1] == cells:
            return known[2]
        strip = Strip(line).apply_offsets(0, number).crop_extend(0, cells, None)
        if len(self._strips) >= _SCREENS * self.rows:
            self._strips.clear()
        self._strips[number] = (line, cells, strip)
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text of all rows, also of those that are not visible."""
        origin, total = self.source.origin, self.source.total()
        first = 0 if selection.start is None else max(0, selection.start.y - origin)
        last = total - 1 if selection.end is None else min(total - 1, selection.end.y - origin)
        spans = [selection.get_span(index + origin) or (0, 0) for index in range(first, last + 1)]
        texts = [plain(self.source.line(index)) for index in range(first, last + 1)]
        # The margin that text is drawn behind is not part of it.
        whole = [text for text, span in zip(texts, spans, strict=True) if text and not span[0]]
        margin = min((len(text) - len(text.lstrip()) for text in whole), default=0)
        found = [
            text[max(start, margin) :] if end == -1 else text[max(start, margin) : end]
            for text, (start, end) in zip(texts, spans, strict=True)
        ]
        return "\n".join(found), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def _selected_span(self, number: int) -> tuple[int, int] | None:
        selection = self.text_selection
        return selection.get_span(number) if selection is not None else None

    def _selection_style(self) -> Style:
        return self.screen.get_component_rich_style("screen--selection")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls what is under it and takes no focus."""
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel, up."""
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def index_under(self, event: events.MouseEvent) -> int | None:
        """The row under the pointer; None when it is elsewhere or below the last row."""
        region = self.content_region
        if not region.contains_point(event.screen_offset):
            return None
        index = self.top + event.screen_offset.y - region.y
        return index if index < self.source.total() else None


def _mark(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The characters start … end (-1 = to the end of the row) on the ground of the selection."""
    length = len(strip.text)
    start, end = min(start, length), length if end == -1 else min(end, length)
    if end <= start:
        return strip
    first, last = strip.index_to_cell_position(start), strip.index_to_cell_position(end)
    before, marked, after = strip.crop(0, first), strip.crop(first, last), strip.crop(last)
    ground = Style(bgcolor=style.bgcolor, color=style.color, reverse=style.bgcolor is None or None)
    segments = [segment._replace(style=(segment.style or Style()) + ground) for segment in marked]
    return Strip.join([before, Strip(segments), after])
