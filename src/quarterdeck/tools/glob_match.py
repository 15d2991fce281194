"""Paths against a glob: `*`, `?`, `[…]` within a name, `**` over any number of folders. Never explodes."""

import re
from collections.abc import Callable
from fnmatch import translate

_ANY = "**"


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """A test of relative paths with `/`. A pattern without `/` is meant for names at any depth."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if len(parts) == 1 and parts != [_ANY]:
        parts = [_ANY, *parts]
    steps = [None if part == _ANY else re.compile(translate(part)) for part in parts]
    return lambda path: _matches(steps, path.split("/"))


def _matches(steps: list[re.Pattern[str] | None], names: list[str]) -> bool:
    """One pass per name over the set of reached steps: time is names x steps."""
    reached = _over_any({0}, steps)
    for name in names:
        after: set[int] = set()
        for at in reached:
            if at == len(steps):
                continue
            step = steps[at]
            if step is None:
                after.add(at)
            elif step.match(name):
                after.add(at + 1)
        reached = _over_any(after, steps)
    return len(steps) in reached


def _over_any(reached: set[int], steps: list[re.Pattern[str] | None]) -> set[int]:
    """Also the steps behind a `**`, which may stand for no folder at all."""
    whole = set(reached)
    for at in sorted(reached):
        while at < len(steps) and steps[at] is None:
            at += 1
            whole.add(at)
    return whole
