"""A damaged journal that is to be written on: it is set aside as it is, and a new one holds what can be read.

The caller holds the lease, and nothing has the database open. It blocks. Imported late: sqlite3 comes along.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from shutil import copyfile

from quarterdeck.bootstrap.recording import fact_record, run_record
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.storage.codec import storable
from quarterdeck.storage.folders import SessionPlace, make_private
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Batch, FactRecord, RunRecord
from quarterdeck.storage.schema import open_for_writing
from quarterdeck.storage.writer import Writer

NEW = "journal.new"
"""What is not finished yet, or was left by a crash."""
_BESIDE = ("-wal", "-journal", "-shm")
_IN_ONE_BATCH = 500


def salvage(place: SessionPlace) -> Path:
    """Put a journal in place that holds all that can be read of the damaged one; where that one lies now.

    A crash in the middle loses nothing: what is set aside is whole before anything is replaced.

    :raises OSError: there is no room, or the folder can't be written; all is as it was.
    :raises Unreadable: nothing of it can be read.
    """
    new = place.folder / NEW
    _remove(new, "", *_BESIDE)
    with JournalReader(place.database, is_idle=True) as reader:
        _write(new, reader)
    aside = _set_aside(place)
    _remove(new, *_BESIDE)
    _remove(place.database, *_BESIDE)
    new.replace(place.database)
    return aside


def _write(new: Path, reader: JournalReader) -> None:
    faults: list[str] = []
    queue: SimpleQueue[Batch | None] = SimpleQueue()
    for batch in _batches(reader):
        queue.put(batch)
    queue.put(None)
    try:
        database = open_for_writing(new, with_wal=False)
        rows = [(key, storable(value)) for key, value in reader.meta().items()]
        database.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", rows)
        writer = Writer(queue, tell_committed=lambda last: None, tell_stuck=faults.append)
        writer.give_up = True  # one try: whoever waits is told
        writer.run(database)
    except sqlite3.Error as fault:
        faults.append(str(fault))
    if faults:
        new.unlink(missing_ok=True)
        raise OSError(faults[0])


def _batches(reader: JournalReader) -> Iterator[Batch]:
    """The facts as they are told, with their numbers: what a fact changes is made out again."""
    state = AppState()
    facts: list[FactRecord] = []
    for sequence, action in reader.facts():
        before, state = state, reduce(state, action)
        facts.append(fact_record(sequence, action, before, state))
        if len(facts) == _IN_ONE_BATCH:
            yield Batch(facts)
            facts = []
    runs: dict[str, Callable[[], RunRecord]] = {
        run_id: partial(run_record, state, run_id) for run_id in state.team.by_run
    }
    yield Batch(facts, runs, reader.drafts())


def _set_aside(place: SessionPlace) -> Path:
    number = 1
    while (place.folder / f"damaged-{number}").exists():
        number += 1
    aside = place.folder / f"damaged-{number}"
    make_private(aside)
    for ending in ("", "-wal", "-journal"):
        name = f"{place.database.name}{ending}"
        with suppress(FileNotFoundError):
            _link(place.folder / name, aside / name)
    return aside


def _remove(database: Path, *endings: str) -> None:
    for ending in endings:
        database.with_name(f"{database.name}{ending}").unlink(missing_ok=True)


def _link(old: Path, new: Path) -> None:
    """The same file under another name; a copy where there are no links."""
    try:
        os.link(old, new)
    except FileNotFoundError:
        raise
    except OSError:
        copyfile(old, new)
        new.chmod(0o600)
