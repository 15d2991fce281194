"""One request to be read: whole, scrollable, by steps. It knows what has been painted, and answers nothing.

While it is read nothing replaces it: a new version or a withdrawal is said, and the keys that answer go dead.
"""

from collections.abc import Callable

import msgspec
from textual.app import ComposeResult

from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import PlanRequest, Request
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.framed_panel import FramedPanel
from quarterdeck.tui.widgets.request_body import NO_BODY, Body
from quarterdeck.tui.widgets.request_draft import Draft, PlanView, views_of
from quarterdeck.tui.widgets.request_layout import body_of
from quarterdeck.tui.widgets.request_messages import Notice
from quarterdeck.tui.widgets.request_words import (
    changed_words,
    foot_words,
    place_in_line,
    request_head,
    request_title,
    shown_name,
    suspended_words,
    withdrawn_words,
)
from quarterdeck.tui.widgets.transcript_line_view import LineView
from quarterdeck.tui.widgets.transcript_parts import paragraph, spread

Token = tuple[RequestId, int]
"""A request and its version: what an answer binds."""


class Seen(msgspec.Struct, frozen=True):
    """What the panel draws of the state."""

    request: Request | None
    is_suspended: bool
    open: tuple[RequestId, ...]
    mate: Teammate | None


class RequestReader(FramedPanel):
    """`show(id)` chooses the request, `look_at(name)` moves in it."""

    KIND = "request"

    def __init__(
        self,
        store: Store,
        look: Look,
        clock: Clock,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(look, clock, id=id)
        self._store = store
        self.request_id: RequestId | None = None
        self._request: Request | None = None
        self._mate: Teammate | None = None
        self._open: tuple[RequestId, ...] = ()
        self._dead = ""
        """Why nothing can be answered any more."""
        self._told = ""
        self._is_suspended = False
        self._drafts: dict[RequestId, Draft] = {}
        self._body: Body = NO_BODY
        self._step: int | None = None
        self._laid_out_at = 0
        self._look_version = look.version
        self._connection: Connection[Seen] | None = None
        self._view = LineView(NO_BODY, id="request-body")

    def compose(self) -> ComposeResult:
        """Title and head, the rows, the foot."""
        yield self._head
        yield self._view
        yield self._foot

    def on_mount(self) -> None:
        """Listen to the state."""
        self._connection = connect(self, self._store, self._selector(), self._receive)
        self.set_interval(1.0, self._draw_frame)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()

    @property
    def body(self) -> LineView:
        """The rows that scroll."""
        return self._view

    @property
    def request(self) -> Request | None:
        """The request as it is shown: the last one known, also after it was withdrawn."""
        return self._request

    @property
    def is_answerable(self) -> bool:
        """Whether an answer to what is shown can count."""
        return self._request is not None and not self._dead

    @property
    def title(self) -> tuple[str, str]:
        """Left and right text of the title; clean."""
        if self._request is None:
            return "Request", ""
        left = request_title(self._request, self.draft, self._who, self.look)
        return left, place_in_line(self._open, self._request.id)

    def show(self, request_id: RequestId | None) -> None:
        """Show this request; drafts of others are kept."""
        if request_id == self.request_id and not self._dead:
            return
        self.request_id = request_id
        self._request, self._mate, self._dead, self._told = None, None, "", ""
        self._step = None
        self._set_body(NO_BODY)
        self._view.forget_painted()
        self._view.show_from(0)
        if self._connection is not None:
            self._connection.close()
        if self.is_mounted:
            select = self._selector()
            # At once: keys, footer and composer must not speak of the former request for a moment more.
            self._receive(select(self._store.state))
            self._connection = connect(self, self._store, select, self._receive)
        self._draw_frame()

    def look_at(self, name: str) -> bool | None:
        """Scroll, step, or show it another way; None = that is not about looking."""
        act = self._looking().get(name)
        return act() if act is not None else None

    @property
    def chosen_quote(self) -> str:
        """The text of the step that was chosen; empty when none is."""
        return self._body.steps[self._step].quote if self._step is not None else ""

    def painted_token(self) -> Token | None:
        """The request and version whose rows have really been painted; None while they have not."""
        painted = self._view.painted
        if self._dead or self._laid_out_at != self._cells:
            return None
        return painted if isinstance(painted, tuple) else None

    def is_whole_seen(self) -> bool:
        """Whether all that a yes would bind has been shown at this width."""
        if self._request is None or self._laid_out_at != self._cells:
            return False
        return self._view.painted_to >= self._body.must_see

    def redraw(self) -> None:
        """Colours or signs have changed: draw all anew."""
        self._look_version = self.look.version
        self._rebuild()

    # What the keys do

    def _looking(self) -> dict[str, Callable[[], bool]]:
        view = self._view
        page = max(1, view.rows - 1)
        return {
            "line_up": lambda: self._move(-1),
            "line_down": lambda: self._move(1),
            "page_up": lambda: view.scroll_rows(-page),
            "page_down": lambda: view.scroll_rows(page),
            "half_up": lambda: view.scroll_rows(-max(1, page // 2)),
            "half_down": lambda: view.scroll_rows(max(1, page // 2)),
            "top": lambda: view.show_from(0),
            "end": lambda: view.show_from(view.last_top),
            "step_up": lambda: self._next_step(-1),
            "step_down": lambda: self._next_step(1),
            "view": self._next_view,
        }

    def _move(self, by: int) -> bool:
        """Scroll; where all is in sight, go from step to step."""
        if self._body.total() > self._view.rows:
            return self._view.scroll_rows(by)
        return self._next_step(by)

    def _next_step(self, by: int) -> bool:
        count = len(self._body.steps)
        start = -1 if by > 0 else count
        place = (self._step if self._step is not None else start) + by
        return 0 <= place < count and self._choose_step(place)

    def _choose_step(self, place: int) -> bool:
        step = self._body.steps[place]
        self._step = place
        self._mark_step()
        self._view.reveal(step.first, step.count)
        return True

    def _mark_step(self) -> None:
        steps = self._body.steps
        if self._step is not None and self._step >= len(steps):
            self._step = None
        self._view.set_cursor(steps[self._step].first if self._step is not None else None)

    def _next_view(self) -> bool:
        if not isinstance(self._request, PlanRequest):
            return False
        draft = self.draft
        views = views_of(self._request.version, is_edited=draft.edited is not None)
        place = views.index(draft.view) if draft.view in views else -1
        draft.view = views[(place + 1) % len(views)]
        self._view.show_from(0)
        self._rebuild()
        return True

    # What the state says

    def _selector(self) -> Callable[[AppState], Seen]:
        """Selects what concerns this request; the same object while that is the same."""
        last = Seen(None, False, (), None)

        def select(state: AppState) -> Seen:
            nonlocal last
            request = state.inbox.by_id.get(self.request_id) if self.request_id is not None else None
            run_id = request.run_id if request is not None else (self._mate.run_id if self._mate else None)
            mate = state.team.by_run.get(run_id) if run_id is not None else None
            suspended = request is not None and request.id in state.inbox.suspended
            new = (request, suspended, state.inbox.open, mate)
            if any(one is not other for one, other in zip(new, _fields(last), strict=True)):
                last = Seen(*new)
            return last

        return select

    def _receive(self, seen: Seen) -> None:
        if seen.request is not None and seen.request.id != self.request_id:
            return  # told before another one was chosen
        self._open = seen.open
        self._mate = seen.mate or self._mate
        if self.look.version != self._look_version:
            self.redraw()
        if seen.is_suspended and not self._is_suspended and self._request is not None and self._mate:
            self.post_message(Notice(suspended_words(self._mate, self._who)))
        self._is_suspended = seen.is_suspended
        if seen.request is not None and (seen.is_suspended or seen.request.id in seen.open):
            self._take(seen.request)
        elif self._request is not None or seen.request is not None:
            self._withdraw(seen)
        self._draw_frame()

    def _take(self, request: Request) -> None:
        """The request is open: show it, or its new version."""
        old = self._request
        if request is old:
            return
        was_answerable = self.is_answerable
        self._request, self._dead = request, ""
        if old is not None and old.version != request.version and was_answerable:
            self._told = changed_words(request, old.version)
            self.post_message(Notice(self._told))
        if old is None or old.version != request.version:
            self._view.forget_painted()
            self._view.show_from(0)
            self._step = None
        self._rebuild()

    def _withdraw(self, seen: Seen) -> None:
        """Nothing can be answered any more; what was read stays to be read."""
        if self._dead:
            return
        if self._request is None and seen.request is not None:
            self._request = seen.request
            self._rebuild()
        if self._request is None:
            return
        self._dead = withdrawn_words(self._request, self._mate, self._who)
        self.post_message(Notice(self._dead))

    # Drawing

    @property
    def draft(self) -> Draft:
        """The draft for the version that is shown; one for an older version gives its words."""
        request = self._request
        if request is None:
            return Draft(0)
        draft = self._drafts.get(request.id)
        if draft is None or draft.version != request.version:
            view = PlanView.CHANGES if request.version > 1 else PlanView.WHOLE
            old = draft or Draft(0)
            draft = Draft(request.version, view=view, comments=old.comments, made=old.made)
            self._drafts[request.id] = draft
        return draft

    @property
    def _who(self) -> str:
        return shown_name(self._mate)

    @property
    def _cells(self) -> int:
        return self.size.width or self._laid_out_at or 80  # out of sight it has no width: it keeps its last

    def _rebuild(self) -> None:
        """Make the rows anew for this width, view and draft."""
        request = self._request
        if request is None:
            self._set_body(NO_BODY)
            return
        if self._cells != self._laid_out_at:
            self._laid_out_at = self._cells
            self._view.forget_painted()  # what was shown at another width may have been cut
        self._set_body(body_of(request, self.draft, self._who, self._cells, self.look))
        self._draw_frame()

    def _set_body(self, body: Body) -> None:
        self._body = body
        self._view.source = body
        request = self._request
        self._view.content = (request.id, request.version) if request is not None else None
        self._view.cursor_style = self.look.roles.focus
        self._mark_step()
        self._view.rows_changed()
        self._view.refresh()

    def _draw_frame(self) -> None:
        request, cells, look = self._request, self._cells, self.look
        if request is None:
            self._show_frame()
            return
        told = request_head(request, self.draft, self._body, self._who, self._clock.wall())
        lines: list[Line] = [spread([(told, look.roles.quiet)], [], cells, look)]
        outlived = suspended_words(self._mate, self._who) if self._is_suspended and self._mate else ""
        if said := self._dead or self._told or outlived:
            lines += paragraph(said, look.roles.needs, cells)
        left = foot_words(request, self.draft, self._who, is_dead=bool(self._dead))
        foot = spread([(left, look.roles.quiet)], [(self._where(), look.roles.quiet)], cells, look)
        self._show_frame(lines, [foot])

    def _where(self) -> str:
        """What of it is in sight."""
        view, total = self._view, self._body.total()
        last = min(total, view.top + view.rows)
        if total <= view.rows or (last == total and self._body.must_see):
            return self._body.whole
        return f"lines {view.top + 1}–{last} of {total}"

    # Events

    def on_resize(self) -> None:
        """Another width: the rows are made anew."""
        if self._cells != self._laid_out_at:
            self._rebuild()
        self._draw_frame()

    on_show = on_resize

    def on_hide(self) -> None:
        """Out of sight: a key can act on it only after it was painted again."""
        self._view.painted = None

    def on_line_view_scrolled(self, event: LineView.Scrolled) -> None:
        """The foot tells where one is."""
        event.stop()
        self._draw_frame()

    def on_line_view_painted(self, event: LineView.Painted) -> None:
        """Rows came to be seen that had not been."""
        event.stop()
        self._draw_frame()


def _fields(seen: Seen) -> tuple[object, ...]:
    return seen.request, seen.is_suspended, seen.open, seen.mate
