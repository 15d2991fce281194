"""What changed between two revisions of a plan: lines, words inside a line, and renumbered steps."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

import msgspec

ALIKE = 0.5
"""Share of equal words from which two lines count as one line that changed."""

MOST_PAIRS = 2_500
"""A block of more than so many pairs of lines is shown as removed and added, without comparing words."""

_STEP = re.compile(r"(\s*)(\d+)([.)]\s+)(?=\S)")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Change(StrEnum):
    """What became of a line; the value is its sign."""

    SAME = " "
    ADDED = "+"
    REMOVED = "-"
    RENUMBERED = "~"


class Part(msgspec.Struct, frozen=True):
    """A piece of a line; changed words are drawn apart from the rest."""

    text: str
    is_changed: bool = False


class RevisedLine(msgspec.Struct, frozen=True):
    """A line of the old or the new text, as it came (not cleaned)."""

    change: Change
    parts: tuple[Part, ...]
    was: str = ""
    """The former number of a step that is otherwise the same."""

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(part.text for part in self.parts)


def diff_lines(old: str, new: str) -> tuple[RevisedLine, ...]:
    """Both texts as one list of lines, a changed line as its old form followed by its new one."""
    before, after = old.splitlines(), new.splitlines()
    matcher = SequenceMatcher(None, [_key(line) for line in before], [_key(line) for line in after])
    lines: list[RevisedLine] = []
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            pairs = zip(before[old_from:old_to], after[new_from:new_to], strict=True)
            lines += [_kept(one, other) for one, other in pairs]
        else:
            lines += _replaced(before[old_from:old_to], after[new_from:new_to])
    return tuple(lines)


def change_counts(lines: Sequence[RevisedLine]) -> tuple[int, int]:
    """How many lines were added and how many removed."""
    added = sum(line.change is Change.ADDED for line in lines)
    return added, sum(line.change is Change.REMOVED for line in lines)


def _key(line: str) -> str:
    """The line without the number of its step, so that an inserted step does not change all that follow."""
    return _STEP.sub(r"\1#\3", line, count=1)


def _kept(old: str, new: str) -> RevisedLine:
    if old == new:
        return RevisedLine(change=Change.SAME, parts=(Part(new),))
    step = _STEP.match(old)
    return RevisedLine(change=Change.RENUMBERED, parts=(Part(new),), was=step[2] if step else "")


def _replaced(old: list[str], new: list[str]) -> Iterator[RevisedLine]:
    """Lines that are alike as pairs, the others where they stood: removed ones before added ones."""
    old_at = new_at = 0
    for old_index, new_index in _pairs(old, new):
        yield from _whole(Change.REMOVED, old[old_at:old_index])
        yield from _whole(Change.ADDED, new[new_at:new_index])
        yield from _changed_words(old[old_index], new[new_index])
        old_at, new_at = old_index + 1, new_index + 1
    yield from _whole(Change.REMOVED, old[old_at:])
    yield from _whole(Change.ADDED, new[new_at:])


def _whole(change: Change, lines: list[str]) -> Iterator[RevisedLine]:
    for line in lines:
        yield RevisedLine(change=change, parts=(Part(line),))


def _pairs(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Indexes of lines that are alike, both rising: for each old line the best of the new ones left."""
    if len(old) * len(new) > MOST_PAIRS:
        return
    start = 0
    for old_index, line in enumerate(old):
        words = _WORDS.findall(_key(line))
        scores = [_likeness(words, _WORDS.findall(_key(other))) for other in new[start:]]
        best = max(scores, default=0.0)
        if best >= ALIKE:
            start += scores.index(best) + 1
            yield old_index, start - 1


def _likeness(old: list[str], new: list[str]) -> float:
    """The share of words, blanks and punctuation left out, that both lines have in the same order."""
    one, other = [[word for word in words if word[0].isalnum()] for words in (old, new)]
    return SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0


def _changed_words(old: str, new: str) -> Iterator[RevisedLine]:
    one, other = _WORDS.findall(old), _WORDS.findall(new)
    old_parts: list[Part] = []
    new_parts: list[Part] = []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        # A blank between two changed words belongs to the change.
        is_changed = kind != "equal" or (a > 0 and b < len(one) and "".join(one[a:b]).isspace())
        old_parts += [Part("".join(one[a:b]), is_changed)] if b > a else []
        new_parts += [Part("".join(other[c:d]), is_changed)] if d > c else []
    yield RevisedLine(change=Change.REMOVED, parts=_merged(old_parts))
    yield RevisedLine(change=Change.ADDED, parts=_merged(new_parts))


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbours of one kind as one part."""
    groups = groupby(parts, key=lambda part: part.is_changed)
    return tuple(Part("".join(part.text for part in group), is_changed) for is_changed, group in groups)
