"""The row beside the field of a search: where it looks, and where else it could."""

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import ELLIPSIS, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.search_scopes import Where
from quarterdeck.tui.widgets.lines import LineWidget

_LEAD = " in "
_GAP = "  "
_MORE = f"{_GAP}{ELLIPSIS}"


class SearchWhere(LineWidget):
    """` in ‹ everything ›  this session  plans  …`: as many as there is room for, the chosen one always."""

    DEFAULT_CSS = "SearchWhere { height: 1; width: 1; }"

    class Chosen(Message):
        """One of them was clicked."""

        def __init__(self, where: Where) -> None:
            super().__init__()
            self.where = where

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="search-where")
        self.offered: tuple[Where, ...] = tuple(Where)
        self.chosen = Where.EVERYTHING

    def offer(self, offered: Sequence[Where], chosen: Where) -> None:
        """Offer these places."""
        self.offered, self.chosen = tuple(offered), chosen
        self.refresh()

    def choose_next(self) -> None:
        """The next place, round and round."""
        self.chosen = self.offered[(self.offered.index(self.chosen) + 1) % len(self.offered)]
        self.refresh()

    @property
    def wanted_width(self) -> int:
        """Cells for all of them."""
        return width(_LEAD) + sum(width(shown(one, self.chosen)) + len(_GAP) for one in self.offered)

    def line(self, y: int) -> Line:
        roles = self.look.roles
        before, seen, more = in_sight(self.offered, self.chosen, self.outer_size.width)
        line = [Segment(_LEAD + before, roles.quiet)]
        for at, one in enumerate(seen):
            is_chosen = one is self.chosen
            style = roles.focus_title if is_chosen else roles.text
            line += [Segment(_GAP if at else ""), Segment(shown(one, self.chosen), style)]
        return (*line, Segment(more, roles.quiet))

    def on_click(self, event: events.Click) -> None:
        """Look there."""
        before, seen, _more = in_sight(self.offered, self.chosen, self.outer_size.width)
        at = width(_LEAD + before)
        for one in seen:
            end = at + width(shown(one, self.chosen))
            if at <= event.x < end:
                self.post_message(self.Chosen(one))
            at = end + len(_GAP)


def shown(where: Where, chosen: Where) -> str:
    """A place as the row has it."""
    return f"‹ {where} ›" if where is chosen else where.value


def in_sight(offered: Sequence[Where], chosen: Where, cells: int) -> tuple[str, tuple[Where, ...], str]:
    """Neighbours among which the chosen one is, and what tells that there are more before and behind."""
    for start in range(offered.index(chosen) + 1):
        before = f"{ELLIPSIS}{_GAP}" if start else ""
        room = cells - width(_LEAD + before)
        for end in range(len(offered), offered.index(chosen), -1):
            more = _MORE if end < len(offered) else ""
            words = _GAP.join(shown(one, chosen) for one in offered[start:end])
            if width(words + more) <= room:
                return before, tuple(offered[start:end]), more
    return "", (chosen,), ""
