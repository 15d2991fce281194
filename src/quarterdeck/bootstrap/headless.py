"""One teammate does one task without a screen: `quarterdeck run`. Prints text, JSON, or JSON lines.

JSON (schema 1): `schema`, `session_id`, `run_id`, `outcome`, `exit_code`, `findings`, `error`, `usage`,
`steps`, `tools`, `duration_s`, `refused` (list of `tool`, `what`), `unanswered` (list of kinds).
"""

import asyncio
import json
import sys
from typing import Any

import msgspec

from quarterdeck.bootstrap.events import Event, events_of, usage_fields
from quarterdeck.bootstrap.logs import log_events
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.bootstrap.signals import on_ending_signal, settle
from quarterdeck.config.settings import SettingsFault
from quarterdeck.domain.display_text import clean
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime, Outcome, SpawnConfig
from quarterdeck.llm.faults import ModelFault
from quarterdeck.runtime.scopes import exit_now
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.teammates import Teammate

DONE, FAILED, USAGE, LIMIT, UNANSWERED = 0, 1, 2, 3, 4
NAME = "worker"


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
    if task.output_format == "stream-json":
        session.store.observe(_print_events)
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    remove = on_ending_signal(lambda code: settle(ended, code))
    started = session.clock.monotonic()
    try:
        session.open()
        if session.chosen_model is None:
            session.chosen_model = await first_model(session)
        spawned = session.supervisor.spawn(
            SpawnConfig(name=NAME, prompt=task.text, lifetime=Lifetime.TASK, max_turns=task.max_turns)
        )
        if spawned.run_id is None:
            sys.stderr.write(f"quarterdeck: {clean(spawned.error)}\n")
            return USAGE
        run_id = spawned.run_id
        session.scopes.start_task(_tell_end(session, run_id, ended), name="wait for the end")
        code = await _wait(session, run_id, ended, task.max_duration_s)
        _print_result(session, run_id, task, code, session.clock.monotonic() - started)
        return code
    finally:
        await session.close()
        remove()


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


def _print_result(session: Session, run_id: RunId, task: Task, code: int, duration_s: float) -> None:
    mate = session.store.state.team.by_run[run_id]
    if task.output_format == "text":
        if mate.final_text:
            sys.stdout.write(f"{clean(mate.final_text)}\n")
        for _, tool, what in session.refused:
            sys.stderr.write(f"quarterdeck: not allowed: {tool} {clean(what)}\n")
        if mate.error:
            sys.stderr.write(f"quarterdeck: {clean(mate.error)}\n")
        elif mate.outcome is not Outcome.COMPLETED:
            sys.stderr.write(f"quarterdeck: {mate.name} {mate.outcome}.\n")
    else:
        result = _result(session, mate, code, duration_s)
        _print_line({"kind": "result", **result} if task.output_format == "stream-json" else result)
    sys.stdout.flush()


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


def _print_events(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
    for event in events_of(sequence, action, before, after):
        _print_line(event)


def _print_line(fields: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fields, ensure_ascii=True) + "\n")
    sys.stdout.flush()
