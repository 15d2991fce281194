"""A hand on the screen: an app over a made-up state with a clock that only the test moves, and timed keys.

Keys carry the times that the test gives them, so that guards are tested without waiting.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from textual import events
from textual.pilot import Pilot
from textual.strip import Strip

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.keymap import Place
from quarterdeck.tui.settings import Clock, ScreenSettings, SignSet
from quarterdeck.tui.theming import load_themes
from tests.support import states
from tests.support.fake_controller import FakeArchive, Recorder, fake_controller

DEADLINE_S = 5.0
CHARACTERS = {
    "question_mark": "?",
    "colon": ":",
    "space": " ",
    "slash": "/",
    "dollar_sign": "$",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
    "minus": "-",
    "plus": "+",
}


class Hand:
    """Presses keys at given times and looks at what the screen shows."""

    def __init__(self, app: QuarterdeckApp, store: Store, recorder: Recorder) -> None:
        self.app = app
        self.store = store
        self.recorder = recorder
        self.now = self._began = time.monotonic() - 1000.0
        """The clock of screen and keys, `wall` goes with it. Behind the machine's, which times clicks."""
        self.pilot: Pilot[int] | None = None

    def wall(self) -> float:
        """Epoch seconds; `states.NOW` at the start."""
        return states.NOW + self.now - self._began

    async def settle(self) -> None:
        """Until the screen has taken in what happened: all queues, all frames."""
        assert self.pilot is not None
        await self.pilot.pause()
        await asyncio.sleep(0.045)  # one frame of `connect` (1/30 s), which has no event to wait for
        await self.pilot.pause()
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while self._is_dirty() and asyncio.get_running_loop().time() < end:
            await self.pilot.pause(0.01)  # a busy machine paints late, and guards count from the paint

    def _is_dirty(self) -> bool:
        """Whether something waits to be laid out or painted."""
        one = self.app.screen
        return bool(
            one._layout_required or one._scroll_required or one._repaint_required or one._dirty_widgets
        )

    async def press(self, *keys: str, gap: float = 1.0) -> None:
        """Press each key `gap` seconds after what was before."""
        for key in keys:
            self.now += gap
            await self.press_at(key, self.now)

    async def press_at(self, key: str, at: float) -> None:
        """One key whose own time is `at`; the clock stays where it is."""
        character = CHARACTERS.get(key, key if len(key) == 1 else None)
        event = events.Key(key, character)
        event.time = at
        self.app.post_message(event)
        await self.settle()

    async def tell(self, *facts: did.Action) -> None:
        """Facts come true and are painted."""
        for fact in facts:
            self.store.dispatch(fact)
        await self.settle()

    async def until(self, is_so: Callable[[], bool], what: str = "it") -> None:
        """Wait until something is so, up to a deadline."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while not is_so():
            assert asyncio.get_running_loop().time() < end, f"{what} did not come true:\n{self.text}"
            await self.settle()

    @property
    def archive(self) -> FakeArchive:
        """What is kept, to put things into."""
        archive = self.app._controller.archive
        assert isinstance(archive, FakeArchive)
        return archive

    async def find(self, words: str) -> None:
        """Type into the search, fast, and wait for what it finds."""
        for letter in words:
            await self.press("space" if letter == " " else letter, gap=0.02)
        self.now += 1.0
        results = self.app.deck.search.results
        await self.until(lambda: results.words == words and not results.is_searching, "the answer")
        await self.settle()

    def is_at(self, place: Place) -> bool:
        """Whether this place has the keys."""
        return self.app.desk.here.place is place

    @property
    def notice(self) -> str:
        """The notice line."""
        return self.app.deck.notice.text

    @property
    def strips(self) -> list[Strip]:
        """The whole screen as it is painted."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        colour = self.app.screen.background_colors[1]
        for one in self.app.get_line_filters():
            strips = [strip.apply_filter(one, colour) for strip in strips]
        return strips

    @property
    def lines(self) -> list[str]:
        """The whole screen as text."""
        return [strip.text.rstrip() for strip in self.strips]

    @property
    def text(self) -> str:
        """The whole screen as one text."""
        return "\n".join(self.lines)

    @property
    def asked(self) -> list[object]:
        """The names of what was asked of the controller, looking aside."""
        aside = ("view", "see", "page", "runs", "search", "last_here")
        return [name for name in self.recorder.names() if name not in aside]


@asynccontextmanager
async def screen(
    state: AppState | None = None,
    *,
    size: tuple[int, int] = (120, 36),
    acts: bool = True,
    signs: SignSet = SignSet.UNICODE,
    no_color: bool = False,
    reduced_motion: bool = True,
    told: Sequence[did.Action] = (),
) -> AsyncIterator[Hand]:
    """The app over `state` and what was `told` since, painted, with the guard's time gone by."""
    store = Store(state if state is not None else states.shop())
    controller, recorder = fake_controller(store, acts=acts, wall=lambda: hand.wall())
    for fact in told:
        store.dispatch(fact)
    themes, _faults = load_themes()
    app = QuarterdeckApp(
        store,
        controller,
        themes=themes,
        clock=Clock(wall=lambda: hand.wall(), monotonic=lambda: hand.now),
        settings=ScreenSettings(signs=signs, no_color=no_color, reduced_motion=reduced_motion, version="0.1"),
    )
    hand = Hand(app, store, recorder)
    async with app.run_test(size=size) as pilot:
        hand.pilot = pilot
        await hand.settle()
        hand.now += 1.0
        yield hand
