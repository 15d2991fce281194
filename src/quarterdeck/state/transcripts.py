"""The window of each transcript: the newest entries, bounded by count and weight, and what streams now.

Entry ids count up per run and never repeat, so that a window and the whole conversation (kept elsewhere)
can be laid together.
"""

import msgspec
from immutables import Map

from quarterdeck.domain.ids import CallId, MessageId, RunId
from quarterdeck.state import actions as did
from quarterdeck.state.dropping import dropped_note
from quarterdeck.state.entries import (
    Entry,
    LivePart,
    Note,
    Said,
    Text,
    Thinking,
    ToolCall,
    ToolStatus,
    TurnMark,
    fit,
    weight,
)
from quarterdeck.state.teammates import NOBODY

replace = msgspec.structs.replace

MAX_ENTRIES = 200
MAX_WEIGHT = 256_000
"""Characters; a window holds about 256 kB."""


class Limits(msgspec.Struct, frozen=True):
    """How much a transcript keeps."""

    entries: int = MAX_ENTRIES
    weight: int = MAX_WEIGHT


WINDOW = Limits()


class Transcript(msgspec.Struct, frozen=True):
    """The newest part of one run's conversation."""

    entries: tuple[Entry, ...] = ()
    live: tuple[LivePart, ...] = ()
    """What the open step has streamed so far, block by block."""
    next_id: int = 1
    weight: int = 0
    last_at: float = 0.0
    """When the last text streamed in (epoch seconds)."""


Transcripts = Map[RunId, Transcript]


def reduce_transcripts(
    transcripts: Transcripts, action: did.Action, *, past_verb: str = "", limits: Limits = WINDOW
) -> Transcripts:
    """Fold one fact in. `past_verb` is the run's own, for the mark at the end of a turn."""
    match action:
        case did.TextStreamed():
            return _stream(transcripts, action, limits)
        case did.TeammateSpawned(run_id=new_run, first_entry_id=first):
            return (
                transcripts if new_run in transcripts else transcripts.set(new_run, Transcript(next_id=first))
            )
        case did.TeammateEvicted(run_id=gone):
            return transcripts.delete(gone) if gone in transcripts else transcripts
    run_id: RunId = getattr(action, "run_id", NOBODY)
    old = transcripts.get(run_id)
    if old is None:
        return transcripts
    new = reduce_transcript(old, action, past_verb=past_verb, limits=limits)
    return transcripts if new is old else transcripts.set(run_id, new)


def reduce_transcript(
    old: Transcript, action: did.Action, *, past_verb: str = "", limits: Limits = WINDOW
) -> Transcript:
    """Fold a fact about this run into its transcript."""
    match action:
        case did.TextSaid(text=text, at=at, interrupted=interrupted):
            return _add(_without_live(old), Text(old.next_id, at, text, interrupted), limits)
        case did.ThoughtFinished(text=text, at=at):
            return _add(_without_live(old), Thinking(old.next_id, at, text), limits)
        case did.StepDiscarded() | did.StepAccepted():
            return _without_live(old)
        case did.MessageDelivered():
            said = Said(old.next_id, action.at, action.sender, action.text, action.way, action.message_id)
            return _add(old, said, limits)
        case did.MessageAnswered(message_id=message_id):
            return _answer(old, message_id)
        case did.NoteTaken(text=text, at=at):
            return _add(old, Note(old.next_id, at, text), limits)
        case did.ToolStarted() | did.ToolPrinted() | did.ToolEnded():
            return _tool(old, action, limits)
    return _end(old, action, past_verb, limits)


def _end(old: Transcript, action: did.Action, past_verb: str, limits: Limits) -> Transcript:
    match action:
        case did.TurnEnded(duration_s=duration_s, usage=usage, at=at):
            mark = TurnMark(old.next_id, at, past_verb, duration_s, usage)
            return _add(_without_live(_close_tools(old)), mark, limits)
        case did.TeammateEnded():
            return _without_live(_close_tools(old))
        case did.TranscriptDropped(entry_id=entry_id):
            note = dropped_note(action)
            return Transcript(entries=(note,), next_id=entry_id + 1, weight=weight(note))
        case did.TeammateKilled():
            return _last_message(_without_live(_close_tools(old)), limits)
    return old


def _add(old: Transcript, entry: Entry, limits: Limits) -> Transcript:
    fitting = fit(entry, limits.weight)
    entries = (*old.entries, fitting)
    new = replace(old, entries=entries, weight=old.weight + weight(fitting), next_id=old.next_id + 1)
    return _trim(new, limits)


def _trim(new: Transcript, limits: Limits) -> Transcript:
    """Without the oldest entries that are over a limit; the newest always stays."""
    drop = max(0, len(new.entries) - limits.entries)
    heavy = new.weight - sum(weight(gone) for gone in new.entries[:drop])
    while heavy > limits.weight and drop < len(new.entries) - 1:
        heavy -= weight(new.entries[drop])
        drop += 1
    return replace(new, entries=new.entries[drop:], weight=heavy) if drop else new


