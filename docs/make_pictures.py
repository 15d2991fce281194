"""Draws the docs' pictures from the running demo: every theme at three sizes, and the moments that matter.

`python docs/make_pictures.py` (needs rsvg-convert and a monospaced font; nothing of the program needs them).
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

if Path("/usr/bin/python3").exists():
    sys.executable = "/usr/bin/python3"  # the commands on the pictures name no folder of this checkout
os.environ.setdefault("QUARTERDECK_HOME", tempfile.mkdtemp(prefix="quarterdeck-pictures-"))

from textual.pilot import Pilot

from quarterdeck.bootstrap.controller import controller_for
from quarterdeck.bootstrap.demo.stage import DemoOptions, Stage, demo_config, set_up, spawn_team
from quarterdeck.bootstrap.files import FolderFiles
from quarterdeck.bootstrap.session import Session
from quarterdeck.domain.requests import PermissionRequest, PlanRequest
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_request_of
from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.settings import ScreenSettings
from quarterdeck.tui.theming import load_themes

FOLDER = Path(__file__).parent / "pictures"
SIZES = ((80, 24), (120, 36), (200, 60))
MOMENTS = ("work", "plan", "revision", "permission", "kill", "history", "help")
FEEDBACK = "Keep the signature, and test a negative amount."


def to_png(svg: str, path: Path) -> None:
    """Convert without the web font that the drawing names."""
    plain = re.sub(r"@font-face\s*{[^}]*}", "", svg).replace("Fira Code", "DejaVu Sans Mono")
    plain = plain.replace("<svg ", '<svg xml:space="preserve" ', 1)
    source = path.with_suffix(".svg")
    source.write_text(plain, "utf-8")
    subprocess.run(["rsvg-convert", "--zoom", "0.8", "-o", str(path), str(source)], check=True)
    source.unlink()


class Painter:
    """Plays the story once and draws it in the given theme and size."""

    def __init__(self, theme: str, size: tuple[int, int], moments: tuple[str, ...]) -> None:
        self._theme = theme
        self._size = size
        self._moments = moments

    async def draw(self) -> None:
        """All wanted moments, in order."""
        stage = await set_up(DemoOptions())
        session = Session(demo_config(stage))
        session.open()
        try:
            await self._play(session, stage)
        finally:
            await session.close()
            await stage.clear()

    async def _play(self, session: Session, stage: Stage) -> None:
        themes, _ = load_themes(None)
        app = QuarterdeckApp(
            session.store,
            controller_for(session, stage.folder / "settings.toml", FolderFiles(stage.folder)),
            themes=themes,
            settings=ScreenSettings(theme=self._theme),
        )
        runs = spawn_team(session)
        async with app.run_test(size=self._size) as pilot:

            async def until(holds: Callable[[AppState], object]) -> None:
                async with asyncio.timeout(60):
                    while not holds(session.store.state):
                        await pilot.pause(0.05)
                await pilot.pause(0.6)

            def plan(version: int) -> Callable[[AppState], bool]:
                def there(state: AppState) -> bool:
                    request = select_request_of(state, runs["coder"])
                    return isinstance(request, PlanRequest) and request.version == version

                return there

            await until(plan(1))
            self._keep(app, "work")
            if self._moments == ("work",):
                return
            await self._press(pilot, "n")
            self._keep(app, "plan")
            await self._press(pilot, "d", *FEEDBACK.replace(" ", "~"))
            await self._press(pilot, "enter")
            await until(plan(2))
            await self._press(pilot, "n")
            self._keep(app, "revision")
            await self._press(pilot, "a")
            await until(lambda state: isinstance(select_request_of(state, runs["tester"]), PermissionRequest))
            await self._press(pilot, "n")
            self._keep(app, "permission")
            await self._press(pilot, "a")
            await until(lambda state: state.team.by_run[runs["tester"]].is_idle)
            await self._press(pilot, "g")
            while app.deck.roster.selected != runs["runaway"]:
                await self._press(pilot, "j")
            await self._press(pilot, "x")
            await until(lambda state: state.team.by_run[runs["runaway"]].kill is not None)
            self._keep(app, "kill")
            await until(lambda state: runs["runaway"] in state.team.history)
            await self._press(pilot, "h")
            self._keep(app, "history")
            await self._press(pilot, "escape")
            await self._press(pilot, "question_mark")
            self._keep(app, "help")

    async def _press(self, pilot: "Pilot[int]", *keys: str) -> None:
        """As a person would: not before it was seen, and with a moment between."""
        await pilot.pause(0.5)
        await pilot.press(*("space" if key == "~" else key for key in keys))
        await pilot.pause(0.8)

    def _keep(self, app: QuarterdeckApp, moment: str) -> None:
        if moment not in self._moments:
            return
        width, height = self._size
        name = self._theme.removeprefix("quarterdeck-")
        title = f"quarterdeck {moment}"
        to_png(app.export_screenshot(title=title), FOLDER / f"{moment}-{name}-{width}x{height}.png")


async def main(wanted: list[str]) -> None:
    """Everything, or the moments that are named."""
    FOLDER.mkdir(exist_ok=True)
    themes, _ = load_themes(None)
    if not wanted or "work" in wanted:
        for theme in themes:
            for size in SIZES:
                await Painter(theme, size, ("work",)).draw()
    rest = tuple(moment for moment in MOMENTS[1:] if not wanted or moment in wanted)
    if rest:
        for size in SIZES:
            await Painter("quarterdeck-dark", size, rest).draw()


if __name__ == "__main__":
    if shutil.which("rsvg-convert") is None:
        sys.exit("rsvg-convert is missing; it makes the pictures.")
    asyncio.run(main(sys.argv[1:]))
