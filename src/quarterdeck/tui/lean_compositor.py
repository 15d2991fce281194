"""Textual's compositor, asking only for the rows that are painted.

Textual itself asks every visible widget for all of its rows at each paint, whatever has changed (8.2.8:
`Compositor._get_renders` compares clips, not regions), containers behind what changed among them.
"""

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class LeanCompositor(Compositor):
    """Draws the same; a widget without a changed cell is left alone, of the others the changed rows."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: tuple[Region, ...] = ()

    def render_partial_update(self) -> ChopsUpdate | None:
        """The changed cells. What changed is kept for `_get_renders`, which is not told."""
        self._changed = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None or not self._changed:
            yield from super()._get_renders(crop)
            return
        in_front: list[Region] = []
        for widget, (region, clip) in self.visible_widgets.items():  # from the front to the back
            visible = region.intersection(clip)
            pieces = [
                piece
                for one in self._changed
                if (piece := visible.intersection(one))
                and not any(other.contains_region(piece) for other in in_front)
            ]
            if not pieces:
                continue
            in_front.append(visible)
            shown = Region.from_union(pieces)
            shown = Region(visible.x, shown.y, visible.width, shown.height)  # cut where the widget ends
            rows = Region(shown.x - region.x, shown.y - region.y, shown.width, shown.height)
            yield region, shown, widget.render_lines(rows)
