"""The screen over a session: `quarterdeck` and `quarterdeck demo`. It leaves the terminal restored."""

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from quarterdeck import __version__
from quarterdeck.bootstrap.controller import controller_for
from quarterdeck.bootstrap.environment import Given
from quarterdeck.bootstrap.files import FolderFiles
from quarterdeck.bootstrap.garbage import GarbageCollection
from quarterdeck.bootstrap.lasting_app import LastingApp
from quarterdeck.bootstrap.logs import log_events
from quarterdeck.bootstrap.recovery import Recovered
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.bootstrap.signals import on_ending_signal
from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifecycle, SpawnConfig, Way
from quarterdeck.llm.faults import ModelFault
from quarterdeck.runtime.event_loop import new_loop
from quarterdeck.runtime.scopes import exit_now
from quarterdeck.runtime.teammate import PERSON
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import select_living
from quarterdeck.tui.settings import ScreenSettings, SignSet
from quarterdeck.tui.theming import load_themes

log = logging.getLogger("quarterdeck")

Begin = Callable[[Session], Awaitable[None]]
"""What happens once the screen is painted: a model is looked for, a lead gets its prompt."""


class ScreenJob(msgspec.Struct, frozen=True, kw_only=True):
    """One session on the screen."""

    given: Given
    config: SessionConfig
    theme: str | None = None
    spawn: Callable[[Session], object] = lambda session: None
    """Who is there from the first paint on."""
    begin: Begin | None = None
    found: Recovered | None = None
    """The stored session that goes on."""
    go_on: Callable[[str], Awaitable["ScreenJob"]] | None = None
    """Takes over the session that the person wants instead of this one."""


def why_no_screen(environment: Mapping[str, str]) -> str:
    """Why this terminal can't show the screen, in one line; empty = it can."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        return "The screen needs a terminal. Without one: quarterdeck run TASK."
    if environment.get("TERM", "") in ("", "dumb"):
        return "TERM=dumb can't draw the screen. Without it: quarterdeck run TASK."
    return ""


async def show(job: ScreenJob) -> tuple[int, str]:
    """Play it until the person quits or a signal comes: the exit code, and the session that is wanted next.

    Called as the last thing of a loop.
    """
    session = Session(job.config, found=job.found)
    log_events(session.store)
    themes, faults = load_themes(job.given.themes_folder)
    app = LastingApp(
        session.store,
        controller_for(session, job.given.settings_path, FolderFiles(job.config.folder)),
        themes=themes,
        settings=_settings(job),
    )
    signalled: list[int] = []

    def end(code: int) -> None:
        signalled.append(code)
        app.exit(code)

    remove = on_ending_signal(end)
    session.open()
    for fault in faults:
        session.dispatch(did.NoticeRaised(at=session.clock.wall(), text=str(fault), is_fault=True))
    session.model.not_before = app.first_paint
    job.spawn(session)
    garbage = GarbageCollection(lambda: _is_quiet(session))
    session.scopes.start_task(_begin(app, session, job.begin, garbage, job.given), name="begin")
    code: int | None = None
    try:
        code = await app.run_async()
    finally:
        await session.close()
        garbage.close()
        remove()
    if app.crash is not None:
        kind, folder = type(app.crash).__name__, clean_name(str(job.given.log_folder))
        sys.stderr.write(f"quarterdeck: the screen crashed ({kind}). The log has the details: {folder}\n")
    if signalled:
        return signalled[0], ""
    return code if code is not None else (app.return_code or 0), app.wanted_session


async def _drop_old(state_folder: Path, days: float, session: Session) -> None:
    retention = importlib.import_module("quarterdeck.bootstrap.retention")
    now = session.clock.wall()
    gone = await run_in_thread(lambda: retention.drop_old(state_folder, days, now), name="retention")
    if gone:
        log.info("removed %d sessions older than %g days", len(gone), days)


async def _begin(
    app: LastingApp, session: Session, begin: Begin | None, garbage: GarbageCollection, given: Given
) -> None:
    """After the first paint: what it did not need is imported in a thread."""
    await app.first_paint.wait()
    await run_in_thread(_import_the_rest, name="imports")
    if begin is not None:
        await begin(session)
    if session.config.endpoint.is_set:
        await session.model.warm_up()
    if days := given.settings.retention_days:
        session.scopes.start_task(_drop_old(given.state_folder, days, session), name="retention")
    garbage.open()
    session.scopes.start_task(garbage.run_forever(), name="garbage")


def _import_the_rest() -> None:
    """What is needed as soon as somebody works: else the loop would wait for it then."""
    for module in ("markdown_it", "quarterdeck.tools.registry"):
        importlib.import_module(module)


def _is_quiet(session: Session) -> bool:
    """No turn is open."""
    team = session.store.state.team
    return all(team.by_run[run_id].place is not Lifecycle.EXECUTING for run_id in team.rows)


async def begin_lead(session: Session, prompt: str | None) -> None:
    """Find a model to ask; with a prompt, start the lead on it."""
    if session.chosen_model is None and session.config.endpoint.is_set:
        try:
            models = await session.model.list_models()
        except ModelFault as fault:
            _notice(session, fault.message)
            return
        if not models:
            _notice(session, "The endpoint offers no model. Set one: /model NAME.")
            return
        session.choose_model(models[0])
    if prompt and (lead := _living_lead(session)) is not None:
        session.supervisor.send(lead, PERSON, prompt, Way.STEER)
    elif prompt:
        result = session.supervisor.spawn(SpawnConfig(name="lead", prompt=prompt, is_lead=True))
        if not result.success:
            _notice(session, result.error)


def _living_lead(session: Session) -> RunId | None:
    living = select_living(session.store.state.team)
    return next((mate.run_id for mate in living if mate.is_lead), None)


def _notice(session: Session, text: str) -> None:
    session.dispatch(did.NoticeRaised(at=session.clock.wall(), text=clean_line(text), is_fault=True))


def _settings(job: ScreenJob) -> ScreenSettings:
    settings = job.given.settings
    still = settings.reduced_motion or os.environ.get("TEXTUAL_ANIMATIONS") == "none"
    return ScreenSettings(
        reduced_motion=still,
        signs=SignSet(settings.signs),
        delays=job.config.delays,
        theme=job.theme or settings.theme,
        no_color=bool(os.environ.get("NO_COLOR")),
        in_tmux="TMUX" in os.environ,
        version=__version__,
    )


def run_screen(
    make: Callable[[], Awaitable[ScreenJob]], after: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Make the job inside the loop, show it, clean up; the process ends even if a task never does."""

    async def run() -> int:
        try:
            job = await make()
            code, wanted = await show(job)
            while wanted and job.go_on is not None:
                job = await job.go_on(wanted)
                code, wanted = await show(job)
        finally:
            if after is not None:
                await after()
        exit_now(code)
        return code

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(run())
