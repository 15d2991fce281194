"""What a transcript and a request have around their rows: a title in its rule, a head under it, a foot.

It draws them; what stands there, and the rows between, are a subclass's.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.containers import Vertical

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.transcript_parts import rule
from quarterdeck.tui.widgets.transcript_rows import Rows


class FramedPanel(Vertical, can_focus=True):
    """Title and head above, foot below."""

    DEFAULT_CSS = "FramedPanel { height: 1fr; width: 1fr; }"
    KIND: ClassVar[str]
    """What the ids of head and foot begin with."""

    def __init__(self, look: Look, clock: Clock, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.look = look
        self._clock = clock
        self._head = Rows(id=f"{self.KIND}-head")
        self._foot = Rows(id=f"{self.KIND}-foot")

    @property
    def title(self) -> tuple[str, str]:
        """Left and right text of the title; clean."""
        raise NotImplementedError

    @property
    def _cells(self) -> int:
        """Its width; out of sight, the one it had."""
        raise NotImplementedError

    def _draw_frame(self) -> None:
        """Draw title, head and foot."""
        raise NotImplementedError

    def _show_frame(self, head: Sequence[Line] = (), foot: Sequence[Line] = ()) -> None:
        """Show these rows under the title and at the foot."""
        title = rule(*self.title, self._cells, self.look, focused=self.has_focus, panel=self)
        self._head.show([title, *head])
        self._foot.show(foot)

    def redraw_title(self) -> None:
        """It flashes, or the rule gets heavy or light, once Textual has noted who has the keys."""
        self.call_later(self._draw_frame)

    on_focus = on_blur = redraw_title
