"""A session's database, opened to be written by its one owner: folder, lease, file, what it is of."""

import sqlite3
from collections.abc import Mapping

from quarterdeck.storage.folders import SessionPlace, is_on_network, make_file_private
from quarterdeck.storage.lease import Lease, Taken, take
from quarterdeck.storage.schema import NewerSchema, open_for_writing


class Unwritable(Exception):
    """There can be no journal; one line that says why."""


def open_session(
    place: SessionPlace, meta: Mapping[str, str], lease: Lease | None = None
) -> tuple[sqlite3.Connection, Lease]:
    """The open database and the lease on it. Blocks; for the writer's thread.

    :param lease: held already, by whoever resumes the session.
    :raises Unwritable: it cannot be; nothing is held then.
    """
    try:
        place.make()
        held = lease or take(place.lease)
    except Taken as taken:
        raise Unwritable(f"The session is {taken}.") from taken
    except OSError as fault:
        raise Unwritable(_words(fault)) from fault
    try:
        make_file_private(place.database)
        database = open_for_writing(place.database, with_wal=not is_on_network(place.folder))
        database.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", list(meta.items()))
    except (OSError, sqlite3.Error, NewerSchema) as fault:
        held.release()
        raise Unwritable(_words(fault)) from fault
    return database, held


def _words(fault: Exception) -> str:
    if isinstance(fault, OSError) and fault.strerror:
        return f"{fault.strerror}: {fault.filename}" if fault.filename else str(fault.strerror)
    return str(fault)
