"""What a deleted transcript leaves of a run's facts: what the rest of the state is folded from. Pure.

Messages, texts and thoughts go. Calls, mail and turns are counted elsewhere: they stay, without what was in
them. Requests and what the person answered stay whole: they are the person's own record.
"""

import msgspec

from quarterdeck.state import actions as did
from quarterdeck.state.entries import Note
from quarterdeck.state.log import short

replace = msgspec.structs.replace

DROPPED = (did.MessageRecorded, did.HistoryRepaired, did.TextSaid, did.ThoughtFinished)
"""Facts that are deleted: nothing but the transcript is folded from them."""

EMPTIED = (did.ToolStarted, did.ToolEnded, did.MessageQueued, did.MessageDelivered, did.TurnEnded)
"""Facts that are rewritten by `emptied`."""

DELETED_WORDS = "Its transcript was deleted, as it was started with cleanup = delete. Its findings are kept."


def emptied(action: did.Action, findings: str) -> did.Action | None:
    """What stays of a fact of the run; None = nothing, the same object = all of it.

    :param findings: what the run's record holds as its last text.
    """
    match action:
        case did.ToolStarted():
            return replace(action, title="", rule="")
        case did.ToolEnded():
            return replace(action, title="", summary="", detail="", diff=None, rule="")
        case did.MessageQueued(text=text):
            return replace(action, text=short(text))  # the log of the session quotes as much
        case did.MessageDelivered():
            return replace(action, text="")
        case did.TurnEnded(final_text=text) if text != findings:
            return replace(action, final_text="")
    return None if isinstance(action, DROPPED) else action


def dropped_note(action: did.TranscriptDropped) -> Note:
    """The one entry that is left."""
    return Note(action.entry_id, action.at, DELETED_WORDS)
