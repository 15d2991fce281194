"""What a command printed: head and tail in bounded memory, the whole in a bounded file when one is named."""

import os
from typing import BinaryIO


class OutputBuffer:
    """Takes bytes in any amount; holds at most `limit` of them, half from the head and half from the tail."""

    def __init__(self, limit: int, spill_path: str | None = None, spill_limit: int = 100_000_000) -> None:
        self.total = 0
        self.spilled_to: str | None = None
        """The file, once the output grew past `limit`."""
        self.spill_error: str | None = None
        """Why the file is not whole: the disk's words, or that it grew past its own limit."""
        self._limit = max(limit, 2)
        self._head_size = self._limit // 2
        self._tail_size = self._limit - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self._spill_path = spill_path
        self._spill_room = spill_limit
        self._file: BinaryIO | None = None

    @property
    def left_out(self) -> int:
        """Bytes that `text` does not show."""
        return max(0, self.total - self._limit)

    def add(self, chunk: bytes) -> None:
        """Take the next bytes. A full disk loses the file's rest, never the call."""
        if self._spill_path is not None and self.total <= self._limit < self.total + len(chunk):
            self._open_spill(self._spill_path)
        self.total += len(chunk)
        self._spill(chunk)
        room = self._head_size - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > self._tail_size * 2:
            del self._tail[: -self._tail_size]

    def text(self) -> str:
        """Head, a line about what is missing, tail; UTF-8 with replacement signs for anything else."""
        tail = self._tail[-self._tail_size :]
        if not self.left_out:
            return (self._head + tail).decode(errors="replace")
        head = self._head.decode(errors="replace")
        return f"{head}\n… {self.left_out} bytes left out …\n{tail.decode(errors='replace')}"

    def close(self) -> None:
        """Close the file; once is enough, twice is allowed."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            self.spill_error = error.strerror
        self._file = None

    def _open_spill(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        except OSError as error:
            self.spill_error = error.strerror
            return
        self.spilled_to = path
        self._spill(bytes(self._head + self._tail))

    def _spill(self, chunk: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(chunk[: self._spill_room])
        except OSError as error:
            self.spill_error = error.strerror
            self.close()
            return
        self._spill_room -= len(chunk)
        if self._spill_room < 0:
            self.spill_error = "the file's own limit is reached"
            self.close()
