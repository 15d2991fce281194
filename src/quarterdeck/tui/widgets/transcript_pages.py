"""Entries of a conversation that are not laid out yet: asked for page by page, put where they belong.

One question at a time; what comes after the person went elsewhere is dropped. It draws nothing.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from functools import partial

import msgspec
from textual.widget import Widget
from textual.worker import Worker

from quarterdeck.state.entries import Entry
from quarterdeck.tui.ports import ArchiveGone
from quarterdeck.tui.widgets.request_messages import Notice
from quarterdeck.tui.widgets.transcript_document import Document
from quarterdeck.tui.widgets.transcript_line_view import LineView

PAGE_ENTRIES = 100
BEHIND = 40
"""So many entries behind the one that is gone to come with it."""
NEWEST = 2**53
"""Above every entry id."""

Entries = Callable[[int, int], Awaitable[tuple[Entry, ...]]]
"""Up to so many entries (second) with ids below the first, oldest first. :raises ArchiveGone: one line."""


class Place(msgspec.Struct):
    """A transcript with where the person left it."""

    document: Document
    top: int = 0
    follows: bool = True
    known_rows: int = 0
    """The number of the row behind the last one that has been followed to."""
    chosen: int | None = None
    """The entry of the block that the person chose."""
    is_whole: bool = False
    """Nothing older is left to page in."""
    is_cut: bool = False
    """What is newer is not here: the person is far from the end, and pages on from there."""
    last: int | None = None
    """Behind this entry no page had anything."""
    is_broken: bool = False
    """The last question failed: only the person asks again."""


class _Way(Enum):
    OLDER = auto()
    NEWER = auto()
    AROUND = auto()


class _Asked(msgspec.Struct, frozen=True):
    way: _Way
    before: int
    entry: int = 0


class Pages:
    """The pages of one place at a time. `arrived(entry)` is called when rows came: with the entry gone to."""

    def __init__(
        self, owner: Widget, body: LineView, now: Callable[[], float], arrived: Callable[[int | None], object]
    ) -> None:
        self._owner = owner
        self._body = body
        self._now = now
        self._arrived = arrived
        self._place: Place | None = None
        self._source: Entries | None = None
        self._asked: _Asked | None = None
        self._worker: Worker[None] | None = None
        self._owed = 0
        """Rows that the person scrolled beyond what is here: made up for when it is."""

    @property
    def is_loading(self) -> bool:
        """A page has been asked for and is not here."""
        return self._asked is not None

    @property
    def is_going_elsewhere(self) -> bool:
        """What is laid out now makes room for another part soon."""
        return self._asked is not None and self._asked.way is _Way.AROUND

    def open(self, place: Place, source: Entries | None) -> None:
        """Another conversation, or another part of it: what was asked for before is dropped."""
        self._drop()
        self._place, self._source = place, source

    def older(self, scroll: int = 0) -> bool:
        """Ask for what is before the first row; `scroll` rows (negative) go up then. False = nothing is."""
        place = self._place
        if place is None or self._source is None or place.is_whole or (place.is_broken and not scroll):
            return False
        if self._asked is not None:
            return self._joins(_Way.OLDER, scroll)
        oldest = place.document.layout.oldest_id
        if oldest is not None and oldest <= 1:
            place.is_whole = True
            return False
        self._owed = scroll
        self._ask(_Asked(_Way.OLDER, oldest if oldest is not None else NEWEST))
        return True

    def newer(self, scroll: int = 0) -> bool:
        """Ask for what is behind the last row of a part; `scroll` rows go down then. False = nothing is."""
        place = self._place
        newest = place.document.layout.newest_id if place is not None else None
        if place is None or newest is None or not place.is_cut or (place.is_broken and not scroll):
            return False
        if self._asked is not None:
            return self._joins(_Way.NEWER, scroll)
        self._owed = scroll
        self._ask(_Asked(_Way.NEWER, newest + PAGE_ENTRIES + 1))
        return True

    def seek(self, entry: int) -> None:
        """Ask for the part around an entry (0: the first page); it takes the place of what is laid out."""
        self._drop()
        self._ask(_Asked(_Way.AROUND, max(entry + BEHIND, PAGE_ENTRIES) + 1, entry))

    def _joins(self, way: _Way, scroll: int) -> bool:
        """Such a page is under way: the person goes on when it is here."""
        is_it = self._asked is not None and self._asked.way is way
        self._owed += scroll if is_it else 0
        return is_it

    def owe_nothing(self) -> None:
        """The person went another way meanwhile: what arrives moves nothing."""
        self._owed = 0

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        self._worker = self._asked = None
        self._owed = 0

    def _ask(self, asked: _Asked) -> None:
        place, source = self._place, self._source
        if place is None or source is None:
            return
        place.is_broken = False
        self._asked = asked
        # A worker of the app: what fails unexpectedly is said there.
        self._worker = self._owner.app.run_worker(
            partial(self._fetch, place, source, asked), name="page", exit_on_error=False
        )

    async def _fetch(self, place: Place, source: Entries, asked: _Asked) -> None:
        try:
            entries = await source(asked.before, PAGE_ENTRIES)
        except ArchiveGone as gone:
            if asked is self._asked:
                self._asked = None
                place.is_broken = True
                self._owner.post_message(Notice(str(gone)))
                self._arrived(None)
            return
        except Exception:
            if asked is self._asked:
                self._asked, place.is_broken = None, True
            raise
        if asked is self._asked:
            self._asked = None
            self._put(place, asked, entries)

    def _put(self, place: Place, asked: _Asked, entries: tuple[Entry, ...]) -> None:
        match asked.way:
            case _Way.OLDER:
                self._put_older(place, entries)
            case _Way.NEWER:
                self._put_newer(place, entries)
            case _Way.AROUND:
                self._put_part(place, asked, entries)

    def _put_older(self, place: Place, entries: tuple[Entry, ...]) -> None:
        place.is_whole = not entries
        self._body.rows_put_in_front(place.document.layout.put_in_front(entries, self._now()))
        self._arrived(None)
        owed, self._owed = self._owed, 0
        if owed < 0:
            rest = self._body.top + owed
            self._body.scroll_rows(owed)
            if rest < 0:
                self.older(rest)

    def _put_newer(self, place: Place, entries: tuple[Entry, ...]) -> None:
        layout = place.document.layout
        newest = layout.newest_id or 0
        fresh = [entry for entry in entries if entry.id > newest]
        place.is_cut, place.last = bool(fresh), None if fresh else newest
        first = layout.merge(fresh, self._now()) if fresh else None
        if first is not None:
            self._body.rows_changed(first)
        self._arrived(None)
        owed, self._owed = self._owed, 0
        if owed > 0:
            rest = owed - self._body.rows_below
            self._body.scroll_rows(owed)
            if rest > 0:
                self.newer(rest)

    def _put_part(self, place: Place, asked: _Asked, entries: tuple[Entry, ...]) -> None:
        if not entries:
            self._arrived(None)
            return
        place.document.restart()
        place.document.layout.merge(entries, self._now())
        place.is_cut, place.is_whole = True, False
        self._body.follows = False
        self._arrived(asked.entry)
