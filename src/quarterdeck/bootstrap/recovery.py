"""What becomes of a session that comes back: turns that were open are cut off, all else goes on as it was.

`recover` tells what became of each run in one go of the loop, so that a crash in the
middle of it leaves all of it for the next start. No model is asked before the person does something.
"""

from collections.abc import Mapping

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import text_block
from quarterdeck.domain.teammates import Lifecycle, Outcome
from quarterdeck.runtime.conversations import Conversations
from quarterdeck.runtime.ports import Clock, Dispatch
from quarterdeck.runtime.supervisor import Supervisor
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Text
from quarterdeck.state.mail import Mail
from quarterdeck.state.selectors import select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate

RESTART = "the restart"
"""Who paused a teammate for which mail waits."""


class Parts(msgspec.Struct, frozen=True):
    """What of a session a recovery needs."""

    store: Store
    dispatch: Dispatch
    supervisor: Supervisor
    conversations: Conversations
    clock: Clock


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """A stored session as its facts tell it, before anything is made of it."""

    state: AppState
    last: int
    """The number of its newest fact."""
    drafts: Mapping[RunId, str]
    """What runs were saying when the process ended."""
    unread: Mapping[RunId, tuple[Mail, ...]]
    """What runs that have ended had not read."""
    next_entries: Mapping[RunId, int]
    """The id of the next entry of each run's transcript."""
    crashed: bool
    """The process was gone all at once."""
    damage: tuple[str, ...] = ()
    """What could not be read, a line each."""


def recover(parts: Parts, found: Recovered) -> None:
    """Tell what became of every run, and let those that had no turn open go on as they were."""
    now = parts.clock.wall()
    supervisor = parts.supervisor
    parts.dispatch(did.SessionResumed(at=now, crashed=found.crashed))
    supervisor.unread.update(found.unread)
    cut_off = 0
    for mate in reversed(select_living(parts.store.state.team)):
        # Children first: whoever asked for them is told, and reads it in its next life.
        if mate.place in (Lifecycle.EXECUTING, Lifecycle.WAITING):
            _cut_off(parts, mate, found.drafts.get(mate.run_id, ""))
            cut_off += 1
    # What an earlier end left to be told, before anybody has a worker: it starts no turn.
    supervisor.announcer.check_all()
    for mate in select_living(parts.store.state.team):
        if mate.place is Lifecycle.SPAWNING:
            parts.dispatch(did.TeammateReady(at=now, run_id=mate.run_id))
        if parts.store.state.mail.get(mate.run_id):
            # Its mail would start a turn, and nothing asks the model before the person says so.
            parts.dispatch(did.TeammatePaused(at=now, run_id=mate.run_id, by=RESTART))
        supervisor.come_back(mate.run_id)
    words = came_back_words(found, cut_off)
    parts.dispatch(did.NoticeRaised(at=now, text=words, is_fault=bool(found.damage)))


def came_back_words(found: Recovered, cut_off: int) -> str:
    """How the session came back, in one line that fits the least width with the time before it."""
    if found.damage:
        count = len(found.damage)
        parts = f"{count} part{'s' if count > 1 else ''} of the journal can't be read"
        return f"{parts}; the rest is here, and the damaged file is kept beside it."
    if not cut_off:
        how = "The program was gone all at once. " if found.crashed else ""
        return f"{how}Everybody is back as they were."
    turns = "1 turn" if cut_off == 1 else f"{cut_off} turns"
    were = "was" if cut_off == 1 else "were"
    told = f"A crash cut off {turns}" if found.crashed else f"{turns} {were} cut off"
    return f"{told}: r revives it." if cut_off == 1 else f"{told}: r revives one, R all."


def _cut_off(parts: Parts, mate: Teammate, draft: str) -> None:
    now, run_id = parts.clock.wall(), mate.run_id
    if draft.strip():
        parts.dispatch(did.TextSaid(at=now, run_id=run_id, text=draft, interrupted=True))
        parts.conversations.book(run_id).add_reply((text_block(draft),))
    parts.dispatch(did.NoteTaken(at=now, run_id=run_id, text="Cut off: the program ended in this turn."))
    parts.supervisor.end(run_id, Outcome.UNKNOWN, draft or _last_text(parts.store.state, mate), "")


def tell_live_text(parts: Parts, mate: Teammate) -> None:
    """The program ends: what it was saying stays, marked as cut off."""
    transcript = parts.store.state.transcripts.get(mate.run_id)
    live = transcript.live if transcript is not None else ()
    text = "".join(part.text for part in live if not part.is_thinking)
    if text.strip():
        now = parts.clock.wall()
        parts.dispatch(did.TextSaid(at=now, run_id=mate.run_id, text=text, interrupted=True))


def _last_text(state: AppState, mate: Teammate) -> str:
    """The last text of a run: its findings, where no turn's end told them."""
    transcript = state.transcripts.get(mate.run_id)
    for entry in reversed(transcript.entries if transcript is not None else ()):
        if isinstance(entry, Text):
            return entry.text
    return mate.final_text
