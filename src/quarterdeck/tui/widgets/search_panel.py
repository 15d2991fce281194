"""Search: a field over its results, drawn in the main panel. It only tells what is typed and chosen.

Who asks for results is `tui/searching.py`.
"""

from collections.abc import Callable, Sequence

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from quarterdeck.domain.archive import SearchFound, SearchHit
from quarterdeck.domain.display_text import clean_name
from quarterdeck.state.store import Store
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.search_scopes import Where
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.lines import BLANK, LineWidget, rule_line
from quarterdeck.tui.widgets.palette import PaletteField, PalettePrompt
from quarterdeck.tui.widgets.search_rows import found_words, hit_row, nothing_words, place_rows, title_of
from quarterdeck.tui.widgets.search_where import SearchWhere
from quarterdeck.tui.widgets.stored_words import day_and_time, short_time
from quarterdeck.tui.widgets.transcript_parts import Part, row, spread
from quarterdeck.tui.widgets.views import ViewPanel

LEAST_FIELD = 24
"""Cells that the field keeps beside where it looks."""
PLACE_ROWS = 6
"""Rows for the place of the chosen hit, its title among them."""
HINT = "Type what was said. All words must be there; what is newest stands first."


class SearchHead(LineWidget):
    """The title; field or results below it have the keys as long as it is shown."""

    DEFAULT_CSS = "SearchHead { height: 1; }"

    def __init__(self, look: Look, types: Callable[[], bool]) -> None:
        super().__init__(look)
        self._types = types

    def line(self, y: int) -> Line:
        right = "letters are text here" if self._types() else "tab back to the field"
        return rule_line(self.look, self.size.width, "Search", right, is_focused=True)


