"""The one-line parts: header, notice, footer, and the strip that the team folds to in a narrow terminal."""

import os
import time
from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.widget import Widget

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RequestId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import DisplayDelays, Row, select_last_sign, select_rows
from quarterdeck.state.store import Store
from quarterdeck.tui.arrangement import WIDE
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.counts import Counts, needs_words, select_counts, select_waiting, waiting_words
from quarterdeck.tui.keymap import shown_key
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, format_age, format_tokens, width
from quarterdeck.tui.rendering.lines import Line, line_width
from quarterdeck.tui.roster_rows import RowInput
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.widgets.lines import KeyClicked, LineWidget, key_segments, spread

NOTICE_S = 10.0
"""So long a notice stays before the line tells again who waits."""


class StateLine(LineWidget):
    """A line that is drawn from the whole state, once a second and when the state changed."""

    def __init__(self, store: Store, look: Look, clock: Clock, *, name: str) -> None:
        super().__init__(look, name=name)
        self._store = store
        self._clock = clock
        self.state = store.state
        self._connection: Connection[object] | None = None

    def on_mount(self) -> None:
        """Listen to the store and to the seconds."""
        self._connection = connect(self, self._store, self.watched, self._deliver)
        self.set_interval(1.0, self._second_passed)

    def _second_passed(self) -> None:
        if all(node.display for node in self.ancestors_with_self if isinstance(node, Widget)):
            self.refresh()  # of one that is hidden Textual looks for the place among all widgets

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()

    def watched(self, state: AppState) -> object:
        """The part of the state whose change is drawn at once."""
        return state.team

    def _deliver(self, _part: object) -> None:
        self.state = self._store.state
        self.refresh()


class HeaderBar(StateLine):
    """Who needs you and how long, how many work, tokens so far, the time of day."""

    def __init__(self, store: Store, look: Look, clock: Clock, version: str) -> None:
        super().__init__(store, look, clock, name="header")
        self._version = version
        self._counts = Counts()
        self._counted: tuple[int, tuple[RequestId, ...], int] | None = None

    def watched(self, state: AppState) -> object:
        return state

    def _deliver(self, _part: object) -> None:
        self.state = self._store.state
        if self._counted != self._now():
            self.refresh()

    def _now(self) -> tuple[int, tuple[RequestId, ...], int]:
        return self.state.team.revision, self.state.inbox.open, int(self._clock.wall())

    def counts(self) -> Counts:
        """Counted at most once a second, and when a row or a request has changed."""
        now = self._now()
        if self._counted != now:
            self._counted = now
            self._counts = select_counts(self.state)
        return self._counts

    def ground(self, y: int) -> Style:
        return self.look.roles.text + self.look.roles.surface

    def line(self, y: int) -> Line:
        roles = self.look.roles
        is_wide = self.size.width >= WIDE
        session = self.state.session
        place = folder_words(session.folder, 0 if session.scripted else self.size.width)
        head: list[Segment] = [Segment(" Quarterdeck", roles.strong), Segment(place, roles.text)]
        if session.model is None:
            right = f"no model · v{self._version} " if self._version else "no model "
            return spread(tuple(head), (Segment(right, roles.quiet),), self.size.width)
        counts = self.counts()
        head += self._chips(counts, is_wide=is_wide)
        tokens = f"{format_tokens(counts.tokens)} tok  " if counts.tokens else ""
        clock = time.strftime("%H:%M", time.localtime(self._clock.wall()))
        full = spread(tuple(head), (Segment(f"{tokens}{clock} ", roles.text),), self.size.width)
        if line_width(full) > line_width(tuple(head)):
            return full
        return spread(tuple(head), (Segment(f"{clock} ", roles.text),), self.size.width)

    def _chips(self, counts: Counts, *, is_wide: bool) -> list[Segment]:
        roles = self.look.roles
        chips: list[Segment] = []
        if counts.needs:
            waited = self._clock.wall() - (counts.waits_since or 0.0)
            words = f" {self.look.sign('needs').strip()} {needs_words(counts.needs)} {format_age(waited)} "
            chips += [Segment("  "), Segment(words, roles.needs_chip)]
        if counts.working:
            chips += [
                Segment(f"{'  ' if counts.needs else '   '}"),
                Segment(f"{self.look.sign('tool').strip()} {counts.working} run"),
            ]
        if counts.idle and is_wide:
            chips.append(Segment(f"   {self.look.sign('idle').strip()} {counts.idle} idle"))
        if counts.detached:
            chips.append(Segment(f"   {counts.detached} detached", roles.fail))
        return chips


