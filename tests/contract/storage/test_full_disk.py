"""A disk that takes nothing more, and takes it again (DUR-03): a full one, a limit, one that answers EIO.

All are real: a small tmpfs where root may mount it, RLIMIT_FSIZE (EFBIG), and EIO from the kernel (seccomp).
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.state import actions as did
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Keeping
from quarterdeck.storage.lease import owner_of
from quarterdeck.storage.opening import Unwritable, open_session
from tests.support.faulty_disk_program import NOT_HERE
from tests.support.journals import Kept, note, stored

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits as Linux has them")


def fill(folder: Path) -> None:
    """Take what is left of a small disk."""
    with (folder / "filling").open("ab", buffering=0) as filling:
        for size in (4_096, 512, 1):
            try:
                while True:
                    filling.write(bytes(size))
            except OSError:
                continue


async def tell_until_stuck(kept: Kept) -> int:
    """Facts until the disk is full; how many were told."""
    seq = 0
    while kept.journal.keeping is Keeping.KEEPING:
        seq += 1
        kept.journal.append(note(seq, f"{seq} {'x' * 4_000}"))
        await asyncio.sleep(0.002)
    return seq


async def test_dur_03_a_full_disk_is_told_once_nothing_is_lost_and_it_goes_on_by_itself(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    small = tmp_path / "small"
    mount(small, "-t", "tmpfs", "-o", "size=300k,mode=700", "none")
    (small / "ballast").write_bytes(bytes(120_000))
    place = SessionPlace(small / "state", "s")
    async with Kept(place) as kept:
        told = await tell_until_stuck(kept)
        kept.journal.append(note(told + 1, "while it is full"))
        waiting = asyncio.ensure_future(kept.journal.committed())
        done, _ = await asyncio.wait({waiting}, timeout=1.2)
        assert not done, "something that must wait for the disk went on"
        assert kept.changes == [(Keeping.STUCK, "The disk is full.")]
        before = stored(place.database)
        assert [seq for seq, _ in before] == list(range(1, kept.journal.last_committed + 1))
        assert before
        (small / "ballast").unlink()
        await waiting
        await kept.until(Keeping.KEEPING)
        assert kept.changes == [(Keeping.STUCK, "The disk is full."), (Keeping.KEEPING, "")]
    after = stored(place.database)
    assert [seq for seq, _ in after] == list(range(1, told + 2))
    for seq, fact in after[:told]:
        assert isinstance(fact, did.NoteTaken)
        assert fact.text == f"{seq} {'x' * 4_000}"


async def test_dur_03_a_disk_that_stays_full_holds_the_end_up_no_longer(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    small = tmp_path / "small"
    mount(small, "-t", "tmpfs", "-o", "size=300k,mode=700", "none")
    place = SessionPlace(small / "state", "s")
    async with Kept(place) as kept:
        await tell_until_stuck(kept)
        kept.journal.close()
        kept.writer.give_up = True
        began = time.monotonic()
        await asyncio.to_thread(kept.thread.join, 20)
        assert time.monotonic() - began < 3
        last = kept.journal.last_committed
    assert [seq for seq, _ in stored(place.database)] == list(range(1, last + 1))
    assert last > 0


def test_dur_03_a_disk_that_is_full_from_the_start_is_said_and_holds_no_lease(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    small = tmp_path / "small"
    mount(small, "-t", "tmpfs", "-o", "size=100k,mode=700", "none")
    place = SessionPlace(small / "state", "s")
    place.make()
    fill(small)
    with pytest.raises(Unwritable, match=r"full|space|I/O"):
        open_session(place, {})
    assert owner_of(place.lease) is None


def test_dur_03_files_that_may_not_grow_are_a_full_disk_without_root(place: SessionPlace) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.limited_program",
            str(place.folder.parent.parent),
            place.session_id,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    [(stuck, words), again] = found["changes"]
    assert (stuck, again) == ("stuck", ["keeping", ""])
    assert words.startswith("The journal can't be written")
    assert found["waited"] is True
    assert 0 < found["kept_before"] < found["told"] == found["kept_after"]
    assert [seq for seq, _ in stored(place.database)] == list(range(1, found["told"] + 1))


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_dur_03_a_disk_that_answers_eio_is_told_nothing_is_torn_and_it_goes_on_by_itself(
    place: SessionPlace, call: str
) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.faulty_disk_program",
            str(place.folder.parent.parent),
            place.session_id,
            call,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    if told.returncode == NOT_HERE:
        pytest.skip(f"the kernel does not hand calls over here: {told.stderr.strip()}")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["failed"] >= 2, "it was tried again, and failed again"
    [(stuck, words), again] = found["changes"]
    assert (stuck, again) == ("stuck", ["keeping", ""])
    assert words == "The journal can't be written (disk I/O error)."
    assert found["waited"] is True
    assert found["before"] == list(range(1, 21))
    assert [seq for seq, _ in stored(place.database)] == list(range(1, 22))
