"""The folder that a team works in: reads and writes that cannot be led out of it. Blocks; no policy.

Inside, every open starts at the root; a place outside opens only when the caller says that it was allowed.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec

from quarterdeck.project.atomic_write import Stamp, refuse_ended, replace_file, stamp_of
from quarterdeck.project.folders import FolderEntry, entries, files_below
from quarterdeck.project.paths import PathFault, PathOutside, Place, place, resolve
from quarterdeck.project.walled_open import folder_fd, open_regular, split

_CHUNK = 1 << 20


class FileBytes(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file, bounded."""

    content: bytes
    size: int
    """Bytes of the whole file, as far as the system knows."""
    is_whole: bool
    mtime_ns: int
    mode: int
    stamp: Stamp


class Workspace:
    """One folder. Its own real path is taken once, when it is built."""

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)
        if not os.path.isdir(self._root):
            raise PathFault(f"{root} is not a folder.")

    @property
    def root(self) -> str:
        """The real path of the folder."""
        return self._root

    def place(self, path: str) -> Place:
        """Where `path` (relative to the root, absolute, or with `~`) leads now.

        :raises PathFault: links in a circle, NUL, a name that is too long.
        """
        return resolve(self._root, path)

    def read_bytes(self, real: str, limit: int, *, outside: bool = False) -> FileBytes:
        """At most `limit` bytes of a regular file.

        :raises FileNotFoundError: there is none. :raises PathFault: outside, special, or without an end.
        """
        with self._parent(real, outside=outside) as (folder, name):
            fd = open_regular(name, folder)
            try:
                status = os.fstat(fd)  # before the content: a change meanwhile then shows as a stale stamp
                content = _read(fd, limit + 1)
            finally:
                os.close(fd)
        return _file_bytes(content[:limit], status, size=max(status.st_size, len(content)))

    def write_atomic(
        self,
        real: str,
        content: bytes,
        *,
        expected: Stamp | None,
        may_write: Callable[[], bool],
        outside: bool = False,
    ) -> FileBytes:
        """Replace the file in one step; mode and owner stay. `expected` None = there must be none yet.

        Missing folders are made. `may_write` is asked first, and again right before the step.

        :raises PathFault: not the expected file, or `may_write` said no; the file was not changed.
        """
        refuse_ended(may_write)
        with self._parent(real, outside=outside, create=True) as (folder, name):
            status = replace_file(folder, name, content, expected=expected, may_write=may_write)
        return _file_bytes(content, status, size=len(content))

    def list_folder(
        self, real: str, limit: int, *, outside: bool = False
    ) -> tuple[tuple[FolderEntry, ...], bool]:
        """The first `limit` entries by name, and whether these are all."""
        with self._folder(real, outside=outside) as fd:
            return entries(fd, limit)

    def walk(
        self, real: str, limit: int, *, skip: frozenset[str], outside: bool = False
    ) -> tuple[tuple[str, ...], bool]:
        """At most `limit` files below, as sorted paths relative to `real`; and whether these are all.

        Folders named in `skip` are left out; symbolic links are listed by name, never followed.
        """
        with self._folder(real, outside=outside) as fd:
            return files_below(fd, limit, skip=skip)

    def _base(self, real: str, *, outside: bool) -> str:
        if not place(self._root, real).outside:
            return self._root
        if not outside:
            raise PathOutside(f"{real} is outside the workspace.")
        return "/"

    def _folder(self, real: str, *, outside: bool) -> AbstractContextManager[int]:
        base = self._base(real, outside=outside)
        return folder_fd(base, split(base, real))

    @contextmanager
    def _parent(self, real: str, *, outside: bool, create: bool = False) -> Iterator[tuple[int, str]]:
        """The folder of a file, as a descriptor, and the file's name in it."""
        base = self._base(real, outside=outside)
        parts = split(base, real)
        if not parts:
            raise PathFault(f"{real} is a folder, not a file.")
        with folder_fd(base, parts[:-1], create=create) as fd:
            yield fd, parts[-1]


def _file_bytes(content: bytes, status: os.stat_result, *, size: int) -> FileBytes:
    return FileBytes(
        content=content,
        size=size,
        is_whole=len(content) == size,
        mtime_ns=status.st_mtime_ns,
        mode=stat.S_IMODE(status.st_mode),
        stamp=stamp_of(status),
    )


def _read(fd: int, most: int) -> bytes:
    """Up to `most` bytes. :raises PathFault: the file has no more to give but does not end (`/proc/kmsg`)."""
    chunks: list[bytes] = []
    left = most
    while left > 0:
        try:
            chunk = os.read(fd, min(left, _CHUNK))
        except BlockingIOError as fault:
            raise PathFault("The file has no end that could be read to.") from fault
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)