class SearchResults(ViewPanel):
    """The hits, the place of the chosen one under them. Place S."""

    class Opened(Message):
        """This hit is to be looked at."""

        def __init__(self, hit: SearchHit) -> None:
            super().__init__()
            self.hit = hit

    def __init__(self, store: Store, look: Look, clock: Clock) -> None:
        super().__init__(look, name="search-results", title="")
        self._store = store
        self._clock = clock
        self.words = ""
        """What `found` is the answer to."""
        self.found: SearchFound | None = None
        self.where = Where.EVERYTHING
        """Where that was looked for."""
        self.took_s = 0.0
        self.is_searching = False
        self.at = 0
        self._shown: list[Line] = []

    @property
    def hits(self) -> tuple[SearchHit, ...]:
        """What was found last."""
        return self.found.hits if self.found is not None else ()

    @property
    def chosen(self) -> SearchHit | None:
        """The hit under the cursor."""
        return self.hits[self.at] if self.at < len(self.hits) else None

    def show_found(self, words: str, where: Where, found: SearchFound | None, took_s: float) -> None:
        """Show an answer; the cursor stays on the hit that it was on, if that is there still."""
        was, self.where = self.chosen, where
        self.words, self.found, self.took_s, self.is_searching = words, found, took_s, False
        self.at = next((at for at, hit in enumerate(self.hits) if hit == was), 0)
        self.choose(self.at)

    def choose(self, at: int) -> None:
        """Another hit."""
        self.at = max(0, min(at, len(self.hits) - 1))
        self.top = min(max(self.top, self.at - self._room + 1), self.at)
        self.rebuild()

    def scroll_rows(self, rows: int) -> None:
        self.top = max(0, min(self.top + rows, len(self.hits) - self._room))
        self.rebuild()

    def do(self, action: str) -> bool:
        """Choose or open; False = not one of these."""
        if action == "open":
            if self.chosen is not None:
                self.post_message(self.Opened(self.chosen))
            return True
        page, count = max(self._room - 1, 1), len(self.hits)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "top": -count, "end": count}
        if action not in steps:
            return False
        self.choose(self.at + steps[action])
        return True

    # Drawing: a blank row, the hits, a blank row, what it came to, the place of the chosen hit, the foot

    @property
    def _room(self) -> int:
        """Rows for hits."""
        height = self.size.height
        return max(1, height - 4 - (PLACE_ROWS if height >= PLACE_ROWS + 8 else 0))

    def rebuild(self) -> None:
        """Draw anew what is in sight: however many hits there are."""
        cells, height = self.size.width, self.size.height
        if not cells:
            return
        now, own = self._clock.wall(), self._store.state.session.id
        rows: list[Line] = [BLANK]
        for at in range(self.top, min(self.top + self._room, len(self.hits))):
            hit = self.hits[at]
            rows.append(
                hit_row(
                    *(hit, self.look, cells, now),
                    own_session=own,
                    is_chosen=at == self.at,
                    told=self._told(hit, own),
                )
            )
        rows += self._below(cells, height - len(rows) - 1, now)
        rows += [BLANK] * (height - 1 - len(rows))
        self._shown = rows[: height - 1]
        self.refresh()

    def _told(self, hit: SearchHit, own: str) -> str:
        mate = self._store.state.team.by_run.get(hit.run_id) if hit.session_id == own else None
        return "(ended, in History)" if mate is not None and mate.is_evicted else ""

    def _below(self, cells: int, room: int, now: float) -> list[Line]:
        quiet, hit = self.look.roles.quiet, self.chosen
        if self.found is None:
            return [row((f" {HINT}", quiet))] if not self.words else []
        if hit is None:
            return [row((f" {nothing_words(self.words, self.where, self.found.searched, cells)}", quiet))]
        rows: list[Line] = [BLANK, row((f" {found_words(self.found, self.at, self.took_s)}", quiet))]
        if room >= len(rows) + 3:
            rows.append(rule_line(self.look, cells, self._title_of(hit, now)))
            rows += place_rows(hit, self.look, cells, room - len(rows))
        return rows

    def _title_of(self, hit: SearchHit, now: float) -> str:
        whose = title_of(hit)
        if hit.session_id == self._store.state.session.id:
            return f"{whose} {short_time(hit.at, now).strip()}"
        return f"{whose} {day_and_time(hit.at, now)} · session {clean_name(hit.session_id)}"

    def _foot(self, cells: int) -> Line:
        quiet, count = self.look.roles.quiet, len(self.hits)
        right: list[Part] = [(f"{count} hit{'' if count == 1 else 's'}", quiet)] if self.found else []
        left = "enter opens the transcript there" if self.has_focus else "searching as you type"
        left = "searching…" if self.is_searching else left
        return spread([(left, quiet)], right, cells, self.look)

    def line(self, y: int) -> Line:
        if y == self.size.height - 1:
            return self._foot(self.size.width)
        return self._shown[y] if y < len(self._shown) else BLANK

    def ground(self, y: int) -> Style:
        roles = self.look.roles
        is_chosen = self.chosen is not None and y - 1 == self.at - self.top
        return roles.text + roles.select if is_chosen else roles.text

    def on_resize(self) -> None:
        """Another size: the chosen hit stays in sight."""
        self.choose(self.at)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a double click opens."""
        at = self.top + event.y - 1
        if 0 <= event.y - 1 < self._room and at < len(self.hits):
            self.choose(at)
            if event.chain > 1:
                self.do("open")


class SearchPanel(Vertical):
    """The field over the results."""

    DEFAULT_CSS = """
    SearchPanel { height: 1fr; }
    SearchPanel Horizontal { height: 1; }
    SearchPanel PaletteField { width: 1fr; }
    """

    class Typed(Message):
        """These words are searched for now, or in another place."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class LeaveWanted(Message):
        """Back to where it was opened; the words stay."""

    def __init__(self, store: Store, look: Look, clock: Clock) -> None:
        super().__init__(id="search")
        self.head = SearchHead(look, lambda: self.field.has_focus)
        self.field = PaletteField(id="search-field", compact=True, placeholder="words that were said")
        self.where = SearchWhere(look)
        self.results = SearchResults(store, look, clock)

    def compose(self) -> ComposeResult:
        """The title, the field, the results."""
        yield self.head
        with Horizontal():
            yield PalettePrompt(self.head.look)
            yield self.field
            yield self.where
        yield self.results

    @property
    def words(self) -> str:
        """What is typed."""
        return self.field.value

    def to_field(self) -> None:
        """Letters are text again."""
        self.screen.set_focus(self.field, scroll_visible=False)

    def offer(self, places: Sequence[Where], chosen: Where) -> None:
        """Offer these places to look in."""
        self.where.offer(places, chosen)
        self._make_room()

    def _make_room(self) -> None:
        room = self.size.width - LEAST_FIELD
        self.where.styles.width = max(1, min(self.where.wanted_width, room))

    def _look_there(self) -> None:
        self._make_room()
        self.post_message(self.Typed(self.words))

    def on_resize(self) -> None:
        """Another width for field and places."""
        self._make_room()

    def on_search_where_chosen(self, event: SearchWhere.Chosen) -> None:
        """Look elsewhere."""
        event.stop()
        self.where.offer(self.where.offered, event.where)
        self._look_there()

    def on_descendant_focus(self) -> None:
        """The title says whether letters are text."""
        self.head.refresh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other words."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_palette_field_pressed(self, event: PaletteField.Pressed) -> None:
        """Choose, go to the results, look elsewhere, or leave."""
        event.stop()
        match event.key:
            case "tab":
                self.where.choose_next()
                self._look_there()
            case "enter":
                if self.results.hits:
                    self.screen.set_focus(self.results, scroll_visible=False)
            case "escape":
                self.post_message(self.LeaveWanted())
            case key:
                moves = {"up": "up", "down": "down", "pageup": "page-up", "pagedown": "page-down"}
                self.results.do(moves[key])
