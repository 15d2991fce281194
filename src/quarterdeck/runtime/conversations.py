"""Whole conversations: the history that a run sends to the model, and every entry its transcript ever had.

Of this process only. It observes the store; nothing here changes the state.
"""

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, ToolCall, ToolStatus
from quarterdeck.state.teammates import NOBODY

_REPLACING = (did.ToolEnded, did.ToolPrinted, did.MessageAnswered, did.TurnEnded, did.TeammateEnded)


class Conversations:
    """Histories and entries by run id."""

    def __init__(self) -> None:
        self._histories: dict[RunId, list[Message]] = {}
        self._entries: dict[RunId, list[Entry]] = {}

    def history(self, run_id: RunId) -> list[Message]:
        """The run's own list of messages: it appends to it, nobody else does."""
        return self._histories.setdefault(run_id, [])

    def revive(self, old_run: RunId, new_run: RunId) -> int:
        """Give `new_run` the whole conversation of `old_run`; the id of its next entry."""
        self._histories[new_run] = list(self._histories.get(old_run, ()))
        self._entries[new_run] = list(self._entries.get(old_run, ()))
        return len(self._entries[new_run]) + 1

    def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        """Up to `count` entries with ids below `before`, oldest first."""
        entries = self._entries.get(run_id, [])
        end = max(0, min(before - 1, len(entries)))
        return tuple(entries[max(0, end - count) : end])

    def observe(self, sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        """Keep what the window of this run shows now, before it moves on."""
        if isinstance(action, did.TextStreamed):
            return
        run_id: RunId = getattr(action, "run_id", NOBODY)
        window = after.transcripts.get(run_id)
        if window is None or window is before.transcripts.get(run_id):
            return
        kept = self._entries.setdefault(run_id, [])
        if isinstance(action, did.TeammateKilled):
            self._entries[run_id] = [_closed(entry) for entry in kept]
            return
        for entry in reversed(window.entries):
            if entry.id > len(kept):
                continue
            if kept[entry.id - 1] is not entry:
                kept[entry.id - 1] = entry
            elif not isinstance(action, _REPLACING):
                break
        kept.extend(entry for entry in window.entries if entry.id > len(kept))


def _closed(entry: Entry) -> Entry:
    if isinstance(entry, ToolCall) and entry.status is ToolStatus.RUNNING:
        return msgspec.structs.replace(entry, status=ToolStatus.CANCELLED, summary="cancelled")
    return entry
