"""A question with a yes, drawn in the main panel. Guards and keys are the router's."""

from rich.segment import Segment

from quarterdeck.tui.guards import Token
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import wrap
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.sheets import Sheet
from quarterdeck.tui.widgets.lines import key_segments
from quarterdeck.tui.widgets.views import ViewPanel


class SheetPanel(ViewPanel):
    """Place Y."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="sheet", title="")
        self.sheet: Sheet | None = None
        self._serial = 0
        self._drawn = -1

    def show_sheet(self, sheet: Sheet) -> None:
        """Ask this from now on."""
        self.sheet = sheet
        self.title = sheet.title
        self._serial += 1
        self.top = 0
        self.rebuild()

    def rows(self, cells: int) -> tuple[Line, ...]:
        if self.sheet is None:
            return ()
        roles = self.look.roles
        rows: list[Line] = [()]
        *told, keys = self.sheet.lines
        for text in told:
            rows += [(Segment(" " + part, roles.text),) for part in wrap(text, max(cells - 2, 1))]
        rows += [key_segments(" " + part, roles.text) for part in wrap(keys, max(cells - 2, 1))]
        return tuple(rows)

    def line(self, y: int) -> Line:
        self._drawn = self._serial
        return super().line(y)

    def painted_tokens(self) -> frozenset[Token]:
        return frozenset({("sheet", self._drawn)})

    def needed_tokens(self) -> tuple[Token, ...]:
        """What must have been painted before `y` counts."""
        return (("sheet", self._serial),)
