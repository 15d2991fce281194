"""What is in a folder, by its descriptor: one level, or all files below. Links are never followed."""

import os
import stat
from heapq import nsmallest

import msgspec

MOST_SCANNED = 200_000
"""Names that one listing or walk looks at, before it stops and says so."""


class FolderEntry(msgspec.Struct, frozen=True):
    """One name in a folder."""

    name: str
    kind: str
    """`file`, `folder`, `link` or `special`."""
    size: int
    """Bytes of a file, else 0."""


def entries(fd: int, limit: int) -> tuple[tuple[FolderEntry, ...], bool]:
    """The first `limit` entries by name, and whether these are all."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    try:
        names = os.listdir(readable)
        first = nsmallest(limit, names)
        found = tuple(entry for name in first if (entry := _entry(readable, name)) is not None)
    finally:
        os.close(readable)
    return found, len(names) <= limit


def _entry(fd: int, name: str) -> FolderEntry | None:
    try:
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return None  # it went away meanwhile
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special")
    return FolderEntry(name=name, kind=kind, size=status.st_size if kind == "file" else 0)


_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


def files_below(fd: int, limit: int, *, skip: frozenset[str]) -> tuple[tuple[str, ...], bool]:
    """At most `limit` files below, as sorted relative paths, and whether these are all."""
    found: list[str] = []
    scanned = 0
    for prefix, folders, names, _ in os.fwalk(".", dir_fd=fd, follow_symlinks=False):
        folders[:] = sorted(name for name in folders if name not in skip)
        below = prefix[2:]  # behind "./"
        found.extend(f"{below}/{name}" if below else name for name in names)
        scanned += len(names) + len(folders)
        if len(found) > limit or scanned > MOST_SCANNED:
            return tuple(sorted(found)[:limit]), False
    return tuple(sorted(found)), True
