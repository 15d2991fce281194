"""What one run has read, so that it cannot overwrite what it has not seen."""

from hashlib import blake2b

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """A file as the run last saw it."""

    mtime_ns: int
    size: int
    digest: str
    """Of the whole content; empty when only a part was read."""


class ReadMarks:
    """The marks of one run, by real path."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}

    def note(self, real: str, mark: Mark) -> None:
        """The run knows this file as it is now."""
        self._marks[real] = mark

    def mark_of(self, real: str) -> Mark | None:
        """What it saw, or None when it never read the file."""
        return self._marks.get(real)


def mark_of_bytes(content: bytes, *, mtime_ns: int, size: int, is_whole: bool) -> Mark:
    """The mark of a file that was just read or written."""
    digest = blake2b(content, digest_size=16).hexdigest() if is_whole else ""
    return Mark(mtime_ns=mtime_ns, size=size, digest=digest)


def is_same(old: Mark, new: Mark) -> bool:
    """Whether the file is still what was seen: by content where that is known, else by time and size."""
    if old.digest and new.digest:
        return old.digest == new.digest
    return (old.mtime_ns, old.size) == (new.mtime_ns, new.size)