def folder_words(folder: str, cells: int) -> str:
    """The session's folder for a header: from home on where there is room, else its name alone; clean.

    :param cells: how wide the header is; 0 = the name says enough: the folder is the program's own.
    """
    told = f"  {_home_relative(folder)}" if cells >= WIDE else f" {os.path.basename(folder.rstrip('/'))}"
    return clean_name(told)


def _home_relative(folder: str) -> str:
    home = os.path.expanduser("~")
    return "~" + folder[len(home) :] if home != "/" and (folder + "/").startswith(home + "/") else folder


class NoticeLine(StateLine):
    """One line: what happened last; after a while, or when it is empty, who waits for the person."""

    def __init__(self, store: Store, look: Look, clock: Clock) -> None:
        super().__init__(store, look, clock, name="notice")
        self._text = ""
        self._is_fault = False
        self._until = 0.0
        self._told: object = store.state.session.notice
        self.quiet_words = ""
        """How one gets to now from the past, told while nothing else is; empty = it is now."""

    def watched(self, state: AppState) -> object:
        return state

    def _deliver(self, _part: object) -> None:
        # Streamed text changes the state many times a second, and nothing of it is told here.
        before, self.state = self.state, self._store.state
        if self.state.inbox is not before.inbox:
            self.refresh()
        notice = self.state.session.notice
        if notice is not None and notice is not self._told:
            self._told = notice
            at = time.strftime("%H:%M:%S", time.localtime(notice.at))
            self.say(f"{at} {notice.text}", is_fault=notice.is_fault)

    def say(self, text: str, *, is_fault: bool = False) -> None:
        """Show a line for a while; an empty text clears it."""
        self._text = clean_line(text)
        self._is_fault = is_fault
        self._until = self._clock.monotonic() + NOTICE_S
        self.refresh()

    @property
    def text(self) -> str:
        """What the line says now."""
        return "".join(segment.text for segment in self.line(0)).strip()

    def line(self, y: int) -> Line:
        roles, cells = self.look.roles, self.size.width - 2
        waiting = select_waiting(self.state)
        if self._text and (self._clock.monotonic() < self._until or not waiting):
            style = roles.fail if self._is_fault else roles.text
            return (Segment(" "), Segment(cut(self._text, cells), style))
        if not waiting:
            return (Segment(f" {self.quiet_words}", roles.quiet),) if self.quiet_words else ()
        sign = self.look.sign("needs").strip()
        if self.quiet_words:
            told = f" {sign} {needs_words(len(waiting))} now · {self.quiet_words}"
            return (Segment(cut(f"{told}, n returns and opens the oldest", cells), roles.needs),)
        told = waiting_words(waiting, self._clock.wall())
        if self.size.width >= WIDE:
            told = f"{needs_words(len(waiting))} · {told}"
        hint = "n opens the next "
        left = cut(f"{sign} {told}", max(cells - width(hint) - 1, 10))
        return spread(
            (Segment(" "), Segment(left, roles.needs)), (Segment(hint, roles.quiet),), self.size.width
        )


