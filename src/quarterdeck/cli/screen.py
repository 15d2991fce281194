"""`quarterdeck [PROMPT]`: the screen, in this folder."""

import os
from functools import partial

from quarterdeck.bootstrap.environment import read_given
from quarterdeck.bootstrap.logs import open_log
from quarterdeck.bootstrap.screen import ScreenJob, begin_lead, run_screen, why_no_screen
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
    job = ScreenJob(
        given=given, config=config, theme=options.theme, begin=partial(begin_lead, prompt=options.prompt)
    )

    async def make() -> ScreenJob:
        return job

    return run_screen(make)
