"""Keeps one session on disk: the journal on the loop, its writer in a thread, the recorder that feeds it.

sqlite3 is imported in the writer's thread, after the first facts are told: no first paint waits for it.
"""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from quarterdeck.bootstrap.recording import DRAFT_EVERY_S, Recorder
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state.store import Store
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Journal, Keeping
from quarterdeck.storage.lease import Lease

if TYPE_CHECKING:
    from quarterdeck.storage.writer import Writer

CLOSE_WITHIN_S = 3.0
"""A disk that takes nothing holds the end up no longer than this."""


class Keep(msgspec.Struct, frozen=True):
    """Where a session is kept."""

    state_folder: Path
    lease: Lease | None = None
    """Held already, by a session that is resumed."""
    secrets: tuple[str, ...] = ()
    """Keys of the person: blotted out of what is kept."""


class Keeper:
    """One session's journal, from its first fact to its last."""

    def __init__(
        self,
        keep: Keep,
        session_id: str,
        store: Store,
        scopes: ScopeTree,
        on_change: Callable[[Keeping, str], None],
    ) -> None:
        self.state_folder = keep.state_folder
        self.place = SessionPlace(keep.state_folder, session_id)
        self.journal = Journal(on_change=on_change)
        self._lease = keep.lease
        self._secrets = keep.secrets
        self._scopes = scopes
        self._recorder = Recorder(store, self.journal)
        self._writer: Writer | None = None
        self._writing: asyncio.Task[None] | None = None
        store.observe(self._recorder.observe)

    def start(self, meta: Mapping[str, str]) -> None:
        """Open the file and write, in a thread."""
        loop = asyncio.get_running_loop()

        def tell(call: Callable[..., None], *values: object) -> None:
            with suppress(RuntimeError):  # the loop is gone: the program is at its end
                loop.call_soon_threadsafe(call, *values)

        def write() -> None:
            opening = importlib.import_module("quarterdeck.storage.opening")
            try:
                database, self._lease = opening.open_session(self.place, meta, self._lease)
            except opening.Unwritable as fault:
                tell(self.journal.on_unable, str(fault))
                return
            self._writer = importlib.import_module("quarterdeck.storage.writer").Writer(
                self.journal.queue,
                tell_committed=lambda sequence: tell(self.journal.on_committed, sequence),
                secrets=self._secrets,
                tell_stuck=lambda words: tell(self.journal.on_stuck, words),
            )
            self._writer.run(database)

        self._writing = self._scopes.start_task(self._write(write), name="journal")
        self._scopes.start_task(self._tick(), name="drafts")

    def is_kept(self) -> bool:
        """Whether what is told is on disk, or will be."""
        return self.journal.keeping is not Keeping.MEMORY

    async def close(self) -> bool:
        """Write what is left and let the session go; False = the disk did not take it all in time."""
        self.journal.close()
        if self._writing is None:
            return True
        done, _ = await asyncio.wait({self._writing}, timeout=CLOSE_WITHIN_S)
        if not done and self._writer is not None:
            self._writer.give_up = True
        if self._lease is not None and done:
            self._lease.release()
        if not done:
            self.journal.on_unable("The disk did not take the last of it.")
        return bool(done)

    async def _write(self, write: Callable[[], None]) -> None:
        try:
            await run_in_thread(write, name="journal")
        except Exception:
            self.journal.on_unable("The journal's writer failed; the log has the details.")
            raise

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(DRAFT_EVERY_S)
            self._recorder.tick()
