"""The transcript of one teammate, live: what was said, tools, thinking, and what streams now.

It scrolls only when told to, or follows the end; blocks are opened, folded, stepped through and copied.
"""

from collections.abc import Callable

from textual import events

from quarterdeck.tui.widgets.request_messages import Notice
from quarterdeck.tui.widgets.transcript_entries import source_text
from quarterdeck.tui.widgets.transcript_pages import NEWEST, PAGE_ENTRIES
from quarterdeck.tui.widgets.transcript_places import head_of, is_in, last_in
from quarterdeck.tui.widgets.transcript_reader import TranscriptReader


class TranscriptPanel(TranscriptReader):
    """Place T. `show(run_id)` chooses the teammate, `do(name)` acts; keys are bound elsewhere."""

    def do(self, action: str) -> bool:
        """Do what a key asks for, by its name in the keymap; False when there was nothing to do."""
        name = action.replace("-", "_")
        act = self._actions().get(_OTHER_NAMES.get(name, name))
        return act() if act is not None else False

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
        """Up and down; beyond what is here when that has come, unless the person turns round meanwhile."""
        body = self._body
        beyond = min(0, body.top + by) if by < 0 else max(0, by - body.rows_below)
        moved = body.scroll_rows(by)
        if not beyond:
            self._pages.owe_nothing()
            return moved
        return (self._pages.older(beyond) if by < 0 else self._pages.newer(beyond)) or moved

    def _to_top(self) -> bool:
        """The first row of all; what is between it and here is paged in when one scrolls there."""
        oldest = self._place.document.layout.oldest_id
        moved = self._body.show_from(0)
        if self._place.is_whole or oldest is None or oldest <= 1:
            return moved
        if oldest <= PAGE_ENTRIES + 1:
            return self._pages.older(-NEWEST)
        self._pages.seek(0)
        return True

    def _to_end(self) -> bool:
        self._choose(None)
        self._pages.owe_nothing()
        if self._place.is_cut or self._pages.is_going_elsewhere:
            self._restart()
            self._arrived(None)
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
        here = layout.place_of(self._place.chosen) if self._place.chosen is not None else None
        if here is None:
            here = layout.block_at(min(self._body.top + self._body.rows, layout.total()) - 1) - min(by, 0)
            here = here if by < 0 else layout.block_at(self._body.top) - 1
        if here + by < 0:
            return self._pages.older()
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

    def _current(self, *, any_block: bool = False) -> int | None:
        """The block that a key means: the chosen one while it is in sight, else the last one that is."""
        layout, body = self._place.document.layout, self._body
        place = layout.place_of(self._place.chosen) if self._place.chosen is not None else None
        if place is not None and is_in(layout, place, body.top, body.rows):
            return place
        return last_in(layout, body.top, body.rows, any_block=any_block)

    def on_click(self, event: events.Click) -> None:
        """A click on the head of a block opens or folds it."""
        index = self._body.index_under(event)
        layout = self._place.document.layout
        if index is None or index >= layout.total() or self.screen.selections:
            return
        place = layout.block_at(index)
        if head_of(layout, place) == index:
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
