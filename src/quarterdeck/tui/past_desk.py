"""Opens the past and leaves it, takes its keys, and has the states fetched that it shows.

While it is open nothing is changed from there: every key that acts is answered with what moment this is.
"""

import asyncio
import time
from bisect import bisect_right

from textual.widget import Widget

from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.state.timeline import Moment
from quarterdeck.state.timeline_fold import TimelineFold
from quarterdeck.tui.connect import Beat
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.look import Look
from quarterdeck.tui.past import StateFetcher
from quarterdeck.tui.ports import ArchiveGone, Controller
from quarterdeck.tui.settings import Clock
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.standing import VIEWS

PLAY_S = 0.1
GROW_S = 1.0
"""So often what has happened since is looked for while the past is open."""
_GROW_BEAT_S = 0.25
SLICE = 200
"""Facts that are folded before the screen gets its turn again."""
QUIET_WORDS = "esc returns to now"

LEAVING = frozenset(
    {
        *("next-request", "previous-request", "history", "palette", "quit"),
        *("kill-all", "pause-all", "interrupt-all"),
    }
)
"""Actions that concern now: the past is left first, then they are done."""
STAYING = frozenset({"help", "copy-selection", "nothing"})
"""Actions that change nothing, and are done as anywhere."""


class PastDesk:
    """Place L, and what is around it."""

    def __init__(
        self,
        deck: Deck,
        desk: Desk,
        store: Store,
        controller: Controller,
        look: Look,
        clock: Clock,
        stage: Stage,
    ) -> None:
        self._deck = deck
        self._desk = desk
        self._store = store
        self._port = controller.past
        self._look = look
        self._clock = clock
        self._stage = stage
        self._fold = TimelineFold()
        self._round = 0
        self._is_reading = False
        self._grow: Beat | None = None
        self._grown_at = 0.0
        self._known = 0
        """The store's number when facts were asked for last."""
        self._focused: Widget | None = None
        self._view: Widget | None = None
        self._play: Beat | None = None
        self._played_at = 0.0
        self._fetcher = StateFetcher(
            self._port, start=stage.start, show=self._show, fail=lambda words: stage.say(words, is_fault=True)
        )

    @property
    def is_open(self) -> bool:
        """The past is on the screen."""
        return self._desk.here.is_past

    @property
    def words(self) -> str:
        """What a key that acts is answered with; empty = it is now."""
        if not self.is_open:
            return ""
        cursor = self._deck.past.timeline.cursor
        if not cursor.timeline.numbers:
            return "This is the past. esc returns to now."
        at = time.strftime("%H:%M", time.localtime(cursor.moment.at))
        return f"This is {at}. esc returns to now."

    def takes(self, action: str) -> bool:
        """Do what an action of the keymap means here; False = it goes on to whoever does it now."""
        if not self.is_open:
            if action == "timeline":
                self._open()
            return action == "timeline"
        if action in LEAVING:
            self.leave()
            return False
        if action in STAYING or self._desk.here.place is Place.HELP:
            return False
        if action in ("timeline", "to-now"):
            self.leave()
        elif not self._does(action):
            self._stage.say(self.words)
        return True

    # Opening and leaving

    def _open(self) -> None:
        desk, past, main = self._desk, self._deck.past, self._deck.main
        if desk.here.place in VIEWS:
            desk.close()
        self._focused, self._view = past.screen.focused, main.current
        run_id = desk.here.run_id
        past.source.show(self._store.state, self._clock.wall())
        past.timeline.is_small = False
        past.timeline.is_reading = True
        desk.here.is_past = True
        self.draw_ground()
        self._deck.notice.say("")
        self._deck.notice.quiet_words = QUIET_WORDS
        past.point(run_id, desk.here.name)
        past.moved()
        desk.go(Place.TIMELINE)
        self._round += 1
        self._grow = Beat(past.timeline, _GROW_BEAT_S, self._look_for_newer_by_itself)
        self._stage.start(self._read(self._round, is_first=True))

    def leave(self) -> None:
        """Back to now, where one was, at once."""
        if not self.is_open:
            return
        self._round += 1
        self._is_reading = False
        self._stop_playing()
        self._stop_growing()
        self._fetcher.stop()
        self._desk.here.is_past = False
        self._deck.notice.quiet_words = ""
        self._deck.notice.say("")
        self.draw_ground()
        view, focused = self._view or self._deck.main.transcript, self._focused
        self._desk.return_to(view, focused or self._deck.roster)

    def draw_ground(self) -> None:
        """The ground of the past under everything, or the screen's own; anew when the theme is another."""
        self._deck.past.lay_ground(self._look.roles.past if self.is_open else None)

    async def _read(self, round_: int, *, is_first: bool) -> None:
        """Fetch the facts and fold those that are new; without them there is no past to stay in."""
        self._is_reading = True
        self._known, self._grown_at = self._store.sequence, self._clock.monotonic()
        has_read = False
        try:
            has_read = await self._fold_new(round_)
        except ArchiveGone as gone:
            if round_ == self._round:
                self._leave_with(str(gone), is_first=is_first)
        finally:
            if round_ == self._round:
                self._is_reading = self._deck.past.timeline.is_reading = False
        if has_read:
            self._take_timeline(is_first=is_first)

    async def _fold_new(self, round_: int) -> bool:
        """A slice at a time, so that keys are heard meanwhile; False = it was left before the end."""
        facts = await self._port.facts()
        new = bisect_right(facts, self._fold.last, key=lambda one: one[0])
        for start in range(new, len(facts), SLICE):
            if round_ != self._round:
                return False
            self._fold.add(facts[start : start + SLICE])
            await asyncio.sleep(0)
        return round_ == self._round

    def _leave_with(self, words: str, *, is_first: bool) -> None:
        if is_first:
            self.leave()
        self._stop_growing()  # it would be said every second: a key at the end asks again
        self._stage.say(words, is_fault=True)

    def _take_timeline(self, *, is_first: bool) -> None:
        past, cursor = self._deck.past, self._deck.past.timeline.cursor
        if not is_first:
            cursor.grow(self._fold.timeline())
            past.moved()
            return
        cursor.take(self._fold.timeline())
        cursor.choose(past.transcript.run_id)
        self._go_on()

    # Moving

    def _does(self, action: str) -> bool:
        past, cursor = self._deck.past, self._deck.past.timeline.cursor
        match action:
            case "play":
                self._play_or_stop()
                return True
            case "open":
                past.timeline.is_small = not past.timeline.is_small
                past.moved()
                return True
            case "page-up" | "page-down":
                past.transcript.do(action)
                return True
        self._stop_playing()
        if action in ("next-event", "last-event") and cursor.is_at_end:
            self._look_for_newer()
        if not cursor.do(action):
            return False
        self._go_on()
        return True

    def _look_for_newer(self) -> None:
        """At the end of what is known: what has happened since is read, and one stays where one is."""
        if not self._is_reading:
            self._stage.start(self._read(self._round, is_first=False))

    def _look_for_newer_by_itself(self) -> None:
        """The session goes on: the lanes grow, and one stays where one is."""
        if self._grow is None or self._is_reading or self._store.sequence == self._known:
            return
        if self._clock.monotonic() - self._grown_at >= GROW_S:
            self._stage.start(self._read(self._round, is_first=False))

    def _stop_growing(self) -> None:
        if self._grow is not None:
            self._grow.close()
            self._grow = None

    def _go_on(self) -> None:
        """The cursor holds something else: draw it, and fetch the state of its moment."""
        past, cursor = self._deck.past, self._deck.past.timeline.cursor
        past.moved()
        self._point()
        if cursor.timeline.numbers:
            self._fetcher.want(cursor.moment)

    def _point(self) -> None:
        """The chosen lane's life at the shown moment."""
        past = self._deck.past
        lane = past.timeline.cursor.chosen
        if lane is not None:
            past.point(lane.run_at(past.source.at), lane.name)

    def _show(self, state: AppState, moment: Moment) -> None:
        """A state came."""
        if self.is_open:
            self._deck.past.source.show(state, moment.at)
            self._point()

    def point_to(self, at: float | None, lane: int | None) -> None:
        """A moment or a lane was clicked."""
        cursor = self._deck.past.timeline.cursor
        self._stop_playing()
        if lane is not None:
            cursor.lane = lane
        if at is not None:
            cursor.go(cursor.timeline.moment_at(at))
        self._go_on()

    def point_to_event(self, place: int) -> None:
        """An event was clicked."""
        cursor = self._deck.past.timeline.cursor
        self._stop_playing()
        if place < len(cursor.timeline.events):
            event = cursor.timeline.events[place]
            cursor.go(Moment(event.number, event.at))
            self._go_on()

    def point_to_run(self, run_id: RunId) -> None:
        """The row of a run was clicked."""
        self._deck.past.timeline.cursor.choose(run_id)
        self._go_on()

    # Playing

    def _play_or_stop(self) -> None:
        cursor = self._deck.past.timeline.cursor
        if self._play is not None:
            self._stop_playing()
        elif cursor.is_at_end:
            self._stage.say("This is the end. home goes to the beginning, esc returns to now.")
        elif self._look.reduced_motion:
            cursor.do("next-event")
            self._go_on()
        else:
            self._played_at = self._clock.monotonic()
            self._play = Beat(self._deck.past.timeline, PLAY_S, self._tick)

    def _stop_playing(self) -> None:
        if self._play is not None:
            self._play.close()
            self._play = None

    def _tick(self) -> None:
        if self._play is None:
            return  # told before it was stopped
        cursor, now = self._deck.past.timeline.cursor, self._clock.monotonic()
        cursor.go(cursor.timeline.played(cursor.moment, now - self._played_at))
        self._played_at = now
        if cursor.is_at_end:
            self._stop_playing()
            self._stage.say("This is the end. esc returns to now.")
        self._go_on()
