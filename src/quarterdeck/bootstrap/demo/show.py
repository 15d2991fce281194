"""The demo on the screen: the same stage and team as headless, with the person at the keys."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.demo.stage import DEMO, DemoOptions, Stage, demo_config, set_up, spawn_team
from quarterdeck.bootstrap.environment import Given
from quarterdeck.bootstrap.logs import refuse
from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.bootstrap.screen import ScreenJob, run_screen
from quarterdeck.bootstrap.session import SessionConfig


def show_demo(given: Given, options: DemoOptions, base: SessionConfig, *, theme: str | None) -> int:
    """Play it until the person quits; the folder goes with the session."""

    async def make(stages: list[Stage]) -> ScreenJob:
        stage = await set_up(options)
        stages.append(stage)
        return ScreenJob(given=given, config=demo_config(stage, base), theme=theme, spawn=spawn_team)

    return _show(make)


def show_again(given: Given, config: SessionConfig, found: Recovered, *, theme: str | None) -> int:
    """A stored session on the scripted model goes on, on the same story."""

    async def make(stages: list[Stage]) -> ScreenJob:
        return await job_again(given, config, found, stages, theme=theme)

    return _show(make)


async def job_again(
    given: Given, config: SessionConfig, found: Recovered, stages: list[Stage], *, theme: str | None
) -> ScreenJob:
    """The same, set up; its stage is added to those that are to be cleared."""
    scenario = None if config.scripted == DEMO else Path(config.scripted)
    stage = await set_up(DemoOptions(scenario=scenario, folder=config.folder))
    stages.append(stage)
    endpoint = demo_config(stage).endpoint
    return ScreenJob(
        given=given, config=msgspec.structs.replace(config, endpoint=endpoint), theme=theme, found=found
    )


def _show(make: Callable[[list[Stage]], Awaitable[ScreenJob]]) -> int:
    stages: list[Stage] = []

    async def after() -> None:
        for stage in stages:
            await stage.clear()

    try:
        return run_screen(lambda: make(stages), after)
    except (OSError, ValueError) as fault:
        return refuse(fault)