def _without_live(old: Transcript) -> Transcript:
    return replace(old, live=()) if old.live else old


def _stream(transcripts: Transcripts, action: did.TextStreamed, limits: Limits) -> Transcripts:
    if not any(run_id in transcripts for run_id, _ in (*action.parts, *action.thinking)):
        return transcripts
    with transcripts.mutate() as edit:
        for is_thinking, parts in ((True, action.thinking), (False, action.parts)):
            for run_id, text in parts:
                old = edit.get(run_id)
                if old is not None:
                    edit[run_id] = Transcript(
                        old.entries,
                        _grow(old.live, is_thinking, text, limits.weight) if text else old.live,
                        old.next_id,
                        old.weight,
                        action.at,
                    )
        grown: Transcripts = edit.finish()
    return grown


def _grow(live: tuple[LivePart, ...], is_thinking: bool, text: str, most: int) -> tuple[LivePart, ...]:
    starts = not live or live[-1].is_thinking != is_thinking
    last = LivePart(is_thinking, "") if starts else live[-1]
    before = live if starts else live[:-1]
    whole = last.text + text
    surplus = len(whole) - most
    if surplus <= 0:
        return (*before, LivePart(is_thinking, whole, last.dropped))
    return (*before, LivePart(is_thinking, whole[surplus:], last.dropped + surplus))


def _tool(
    old: Transcript, action: did.ToolStarted | did.ToolPrinted | did.ToolEnded, limits: Limits
) -> Transcript:
    at = _index_of(old, action.call_id)
    match action:
        case did.ToolStarted():
            if at is not None:
                return old
            call = ToolCall(
                id=old.next_id,
                at=action.at,
                call_id=action.call_id,
                tool=action.tool,
                title=action.title,
                status=ToolStatus.RUNNING,
                timeout_s=action.timeout_s,
                rule=action.rule,
            )
            return _add(_without_live(old), call, limits)
        case did.ToolPrinted(tail=tail):
            call_now = old.entries[at] if at is not None else None
            if at is None or not isinstance(call_now, ToolCall) or call_now.status is not ToolStatus.RUNNING:
                return old
            return _trim(_put(old, at, fit(replace(call_now, detail=tail), limits.weight)), limits)
        case did.ToolEnded():
            return _end_tool(old, at, action, limits)


def _end_tool(old: Transcript, at: int | None, action: did.ToolEnded, limits: Limits) -> Transcript:
    before = old.entries[at] if at is not None else None
    call = ToolCall(
        id=before.id if before is not None else old.next_id,
        at=before.at if before is not None else action.at,
        call_id=action.call_id,
        tool=action.tool,
        title=action.title,
        status=action.status,
        summary=action.summary,
        detail=action.detail,
        duration_s=action.duration_s,
        rule=action.rule or (before.rule if isinstance(before, ToolCall) else ""),
        diff=action.diff,
    )
    if at is None:
        return _add(_without_live(old), call, limits)
    return _trim(_put(old, at, fit(call, limits.weight)), limits)


def _index_of(old: Transcript, call_id: CallId) -> int | None:
    # Newest first. A call that begins is looked for in vain, in the whole window.
    for back, entry in enumerate(reversed(old.entries), 1):
        if type(entry) is ToolCall and entry.call_id == call_id:
            return len(old.entries) - back
    return None


def _put(old: Transcript, at: int, entry: Entry) -> Transcript:
    heavy = old.weight - weight(old.entries[at]) + weight(entry)
    return replace(old, entries=(*old.entries[:at], entry, *old.entries[at + 1 :]), weight=heavy)


def _answer(old: Transcript, message_id: MessageId) -> Transcript:
    for at in range(len(old.entries) - 1, -1, -1):
        entry = old.entries[at]
        if isinstance(entry, Said) and entry.message_id == message_id:
            return old if entry.answered else _put(old, at, replace(entry, answered=True))
    return old


def _close_tools(old: Transcript) -> Transcript:
    for at, entry in enumerate(old.entries):
        if isinstance(entry, ToolCall) and entry.status is ToolStatus.RUNNING:
            old = _put(old, at, replace(entry, status=ToolStatus.CANCELLED, summary="cancelled"))
    return old


def _last_message(old: Transcript, limits: Limits) -> Transcript:
    """A killed run keeps its last message in the window; the whole is in the conversation store."""
    if limits is not WINDOW or len(old.entries) <= 1:
        return old
    said = [entry for entry in old.entries if isinstance(entry, Text | Said)]
    kept = (said[-1],) if said else old.entries[-1:]
    return replace(old, entries=kept, weight=weight(kept[0]))
