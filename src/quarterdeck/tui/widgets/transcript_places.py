"""Where things are among a transcript's rows: heads, what is in sight, places that outlast a width."""

from quarterdeck.tui.widgets.transcript_entries import can_fold, starts_voice
from quarterdeck.tui.widgets.transcript_layout import Layout


def head_of(layout: Layout, place: int) -> int:
    """The row that names a block: behind an empty row and the speaker's name."""
    block, start = layout.blocks[place], layout.start_of(place)
    before = layout.blocks[place - 1].entry if place else None
    leads_empty = len(block.rows) > 1 and not block.rows[0]
    if not starts_voice(block.entry, before):
        return start + leads_empty
    return start + 1 + leads_empty


def is_in(layout: Layout, place: int, first: int, count: int) -> bool:
    """Whether any row of a block is among `count` rows from `first` on."""
    start = layout.start_of(place)
    return start < first + count and start + len(layout.blocks[place].rows) > first


def last_in(layout: Layout, first: int, count: int, *, any_block: bool) -> int | None:
    """The last block of those rows (that can be folded, unless `any_block`)."""
    if not layout.blocks:
        return None
    for place in range(layout.block_at(min(first + count, layout.total()) - 1), -1, -1):
        if not is_in(layout, place, first, count):
            return None
        if any_block or can_fold(layout.blocks[place].entry):
            return place
    return None


def anchor(layout: Layout, index: int) -> tuple[int, float] | None:
    """Where row `index` is, in a way that outlasts another width: entry id and how far into it."""
    if not layout.blocks or index >= layout.total():
        return None
    place = layout.block_at(index)
    block = layout.blocks[place]
    return block.entry.id, (index - layout.start_of(place)) / max(1, len(block.rows))


def row_of(layout: Layout, where: tuple[int, float]) -> int:
    """The row of an anchor now."""
    place = layout.place_of(where[0])
    return 0 if place is None else layout.start_of(place) + int(where[1] * len(layout.blocks[place].rows))
