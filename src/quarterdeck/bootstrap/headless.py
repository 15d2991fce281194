"""One teammate does one task without a screen: `quarterdeck run`. Prints text, JSON, or JSON lines.

JSON (schema 1): `schema`, `session_id`, `run_id`, `outcome`, `exit_code`, `findings`, `error`, `usage`,
`steps`, `tools`, `duration_s`, `refused` (list of `tool`, `what`), `unanswered` (list of kinds).
"""

import asyncio
import sys
from typing import Any

import msgspec

from quarterdeck.bootstrap.events import Event, usage_fields
from quarterdeck.bootstrap.logs import log_events
from quarterdeck.bootstrap.printing import Printer
from quarterdeck.bootstrap.session import Session, SessionConfig, log_fault
from quarterdeck.bootstrap.signals import on_ending_signal, settle
from quarterdeck.config.settings import SettingsFault
from quarterdeck.domain.display_text import clean
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime, Outcome, SpawnConfig
from quarterdeck.llm.faults import ModelFault
from quarterdeck.runtime.scopes import ScopeTree, exit_now
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.teammates import Teammate

DONE, FAILED, USAGE, LIMIT, UNANSWERED = 0, 1, 2, 3, 4
READER_GONE = 141
"""128 + SIGPIPE, as a shell tells it."""
NAME = "worker"
LAST_WORDS_S = 2.0
"""How long a reader that does not read holds the end up, once time is up or a signal came."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What `run` shall do."""

    text: str
    output_format: str = "text"
    max_turns: int | None = None
    max_duration_s: float | None = None


def run_task(config: SessionConfig, task: Task) -> int:
    """Play it to its end and print it; the exit code. Never waits for what was abandoned."""
    return asyncio.run(_run(config, task))


async def _run(config: SessionConfig, task: Task) -> int:
    code = await _play(config, task)
    # Inside the loop: with a task that swallows its cancellation `asyncio.run` would never return.
    exit_now(code)
    return code


async def _play(config: SessionConfig, task: Task) -> int:
    session = Session(msgspec.structs.replace(config, person_is_there=False))
    log_events(session.store)
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    # A tree of its own: the last line is printed when the session's has ended.
    printed = Printer(ScopeTree(on_fault=log_fault), lambda: settle(ended, READER_GONE), session.kept)
    is_streamed = task.output_format == "stream-json"
    unobserve = session.store.observe(printed.events) if is_streamed else None

    session.store.observe(_say_faults)

    def end(code: int) -> None:
        stop.set()
        settle(ended, code)

    remove = on_ending_signal(end)
    started = session.clock.monotonic()
    said = ""
    try:
        run_id, code = await _work(session, task, ended)
        if run_id is not None:
            said = session.store.state.team.by_run[run_id].final_text  # the state may soon hold less of it
    finally:
        await session.close()
        if unobserve is not None:
            unobserve()  # what is told from here on comes too late for the result to be the last line
    spent_s = session.clock.monotonic() - started
    if run_id is not None:
        # The last line: by now every run, its children too, has had its end told.
        _print_result(session, run_id, said, task, printed, code, spent_s)
    is_over = stop.is_set() or code == LIMIT
    await printed.finish(stop, LAST_WORDS_S if is_over else _less(task.max_duration_s, spent_s))
    remove()
    return code


