"""What the lean compositor writes to the terminal is what Textual's own would write."""

import re
from collections.abc import Iterator

import pytest
from textual._compositor import ChopsUpdate, Compositor

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.lean_compositor import LeanCompositor
from quarterdeck.tui.roster_rows import SIGN_AT
from tests.support import states
from tests.support.hand import screen
from tests.support.states import fold


def written(sequence: str) -> str:
    """Without moves of the cursor to where nothing is written."""
    return re.sub(r"\x1b\[\d+;\d+H(?=\n|$|\x1b\[\d+;\d+H)", "", sequence)


class Compared:
    """Every partial paint, drawn by both."""

    def __init__(self) -> None:
        self.paints = 0
        self.asked = [0, 0]
        """Rows that the lean one and Textual's asked widgets for."""


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    found = Compared()
    lean = LeanCompositor.render_partial_update
    lean_renders = LeanCompositor._get_renders

    def counting(self: LeanCompositor, crop: object = None) -> Iterator[object]:
        own = bool(self._changed)
        renders = lean_renders(self, crop) if own else Compositor._get_renders(self, crop)  # type: ignore[arg-type]
        for one in renders:
            found.asked[0 if own else 1] += len(one[2])
            yield one

    def both(self: LeanCompositor) -> ChopsUpdate | None:
        changed = self._dirty_regions.copy()
        drawn = lean(self)
        self._dirty_regions = changed
        other = Compositor.render_partial_update(self)
        assert (drawn is None) == (other is None)
        if drawn is not None and other is not None:
            console = self.root.app.console if self.root is not None else None
            assert console is not None
            assert written(drawn.render_segments(console)) == written(other.render_segments(console))
            found.paints += 1
        return drawn

    monkeypatch.setattr(LeanCompositor, "_get_renders", counting)
    monkeypatch.setattr(LeanCompositor, "render_partial_update", both)
    return found


async def test_every_paint_is_the_same_and_asks_for_a_fraction_of_the_rows(compared: Compared) -> None:
    async with screen(states.shop(), reduced_motion=False) as hand:
        for number in range(6):
            runs = hand.store.state.team.rows
            await hand.tell(
                did.TextStreamed(at=states.NOW, parts=tuple((one, f"word {number}\n\n- so") for one in runs))
            )
            hand.now += 0.1  # the spinners move on
            await hand.settle()
            await hand.press("j" if number % 2 else "k")
        await hand.press("m", *"hello [b]", "escape", "n", "d", *"no", "escape", "l", "2", "3", "h", "escape")
    assert compared.paints > 20
    assert compared.asked[0] * 3 < compared.asked[1]


async def test_a_spinner_that_moves_paints_its_sign_alone(compared: Compared) -> None:
    state = fold(AppState(), [states.opened(), *states.working("a"), states.used("a", 10, at=states.NOW)])
    async with screen(state, reduced_motion=False) as hand:
        painted: list[list[tuple[int, int, int]]] = []
        compositor = hand.app.screen._compositor
        update = compositor.render_partial_update

        def noting() -> ChopsUpdate | None:
            drawn = update()
            if drawn is not None:
                painted.append(list(drawn.spans))
            return drawn

        compositor.render_partial_update = noting  # type: ignore[method-assign]
        before = hand.lines[2][SIGN_AT]
        for _ in range(4):
            hand.now += 0.1
            await hand.settle()
        rows = [(start, end) for spans in painted for y, start, end in spans if y == 2]
        assert rows.count((SIGN_AT, SIGN_AT + 1)) >= 2, painted
        assert hand.lines[2][SIGN_AT] != before
