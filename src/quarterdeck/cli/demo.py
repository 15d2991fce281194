"""`quarterdeck demo`: the story on the screen, or headless."""

import argparse
import os
import secrets
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.demo.show import show_demo
from quarterdeck.bootstrap.demo.stage import DemoOptions
from quarterdeck.bootstrap.demo.story import play_headless
from quarterdeck.bootstrap.environment import check_address, read_given
from quarterdeck.bootstrap.logs import open_log
from quarterdeck.bootstrap.screen import why_no_screen
from quarterdeck.cli.parser import UsageFault, demo_parser
from quarterdeck.cli.session_options import check_theme, folder_here, session_config
from quarterdeck.storage.folders import SessionPlace


def run(arguments: list[str]) -> int:
    """The exit code; headless: 0 only when every step of the story held."""
    options = demo_parser().parse_args(arguments)
    given = read_given()
    check_theme(given, options.theme)
    check_address("--base-url", options.base_url)
    open_log(given.log_folder, given.secrets)
    stage = _stage_options(options)
    if options.headless:
        return play_headless(stage, max_duration_s=options.max_duration)
    if fault := why_no_screen(os.environ):
        raise UsageFault(fault)
    config = msgspec.structs.replace(
        session_config(given, options, folder_here()),
        session_id=secrets.token_hex(4),
        started_in=str(folder_here()),
    )
    if stage.folder is None:
        stage = msgspec.structs.replace(stage, home=_home(given.state_folder, config.session_id))
    return show_demo(given, stage, config, theme=options.theme)


def _home(state_folder: Path, session_id: str) -> Path | None:
    """A folder that lives as long as the session; None = it cannot be made, nor will the session be kept."""
    place = SessionPlace(state_folder, session_id)
    try:
        place.make()
        (place.folder / "workspace").mkdir(mode=0o700)
    except OSError:
        return None
    return place.folder / "workspace"


def _stage_options(options: argparse.Namespace) -> DemoOptions:
    folder = Path(options.folder) if options.folder else None
    if folder is not None and not folder.is_dir():
        raise UsageFault(f"--folder: {options.folder} is no folder.")
    return DemoOptions(
        scenario=Path(options.scenario) if options.scenario else None,
        folder=folder,
        base_url=options.base_url,
        log_path=Path(options.log) if options.log else None,
    )
