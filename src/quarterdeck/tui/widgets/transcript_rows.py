"""A widget of a few fixed rows: titles, heads, feet. As high as it has rows."""

from collections.abc import Sequence

from textual.strip import Strip

from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.own_rows import OwnRows


class Rows(OwnRows, can_focus=False):
    """Shows the rows that it was given last."""

    DEFAULT_CSS = "Rows { height: 0; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown."""
        return self._lines

    def show(self, rows: Sequence[Line]) -> None:
        """Show these rows; the height follows."""
        lines = tuple(rows)
        if lines == self._lines:
            return
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        self._lines = lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row."""
        cells = self.size.width
        if not 0 <= y < len(self._lines):
            return Strip.blank(cells)
        return Strip(self._lines[y]).crop_extend(0, cells, None)
