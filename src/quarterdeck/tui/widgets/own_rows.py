"""A widget that is nothing but its rows: no border, padding, opacity or title of Textual's around them.

Textual's way to a painted row goes through the styles of the widget and of all its ancestors, for each row.
"""

from collections.abc import Callable

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class OwnRows(Widget):
    """Subclasses give `render_line(y)`; one that returns the same strip again pays nothing for it."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`, with the filters of the app over the ground of the screen."""
        ground, filters = self.screen.background_colors[1], self.get_line_filters()

        def finish(strip: Strip) -> Strip:
            for one in filters:
                strip = strip.apply_filter(one, ground)  # remembered by the strip
            return strip

        strips = [self.finished_line(y, finish) for y in crop.line_range]
        if crop.column_span == (0, self.outer_size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def finished_line(self, y: int, finish: Callable[[Strip], Strip]) -> Strip:
        """The row as it is painted.

        :param finish: lays the app's filters over a strip.
        """
        return finish(self.render_line(y))
