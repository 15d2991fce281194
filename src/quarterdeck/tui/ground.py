"""The theme's background under every cell: widgets that draw by lines name none of their own.

Without it a light theme would stand on the terminal's own, often dark, background.
"""

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class Ground(LineFilter):
    """Lays the widget's background under what has none."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same cells, each with a background."""
        ground = _ground(background)
        return [
            Segment(text, ground + style if style else ground, control) for text, style, control in segments
        ]


@lru_cache(maxsize=32)
def _ground(background: Color) -> Style:
    return Style(bgcolor=background.rich_color)
