"""The difference of two texts as a bounded `FileDiff`. Pure; its time is bounded too."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from quarterdeck.tools.results import FileDiff

CONTEXT_LINES = 2
MOST_LINES = 400
"""Lines of a diff that are kept."""
MOST_WIDTH = 400
"""Characters of one line that are kept."""
_MOST_COMPARED = 2_000
"""Differing lines on both sides together; with more, all old ones count as removed, all new ones as added."""

_Line = tuple[str, int, str]


def file_diff(path: str, old: str, new: str) -> FileDiff:
    """What changed from `old` to `new` (line ends already as newline)."""
    before, after = old.split("\n"), new.split("\n")
    if before and before[-1] == "" and after and after[-1] == "":
        before, after = before[:-1], after[:-1]  # both end with a newline: no empty last line
    head = _common_head(before, after)
    tail = _common_tail(before[head:], after[head:])
    gone, come = before[head : len(before) - tail], after[head : len(after) - tail]
    lines: list[_Line] = []
    added = removed = 0
    for line in _lines(before, after, head, gone, come):
        added += line[0] == "+"
        removed += line[0] == "-"
        if len(lines) < MOST_LINES:
            lines.append((line[0], line[1], line[2][:MOST_WIDTH]))
    return FileDiff(path=path, added=added, removed=removed, lines=tuple(lines))


def _lines(
    before: list[str], after: list[str], head: int, gone: list[str], come: list[str]
) -> Iterator[_Line]:
    """The changed lines with a little of what stands around them."""
    if not gone and not come:
        return
    for number in range(max(0, head - CONTEXT_LINES), head):
        yield (" ", number + 1, after[number])
    for tag, i1, i2, j1, j2 in _opcodes(gone, come):
        if tag == "equal":
            yield from _between(come, head, j1, j2)
            continue
        for i in range(i1, i2):
            yield ("-", head + i + 1, gone[i])
        for j in range(j1, j2):
            yield ("+", head + j + 1, come[j])
    end = head + len(come)
    for number in range(end, min(len(after), end + CONTEXT_LINES)):
        yield (" ", number + 1, after[number])


def _between(come: list[str], head: int, start: int, end: int) -> Iterator[_Line]:
    """Equal lines between two changes: those next to a change."""
    for j in range(start, end):
        if j < start + CONTEXT_LINES or j >= end - CONTEXT_LINES:
            yield (" ", head + j + 1, come[j])


def _opcodes(gone: list[str], come: list[str]) -> list[tuple[str, int, int, int, int]]:
    if len(gone) + len(come) > _MOST_COMPARED:
        return [("replace", 0, len(gone), 0, len(come))]
    return list(SequenceMatcher(None, gone, come).get_opcodes())


def _common_head(a: list[str], b: list[str]) -> int:
    most = min(len(a), len(b))
    return next((i for i in range(most) if a[i] != b[i]), most)


def _common_tail(a: list[str], b: list[str]) -> int:
    most = min(len(a), len(b))
    return next((i for i in range(most) if a[-1 - i] != b[-1 - i]), most)
