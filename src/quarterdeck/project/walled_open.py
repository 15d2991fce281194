"""Opens by components: every step from a trusted folder with O_NOFOLLOW, so that no swap leads elsewhere.

What was checked by its real path is what is opened: a component that became a link since then is an error.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from quarterdeck.project.paths import PathFault

_STEP = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


@contextmanager
def folder_fd(base: str, parts: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder `base`/`parts`, good as `dir_fd`. With `create`, missing ones are made."""
    fd = os.open(base, _STEP)
    try:
        for part in parts:
            fd = _step(fd, part, create=create)
        yield fd
    finally:
        os.close(fd)


def _step(fd: int, part: str, *, create: bool) -> int:
    """The descriptor of one folder further down; the old one is closed, unless this raises."""
    try:
        below = os.open(part, _STEP, dir_fd=fd)
    except FileNotFoundError:
        if not create:
            raise
        _make_folder(fd, part)
        below = _open_step(fd, part)
    except OSError as fault:
        raise _words(fault, part) from fault
    os.close(fd)
    return below


def _make_folder(fd: int, part: str) -> None:
    try:
        os.mkdir(part, dir_fd=fd)
    except FileExistsError:
        return


def _open_step(fd: int, part: str) -> int:
    try:
        return os.open(part, _STEP, dir_fd=fd)
    except OSError as fault:
        raise _words(fault, part) from fault


def _words(fault: OSError, part: str) -> OSError:
    # Linux says ENOTDIR for a link that is opened as a folder with O_NOFOLLOW, others ELOOP.
    if fault.errno in (errno.ELOOP, errno.ENOTDIR):
        return PathFault(f"{part} is not a folder (or became a symbolic link meanwhile).")
    return fault


def open_regular(name: str, folder: int) -> int:
    """Open a regular file for reading; it can never block. The caller closes it.

    :raises FileNotFoundError: there is none. :raises PathFault: it is something else.
    """
    before = os.stat(name, dir_fd=folder, follow_symlinks=False)
    refuse_special(name, before.st_mode)  # before the open, which alone can act on a device
    try:
        fd = os.open(name, _READ, dir_fd=folder)
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise PathFault(f"{name} became a symbolic link meanwhile.") from fault
        raise
    try:
        refuse_special(name, os.fstat(fd).st_mode)
    except BaseException:
        os.close(fd)
        raise
    return fd


def refuse_special(name: str, mode: int) -> None:
    """:raises PathFault: not a regular file."""
    if not stat.S_ISREG(mode):
        raise PathFault(f"{name} is {_KINDS.get(stat.S_IFMT(mode), 'a special file')}, not a file.")


def split(base: str, real: str) -> tuple[str, ...]:
    """The components of a real path below `base`."""
    return PurePath(real).relative_to(base).parts
