"""Who owns a session: a lock on a file beside its database, freed by the kernel when the owner is gone.

SQLite's own locks do not tell: in one process, closing any other handle of the file drops them.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Taken(Exception):
    """Another process owns the session."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"already open in process {pid}" if pid else "already open in another process")
        self.pid = pid


class Lease:
    """A session that is ours until `release`, or until this process is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let another process own it. Twice is once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def take(path: Path) -> Lease:
    """Own it, or fail at once. The descriptor is closed on exec, so that no child keeps the lease.

    :raises Taken: another process (or another lease of this one) has it.
    :raises OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = _pid_in(descriptor)
        os.close(descriptor)
        raise Taken(pid) from None
    os.ftruncate(descriptor, 0)
    with suppress(OSError):  # a full disk: who owns it is then not said, but still so
        os.write(descriptor, f"{os.getpid()}\n".encode())
    return Lease(descriptor)


def owner_of(path: Path) -> int | None:
    """The process that owns the session now (0: its number is not known); None = nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(descriptor) or 0
    finally:
        os.close(descriptor)
    return None


def _pid_in(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).split()
    return int(text[0]) if text and text[0].isdigit() else None
