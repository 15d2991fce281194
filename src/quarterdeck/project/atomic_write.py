"""Replaces a file in one step, by descriptors: a whole new file beside it, then a rename. Follows no link."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex

from quarterdeck.project.paths import PathFault
from quarterdeck.project.walled_open import refuse_special

Stamp = tuple[int, ...]
"""What a file was when it was looked at: compared for equality only."""


def stamp_of(status: os.stat_result) -> Stamp:
    """Device, inode, times and size. The change time too: a rewrite that restores the mtime shows."""
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


def replace_file(
    folder: int, name: str, content: bytes, *, expected: Stamp | None, may_write: Callable[[], bool]
) -> os.stat_result:
    """Put `content` under `name`; the old file's mode and owner stay. Returns the new file's status.

    :raises PathFault: the file is not the expected one, is read-only, or `may_write` said no. Nothing is left
        behind.
    """
    old = _status(folder, name)
    _refuse_unexpected(name, old, expected)
    _refuse_read_only(name, old)
    temporary = f".{name[:80]}.{token_hex(6)}.tmp"
    fd = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder
    )
    try:
        try:
            _fill(fd, content, old)
            status = os.fstat(fd)
        finally:
            os.close(fd)
        refuse_ended(may_write)
        _refuse_unexpected(name, _status(folder, name), expected)
        return _put(folder, temporary, name, status, is_new=expected is None)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def refuse_ended(may_write: Callable[[], bool]) -> None:
    """:raises PathFault: `may_write` says no."""
    if not may_write():
        raise PathFault("This run has ended; nothing was written.")


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _refuse_unexpected(name: str, found: os.stat_result | None, expected: Stamp | None) -> None:
    if found is not None:
        refuse_special(name, found.st_mode)
    if (stamp_of(found) if found else None) != expected:
        raise PathFault(f"{name} changed meanwhile; nothing was written. Read it again.")


def _refuse_read_only(name: str, found: os.stat_result | None) -> None:
    """A rename would get past it, also for root: who took every write bit away meant it."""
    if found is not None and not found.st_mode & 0o222:
        raise PathFault(f"{name} is read-only; nothing was written.")


def _fill(fd: int, content: bytes, old: os.stat_result | None) -> None:
    if old is not None:
        with suppress(PermissionError):
            os.fchown(fd, old.st_uid, old.st_gid)  # first: a change of owner clears the set-id bits
        os.fchmod(fd, stat.S_IMODE(old.st_mode))
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.fsync(fd)


def _put(folder: int, temporary: str, name: str, status: os.stat_result, *, is_new: bool) -> os.stat_result:
    """Give the temporary file its name. A new file must not land on one that came meanwhile."""
    if is_new:
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError as fault:
            raise PathFault(f"{name} was made by somebody else meanwhile; nothing was written.") from fault
        except OSError:
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)  # no hard links here
        else:
            os.unlink(temporary, dir_fd=folder)
    else:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return _status(folder, name) or status
