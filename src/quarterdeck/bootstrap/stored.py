"""Stored sessions, folded: state, and conversations as the model gets them. It blocks; use a thread.

Imported late: sqlite3 comes with it.
"""

from collections.abc import Sequence
from pathlib import Path

from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message
from quarterdeck.domain.teammates import Outcome
from quarterdeck.runtime.history import fold_messages
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.mail import Mail
from quarterdeck.storage.codec import MESSAGE_TAGS
from quarterdeck.storage.reader import JournalReader


def read_session(path: Path, *, is_idle: bool = False) -> Recovered:
    """Fold a journal. Blocks.

    :param is_idle: the caller holds its lease, and nothing writes to it.
    :raises Unreadable: there is nothing to read.
    :raises NewerSchema: a later version wrote it.
    """
    with JournalReader(path, is_idle=is_idle) as reader:
        fold = _Fold()
        for sequence, action in reader.facts_of_state():
            fold.take(sequence, action)
        drafts = {RunId(draft.run_id): draft.text for draft in reader.drafts()}
        return Recovered(
            state=fold.state,
            last=max(reader.last(), fold.last),
            drafts=drafts,
            unread=fold.unread,
            next_entries=fold.all_next_entries(),
            crashed=fold.is_open,
            damage=tuple(f"after fact {one.after}: {one.words}" for one in reader.damage),
        )


def read_messages(path: Path, lives: Sequence[RunId]) -> tuple[Message, ...]:
    """The conversation of a run and of those it was revived from (newest first in `lives`). Blocks."""
    messages: list[Message] = []
    with JournalReader(path) as reader:
        for run_id in reversed(lives):
            for _, action in reader.tagged(sorted(MESSAGE_TAGS), run_id):
                fold_messages(messages, action)
    return tuple(messages)


class _Fold:
    """The state, and what a fold of it alone would forget."""

    def __init__(self) -> None:
        self.state = AppState()
        self.last = 0
        self.unread: dict[RunId, tuple[Mail, ...]] = {}
        self.is_open = False
        self._evicted: dict[RunId, int] = {}

    def take(self, sequence: int, action: did.Action) -> None:
        before = self.state
        match action:
            case (
                did.TeammateEnded(run_id=run_id) | did.TeammateKilled(run_id=run_id, outcome=Outcome.UNKNOWN)
            ):
                unread = before.mail.get(run_id)
                if unread:
                    self.unread[run_id] = unread
            case did.TeammateSpawned(revived_from=old) if old is not None:
                self.unread.pop(old, None)
            case did.TeammateEvicted(run_id=run_id):
                transcript = before.transcripts.get(run_id)
                if transcript is not None:
                    self._evicted[run_id] = transcript.next_id
            case did.TranscriptDropped(run_id=run_id, entry_id=entry_id):
                self._evicted[run_id] = entry_id + 1
            case did.SessionOpened() | did.SessionResumed():
                self.is_open = True
            case did.SessionClosed():
                self.is_open = False
        self.state = reduce(before, action)
        self.last = sequence

    def all_next_entries(self) -> dict[RunId, int]:
        """Of runs that were evicted, and of those that were not."""
        shown = {run_id: transcript.next_id for run_id, transcript in self.state.transcripts.items()}
        return {**self._evicted, **shown}
