"""The panels at the left: the inbox (a place of its own) and the log."""

import time

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, QuestionRequest, Request
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.tui.doing import outline
from quarterdeck.tui.guards import Token
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, fit, format_age, width
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.bars import StateLine
from quarterdeck.tui.widgets.lines import BLANK, rule_line, spread

_LONGEST = 300


class InboxPanel(StateLine, can_focus=True):
    """Place I: every open request, oldest first, two lines each."""

    class Chosen(Message):
        """Another request is selected."""

        def __init__(self, request_id: RequestId, *, by_itself: bool = False) -> None:
            super().__init__()
            self.request_id = request_id
            self.by_itself = by_itself

    class Opened(Message):
        """An entry was double-clicked."""

    class Resized(Message):
        """There are more or fewer entries than before."""

    def __init__(self, store: Store, look: Look, clock: Clock) -> None:
        super().__init__(store, look, clock, name="inbox")
        self.selected: RequestId | None = None
        self.is_newest_first = False
        self.read: RequestId | None = None
        """The request that is open in the main panel, with the keys there."""
        self.top = 0
        self._drawn: set[Token] = set()
        self._generation = 0

    def watched(self, state: AppState) -> object:
        return state.inbox

    def _deliver(self, part: object) -> None:
        before = self._ids
        super()._deliver(part)
        now = self._ids
        if self.selected is not None and self.selected not in now:
            at = before.index(self.selected) if self.selected in before else 0
            self.selected = now[min(at, len(now) - 1)] if now else None
            self._generation += 1
            if self.selected is not None and self.has_focus:
                self.post_message(self.Chosen(self.selected, by_itself=True))
        if len(before) != len(now):
            self.post_message(self.Resized())

    @property
    def wanted_height(self) -> int:
        """Title and two lines for each request; 0 when there is none."""
        count = len(self._ids)
        return 1 + 2 * count if count else 0

    @property
    def _ids(self) -> tuple[RequestId, ...]:
        """As they stand here; what waits for a revival comes last."""
        ids, suspended = self.state.inbox.open, self.state.inbox.suspended
        return (*(ids[::-1] if self.is_newest_first else ids), *suspended)

    @property
    def _entries(self) -> tuple[Request, ...]:
        return tuple(self.state.inbox.by_id[one] for one in self._ids)

    def line(self, y: int) -> Line:
        requests = self._entries
        if y == 0:
            self._drawn.clear()
            title = f"Inbox {len(requests)}" if requests else "Inbox"
            words = "newest first" if self.is_newest_first else "oldest first"
            order = words if len(requests) > 1 else ""
            return rule_line(self.look, self.size.width, title, order, is_focused=self.has_focus, panel=self)
        at, second = divmod(y - 1, 2)
        at += self.top
        if at >= len(requests):
            words = "  Nothing needs you." if at == 0 and not second else ""
            return (Segment(words, self.look.roles.quiet),) if words else BLANK
        request = requests[at]
        return self._second(request) if second else self._first(request)

    def ground(self, y: int) -> Style:
        at = self.top + (y - 1) // 2
        requests = self._entries
        is_chosen = self.has_focus and y > 0 and at < len(requests) and requests[at].id == self.selected
        return self.look.roles.text + self.look.roles.select if is_chosen else self.look.roles.text

    def _first(self, request: Request) -> Line:
        roles = self.look.roles
        self._drawn.add(("entry", request.id, request.version))
        mate = self.state.team.by_run.get(request.run_id)
        is_read = request.id == self.read if not self.has_focus else request.id == self.selected
        cursor = "❯" if is_read else " "
        name = fit(clean_name(mate.name) if mate else "?", 10)
        is_suspended = request.id in self.state.inbox.suspended
        needs, strong, text = (roles.quiet,) * 3 if is_suspended else (roles.needs, roles.strong, roles.text)
        left = (
            Segment(cursor + " ", roles.focus),
            Segment(self.look.sign("needs").strip() + " ", needs),
            Segment(name, strong),
            Segment(_kind(request), text),
        )
        age = format_age(self._clock.wall() - request.opened_at)
        told = f"outlived · {age.strip()}" if is_suspended else age
        return spread(left, (Segment(told + " ", needs),), self.size.width)

    def _second(self, request: Request) -> Line:
        roles = self.look.roles
        style = roles.quiet if request.id in self.state.inbox.suspended else roles.text
        return (Segment("    " + cut(_subject(request), max(self.size.width - 5, 1)), style),)

    def painted_tokens(self) -> frozenset[Token]:
        """The entries that the last paint showed."""
        if not self.display or not self.size.height:
            return frozenset()
        return frozenset({*self._drawn, ("inbox", self._generation)})

    def needed_tokens(self) -> tuple[Token, ...]:
        """What must have been painted before a key may act on the selected request."""
        request = self.state.inbox.by_id.get(self.selected) if self.selected else None
        return (("entry", self.selected, request.version if request else 0), ("inbox", self._generation))

    def mark_read(self, request_id: RequestId | None) -> None:
        """Mark the entry that is read in the main panel; None = none is."""
        if request_id != self.read:
            self.read = request_id
            self.refresh()

    def select(self, request_id: RequestId | None) -> None:
        """Select an entry, as the person asked."""
        self.selected = request_id
        ids = self._ids
        if request_id in ids:
            at, room = ids.index(request_id), max((self.size.height - 1) // 2, 1)
            self.top = min(max(self.top, at - room + 1), at)
        self.refresh()

    def do(self, action: str) -> bool:
        """Move by an action of the keymap; False = not one of these."""
        ids = self._ids
        if action == "order":
            self.is_newest_first = not self.is_newest_first
            self.select(self.selected)
            return True
        steps = {"up": -1, "down": 1, "page-up": -5, "page-down": 5, "top": -len(ids), "end": len(ids)}
        if action not in steps:
            return False
        if ids:
            at = ids.index(self.selected) if self.selected in ids else 0
            self.select(ids[max(0, min(at + steps[action], len(ids) - 1))])
            if self.selected is not None:
                self.post_message(self.Chosen(self.selected))
        return True

    def on_focus(self) -> None:
        """Something is selected as long as there is something."""
        if self.selected not in self._ids:
            self.select(self._ids[0] if self._ids else None)
        if self.selected is not None:
            self.post_message(self.Chosen(self.selected))
        self.refresh()

    def on_blur(self) -> None:
        """The rule gets light."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose an entry; a double click opens it."""
        at = self.top + (event.y - 1) // 2
        if event.y > 0 and at < len(self._ids):
            self.select(self._ids[at])
            if self.selected is not None:
                self.post_message(self.Chosen(self.selected))
            if event.chain == 2:
                self.post_message(self.Opened())


def _kind(request: Request) -> str:
    match request:
        case PlanRequest(version=version):
            return f"plan v{version}"
        case PermissionRequest():
            return "permission"
        case QuestionRequest():
            return "question"


def _subject(request: Request) -> str:
    match request:
        case PlanRequest(text=text):
            return outline(text)
        case PermissionRequest(tool=tool, subject=subject):
            return clean_line(f"{tool} {subject[:_LONGEST]}")
        case QuestionRequest(question=question):
            return clean_line(question[:_LONGEST])


class LogPanel(StateLine):
    """The newest lines about the team, the newest first."""

    def __init__(self, store: Store, look: Look, clock: Clock) -> None:
        super().__init__(store, look, clock, name="log")
        self.top = 0

    def watched(self, state: AppState) -> object:
        return state.log

    def line(self, y: int) -> Line:
        roles = self.look.roles
        if y == 0:
            return rule_line(self.look, self.size.width, "Log", "l timeline")
        lines = self.state.log.lines
        at = len(lines) - self.top - y
        if at < 0:
            return BLANK
        one = lines[at]
        hour = time.strftime("%H:%M:%S" if self.size.width >= 80 else "%H:%M", time.localtime(one.at))
        who = fit(clean_name(one.who), 8)
        text = cut(clean_line(one.text), max(self.size.width - 5 - len(hour) - width(who), 1))
        return (Segment(f"  {hour} {who}  ", roles.quiet), Segment(text, roles.text))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls back in time."""
        event.stop()
        self.top = max(0, min(self.top + 3, len(self.state.log.lines) - 1))
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls to the newest."""
        event.stop()
        self.top = max(0, self.top - 3)
        self.refresh()
