"""Sessions on disk for tests: facts folded as the program folds them, written by the real writer."""

import os
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import msgspec

from quarterdeck.bootstrap.recording import fact_record, run_of, run_record
from quarterdeck.domain.ids import CallId, MessageId, RunId
from quarterdeck.domain.teammates import Way
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import ToolStatus
from quarterdeck.storage.folders import SessionPlace, make_file_private
from quarterdeck.storage.records import Batch, FactRecord
from quarterdeck.storage.schema import open_for_writing
from quarterdeck.storage.writer import Writer
from tests.support.states import run

NOW = 1_763_735_527.0


class SessionFile:
    """One session of a state folder. `tell` facts, then `write` them."""

    def __init__(self, state: Path, session_id: str, *, gap: int = 1) -> None:
        self.place = SessionPlace(state, session_id)
        self.place.make()
        make_file_private(self.place.database)
        self.state = AppState()
        self.sequence = 0
        self._gap = gap
        self._facts: list[FactRecord] = []
        self._changed: set[RunId] = set()

    def tell(self, *facts: did.Action) -> None:
        """Fold each; what is durable and changed something is to be written."""
        for fact in facts:
            before, self.state = self.state, reduce(self.state, fact)
            self.sequence += self._gap
            self.observe(self.sequence, fact, before, self.state)

    def observe(self, sequence: int, fact: did.Action, before: AppState, after: AppState) -> None:
        """As an observer of a store."""
        if not did.is_durable(fact) or (after is before and not isinstance(fact, did.FOR_THE_JOURNAL)):
            return
        self.sequence = sequence
        record = fact_record(sequence, fact, before, after)
        self._facts.append(msgspec.structs.replace(record, ends_draft=False))
        run_id = run_of(fact)
        if run_id in after.team.by_run:
            self._changed.add(run_id)

    def batch(self) -> Batch:
        """What was told since the last time."""
        state = self.state
        batch = Batch(self._facts, {one: partial(run_record, state, one) for one in self._changed})
        self._facts, self._changed = [], set()
        return batch

    def write(self) -> "SessionFile":
        """All that was told, by the real writer, to its end."""
        queue: SimpleQueue[Batch | None] = SimpleQueue()
        queue.put(self.batch())
        queue.put(None)
        stuck: list[str] = []
        writer = Writer(
            queue, tell_committed=lambda last: None, tell_stuck=stuck.append, wait=lambda seconds: None
        )
        writer.give_up = True
        writer.run(open_for_writing(self.place.database))
        assert stuck == []
        return self

    def settle(self) -> None:
        """As if nothing had been written to it for a while."""
        for path in self.place.folder.iterdir():
            os.utime(path, (NOW, NOW))


def says(name: str, text: str, *, at: float = NOW) -> did.TextSaid:
    """A teammate says something."""
    return did.TextSaid(at=at, run_id=run(name), text=text)


def told(name: str, text: str, *, at: float = NOW, number: int = 1, sender: str = "you") -> did.Action:
    """A teammate gets a message."""
    return did.MessageDelivered(
        at=at, message_id=MessageId(f"m{number}"), run_id=run(name), sender=sender, text=text, way=Way.STEER
    )


def answered(name: str, *, at: float = NOW, number: int = 1) -> did.Action:
    """The turn of that message has ended."""
    return did.MessageAnswered(at=at, message_id=MessageId(f"m{number}"), run_id=run(name))


def tool_began(name: str, title: str, *, at: float = NOW, number: int = 1) -> did.Action:
    """A shell command runs."""
    return did.ToolStarted(at=at, run_id=run(name), call_id=CallId(f"c{number}"), tool="Bash", title=title)


def tool_ended(name: str, title: str, detail: str, *, at: float = NOW, number: int = 1) -> did.Action:
    """It has ended."""
    return did.ToolEnded(
        at=at,
        run_id=run(name),
        call_id=CallId(f"c{number}"),
        tool="Bash",
        title=title,
        status=ToolStatus.OK,
        summary="exit 0",
        detail=detail,
        duration_s=0.5,
    )
