"""The order of the roster as the person sees it: held under the hand, ended rows in place, idle ones folded.

Pure; `select_rows` gives the rank, this keeps what must not move.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.state.selectors import Group, Row
from quarterdeck.state.teammates import Team

FOLD = RunId("\x00idle")
"""Stands for the folded idle rows where a run id is expected."""
FOLD_ABOVE = 3
"""More idle rows than this are folded into one."""


Choice = TypeVar("Choice", bound=StrEnum)


class Order(StrEnum):
    """By what the roster is ordered; the value is what the title says."""

    NEEDS = "by need"
    TREE = "as a tree"
    TOKENS = "by tokens"
    NAME = "by name"


class Which(StrEnum):
    """Which rows the roster shows; the value is what the title says."""

    ALL = "all"
    NEED = "need me"
    WORKING = "working"
    FAILED = "failed"
    ENDED = "ended"


_GROUP_OF = {
    Which.NEED: Group.NEEDS_YOU,
    Which.WORKING: Group.WORKING,
    Which.FAILED: Group.FAILED,
    Which.ENDED: Group.ENDED,
}


def after(chosen: Choice) -> Choice:
    """The next of its kind, round and round."""
    every = list(type(chosen))
    return every[(every.index(chosen) + 1) % len(every)]


class Shown(msgspec.Struct, frozen=True):
    """The rows on the screen; `folded` counts the idle ones behind the row `FOLD`."""

    rows: tuple[Row, ...] = ()
    folded: int = 0

    def index_of(self, run_id: RunId | None) -> int | None:
        """Where a row is, or None."""
        for at, row in enumerate(self.rows):
            if row.run_id == run_id:
                return at
        return None


def held(before: Sequence[Row], ranked: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of `ranked` in the order of `before`; new ones at the end, in their own order."""
    by_run = {row.run_id: row for row in ranked}
    kept = [by_run.pop(row.run_id) for row in before if row.run_id in by_run]
    return (*kept, *by_run.values())


def ordered(ranked: Sequence[Row], team: Team, order: Order) -> tuple[Row, ...]:
    """The rows of `select_rows` in another order; by tokens and by name families are taken apart."""
    match order:
        case Order.NEEDS:
            return tuple(ranked)
        case Order.TREE:
            return _as_a_tree(ranked, team)
        case Order.TOKENS:
            flat = sorted(ranked, key=lambda row: -team.by_run[row.run_id].usage.total)
        case Order.NAME:
            flat = sorted(ranked, key=lambda row: clean_name(team.by_run[row.run_id].name).casefold())
    return tuple(msgspec.structs.replace(row, depth=0) for row in flat)


def _as_a_tree(ranked: Sequence[Row], team: Team) -> tuple[Row, ...]:
    """Everybody where it was spawned: below its parent, behind those that came before it."""
    by_run = {row.run_id: row for row in ranked}
    children: dict[RunId | None, list[RunId]] = {}
    for run_id in team.rows:
        parent = team.by_run[run_id].parent
        children.setdefault(parent if parent in by_run else None, []).append(run_id)
    found: list[Row] = []
    stack = list(reversed(children.get(None, [])))
    while stack:
        run_id = stack.pop()
        found.append(by_run[run_id])
        stack += reversed(children.get(run_id, []))
    return tuple(found)


def matching(rows: Sequence[Row], which: Which, *, keep: Collection[RunId] = ()) -> tuple[Row, ...]:
    """The rows of one kind, each as deep as its parents that are shown; those in `keep` stay in any case."""
    if which is Which.ALL:
        return tuple(rows)
    found: list[Row] = []
    above: list[bool] = []
    for row in rows:
        del above[row.depth :]
        is_shown = row.group is _GROUP_OF[which] or row.run_id in keep
        if is_shown:
            found.append(msgspec.structs.replace(row, depth=sum(above)))
        above.append(is_shown)
    return tuple(found)


def ended_in_place(before: Sequence[Row], ranked: Sequence[Row]) -> tuple[Row, ...]:
    """`ranked` with each ended row where it stood: behind the row that was above it."""
    ended = {row.run_id: row for row in ranked if row.group is Group.ENDED}
    stays = [row.run_id for row in before if row.run_id in ended]
    if not stays:
        return tuple(ranked)
    place = {row.run_id: at for at, row in enumerate(before)}
    rows = [row for row in ranked if row.run_id not in place or row.run_id not in ended]
    for run_id in stays:
        rows.insert(min(place[run_id], len(rows)), ended[run_id])
    return tuple(rows)


def fold_idle(rows: Sequence[Row], *, is_open: bool, keep: RunId | None) -> Shown:
    """Idle rows outside families folded into one when they are more than three; `keep` is never hidden."""
    idle = [row for at, row in enumerate(rows) if _folds(rows, at) and row.run_id != keep]
    if is_open or len(idle) <= FOLD_ABOVE:
        return Shown(tuple(rows))
    hidden = {row.run_id for row in idle}
    first = idle[0].run_id
    shown: list[Row] = []
    for row in rows:
        if row.run_id == first:
            shown.append(Row(FOLD, Group.IDLE, 0))
        if row.run_id not in hidden:
            shown.append(row)
    return Shown(tuple(shown), len(idle))


def _folds(rows: Sequence[Row], at: int) -> bool:
    """An idle row that neither is in a family nor heads one."""
    row = rows[at]
    heads = at + 1 < len(rows) and rows[at + 1].depth > 0
    return row.group is Group.IDLE and row.depth == 0 and not heads


def next_after(before: Sequence[Row], gone: RunId, left: Sequence[Row], team: Team) -> RunId | None:
    """Which row takes the selection when `gone` leaves: its next life, else the one below it, else above."""
    for row in left:
        if team.by_run[row.run_id].revived_from == gone:
            return row.run_id
    alive = {row.run_id for row in left}
    at = next((index for index, row in enumerate(before) if row.run_id == gone), len(before))
    for row in (*before[at + 1 :], *reversed(before[:at])):
        if row.run_id in alive:
            return row.run_id
    return left[0].run_id if left else None
