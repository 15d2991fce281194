"""What is left in a terminal that is too small: counts and the keys that still matter. Runs go on."""

from rich.segment import Segment

from quarterdeck.tui.arrangement import LEAST_HEIGHT, LEAST_WIDTH
from quarterdeck.tui.counts import needs_words, select_counts
from quarterdeck.tui.rendering.cells import cut, format_age, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.bars import StateLine


class TooSmall(StateLine):
    """Covers the whole screen."""

    DEFAULT_CSS = "TooSmall { height: 1fr; width: 1fr; }"

    def line(self, y: int) -> Line:
        roles, cells, height = self.look.roles, self.size.width, self.size.height
        counts = select_counts(self._store.state)
        sign = self.look.sign("needs").strip()
        if height < 4 or cells < 16:
            return (Segment(cut(f"{sign}{counts.needs}", cells), roles.needs),) if y == 0 else ()
        waited = format_age(self._clock.wall() - counts.waits_since) if counts.waits_since else ""
        size = f"needs {LEAST_WIDTH}×{LEAST_HEIGHT}, this is {cells}×{height}"
        if width(size) > cells:
            size = f"{cells}×{height}, not {LEAST_WIDTH}×{LEAST_HEIGHT}"
        lines = [
            ("Quarterdeck", roles.strong),
            (size, roles.text),
            (f"{sign} {needs_words(counts.needs)} {waited}" if counts.needs else "", roles.needs),
            (f"{self.look.sign('tool').strip()} {counts.working} run", roles.text),
            ("The team goes on.", roles.text),
            ("ctrl+x k kill all", roles.text),
            ("ctrl+x p pause all", roles.text),
            ("ctrl+q quit", roles.text),
        ]
        top = max((height - len(lines)) // 2, 0)
        if not 0 <= y - top < len(lines):
            return ()
        text, style = lines[y - top]
        shown = cut(text, cells)
        return (Segment(" " * ((cells - width(shown)) // 2)), Segment(shown, style))
