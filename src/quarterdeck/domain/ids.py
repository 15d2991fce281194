"""Identifiers and the rules for names. Ids are opaque strings that whoever starts something hands in."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NewType

RunId = NewType("RunId", str)
"""One life of one teammate; new each time it is spawned or revived."""

AgentId = NewType("AgentId", str)
"""`name@team`: the same for every run of the same teammate."""

RequestId = NewType("RequestId", str)
"""One thing that only the person can answer. A plan keeps its id over all its versions."""

CallId = NewType("CallId", str)
"""One tool call, by the id that the model gave it (`tool_use.id`)."""

MessageId = NewType("MessageId", str)
"""One message to a teammate."""

RESERVED_NAMES = frozenset({"all", "lead", "me", "person", "system"})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")


class BadName(ValueError):
    """A name that no teammate can have; the text says why, in one line."""


def agent_id(name: str, team: str) -> AgentId:
    """`name@team`, deterministic."""
    return AgentId(f"{name}@{team}")


def check_name(name: str, *, is_lead: bool = False) -> str:
    """Return `name` when a teammate can have it.

    :raises BadName: not 1-40 ASCII letters, digits, `-`, `_`; or reserved (`lead` is the lead's own).
    """
    if not _NAME.match(name):
        raise BadName(f"{name!r} can't be a name: 1 to 40 letters, digits, - or _ (ASCII).")
    folded = name.casefold()
    if folded in RESERVED_NAMES and not (is_lead and folded == "lead"):
        raise BadName(f"{name!r} is reserved; choose another name.")
    return name


def free_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name-2`, `name-3`, … : the first that nobody in `taken` has (compared without case)."""
    used = {other.casefold() for other in taken}
    if name.casefold() not in used:
        return name
    number = 2
    while True:
        tail = f"-{number}"
        candidate = name[: 40 - len(tail)] + tail
        if candidate.casefold() not in used:
            return candidate
        number += 1


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The name most like `name`, or None when none is near."""
    known = {other.casefold(): other for other in names}
    found = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
    return known[found[0]] if found else None
