"""The transcript of one teammate, live: what was said, tools, thinking, and what streams now.

It scrolls only when told to, or follows the end; what is older than the window is paged in.
"""

from collections.abc import Callable

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry
from quarterdeck.state.selectors import DisplayDelays, leaves_at
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.kill_proof import KillProofPanel
from quarterdeck.tui.widgets.request_messages import Notice
from quarterdeck.tui.widgets.transcript_document import NOTHING, Document
from quarterdeck.tui.widgets.transcript_entries import View, source_text
from quarterdeck.tui.widgets.transcript_line_view import LineView
from quarterdeck.tui.widgets.transcript_parts import paragraph, rule
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
MOST_PAGES = 50
"""How many pages going to the very top may fetch."""
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
    is_whole: bool = False
    """Nothing older is left to page in."""


class TranscriptPanel(Vertical, can_focus=True):
    """Place T. `show(run_id)` chooses the teammate, `do(name)` acts; keys are bound elsewhere."""

    DEFAULT_CSS = "TranscriptPanel { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        store: Store,
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
        self._controller = controller
        self._look = look
        self._clock = clock
        self._delays = delays or DisplayDelays()
        self._has_title = has_title
        self.run_id: RunId | None = None
        self._seen = Seen(None, None)
        self._places: dict[RunId, Place] = {}
        self._raw = False
        self._chosen: int | None = None
        self._second = 0
        self._place = Place(Document(self._view_for("")))
        self._look_version = look.version
        self._connection: Connection[Seen] | None = None
        self._timer: Timer | None = None
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
        self._timer = self.set_interval(SPIN_S, self._tick)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()

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
        return f"{clean_line(mate.name)} {state_words(mate, self._look)}", right

    def show(self, run_id: RunId | None) -> None:
        """Show this teammate's transcript, where it was left."""
        if run_id == self.run_id:
            return
        self._keep_place()
        self.run_id = run_id
        self._chosen = None
        if self._connection is not None:
            self._connection.close()
        place = self._places.pop(run_id, None) if run_id is not None else None
        self._seen = Seen(None, None)
        self._place = place or Place(Document(self._view_for(self._name_of(run_id))))
        self._body.source = self._place.document
        self._body.top, self._body.follows = self._place.top, self._place.follows
        if place is not None:
            self._relayout()
        self._body.refresh()
        if self.is_mounted:
            self._connection = connect(self, self._store, self._selector(), self._receive)

    def do(self, action: str) -> bool:
        """Do what a key asks for, by its name in the keymap; False when there was nothing to do."""
        name = action.replace("-", "_")
        act = self._actions().get(_OTHER_NAMES.get(name, name))
        return act() if act is not None else False

    def redraw(self) -> None:
        """Colours or signs have changed: draw all anew."""
        self._look_version = self._look.version
        self._relayout()
        self._draw_frame()

    # What the keys do

    def _actions(self) -> dict[str, Callable[[], bool]]:
        page = max(1, self._body.rows - 1)
        return {
            "line_up": lambda: self._scroll(-1),
            "line_down": lambda: self._scroll(1),
            "page_up": lambda: self._scroll(-page),
            "page_down": lambda: self._scroll(page),
            "half_up": lambda: self._scroll(-max(1, page // 2)),
            "half_down": lambda: self._scroll(max(1, page // 2)),
            "top": self._to_top,
            "end": self._to_end,
            "toggle": self._toggle,
            "toggle_all": self._toggle_all,
            "previous_block": lambda: self._step(-1),
            "next_block": lambda: self._step(1),
            "copy_block": self._copy_block,
            "raw": self._show_raw,
        }

    def _scroll(self, by: int) -> bool:
        if by < 0 and self._body.top + by < 0:
            self._page_in()
        return self._body.scroll_rows(by)

    def _to_top(self) -> bool:
        for _page in range(MOST_PAGES):
            if not self._page_in():
                break
        return self._body.show_from(0)

    def _to_end(self) -> bool:
        self._choose(None)
        moved = self._body.show_from(self._body.last_top)
        self._body.follows = True
        self._draw_frame()
        return moved

    def _toggle(self) -> bool:
        layout = self._place.document.layout
        place = self._current()
        if place is None or not layout.toggle(place, self._now()):
            return self._toggle_live()
        self._choose(layout.blocks[place].entry.id)
        self._after_fold(layout.start_of(place))
        return True

    def _toggle_live(self) -> bool:
        changed = self._place.document.live.toggle()
        if changed:
            self._after_fold(self._place.document.layout.total())
        return changed

    def _toggle_all(self) -> bool:
        changed = self._place.document.layout.toggle_all(self._now())
        if self._place.document.live.toggle() or changed:
            self._after_fold(self._body.top)
            return True
        return False

    def _after_fold(self, start: int) -> None:
        """The head of what was opened stays in sight, also where the end was followed."""
        self.screen.clear_selection()
        self._body.follows = False
        self._body.rows_changed()
        self._body.refresh()
        self._body.reveal(start)
        self._body.follows = self._body.is_at_end
        self._mark_cursor()
        self._draw_frame()

    def _step(self, by: int) -> bool:
        """Choose the block before or after and bring its head into sight."""
        layout = self._place.document.layout
        if not layout.blocks:
            return False
        here = layout.place_of(self._chosen) if self._chosen is not None else None
        if here is None:
            here = layout.block_at(min(self._body.top + self._body.rows, layout.total()) - 1) - min(by, 0)
            here = here if by < 0 else layout.block_at(self._body.top) - 1
        if here + by < 0:
            oldest = layout.blocks[0].entry.id
            self._page_in()
            here = layout.place_of(oldest) or 0
        place = here + by
        if not 0 <= place < len(layout.blocks):
            return False
        self._choose(layout.blocks[place].entry.id)
        start = layout.start_of(place)
        self._body.reveal(start, len(layout.blocks[place].rows))
        return True

    def _copy_block(self) -> bool:
        layout = self._place.document.layout
        place = self._current(any_block=True)
        if place is None:
            return False
        text = source_text(layout.blocks[place].entry)
        self.app.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.post_message(Notice(f"Copied {lines} line{'' if lines == 1 else 's'}."))
        return True

    def _show_raw(self) -> bool:
        self._raw = not self._raw
        self._relayout()
        self.post_message(
            Notice("Shown as written. v shows it rendered." if self._raw else "Shown rendered.")
        )
        return True

    def _choose(self, entry_id: int | None) -> None:
        self._chosen = entry_id
        self._mark_cursor()

    def _mark_cursor(self) -> None:
        layout = self._place.document.layout
        place = layout.place_of(self._chosen) if self._chosen is not None else None
        self._body.cursor_style = self._look.roles.focus
        self._body.set_cursor(layout.head_of(place) if place is not None else None)

    def _current(self, *, any_block: bool = False) -> int | None:
        """The block that a key means: the chosen one while it is in sight, else the last one that is."""
        layout, body = self._place.document.layout, self._body
        place = layout.place_of(self._chosen) if self._chosen is not None else None
        if place is not None and layout.is_in(place, body.top, body.rows):
            return place
        return layout.last_in(body.top, body.rows, any_block=any_block)

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
        renamed = (seen.mate.name if seen.mate else "") != self._place.document.view.name
        self._seen = seen
        if renamed or self._look.version != self._look_version:
            self._look_version = self._look.version
            self._relayout()
        self._draw_end()
        first = self._take(seen.transcript or NOTHING)
        moved = self._draw_verb()
        if first is not None or moved:
            self._body.rows_changed(first if first is not None else self._place.document.total() - 1)
        if self._body.follows:
            self._body.top -= self._place.document.layout.drop_front()
        if self._needs_older():
            self._page_in()
        self._draw_frame()

    def _take(self, transcript: Transcript) -> int | None:
        """Lay the window to what is here; what is missing between the two is paged in."""
        document, entries = self._place.document, transcript.entries
        newest = document.layout.newest_id
        if newest is not None and entries and entries[0].id > newest + 1 and self.run_id is not None:
            first = entries[0].id
            between = self._controller.conversation.page(self.run_id, before=first, count=first - newest - 1)
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
            older = self._controller.conversation.page(self.run_id, before=before, count=PAGE_ENTRIES)
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
        if self._draw_verb():
            body.rows_changed(document.total() - 1)
        elif self._seen.mate.turn_started_at is not None:
            body.refresh_row(document.total() - 1)
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._draw_end()
            self._draw_frame()

    def _draw_verb(self) -> bool:
        mate, look = self._seen.mate, self._look
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
            self._look,
            leaves_in=max(0.0, at - self._now()) if at is not None else None,
            most=max(1, self.size.height - 4),
            is_short=not self._body.follows,
        )

    def _draw_frame(self) -> None:
        """Title, head and foot."""
        mate, body = self._seen.mate, self._body
        lines: list[Line] = []
        if self._has_title:
            lines.append(rule(*self.title, self._cells, self._look, focused=self.has_focus))
        if mate is None:
            self._head.show(lines)
            self._foot.show(())
            return
        last_sign = max(mate.last_sign_at, self._seen.transcript.last_at if self._seen.transcript else 0.0)
        lines.append(head_line(mate, last_sign, self._now(), self._cells, self._look))
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
            look=self._look,
        )
        self._foot.show((foot,))

    def _relayout(self) -> None:
        document, body = self._place.document, self._body
        at = document.layout.anchor(body.top)
        document.set_view(self._view_for(self._name_of(self.run_id)), self._now())
        self._draw_verb()
        if at is not None and not body.follows:
            body.top = document.layout.row_of(at)
        body.rows_changed()
        body.refresh()
        self._mark_cursor()

    def _view_for(self, name: str) -> View:
        return View(self._cells, self._look, clean_line(name), self._raw)

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

    def on_focus(self) -> None:
        """The rule gets heavy."""
        self._draw_frame()

    def on_blur(self) -> None:
        """The rule gets light."""
        self._draw_frame()

    def on_line_view_scrolled(self, event: LineView.Scrolled) -> None:
        """The foot tells where one is."""
        event.stop()
        self._draw_end()
        self._draw_frame()

    def on_click(self, event: events.Click) -> None:
        """A click on the head of a block opens or folds it."""
        if event.widget is not self._body or self.screen.selections:
            return
        index = self._body.top + event.y
        layout = self._place.document.layout
        if index >= layout.total():
            return
        place = layout.block_at(index)
        if layout.head_of(place) == index:
            self._choose(layout.blocks[place].entry.id)
            self._toggle()


_OTHER_NAMES = {
    "up": "line_up",
    "down": "line_down",
    "fold": "toggle",
    "fold_all": "toggle_all",
    "copy": "copy_block",
    "view": "raw",
}
