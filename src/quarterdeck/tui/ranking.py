"""The order of the roster as the person sees it: held under the hand, ended rows in place, idle ones folded.

Pure; `select_rows` gives the rank, this keeps what must not move.
"""

from collections.abc import Sequence

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.state.selectors import Group, Row

FOLD = RunId("\x00idle")
"""Stands for the folded idle rows where a run id is expected."""
FOLD_ABOVE = 3
"""More idle rows than this are folded into one."""


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


def next_after(before: Sequence[Row], gone: RunId, left: Sequence[Row]) -> RunId | None:
    """Which row takes the selection when `gone` leaves: the one that was below it, else the one above."""
    alive = {row.run_id for row in left}
    at = next((index for index, row in enumerate(before) if row.run_id == gone), len(before))
    for row in (*before[at + 1 :], *reversed(before[:at])):
        if row.run_id in alive:
            return row.run_id
    return left[0].run_id if left else None
