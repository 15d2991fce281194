"""Who owns a session: a lock on a file beside its database, freed by the kernel when the owner is gone.

SQLite's own locks do not tell: in one process, closing any other handle of the file drops them.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

TRIES = 5
RETRY_S = 0.02
"""Somebody who only asks `owner_of` holds the lock for a moment: it is tried again before it counts."""

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Taken(Exception):
    """Another process owns the session."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"already open in process {pid}" if pid else "already open in another process")
        self.pid = pid


class Lease:
    """A session that is ours until `release`, or until this process is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        _held.add(self)

    def release(self) -> None:
        """Let another process own it. Twice is once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError):
            # Closing frees it only when no child that is just being started has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)

    def forget(self) -> None:
        """In a forked child: close the descriptor, and leave the lease to the parent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_held: WeakSet[Lease] = WeakSet()


def _forget_all() -> None:
    for lease in tuple(_held):
        lease.forget()


# A program that is started loses the descriptor by exec; a child that is only forked loses it here.
os.register_at_fork(after_in_child=_forget_all)


def take(path: Path) -> Lease:
    """Own it, or fail within a moment. No child of this process keeps it.

    :raises Taken: another process (or another lease of this one) has it.
    :raises OSError: the file cannot be made or locked.
    """
    pid = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(RETRY_S)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        try:
            if _is_locked(descriptor, path):
                _sign(descriptor)
                return Lease(descriptor)
            pid = _pid_in(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise Taken(pid)


def owner_of(path: Path) -> int | None:
    """The process that owns the session now (0: its number is not known); None = nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(descriptor) or 0
    except OSError:  # a file system that has no locks: nobody can own it
        return None
    finally:
        os.close(descriptor)
    return None


def _is_locked(descriptor: int, path: Path) -> bool:
    """Lock it; False = somebody else has it, or the file was put aside meanwhile."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    ours = os.fstat(descriptor)
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _sign(descriptor: int) -> None:
    """Say who owns it, whatever the umask was. On a full disk that is not said, but still so."""
    with suppress(OSError):
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _pid_in(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).split()
    return int(text[0]) if text and text[0].isdigit() else None
