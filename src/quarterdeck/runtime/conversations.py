"""Whole conversations: the history that a run sends to the model, and the entries its transcript had.

It observes the store; nothing here changes the state. In a session that is kept, memory holds what is in use:
what an earlier process said, what evicted runs said, and the beginning of a long transcript is on disk alone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message
from quarterdeck.runtime.history import History
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.dropping import dropped_note
from quarterdeck.state.entries import Entry, ToolCall, ToolStatus
from quarterdeck.state.teammates import NOBODY
from quarterdeck.state.transcripts import Transcript

_REPLACING = (did.ToolEnded, did.ToolPrinted, did.MessageAnswered, did.TurnEnded, did.TeammateEnded)

LoadMessages = Callable[[RunId], Awaitable[Sequence[Message]]]

MOST_ENTRIES = 600
"""Of one run in memory, in a session that is kept; the panel pages the rest in."""


class Conversations:
    """Histories and entries by run id.

    :param tell: told of everything that is added to a history.
    """

    def __init__(self, tell: Callable[[did.Action], object], now: Callable[[], float]) -> None:
        self._tell = tell
        self._now = now
        self._load: LoadMessages | None = None
        self._is_kept: Callable[[], bool] = lambda: False
        self._on_disk: dict[RunId, int] = {}
        self._histories: dict[RunId, History] = {}
        self._entries: dict[RunId, _Kept] = {}

    def keep_on_disk(self, load: LoadMessages, is_kept: Callable[[], bool]) -> None:
        """The session is kept: `load` brings a run's messages in from disk, as long as `is_kept`."""
        self._load = load
        self._is_kept = is_kept

    def come_back(self, next_entries: Mapping[RunId, int], windows: Mapping[RunId, Transcript]) -> None:
        """Runs of an earlier process, in a session that is kept.

        :param next_entries: the id of each run's next entry.
        :param windows: the entries that the state holds.
        """
        self._on_disk = dict(next_entries)
        for run_id, next_id in next_entries.items():
            window = windows.get(run_id)
            entries = list(window.entries) if window is not None else []
            self._entries[run_id] = _Kept(entries[0].id if entries else next_id, entries)

    def book(self, run_id: RunId) -> History:
        """The run's own history: it adds to it, nobody else does."""
        known = self._histories.get(run_id)
        if known is None:
            load, is_on_disk = self._load, run_id in self._on_disk
            known = History(
                run_id,
                self._tell,
                self._now,
                load=(lambda: load(run_id)) if load is not None and is_on_disk else None,
            )
            self._histories[run_id] = known
        return known

    def history(self, run_id: RunId) -> list[Message]:
        """Its messages, as far as they are loaded."""
        return self.book(run_id).messages

    async def loaded(self, run_id: RunId) -> None:
        """Bring its history in from disk, where it is there alone."""
        await self.book(run_id).loaded()

    def revive(self, old_run: RunId, new_run: RunId) -> int:
        """Give `new_run` the whole conversation of `old_run`; the id of its next entry.

        The journal has it already, under the old run: the new one's spawn says whose it goes on with.
        """
        old = self._histories.get(old_run)
        messages = old.messages if old is not None else ()
        self._histories[new_run] = History(new_run, self._tell, self._now, messages)
        kept = self._kept(old_run)
        self._entries[new_run] = _Kept(kept.first, list(kept.entries))
        if self._is_kept():
            self._forget(old_run)
        return kept.next_id

    def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first, of those in memory."""
        kept = self._kept(run_id)
        end = max(0, min(before - kept.first, len(kept.entries)))
        return tuple(kept.entries[max(0, end - count) : end])

    def first_in_memory(self, run_id: RunId) -> int:
        """The id of its oldest entry in memory; what is older is on disk."""
        return self._kept(run_id).first

    def next_entry(self, run_id: RunId) -> int:
        """The id of its transcript's next entry."""
        return self._kept(run_id).next_id

    def observe(self, sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        """Keep what the window of this run shows now, before it moves on."""
        if isinstance(action, did.TextStreamed):
            return
        if isinstance(action, did.TeammateEvicted) and after is not before and self._is_kept():
            self._forget(action.run_id)
            return
        if isinstance(action, did.TranscriptDropped) and after is not before:
            self._histories.pop(action.run_id, None)
            self._entries[action.run_id] = _Kept(action.entry_id, [dropped_note(action)])
            return
        run_id: RunId = getattr(action, "run_id", NOBODY)
        window = after.transcripts.get(run_id)
        if window is None or window is before.transcripts.get(run_id):
            return
        kept = self._entries.setdefault(run_id, self._kept(run_id))
        if isinstance(action, did.TeammateKilled):
            kept.entries[:] = [_closed(entry) for entry in kept.entries]
            return
        self._follow(kept, window, is_replacing=isinstance(action, _REPLACING))

    def _follow(self, kept: "_Kept", window: Transcript, *, is_replacing: bool) -> None:
        for entry in reversed(window.entries):
            at = entry.id - kept.first
            if at >= len(kept.entries):
                continue
            if at < 0:
                break  # older than this process: the journal has its change
            if kept.entries[at] is not entry:
                kept.entries[at] = entry
            elif not is_replacing:
                break
        kept.entries.extend(entry for entry in window.entries if entry.id >= kept.next_id)
        if self._is_kept() and len(kept.entries) > MOST_ENTRIES:
            gone = len(kept.entries) - MOST_ENTRIES // 2
            kept.first += gone
            del kept.entries[:gone]

    def _forget(self, run_id: RunId) -> None:
        """Nobody works on it: it is on disk, and comes in from there when somebody does."""
        self._on_disk[run_id] = self._kept(run_id).next_id
        self._entries.pop(run_id, None)
        self._histories.pop(run_id, None)

    def _kept(self, run_id: RunId) -> "_Kept":
        """Its entries in memory; of a run without any, where they would begin."""
        return self._entries.get(run_id) or _Kept(self._on_disk.get(run_id, 1), [])


class _Kept(msgspec.Struct):
    """Entries in memory, in order and without a gap, from the id `first` on."""

    first: int
    entries: list[Entry]

    @property
    def next_id(self) -> int:
        return self.first + len(self.entries)


def _closed(entry: Entry) -> Entry:
    if isinstance(entry, ToolCall) and entry.status is ToolStatus.RUNNING:
        return msgspec.structs.replace(entry, status=ToolStatus.CANCELLED, summary="cancelled")
    return entry
