"""Sessions on disk for tests: facts folded as the program folds them, written by the real writer."""

import os
from pathlib import Path
from queue import SimpleQueue

import msgspec

from quarterdeck.domain.ids import CallId, MessageId, RunId
from quarterdeck.domain.teammates import Way
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import Said, ToolCall, ToolStatus
from quarterdeck.state.teammates import NOBODY, Teammate
from quarterdeck.state.transcripts import Transcript
from quarterdeck.storage.codec import tag_of
from quarterdeck.storage.folders import SessionPlace, make_file_private
from quarterdeck.storage.records import Batch, FactRecord, RunRecord
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
        self._runs: dict[str, RunRecord] = {}

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
        run_id: RunId = getattr(fact, "run_id", None) or NOBODY
        entry = _entry_of(fact, before.transcripts.get(run_id), after.transcripts.get(run_id))
        self._facts.append(FactRecord(sequence, fact.at, tag_of(fact), run_id, entry, fact))
        if (mate := after.team.by_run.get(run_id)) is not None:
            self._runs[run_id] = run_record(mate)

    def batch(self) -> Batch:
        """What was told since the last time."""
        batch = Batch(self._facts, tuple(self._runs.values()))
        self._facts, self._runs = [], {}
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


def run_record(mate: Teammate) -> RunRecord:
    """The registry's row, as of this state."""
    return RunRecord(
        run_id=mate.run_id,
        agent_id=mate.agent_id,
        name=mate.name,
        requester=mate.parent,
        conversation=mate.revived_from or mate.run_id,
        task=mate.prompt,
        label=mate.description,
        model=mate.model,
        lifetime=mate.lifetime,
        lifecycle=mate.lifecycle,
        waits_on=mate.waits_on,
        since=mate.since,
        cleanup="keep",
        time_limit_s=None,
        created_at=mate.spawned_at,
        started_at=None,
        ended_at=mate.ended_at,
        outcome=mate.outcome,
        error=mate.error,
        findings=mate.final_text,
        captured=mate.is_terminal,
        notified=mate.notified,
        announced_at=mate.announced_at,
        cleaned_at=None,
        archived_at=mate.archived_at,
        in_turn=mate.turn_started_at is not None and not mate.is_terminal,
        usage=msgspec.json.encode(mate.usage),
        heartbeat_at=mate.last_sign_at,
    )


def _entry_of(fact: did.Action, before: Transcript | None, after: Transcript | None) -> int | None:
    """The entry that a fact made or changed."""
    if before is None or after is None:
        return None
    if after.next_id > before.next_id:
        return before.next_id
    for entry in reversed(after.entries):
        match entry, fact:
            case ToolCall(call_id=mine), did.ToolEnded(call_id=its) if mine == its:
                return entry.id
            case Said(message_id=mine_too), did.MessageAnswered(message_id=its_too) if mine_too == its_too:
                return entry.id
    return None


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
