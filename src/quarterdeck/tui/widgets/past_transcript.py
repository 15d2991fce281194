"""The transcript of one teammate as it was at a moment: laid out for that moment alone, never followed."""

from collections.abc import Callable

import msgspec

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays, select_request_of
from quarterdeck.tui.arrangement import WIDE
from quarterdeck.tui.counts import select_counts
from quarterdeck.tui.doing import asks
from quarterdeck.tui.look import Look
from quarterdeck.tui.past import PagesThen, PastSource
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.rendering.cells import format_tokens, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.timeline_cursor import TimelineCursor
from quarterdeck.tui.timeline_drawing import clock_time
from quarterdeck.tui.widgets.transcript import TranscriptPanel
from quarterdeck.tui.widgets.transcript_document import Document
from quarterdeck.tui.widgets.transcript_frame import Seen
from quarterdeck.tui.widgets.transcript_pages import Entries, Place
from quarterdeck.tui.widgets.transcript_parts import spread
from quarterdeck.tui.widgets.transcript_status import head_line

LEAST_FOR_FIGURES = 7
"""Lines from which one is for how the team stood."""
TITLE_CELLS = 8
"""What a rule has around and between its two texts."""
SHOWN = 40
"""So many entries are laid out for a moment; older ones when somebody scrolls up to them."""


class PastTranscript(TranscriptPanel, can_focus=False):
    """`point(run_id, name)` chooses the teammate; each moment draws it anew."""

    LOOK_ONLY = True

    def __init__(
        self,
        source: PastSource,
        controller: Controller,
        look: Look,
        cursor: TimelineCursor,
        *,
        delays: DisplayDelays,
    ) -> None:
        super().__init__(source, controller, look, source.clock, delays=delays, id="past-transcript")
        self._moment = source
        self._cursor = cursor
        self._then = PagesThen(controller.conversation, source)
        self._name = ""

    def point(self, run_id: RunId | None, name: str) -> None:
        """Show this teammate; `name` is what it is called where it was not there yet."""
        self._name = clean_name(name)
        if run_id != self.run_id:
            self._places.clear()
            self.show(run_id)
            self._places.clear()

    @property
    def title(self) -> tuple[str, str]:
        """Whose, when; and how the team stood then, unless a line of its own tells that."""
        left = self._whose
        if self._has_line_for_figures:
            return left, f"event {self._cursor.timeline.place_of(self._cursor.moment)}"
        return left, self.figures

    @property
    def _whose(self) -> str:
        mate, at = self._seen.mate, clock_time(self._moment.at)
        if mate is None:
            return f"{self._name} was not there at {at}" if self._name else "Nobody"
        return f"{clean_line(mate.name)} as it was at {at}"

    @property
    def _has_line_for_figures(self) -> bool:
        """They stand at the foot where the title has no room for them, and in a narrow terminal always."""
        if not self.figures or self.size.height < LEAST_FOR_FIGURES:
            return False
        is_narrow = self.screen.size.width < WIDE
        return is_narrow or width(self._whose) + width(self.figures) + TITLE_CELLS > self._cells

    @property
    def figures(self) -> str:
        """`2 needed you · 3 ran · 317k tok · 42 tok/s`: what the header told then, and how fast it went."""
        counts = select_counts(self._moment.state)
        rate = round(self._cursor.timeline.rate_at(self._moment.at))
        parts = [
            f"{counts.needs} needed you" if counts.needs else "",
            f"{counts.working} ran" if counts.working else "",
            f"{format_tokens(counts.tokens)} tok" if counts.tokens else "",
            f"{format_tokens(rate)} tok/s" if rate else "",
        ]
        return " · ".join(part for part in parts if part)

    def _selector(self) -> Callable[[AppState], Seen]:
        select = super()._selector()
        last, cut = Seen(None, None), Seen(None, None)

        def select_end(state: AppState) -> Seen:
            nonlocal last, cut
            seen = select(state)
            if seen is not last:
                last, cut = seen, _end_of(seen)
            return cut

        return select_end

    def _source_of_entries(self, run_id: RunId) -> Entries:
        return lambda before, count: self._then.page(run_id, before=before, count=count)

    def _receive(self, seen: Seen) -> None:
        if seen.mate is not None and seen.mate.run_id != self.run_id:
            return  # told before another one was chosen
        if seen != self._seen or not self._place.document.layout.blocks:
            self._place = Place(Document(self._view_for(seen.mate.name if seen.mate else "")))
            self._pages.open(self._place, self._source())
            self._body.source = self._place.document
            self._body.top, self._body.follows = 0, True
            self._body.rows_changed(0)
            self._body.refresh()
        super()._receive(seen)

    def redraw_moment(self) -> None:
        """The moment is another one, also where this teammate did nothing meanwhile."""
        if self.is_mounted:
            self._draw_verb()
            self._draw_end()
            self._draw_frame()
            self._body.refresh()

    def _draw_frame(self) -> None:
        """Title, head, and at the foot what it had asked."""
        mate, roles = self._seen.mate, self.look.roles
        if mate is None:
            self._show_frame((), self._line_of_figures())
            return
        head = head_line(mate, mate.last_sign_at, self._now(), self._cells, self.look)
        foot: list[Line] = []
        request = select_request_of(self._moment.state, mate.run_id)
        above = self._body.top
        more = f"pgup · {above} line{'' if above == 1 else 's'} above" if above else ""
        if request is not None:
            told = f"{self.look.sign('needs').strip()} {asks(request)}"
            foot.append(spread([(told, roles.needs)], [(more, roles.quiet)], self._cells, self.look))
        elif more:
            foot.append(spread([(more, roles.quiet)], [], self._cells, self.look))
        self._show_frame([head], [*foot, *self._line_of_figures()])

    def _line_of_figures(self) -> list[Line]:
        if not self._has_line_for_figures:
            return []
        told = f"at this moment: {self.figures}"
        return [spread([(told, self.look.roles.quiet)], [], self._cells, self.look)]


def _end_of(seen: Seen) -> Seen:
    """The last entries alone: a moment is looked at for as long as it takes to press the next key."""
    transcript = seen.transcript
    if transcript is None or len(transcript.entries) <= SHOWN:
        return seen
    entries = transcript.entries[-SHOWN:]
    return Seen(seen.mate, msgspec.structs.replace(transcript, entries=entries))
