"""Whole screens against kept ones, beside this file in `screens/`: text, and how each cell is drawn.

A screen that was changed on purpose is kept anew with
`QUARTERDECK_KEEP_SCREENS=1 pytest tests/snapshots`; look at the difference before you commit it.
"""

import difflib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.tui.rendering.cells import width as cells_of
from tests.snapshots.drawing import STYLES, drawing
from tests.snapshots.scenes import SCENES, Scene
from tests.support.hand import screen
from tests.support.states import NOW

FOLDER = Path(__file__).parent / "screens"
KEEPS = bool(os.environ.get("QUARTERDECK_KEEP_SCREENS"))


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same zone on every machine, and nothing from its environment that changes the screen."""
    for name in ("NO_COLOR", "TEXTUAL_ANIMATIONS", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def draw(scene: Scene) -> str:
    """The scene, played and painted."""
    async with screen(
        scene.state(), size=scene.size, signs=scene.signs, no_color=scene.no_color, told=scene.told
    ) as hand:
        # Keys come a second apart, and no age grows by it: what a timer painted when is the same then.
        hand.wall = lambda: NOW  # type: ignore[method-assign] # this hand's own clock stands still
        assert hand.app.show_theme(scene.theme)
        if scene.play is not None:
            await scene.play(hand)
        await hand.settle()
        return drawing(hand)


def difference(kept: str, found: str) -> str:
    """What differs; the styles only where the text is the same."""
    parts = [(text.partition(STYLES)[0].splitlines(), text.splitlines()) for text in (kept, found)]
    (kept_rows, kept_all), (found_rows, found_all) = parts
    rows = kept_rows, found_rows
    lines = difflib.unified_diff(
        *(rows if kept_rows != found_rows else (kept_all, found_all)), "kept", "now", lineterm="", n=1
    )
    return "\n".join(lines)


@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_is_as_it_was_kept(name: str) -> None:
    path = FOLDER / f"{name}.txt"
    found = await draw(SCENES[name])
    if KEEPS:
        path.write_text(found, "utf-8")
    assert path.exists(), f"{path.name} has not been kept yet:\n{found}"
    kept = path.read_text("utf-8")
    assert kept == found, f"{name} is another screen than the kept one:\n{difference(kept, found)}"


def test_no_kept_screen_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SCENES)


@pytest.mark.parametrize("name", SCENES)
def test_no_row_of_a_kept_screen_is_wider_than_the_screen(name: str) -> None:
    rows = (FOLDER / f"{name}.txt").read_text("utf-8").partition(STYLES)[0].splitlines()
    width, height = SCENES[name].size if "resized" not in name else (60, 16)
    assert len(rows) == height
    assert all(cells_of(row) <= width for row in rows)