def _say_faults(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
    """What is wrong and belongs to no run: the screen has a line for it, here it is standard error."""
    if isinstance(action, did.NoticeRaised) and action.is_fault:
        sys.stderr.write(f"quarterdeck: {clean(action.text)}\n")


async def _work(session: Session, task: Task, ended: "asyncio.Future[int]") -> tuple[RunId | None, int]:
    """Let one teammate do it; its run (None: it never started) and the exit code."""
    started = session.clock.monotonic()
    session.open()
    early = await _choose_model(session, ended, task.max_duration_s)
    if early:
        return None, early
    spawned = session.supervisor.spawn(
        SpawnConfig(name=NAME, prompt=task.text, lifetime=Lifetime.TASK, max_turns=task.max_turns)
    )
    if spawned.run_id is None:
        sys.stderr.write(f"quarterdeck: {clean(spawned.error)}\n")
        return None, USAGE
    session.scopes.start_task(_tell_end(session, spawned.run_id, ended), name="wait for the end")
    spent_s = session.clock.monotonic() - started
    return spawned.run_id, await _wait(session, spawned.run_id, ended, _less(task.max_duration_s, spent_s))


async def _choose_model(session: Session, ended: "asyncio.Future[int]", within_s: float | None) -> int:
    """Ask the endpoint for a model where none is set; an exit code when the end came first, else 0."""
    if session.chosen_model is not None:
        return 0
    asking = session.scopes.start_task(first_model(session), name="ask for a model")
    either: set[asyncio.Future[Any]] = {asking, ended}
    await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    if not asking.done():
        return ended.result() if ended.done() else LIMIT
    session.chosen_model = asking.result()
    return 0


def _less(limit_s: float | None, spent_s: float) -> float | None:
    return None if limit_s is None else max(0.0, limit_s - spent_s)


async def first_model(session: Session) -> str | None:
    """The first model that the endpoint offers; None: it offers none, and the spawn says so.

    :raises SettingsFault: it cannot be asked.
    """
    try:
        models = await session.model.list_models()
    except ModelFault as fault:
        raise SettingsFault(fault.message) from fault
    return models[0] if models else None


async def _tell_end(session: Session, run_id: RunId, ended: "asyncio.Future[int]") -> None:
    """Wait until the run is terminal: idle alone is not the end."""
    changed = asyncio.Event()
    unsubscribe = session.store.subscribe(changed.set)
    while not session.store.state.team.by_run[run_id].is_terminal:
        changed.clear()
        await changed.wait()
    unsubscribe()
    settle(ended, -1)


async def _wait(
    session: Session, run_id: RunId, ended: "asyncio.Future[int]", max_duration_s: float | None
) -> int:
    done, _ = await asyncio.wait({ended}, timeout=max_duration_s)
    if not done:
        session.supervisor.kill(run_id, by="its time limit", outcome=Outcome.TIMED_OUT)
        return LIMIT
    if ended.result() > 0:
        session.supervisor.kill(run_id, by="a signal")
        return ended.result()
    return exit_code(session, session.store.state.team.by_run[run_id])


def exit_code(session: Session, mate: Teammate) -> int:
    """What became of the run, as `run` tells it."""
    if mate.outcome is Outcome.FAILED:
        return FAILED
    if mate.outcome is Outcome.TIMED_OUT or (mate.outcome is Outcome.STOPPED and "most turns" in mate.error):
        return LIMIT
    if session.refused or session.requests.unanswered:
        return UNANSWERED
    return DONE if mate.outcome is Outcome.COMPLETED else FAILED


def _print_result(
    session: Session, run_id: RunId, said: str, task: Task, printed: Printer, code: int, duration_s: float
) -> None:
    mate = session.store.state.team.by_run[run_id]
    mate = msgspec.structs.replace(mate, final_text=said or mate.final_text)
    match task.output_format:
        case "text":
            _print_text(session, mate, printed)
        case "stream-json":
            printed.line({"kind": "result", **_result(session, mate, code, duration_s)})
        case _:
            printed.line(_result(session, mate, code, duration_s))


def _print_text(session: Session, mate: Teammate, printed: Printer) -> None:
    if mate.final_text:
        printed.text(clean(mate.final_text))
    for _, tool, what in session.refused:
        sys.stderr.write(f"quarterdeck: not allowed: {tool} {clean(what)}\n")
    if mate.error:
        sys.stderr.write(f"quarterdeck: {clean(mate.error)}\n")
    elif mate.outcome is not Outcome.COMPLETED:
        sys.stderr.write(f"quarterdeck: {mate.name} {mate.outcome}.\n")


def _result(session: Session, mate: Teammate, code: int, duration_s: float) -> Event:
    return {
        "schema": 1,
        "session_id": session.store.state.session.id,
        "run_id": mate.run_id,
        "outcome": mate.outcome.value if mate.outcome is not None else "unknown",
        "exit_code": code,
        "findings": mate.final_text,
        "error": mate.error,
        "usage": usage_fields(mate.usage),
        "steps": mate.steps,
        "tools": mate.tools,
        "duration_s": round(duration_s, 3),
        "refused": [{"tool": tool, "what": what} for _, tool, what in session.refused],
        "unanswered": [kind for _, kind in session.requests.unanswered],
    }