class TeamStrip(StateLine):
    """The team in one line: sign and name each, the chosen one marked."""

    def __init__(
        self, store: Store, look: Look, clock: Clock, delays: DisplayDelays, chosen: Callable[[], object]
    ) -> None:
        super().__init__(store, look, clock, name="strip")
        self._delays = delays
        self._chosen = chosen
        self._ranked: tuple[Row, ...] = ()
        self._ranked_for: tuple[int, tuple[RequestId, ...]] | None = None

    def _rows(self) -> tuple[Row, ...]:
        """The order, ranked anew only when it can have changed."""
        wanted = (self.state.team.revision, self.state.inbox.open)
        if wanted != self._ranked_for:
            self._ranked_for = wanted
            self._ranked = select_rows(self.state.team, self.state.inbox)
        return self._ranked

    def line(self, y: int) -> Line:
        roles, chosen = self.look.roles, self._chosen()
        parts: list[Segment] = [Segment(" ")]
        used = 1
        for row in self._rows():
            given = RowInput.make(
                self.state.team.by_run[row.run_id],
                self.state.inbox.by_id.get(row.request) if row.request else None,
                row,
                now=self._clock.wall(),
                last_sign=select_last_sign(self.state, row.run_id),
                delays=self._delays,
                viewed=False,
                look=self.look,
            )
            name = clean_name(given.mate.name)
            used += width(name) + 3
            if used > self.size.width - 2:
                parts.append(Segment(" …", roles.quiet))
                break
            is_chosen = row.run_id == chosen
            style = roles.needs if given.state == "needs" else (roles.strong if is_chosen else roles.quiet)
            mark = "❯" if is_chosen else " "
            parts += [Segment(mark, roles.focus), Segment(self.look.sign(given.state).strip(), style)]
            parts += [Segment(name, style), Segment(" ")]
        return tuple(parts)


class FooterBar(LineWidget):
    """The keys that matter here; the last one always stays. Each can be clicked."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="footer")
        self._keys: tuple[tuple[str, str], ...] = ()
        self._ask = self._brief = ""
        self._spans: list[tuple[int, int, str]] = []

    def show(self, keys: tuple[tuple[str, str], ...], *, ask: str = "", brief: str = "") -> None:
        """Show these (key, label); or the question of a sheet: `ask`, or `brief` where that does not fit."""
        if (keys, ask, brief) != (self._keys, self._ask, self._brief):
            self._keys, self._ask, self._brief = keys, ask, brief
            self.refresh()

    def ground(self, y: int) -> Style:
        return self.look.roles.text + self.look.roles.surface

    def line(self, y: int) -> Line:
        roles, cells = self.look.roles, self.size.width
        if self._ask:
            fits = width(self._ask) <= cells - 2 or not self._brief
            asked = cut(self._ask if fits else self._brief, cells - 2)
            at = max(asked.rfind("   y "), 0)
            return (
                Segment(" " + asked[:at], roles.strong),
                *key_segments(asked[at:], roles.strong),
            )
        self._spans = []
        if not self._keys:
            return ()
        *first, last = self._keys
        room = cells - _span(last) - 1
        shown: list[tuple[str, str]] = []
        for one in first:
            if room < _span(one):
                break
            room -= _span(one)
            shown.append(one)
        line: list[Segment] = [Segment(" ")]
        at = 1
        for key, label in (*shown, last):
            name = shown_key(key)
            before, _, after = key.partition(" ")
            middle = at + width(shown_key(before)) + 1 if after else at
            self._spans += [(at, middle, before)] if after else []
            self._spans.append((middle, at + _span((key, label)) - 2, after or before))
            at += _span((key, label))
            line += [Segment(name, roles.work + roles.strong.without_color), Segment(f" {label}  ")]
        return tuple(line)

    def on_click(self, event: events.Click) -> None:
        """The same as pressing the key."""
        for start, end, key in () if self._ask else self._spans:
            if start <= event.x < end:
                self.post_message(KeyClicked(key, event.time))
                return
        clicked = KeyClicked.under(event) if self._ask else None
        if clicked is not None:
            self.post_message(clicked)


def _span(item: tuple[str, str]) -> int:
    key, label = item
    return width(shown_key(key)) + 1 + width(label) + 2
