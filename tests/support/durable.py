"""The part of a state that a fold of the durable facts alone must give back."""

import msgspec

from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, ToolCall, ToolStatus, TurnMark
from quarterdeck.state.teammates import Teammate
from quarterdeck.state.transcripts import Transcript

replace = msgspec.structs.replace


def durable(state: AppState) -> AppState:
    """Without what is for the screen alone: streamed text and output, verbs, view, notices, signs of life."""
    team, transcripts = state.team, state.transcripts
    for run_id, mate in state.team.by_run.items():
        team = replace(team, by_run=team.by_run.set(run_id, _durable_mate(mate)))
    for run_id, transcript in state.transcripts.items():
        transcripts = transcripts.set(run_id, _durable_transcript(transcript))
    return replace(
        state,
        session=replace(state.session, notice=None),
        team=replace(team, viewed=None),
        transcripts=transcripts,
    )


def _durable_mate(mate: Teammate) -> Teammate:
    return replace(mate, verb="", past_verb="", last_sign_at=0.0, left_view_at=None)


def _durable_transcript(transcript: Transcript) -> Transcript:
    entries = tuple(_durable_entry(entry) for entry in transcript.entries)
    return replace(transcript, entries=entries, live=(), weight=0, last_at=0.0)


def _durable_entry(entry: Entry) -> Entry:
    match entry:
        case TurnMark():
            return replace(entry, past_verb="")
        case ToolCall(status=ToolStatus.RUNNING | ToolStatus.CANCELLED):
            return replace(entry, detail="")
    return entry
