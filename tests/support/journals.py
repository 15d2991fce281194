"""A journal that is really kept (loop side, the writer in its thread, the file), and facts to keep in it."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.usage import NO_USAGE
from quarterdeck.state import actions as did
from quarterdeck.storage.codec import tag_of
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Journal, Keeping
from quarterdeck.storage.opening import open_session
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Draft, FactRecord, RunRecord
from quarterdeck.storage.writer import Writer

T = TypeVar("T")

RUN = RunId("r1")


def record(seq: int, action: did.Action, *, entry: int | None = None, ends_draft: bool = False) -> FactRecord:
    """A fact on its way to disk."""
    run_id = getattr(action, "run_id", "") or ""
    return FactRecord(seq, action.at, tag_of(action), run_id, entry, action, ends_draft)


def note(
    seq: int, text: str = "a note", *, run_id: RunId = RUN, at: float = 0.0, ends_draft: bool = False
) -> FactRecord:
    """A small fact."""
    return record(seq, did.NoteTaken(at=at, run_id=run_id, text=text), entry=seq, ends_draft=ends_draft)


def run_row(run_id: str = RUN, **fields: Any) -> RunRecord:
    """The registry's row of a run."""
    row = RunRecord(
        run_id=run_id,
        agent_id="rose@team",
        name="rose",
        requester=None,
        conversation=run_id,
        task="look",
        label="rose: look",
        model="m",
        lifetime="resident",
        lifecycle="idle",
        waits_on=None,
        since=1.0,
        cleanup="keep",
        time_limit_s=None,
        created_at=1.0,
        started_at=1.0,
        ended_at=None,
        outcome=None,
        error="",
        findings="",
        captured=False,
        notified=False,
        announced_at=None,
        cleaned_at=None,
        archived_at=None,
        in_turn=True,
        usage=msgspec.json.encode(NO_USAGE).decode(),
        heartbeat_at=1.0,
    )
    return msgspec.structs.replace(row, **fields)


def as_made(*rows: RunRecord) -> dict[str, Callable[[], RunRecord]]:
    """Rows of the registry as the journal takes them."""
    return {row.run_id: partial(msgspec.structs.replace, row) for row in rows}


class Kept:
    """One session with its owner's journal. Within `async with`, in the loop that uses it."""

    def __init__(
        self,
        place: SessionPlace,
        *,
        wait: Callable[[float], None] = time.sleep,
        secrets: tuple[str, ...] = (),
        wrap: Callable[[sqlite3.Connection], Any] = lambda database: database,
    ) -> None:
        self.place = place
        self.changes: list[tuple[Keeping, str]] = []
        self.committed: list[int] = []
        """What the writer told, in order."""
        self._wait = wait
        self._secrets = secrets
        self._wrap = wrap
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        database, self.lease = open_session(self.place, {})
        self.journal = Journal(on_change=self._on_change)
        self.writer = Writer(
            self.journal.queue,
            tell_committed=partial(_tell, loop, self._on_committed),
            tell_stuck=partial(_tell, loop, self.journal.on_stuck),
            secrets=self._secrets,
            wait=self._wait,
        )
        self.thread = threading.Thread(target=self.writer.run, args=(self._wrap(database),), daemon=True)
        self.thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.journal.close()
        await asyncio.to_thread(self.thread.join, 20)
        self.lease.release()
        assert not self.thread.is_alive()

    async def until(self, keeping: Keeping) -> None:
        """Return once the journal stands like that."""
        async with asyncio.timeout(20):
            while self.journal.keeping is not keeping:
                self._changed.clear()
                await self._changed.wait()

    def _on_change(self, keeping: Keeping, words: str) -> None:
        self.changes.append((keeping, words))
        self._changed.set()

    def _on_committed(self, last: int) -> None:
        self.committed.append(last)
        self.journal.on_committed(last)


async def keep(
    place: SessionPlace,
    facts: list[FactRecord],
    *,
    rows: tuple[RunRecord, ...] = (),
    drafts: tuple[Draft, ...] = (),
) -> None:
    """A session that was kept and closed."""
    async with Kept(place) as kept:
        for fact in facts:
            kept.journal.append(fact, as_made(*rows))
        for draft in drafts:
            kept.journal.draft(draft)


def stored(path: Path) -> list[tuple[int, did.Action]]:
    """Every fact of a journal that is whole."""
    with JournalReader(path) as reader:
        found = list(reader.facts())
        assert reader.damage == []
        return found


def _tell(loop: asyncio.AbstractEventLoop, listener: Callable[[T], None], told: T) -> None:
    loop.call_soon_threadsafe(listener, told)
