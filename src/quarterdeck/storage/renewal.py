"""Sets a damaged journal aside as it is, and puts a new one in its place.

The caller holds the lease, and nothing has the database open. It blocks.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile

from quarterdeck.storage.codec import storable
from quarterdeck.storage.dropping import drop_transcript
from quarterdeck.storage.folders import SessionPlace, make_private
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Batch
from quarterdeck.storage.schema import open_for_writing
from quarterdeck.storage.writer import Ink, statements_of, words_of

NEW = "journal.new"
"""What is not finished yet, or was left by a crash."""
_BESIDE = ("-wal", "-journal", "-shm")


def renew(place: SessionPlace, batches_of: Callable[[JournalReader], Iterable[Batch]]) -> Path:
    """Put a journal in place that holds what `batches_of` makes of the damaged one; where that one lies now.

    A crash in the middle loses nothing: what is set aside is whole before anything is replaced.

    :raises OSError: there is no room, or the folder can't be written; all is as it was.
    :raises Unreadable: nothing of it can be read.
    """
    new = place.folder / NEW
    _remove(new, "", *_BESIDE)
    with JournalReader(place.database, is_idle=True) as reader:
        _write(new, reader, batches_of(reader))
    aside = _set_aside(place)
    _remove(new, *_BESIDE)
    _remove(place.database, *_BESIDE)
    new.replace(place.database)
    return aside


def _write(new: Path, reader: JournalReader, batches: Iterable[Batch]) -> None:
    dropped: list[str] = []
    try:
        with closing(open_for_writing(new, with_wal=False)) as database:
            database.execute("BEGIN IMMEDIATE")
            rows = [(key, storable(value)) for key, value in reader.meta().items()]
            database.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", rows)
            for batch in batches:
                for statement in statements_of([batch], Ink()):
                    database.execute(*statement)
                dropped += [fact.run_id for fact in batch.facts if fact.drops_transcript]
            for run_id in dropped:  # last: its findings are in its row of the registry
                drop_transcript(database, run_id)
            database.execute("COMMIT")
    except sqlite3.Error as fault:
        _remove(new, "", *_BESIDE)
        raise OSError(words_of(fault)) from fault


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
