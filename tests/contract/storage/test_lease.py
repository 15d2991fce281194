"""One owner per session (DUR-05), by real processes."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.lease import Taken, owner_of, take
from quarterdeck.storage.opening import Unwritable, open_session
from quarterdeck.storage.reader import JournalReader

SRC = Path(__file__).parents[3] / "src"
OWNER = """
import subprocess, sys
from pathlib import Path
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.opening import open_session
place = SessionPlace(Path(sys.argv[1]), sys.argv[2])
database, lease = open_session(place, {})
child = subprocess.Popen([sys.executable, "-c", "input()"], close_fds=False)
print(child.pid, flush=True)
input()
"""


@contextmanager
def owner(place: SessionPlace) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has the session open, and a child of it that outlives it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(place.folder.parent.parent), place.session_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    ) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()
            process.communicate()


def test_dur_05_a_second_process_is_refused_at_once_with_the_owners_pid(place: SessionPlace) -> None:
    with owner(place) as (process, _):
        began = time.monotonic()
        with pytest.raises(Taken) as taken:
            take(place.lease)
        with pytest.raises(Unwritable, match=f"already open in process {process.pid}"):
            open_session(place, {})
        assert time.monotonic() - began < 1
        assert taken.value.pid == process.pid == owner_of(place.lease)
        with JournalReader(place.database) as reader:
            assert reader.is_empty is False
            assert reader.last() == 0


def test_dur_05_the_lease_is_free_after_kill_9_though_a_child_of_the_owner_lives_on(
    place: SessionPlace,
) -> None:
    with owner(place) as (process, child):
        process.kill()
        process.wait()
        os.kill(child, 0)
        assert owner_of(place.lease) is None
        take(place.lease).release()


def test_dur_05_a_child_that_is_only_forked_does_not_keep_it(place: SessionPlace) -> None:
    place.make()
    reading, writing = os.pipe()
    holder = os.fork()
    if holder == 0:
        os.close(reading)
        lease = take(place.lease)
        child = os.fork()
        if child == 0:
            os.write(writing, f"{os.getpid()}\n".encode())
            time.sleep(60)
        os.close(writing)
        assert lease is not None
        os.kill(os.getpid(), 9)
    os.close(writing)
    os.waitpid(holder, 0)
    with os.fdopen(reading) as told:
        child = int(told.readline())
    try:
        take(place.lease).release()
    finally:
        os.kill(child, 9)


def test_dur_05_opening_the_database_elsewhere_in_the_process_drops_nothing(place: SessionPlace) -> None:
    database, lease = open_session(place, {})
    with closing(database):
        sqlite3.connect(place.database).close()
        with place.database.open("rb") as plain:
            plain.read(10)
        with JournalReader(place.database):
            pass
        assert owner_of(place.lease) == os.getpid()
        with pytest.raises(Taken):
            take(place.lease)
    lease.release()
    lease.release()
    assert owner_of(place.lease) is None


def test_dur_05_who_only_asks_for_the_owner_takes_no_lease_away(place: SessionPlace) -> None:
    place.make()
    take(place.lease).release()
    program = """
import sys
from pathlib import Path
from quarterdeck.storage.lease import owner_of
print("asks", flush=True)
while True:
    owner_of(Path(sys.argv[1]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(place.lease)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    ) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        try:
            for _ in range(300):
                take(place.lease).release()
        finally:
            asking.kill()


def test_a_lease_on_a_file_that_was_put_aside_is_none(place: SessionPlace) -> None:
    place.make()
    old = take(place.lease)
    place.lease.rename(place.lease.with_name("aside"))
    with_new = take(place.lease)
    assert owner_of(place.lease) == os.getpid()
    old.release()
    with pytest.raises(Taken):
        take(place.lease)
    with_new.release()


def test_a_lease_that_is_a_link_or_a_pipe_is_refused(place: SessionPlace) -> None:
    place.make()
    place.lease.symlink_to(place.folder / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        take(place.lease)
    assert owner_of(place.lease) is None
    place.lease.unlink()
    os.mkfifo(place.lease)
    assert owner_of(place.lease) is None
