"""What a request's panel shows: rows, the steps among them, how far one must have read. Plain values."""

from collections.abc import Sequence

import msgspec

from quarterdeck.tui.rendering.lines import Line


class Step(msgspec.Struct, frozen=True):
    """One step of a plan among the rows."""

    first: int
    count: int
    quote: str
    """Its text as it was written, clean, on one line."""


class Body(msgspec.Struct, frozen=True):
    """The rows of one request at one width."""

    lines: Sequence[Line]
    steps: tuple[Step, ...] = ()
    must_see: int = 0
    """Rows in front of this one must have been shown before a yes; 0 = none."""
    whole: str = "all shown"
    """What the foot says once all rows are in sight."""
    added: int = 0
    removed: int = 0

    @property
    def origin(self) -> int:
        """Rows never come in front of others here."""
        return 0

    def total(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    def line(self, index: int) -> Line:
        """One row."""
        return self.lines[index]


NO_BODY = Body(())
