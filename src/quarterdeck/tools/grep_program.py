"""The search behind the grep tool: a program of its own, so that no pattern can hold up the team.

Called with one JSON argument; prints one line of JSON. Standard library only. It follows no symbolic link:
every folder and file is opened from the one above it.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import Any

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


class _Hits:
    """What was found, bounded."""

    def __init__(self, most: int, most_line: int) -> None:
        self._most = most
        self._most_line = most_line
        self.found: list[tuple[str, int, str]] = []
        self.total = 0
        self.files = 0
        self.huge: list[str] = []

    def add(self, path: str, number: int, line: str) -> None:
        """Count one line, and keep it while there is room."""
        self.total += 1
        if len(self.found) < self._most:
            self.found.append((path, number, line[: self._most_line]))


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Search, and say what was found."""
    try:
        pattern = re.compile(asked["pattern"])
        names = [re.compile(part) if part else None for part in asked["glob"]]
    except (re.error, OverflowError, RecursionError) as fault:
        return {"fault": f"the pattern is not valid: {fault}"}
    hits = _Hits(asked["most"], asked["most_line"])
    try:
        for path, fd in _files(asked):
            try:
                if not _is_denied(path, asked) and _matches(names, path.split("/")):
                    _search(path, fd, pattern, hits, asked["most_bytes"])
            finally:
                os.close(fd)
    except OSError as fault:
        return {"fault": f"{fault.strerror}: {asked['shown']}"}
    return {"found": hits.found, "total": hits.total, "files": hits.files, "huge": hits.huge[:20]}


def _files(asked: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Every regular file as (path as shown, open descriptor)."""
    fd = os.open(asked["base"], _STEP)
    try:
        *above, last = asked["parts"] or ["."]
        for part in above:
            fd = _step(fd, part)
        if stat.S_ISREG(os.stat(last, dir_fd=fd, follow_symlinks=False).st_mode):
            yield asked["shown"], os.open(last, _FILE, dir_fd=fd)
            return
        fd = _step(fd, last)
        yield from _files_below(fd, asked)
    finally:
        os.close(fd)


def _step(fd: int, part: str) -> int:
    """One folder further down; the descriptor of the one above is closed."""
    below = os.open(part, _STEP, dir_fd=fd)
    os.close(fd)
    return below


def _files_below(fd: int, asked: dict[str, Any]) -> Iterator[tuple[str, int]]:
    prefix = "" if asked["shown"] == "." else asked["shown"].rstrip("/") + "/"
    for folder, below_names, file_names, folder_fd in os.fwalk(".", dir_fd=fd):
        below_names[:] = sorted(name for name in below_names if name not in asked["skip"])
        inner = prefix + (folder[2:] + "/" if folder[2:] else "")
        for name in sorted(file_names):
            opened = _open_regular(name, folder_fd)
            if opened is not None:
                yield inner + name, opened


def _is_denied(path: str, asked: dict[str, Any]) -> bool:
    """Whether a deny rule names the file or a folder above it, in any case."""
    names = [path.casefold(), os.path.join(asked["base"], path).casefold()]
    return any(name == one or name.startswith(one + "/") for name in names for one in asked["denied"])


def _open_regular(name: str, folder: int) -> int | None:
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        return os.open(name, _FILE, dir_fd=folder)
    except OSError:
        return None  # gone meanwhile, or not ours to read


def _matches(steps: list[re.Pattern[str] | None], names: list[str]) -> bool:
    """The glob, as in `glob_match`: an empty step is `**`. No steps match everything."""
    if not steps:
        return True
    reached = {0}
    for name in [*names, None]:
        for at in sorted(reached):
            while at < len(steps) and steps[at] is None:
                at += 1
                reached.add(at)
        if name is None:
            break
        after = set()
        for at in reached:
            step = steps[at] if at < len(steps) else None
            if at < len(steps) and (step is None or step.match(name)):
                after.add(at if step is None else at + 1)
        reached = after
    return len(steps) in reached


def _search(path: str, fd: int, pattern: re.Pattern[str], hits: _Hits, most_bytes: int) -> None:
    content = _content(fd, most_bytes + 1)
    if len(content) > most_bytes:
        hits.huge.append(path)
        content = content[:most_bytes]
    text = _text(content)
    before = hits.total
    for number, line in enumerate(text.split("\n"), 1) if text else ():
        if pattern.search(line.removesuffix("\r")):
            hits.add(path, number, line.removesuffix("\r"))
    hits.files += hits.total > before


def _content(fd: int, most: int) -> bytes:
    chunks = []
    try:
        while most > 0 and (chunk := os.read(fd, min(most, 1 << 20))):
            chunks.append(chunk)
            most -= len(chunk)
    except OSError:
        return b""
    return b"".join(chunks)


def _text(content: bytes) -> str:
    """The text of a file; empty when it is binary."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in content[:8192]:
        return ""
    return content.decode("utf-8", "replace")


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # ASCII: lone surrogates of file names pass as escapes
