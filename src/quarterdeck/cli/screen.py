"""`quarterdeck [PROMPT]`: the screen, in this folder; `--continue` and `--resume` bring a session back."""

import argparse
import importlib
import os
from functools import partial
from typing import Any

from quarterdeck.bootstrap.environment import Given, read_given
from quarterdeck.bootstrap.logs import open_log
from quarterdeck.bootstrap.screen import Begin, ScreenJob, begin_lead, run_screen, why_no_screen
from quarterdeck.bootstrap.session import SessionConfig
from quarterdeck.cli.parser import UsageFault, screen_parser
from quarterdeck.cli.session_options import check_theme, folder_here, session_config


def run(arguments: list[str]) -> int:
    """The exit code: 0, or 128+n for a signal."""
    options = screen_parser().parse_args(arguments)
    if fault := why_no_screen(os.environ):
        raise UsageFault(fault)
    given = read_given()
    check_theme(given, options.theme)
    config = session_config(given, options, folder_here())
    open_log(given.log_folder, given.secrets)
    begin = partial(begin_lead, prompt=options.prompt)
    if options.goes_on or options.resume:
        return _go_on(given, options, config, begin)
    stages: list[Any] = []

    async def go_on(session_id: str) -> ScreenJob:
        # Late, as below; what was asked for on the command line was for the session that is left.
        resuming = importlib.import_module("quarterdeck.bootstrap.resuming")
        resumed = resuming.take_over(given.state_folder, session_id, config)
        if not resumed.config.scripted:
            return ScreenJob(given=given, config=resumed.config, theme=options.theme, found=resumed.found)
        show = importlib.import_module("quarterdeck.bootstrap.demo.show")
        again = show.job_again(given, resumed.config, resumed.found, stages, theme=options.theme)
        job: ScreenJob = await again
        return job

    async def make() -> ScreenJob:
        return ScreenJob(given=given, config=config, theme=options.theme, begin=begin, go_on=go_on)

    async def clear() -> None:
        for stage in stages:
            await stage.clear()

    return run_screen(make, clear)


def _go_on(given: Given, options: argparse.Namespace, config: SessionConfig, begin: Begin) -> int:
    # Late: the database's library would hold up the first paint of a new session.
    resuming = importlib.import_module("quarterdeck.bootstrap.resuming")
    if options.resume:
        stored = importlib.import_module("quarterdeck.cli.stored")
        session_id = stored.pick_session(given.state_folder, options.resume)
    else:
        session_id = resuming.newest_started_in(given.state_folder, config.folder)
    resumed = resuming.take_over(given.state_folder, session_id, config)
    show = importlib.import_module("quarterdeck.bootstrap.demo.show")
    if resumed.config.scripted:
        return int(show.show_again(given, resumed.config, resumed.found, theme=options.theme))

    async def make() -> ScreenJob:
        return ScreenJob(
            given=given, config=resumed.config, theme=options.theme, begin=begin, found=resumed.found
        )

    return run_screen(make)
