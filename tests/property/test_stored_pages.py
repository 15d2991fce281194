"""Pages of a transcript that are folded from the journal are those that the program had in memory."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings

from quarterdeck.bootstrap.archive import StoredArchive
from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.conversations import Conversations
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import reduce
from quarterdeck.state.entries import Entry, ToolCall, ToolStatus, TurnMark
from quarterdeck.storage import lease
from tests.support.action_sequences import RUNS, sequences
from tests.support.stored_sessions import SessionFile

replace = msgspec.structs.replace


def without_what_only_the_screen_saw(entries: tuple[Entry, ...]) -> list[Entry]:
    """Output of tools that never ended, and verbs that changed within a turn."""
    found: list[Entry] = []
    for entry in entries:
        match entry:
            case TurnMark():
                found.append(replace(entry, past_verb=""))
            case ToolCall(status=ToolStatus.RUNNING | ToolStatus.CANCELLED):
                found.append(replace(entry, detail=""))
            case _:
                found.append(entry)
    return found


@settings(max_examples=60)
@given(sequences)
def test_what_is_read_back_is_what_was_shown(facts: list[did.Action]) -> None:
    conversations = Conversations(tell=lambda action: None, now=lambda: 0.0)
    with tempfile.TemporaryDirectory() as folder:
        file = SessionFile(Path(folder), "s1")
        for fact in facts:
            told = fact
            if isinstance(fact, did.TeammateSpawned):  # revivals are tested by themselves
                told = replace(fact, revived_from=None, first_entry_id=1)
            before, file.state = file.state, reduce(file.state, told)
            file.sequence += 1
            conversations.observe(file.sequence, told, before, file.state)
            file.observe(file.sequence, told, before, file.state)
        file.write()
        held = lease.take(file.place.lease)

        async def pages() -> dict[RunId, list[tuple[Entry, ...]]]:
            archive = StoredArchive(Path(folder), "another")
            ends = (10_000, 4, 2)
            return {
                one: [await archive.page("s1", one, before=before, count=3) for before in ends]
                for one in RUNS
            }

        found = asyncio.run(pages())
        held.release()
    for run_id in RUNS:
        for before_id, entries in zip((10_000, 4, 2), found[run_id], strict=True):
            shown = conversations.page(run_id, before=before_id, count=3)
            assert without_what_only_the_screen_saw(entries) == without_what_only_the_screen_saw(shown)
