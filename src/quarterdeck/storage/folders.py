"""Where sessions lie: one folder each, readable by its owner only.

`STATE/sessions/ID/journal.db`, `STATE/sessions/ID/lease`, and `STATE/index.db` over all of them.
"""

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

DATABASE = "journal.db"
LEASE = "lease"
NETWORK_TYPES = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "fuse.sshfs",
    "glusterfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "lustre",
    "vboxsf",
)
"""File systems on which a WAL's shared memory does not work."""


_OCTAL = re.compile(r"\\([0-7]{3})")
"""Spaces and their like in `/proc/self/mounts`."""


class UnsafeFolder(OSError):
    """A folder that is not ours alone; the text says what to do."""


class SessionPlace:
    """The paths of one session."""

    def __init__(self, state: Path, session_id: str) -> None:
        self.session_id = session_id
        self.folder = state / "sessions" / session_id
        self.database = self.folder / DATABASE
        self.lease = self.folder / LEASE

    def make(self) -> None:
        """Make its folder, 0700 whatever the umask. :raises OSError: it cannot be, or would not be safe."""
        make_private(self.folder.parent.parent)
        make_private(self.folder.parent)
        make_private(self.folder)


def make_private(folder: Path) -> None:
    """A folder for its owner only; folders above it that are missing are made so too.

    :raises UnsafeFolder: it is a link, or somebody else's.
    :raises OSError: it can't be made.
    """
    for missing in reversed([one for one in folder.parents if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as fault:
        if fault.errno in (errno.ELOOP, errno.ENOTDIR) and folder.is_symlink():
            raise UnsafeFolder(f"{folder} is a link; the state folder must be a real one.") from fault
        raise
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise UnsafeFolder(
                f"{folder} belongs to somebody else; set QUARTERDECK_HOME to a folder of yours."
            )
        if found.st_mode & 0o077:  # one that its owner has closed for writing stays so
            os.fchmod(descriptor, found.st_mode & 0o700)
    finally:
        os.close(descriptor)


def make_file_private(path: Path) -> None:
    """Make an empty file 0600, so that SQLite and its side files follow. :raises OSError: it can't be."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def session_ids(state: Path) -> tuple[str, ...]:
    """Every session that has a database, in no order."""
    try:
        found = [one.name for one in os.scandir(state / "sessions") if one.is_dir(follow_symlinks=False)]
    except OSError:
        return ()
    return tuple(name for name in found if (state / "sessions" / name / DATABASE).exists())


def is_on_network(folder: Path, mounts: str | None = None) -> bool:
    """Whether the folder lies on a network file system (Linux; elsewhere it is not known, so no)."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
        except OSError:
            return False
    real, best, kind = str(folder.resolve()), "", ""
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:
            continue
        at = _OCTAL.sub(lambda found: chr(int(found[1], 8)), parts[1])
        inside = real == at or real.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best):
            best, kind = at, parts[2]
    return kind in NETWORK_TYPES
