"""The lines of the roster's rows, remembered as long as nothing in them changes but the spinner."""

from collections.abc import Callable

import msgspec
from rich.style import Style

from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays, Row, select_last_sign
from quarterdeck.tui.columns import Layout
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.roster_rows import SIGN_AT, RowInput, roster_row


class RowKey(msgspec.Struct, frozen=True):
    """What a row's line is made from. `mate` and `request` count by identity; ages move with `second`."""

    mate: int
    request: int
    second: int
    quiet_s: int
    viewed: bool
    is_chosen: bool
    depth: int
    look: int
    layout: Layout


class DrawnRow(msgspec.Struct, frozen=True):
    """A row as it stands; of one that spins the sign is laid over it for each frame."""

    key: RowKey
    held: tuple[object, object]
    """Keeps what `key` names by identity from being replaced by another of the same identity."""
    line: Line
    spinner: Style | None
    """The style of the sign that moves; None where nothing does."""


class RowLines:
    """Lines by run. `now` is the clock of the rows (epoch seconds); `look_only` rows offer no key."""

    def __init__(
        self, look: Look, now: Callable[[], float], delays: DisplayDelays, *, look_only: bool = False
    ) -> None:
        self._look = look
        self._now = now
        self._delays = delays
        self._look_only = look_only
        self._drawn: dict[RunId, DrawnRow] = {}

    def __len__(self) -> int:
        return len(self._drawn)

    def row(self, state: AppState, row: Row, layout: Layout, *, is_chosen: bool) -> DrawnRow:
        """The row of a run."""
        mate = state.team.by_run[row.run_id]
        request = state.inbox.by_id.get(row.request) if row.request is not None else None
        now, last_sign = self._now(), select_last_sign(state, row.run_id)
        key = RowKey(
            mate=id(mate),
            request=id(request),
            second=int(now),
            quiet_s=int(now - last_sign),
            viewed=state.team.viewed == row.run_id,
            is_chosen=is_chosen,
            depth=row.depth,
            look=self._look.version,
            layout=layout,
        )
        known = self._drawn.get(row.run_id)
        if known is not None and known.key == key:
            return known
        given = RowInput.make(
            mate,
            request,
            row,
            now=now,
            last_sign=last_sign,
            delays=self._delays,
            viewed=key.viewed,
            look=self._look,
            look_only=self._look_only,
        )
        spins = given.state == "thinking"
        frame = self._look.spinner(0.0) if spins else ""
        line = roster_row(given, layout, self._look, frame=frame, is_chosen=is_chosen)
        style = line[SIGN_AT].style if spins and self._look.spins else None
        drawn = self._drawn[row.run_id] = DrawnRow(key, (mate, request), line, style)
        return drawn

    def keep(self, most: int) -> None:
        """Forget all when there are more than `most`: most of them are no longer on the screen."""
        if len(self._drawn) > most:
            self._drawn.clear()
