"""Where sessions lie: modes (SEC-03), and folders that can't or must not be used (DUR-04)."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.storage.folders import (
    SessionPlace,
    UnsafeFolder,
    is_on_network,
    make_file_private,
    make_private,
    session_ids,
)
from quarterdeck.storage.opening import Unwritable, open_session
from quarterdeck.storage.reader import JournalReader
from tests.support.journals import Kept, keep, note

is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to somebody else")
ELSEWHERE = 12_345
"""A user id that is not ours."""


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What a person's shell may have set."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


async def test_sec_03_folders_are_0700_and_files_0600_under_any_umask(umask: int, tmp_path: Path) -> None:
    state = tmp_path / "not" / "there" / "yet"
    place = SessionPlace(state, "s")
    async with Kept(place) as kept:
        kept.journal.append(note(1))
        await kept.journal.committed(1)
        with JournalReader(place.database) as reader:
            assert reader.last() == 1
        found = {one.name: one for one in (state.parent.parent).rglob("*")}
        assert {"lease", "journal.db", "journal.db-wal", "journal.db-shm", "s", "sessions"} <= set(found)
        modes = {name: stat.S_IMODE(one.lstat().st_mode) for name, one in found.items()}
        assert modes == {name: 0o700 if one.is_dir() else 0o600 for name, one in found.items()}


def test_sec_03_what_was_open_to_others_is_closed(place: SessionPlace) -> None:
    place.make()
    place.folder.chmod(0o755)
    place.database.touch(0o644)
    place.lease.touch(0o666)
    database, lease = open_session(place, {})
    database.close()
    lease.release()
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (place.folder, place.database, place.lease)]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.parametrize("part", ["state", "sessions", "s1"])
def test_dur_04_a_linked_folder_is_refused(tmp_path: Path, place: SessionPlace, part: str) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = {one.name: one for one in (place.folder, *place.folder.parents)}[part]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(real)
    with pytest.raises(UnsafeFolder, match="is a link"):
        place.make()
    with pytest.raises(Unwritable, match="is a link"):
        open_session(place, {})
    assert list(real.iterdir()) == []


def test_dur_04_a_linked_database_is_refused(tmp_path: Path, place: SessionPlace) -> None:
    place.make()
    target = tmp_path / "target"
    place.database.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        make_file_private(place.database)
    with pytest.raises(Unwritable):
        open_session(place, {})
    assert not target.exists()


@is_root
def test_dur_04_somebody_elses_folder_is_refused_and_left_as_it_is(place: SessionPlace) -> None:
    state = place.folder.parent.parent
    state.mkdir(mode=0o755)
    os.chown(state, ELSEWHERE, ELSEWHERE)
    with pytest.raises(Unwritable, match=r"belongs to somebody else; set QUARTERDECK_HOME"):
        open_session(place, {})
    assert stat.S_IMODE(state.stat().st_mode) == 0o755
    assert list(state.iterdir()) == []


def test_dur_04_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(Unwritable, match="Not a directory"):
        open_session(SessionPlace(tmp_path / "state", "s"), {})


def test_dur_04_a_home_that_is_missing_is_made_or_said(tmp_path: Path) -> None:
    make_private(tmp_path / "no" / "home" / "here")
    with pytest.raises(Unwritable):
        open_session(SessionPlace(Path("/proc/no-home/here"), "s"), {})


async def test_dur_04_a_read_only_state_folder_is_said_and_what_is_in_it_can_be_read(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    place = SessionPlace(tmp_path / "state", "s")
    await keep(place, [note(1), note(2)])
    mount(tmp_path / "state", "--bind", str(tmp_path / "state"))
    mount(tmp_path / "state", "-o", "remount,ro,bind", str(tmp_path / "state"))
    with pytest.raises(Unwritable, match="Read-only file system"):
        open_session(place, {})
    with pytest.raises(Unwritable, match="Read-only file system"):
        open_session(SessionPlace(tmp_path / "state", "new"), {})
    with JournalReader(place.database) as reader:
        assert [seq for seq, _ in reader.facts()] == [1, 2]
        assert reader.damage == []


def test_dur_04_a_folder_that_its_owner_closed_for_writing_stays_so(place: SessionPlace) -> None:
    state = place.folder.parent.parent
    state.mkdir()
    state.chmod(0o500)
    make_private(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o500
    if os.geteuid() != 0:
        with pytest.raises(Unwritable, match="Permission denied"):
            open_session(place, {})
    state.chmod(0o700)


def test_sessions_are_the_real_folders_that_have_a_database(tmp_path: Path) -> None:
    assert session_ids(tmp_path) == ()
    for name in ("a", "b"):
        place = SessionPlace(tmp_path, name)
        place.make()
        make_file_private(place.database)
    SessionPlace(tmp_path, "empty").make()
    (tmp_path / "sessions" / "link").symlink_to(place.folder)
    assert sorted(session_ids(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    ("folder", "answer"),
    [
        ("/home/me/state", True),
        ("/home/other", False),
        ("/mnt/my share/x", True),
        ("/home/me/local/x", False),
    ],
)
def test_a_network_file_system_is_known_by_its_mount(folder: str, answer: bool) -> None:
    mounts = "\n".join(
        [
            "/dev/a / ext4 rw 0 0",
            "host:/home /home/me nfs4 rw 0 0",
            "//host/share /mnt/my\\040share cifs rw 0 0",
            "tmpfs /home/me/local tmpfs rw 0 0",
            "broken",
        ]
    )
    assert is_on_network(Path(folder), mounts) is answer
