"""The demo on the screen: the same stage and team as headless, with the person at the keys."""

from quarterdeck.bootstrap.demo.stage import DemoOptions, Stage, demo_config, set_up, spawn_team
from quarterdeck.bootstrap.environment import Given
from quarterdeck.bootstrap.logs import refuse
from quarterdeck.bootstrap.screen import ScreenJob, run_screen
from quarterdeck.bootstrap.session import SessionConfig


def show_demo(given: Given, options: DemoOptions, base: SessionConfig, *, theme: str | None) -> int:
    """Play it until the person quits; the folder goes with the session."""
    stages: list[Stage] = []

    async def make() -> ScreenJob:
        stage = await set_up(options)
        stages.append(stage)
        return ScreenJob(given=given, config=demo_config(stage, base), theme=theme, spawn=spawn_team)

    async def after() -> None:
        for stage in stages:
            await stage.clear()

    try:
        return run_screen(make, after)
    except (OSError, ValueError) as fault:
        return refuse(fault)
