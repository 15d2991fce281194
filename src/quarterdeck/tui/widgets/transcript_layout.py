"""The rows of a transcript as blocks with prefix counts: one block per entry, then what streams now.

Finished blocks are laid out once per width; an update costs what it changes, however long the transcript is.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from quarterdeck.state.entries import Entry, Said, Text, ToolCall, ToolStatus
from quarterdeck.tui.rendering.cells import format_age
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.rendering.markdown import MarkdownLines
from quarterdeck.tui.widgets.transcript_entries import (
    Fold,
    View,
    can_fold,
    default_fold,
    entry_rows,
    starts_voice,
)

MOST_BLOCKS = 2_000
"""A transcript that is followed keeps at most so many blocks laid out; older ones are paged in again."""


class Block:
    """The rows of one entry."""

    __slots__ = ("chosen", "entry", "fold", "rows")

    def __init__(self, entry: Entry, fold: Fold, rows: list[Line]) -> None:
        self.entry = entry
        self.fold = fold
        self.rows = rows
        self.chosen = False
        """The person opened or folded it: that stays."""


class Layout:
    """Blocks in the order of their entry ids. Reports the first row that each change touched."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        self._total = 0
        self._messages = 0
        self._window: Sequence[Entry] = ()
        self.origin = 0
        self.laid_out = 0
        """How many blocks have been laid out so far, each time counted: what tests of cost look at."""
        self.streamed: Sequence[MarkdownLines] = ()
        """Texts that were drawn while they streamed, at this width: taken over when they are finished."""

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks, oldest first; not to be changed."""
        return self._blocks

    @property
    def oldest_id(self) -> int | None:
        """The id of the first entry that is here."""
        return self._blocks[0].entry.id if self._blocks else None

    def total(self) -> int:
        """Rows of all blocks."""
        return self._total

    def line(self, index: int) -> Line:
        """One row."""
        at = bisect_right(self._starts, index) - 1
        return self._blocks[at].rows[index - self._starts[at]]

    def block_at(self, index: int) -> int:
        """The place of the block that row `index` belongs to."""
        return max(0, bisect_right(self._starts, index) - 1)

    def start_of(self, place: int) -> int:
        """The first row of a block."""
        return self._starts[place]

    @property
    def newest_id(self) -> int | None:
        """The id of the last entry that is here."""
        return self._blocks[-1].entry.id if self._blocks else None

    def set_view(self, view: View, now: float) -> None:
        """Lay all out anew: another width, theme or way of showing."""
        self._view = view
        before: Entry | None = None
        for block in self._blocks:
            block.rows = self._rows(block.entry, before, block.fold, now)
            before = block.entry
        self._count_from(0)

    def merge(self, entries: Sequence[Entry], now: float) -> int | None:
        """Take in a window: what is changed and new; what left it stays. The first touched row, or None."""
        if entries is self._window:
            return None
        self._window = entries
        first: int | None = None
        last_id = self._blocks[-1].entry.id if self._blocks else -1
        fresh: list[Entry] = []
        for entry in reversed(entries):
            if entry.id > last_id:
                fresh.append(entry)
                continue
            place = self.place_of(entry.id)
            if place is not None and self._blocks[place].entry is not entry:
                self._replace(place, entry, now)
                first = self._starts[place] if first is None else min(first, self._starts[place])
        if fresh:
            start = self._total
            self._append(reversed(fresh), now)
            first = start if first is None else min(first, start)
        return first

    def put_in_front(self, entries: Sequence[Entry], now: float) -> int:
        """Older entries; how many rows came in front of the first old one (its heading may go)."""
        oldest = self.oldest_id
        older = [entry for entry in entries if oldest is None or entry.id < oldest]
        if not older:
            return 0
        had = self._total
        blocks: list[Block] = []
        before: Entry | None = None
        for entry in older:
            fold = default_fold(entry)
            blocks.append(Block(entry, fold, self._rows(entry, before, fold, now)))
            before = entry
        if self._blocks:
            old = self._blocks[0]
            if starts_voice(old.entry, None) or isinstance(old.entry, Said):
                old.rows = self._rows(old.entry, before, old.fold, now)
        self._messages += sum(isinstance(entry, Said | Text) for entry in older)
        self._blocks[:0] = blocks
        self._starts[:0] = [0] * len(blocks)
        self._count_from(0)
        added = self._total - had
        self.origin -= added
        return added

    def drop_front(self, most: int = MOST_BLOCKS) -> int:
        """Forget the oldest blocks above `most`; how many rows went."""
        surplus = len(self._blocks) - most
        if surplus <= 0:
            return 0
        rows = self._starts[surplus]
        self._messages -= sum(isinstance(block.entry, Said | Text) for block in self._blocks[:surplus])
        del self._blocks[:surplus], self._starts[:surplus]
        self._count_from(0)
        self.origin += rows
        return rows

    def toggle(self, place: int, now: float) -> bool:
        """Fold an open block, open a folded one (whole)."""
        block = self._blocks[place]
        if not can_fold(block.entry):
            return False
        self._set_fold(place, Fold.FOLDED if block.fold is Fold.WHOLE else Fold.WHOLE, now)
        self._count_from(place)
        return True

    def toggle_all(self, now: float) -> bool:
        """Open all; when all are open, fold all. False when there is nothing to fold."""
        places = [place for place, block in enumerate(self._blocks) if can_fold(block.entry)]
        if not places:
            return False
        opening = any(self._blocks[place].fold is not Fold.WHOLE for place in places)
        for place in places:
            self._set_fold(place, Fold.WHOLE if opening else Fold.FOLDED, now)
        self._count_from(places[0])
        return True

    def end_running(self, at: float) -> int | None:
        """Nothing runs since `at`: calls that still say so are shown as cut. The first touched row."""
        first: int | None = None
        for place in range(len(self._blocks) - 1, -1, -1):
            entry = self._blocks[place].entry
            if isinstance(entry, ToolCall) and entry.status is ToolStatus.RUNNING:
                cut = f"cut at {format_age(max(0.0, at - entry.at))}"
                ended = msgspec.structs.replace(entry, status=ToolStatus.CANCELLED, summary=cut)
                self._blocks[place].chosen = True  # its output stays as it was seen
                self._replace(place, ended, at)
                first = self._starts[place]
        return first

    def tick(self, now: float, first: int, count: int) -> list[int]:
        """Age the calls that run now and are visible; the rows that changed."""
        changed = []
        for place in range(self.block_at(first), len(self._blocks)):
            start = self._starts[place]
            if start >= first + count:
                break
            block = self._blocks[place]
            if isinstance(block.entry, ToolCall) and block.entry.status is ToolStatus.RUNNING:
                before, block.rows = block.rows, self._rows(block.entry, self._before(place), block.fold, now)
                rows = zip(before, block.rows, strict=True)
                changed += [start + at for at, (old, new) in enumerate(rows) if old != new]
        return changed

    @property
    def message_count(self) -> int:
        """How many messages and texts are here."""
        return self._messages

    def _append(self, entries: Iterable[Entry], now: float) -> None:
        before = self._blocks[-1].entry if self._blocks else None
        for entry in entries:
            fold = default_fold(entry)
            block = Block(entry, fold, self._rows(entry, before, fold, now))
            self._blocks.append(block)
            self._starts.append(self._total)
            self._total += len(block.rows)
            self._messages += isinstance(entry, Said | Text)
            before = entry

    def _replace(self, place: int, entry: Entry, now: float) -> None:
        block = self._blocks[place]
        block.entry = entry
        if not block.chosen:
            block.fold = default_fold(entry)
        had = len(block.rows)
        block.rows = self._rows(entry, self._before(place), block.fold, now)
        if len(block.rows) != had:
            self._count_from(place)

    def _set_fold(self, place: int, fold: Fold, now: float) -> None:
        block = self._blocks[place]
        block.chosen, block.fold = True, fold
        block.rows = self._rows(block.entry, self._before(place), fold, now)

    def _before(self, place: int) -> Entry | None:
        return self._blocks[place - 1].entry if place else None

    def _rows(self, entry: Entry, before: Entry | None, fold: Fold, now: float) -> list[Line]:
        self.laid_out += 1
        drawn = None
        if isinstance(entry, Text):
            drawn = next((one for one in self.streamed if one.text == entry.text), None)
        return entry_rows(entry, before, fold, self._view, now, drawn)

    def place_of(self, entry_id: int) -> int | None:
        """The place of the block with this entry id."""
        place = bisect_right(self._blocks, entry_id, key=_id_of) - 1
        return place if place >= 0 and self._blocks[place].entry.id == entry_id else None

    def _count_from(self, place: int) -> None:
        total = self._starts[place] if place and place < len(self._starts) else 0
        for at in range(place, len(self._blocks)):
            self._starts[at] = total
            total += len(self._blocks[at].rows)
        self._total = total


def _id_of(block: Block) -> int:
    return block.entry.id
