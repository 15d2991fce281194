"""The composition root of a session: builds the concrete objects and joins the layers."""

import asyncio
import itertools
import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from platform import platform
from typing import Any, Protocol

import msgspec

from quarterdeck.bootstrap.model import Endpoint, LateModel
from quarterdeck.bootstrap.workers import WorkerShop
from quarterdeck.config.verbs import VERBS
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import PermissionMode, Way
from quarterdeck.permissions.rules import Rule
from quarterdeck.processes.service import ProcessService
from quarterdeck.project.workspace import Workspace
from quarterdeck.runtime.conversations import Conversations
from quarterdeck.runtime.epochs import Epochs
from quarterdeck.runtime.hooks import Hooks
from quarterdeck.runtime.housekeeping import Housekeeping
from quarterdeck.runtime.idle import IdleWaiters
from quarterdeck.runtime.kill import KillProver
from quarterdeck.runtime.ports import Clock, ModelPort, Worker
from quarterdeck.runtime.requests import Requests
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.shutdown import Shutdown
from quarterdeck.runtime.spawning import Spawned
from quarterdeck.runtime.supervisor import Defaults, Supervisor
from quarterdeck.runtime.system_prompt import Surroundings
from quarterdeck.runtime.teammate import PERSON, unanswered
from quarterdeck.runtime.text_merger import TextMerger, in_step
from quarterdeck.runtime.transitions import Transitions
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import DisplayDelays, select_living
from quarterdeck.state.store import Store

log = logging.getLogger("quarterdeck")

_LOGGED = "quarterdeck_logged"
"""Set on an error object that the log has."""


class SessionModel(ModelPort, Protocol):
    """The model of a session: steps, and what only the session itself asks for."""

    not_before: asyncio.Event | None
    """What must have happened before anything is imported or sent."""

    async def warm_up(self) -> None: ...
    async def list_models(self) -> tuple[str, ...]: ...
    async def close(self) -> None: ...


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is opened with."""

    folder: Path
    team: str
    endpoint: Endpoint
    endpoint_words: str = ""
    """For the screen: what the model is reached by."""
    model: str | None = None
    permission_mode: PermissionMode = PermissionMode.DEFAULT
    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    delays: DisplayDelays = DisplayDelays()
    stop_deadline_s: float = 60.0
    verbs: tuple[tuple[str, str], ...] = VERBS
    changes_verbs: bool = True
    person_is_there: bool = True


class Session:
    """One session's runtime. Made inside the event loop; `close` never waits for what was abandoned."""

    def __init__(self, config: SessionConfig, model: SessionModel | None = None) -> None:
        self.config = config
        self.clock = Clock(wall=time.time, monotonic=time.monotonic)
        self.ids = _counting_ids()
        owner = threading.get_ident()
        self.store = Store(check_owner=lambda: _check_owner(owner), log=log.warning)
        self.scopes = ScopeTree(on_fault=log_fault)
        self.epochs = Epochs()
        self.conversations = Conversations()
        self.store.observe(self.conversations.observe)
        self.hooks = Hooks(self.scopes, on_fault=log.warning)
        self.idle = IdleWaiters(is_idle=self._is_idle, on_fault=log.warning)
        transitions = Transitions(self.store, self.hooks, self.idle, self._in_background)
        self.dispatch = transitions.dispatch
        self.model: SessionModel = model or LateModel(config.endpoint)
        self.chosen_model = config.model
        self.processes = ProcessService()
        self.workspace = Workspace(str(config.folder))
        self.requests = Requests(self.store, self.dispatch, self.epochs, self.clock, self.ids)
        self.requests.is_anybody_there = config.person_is_there
        self.requests.on_orphan_answer = self._answer_later
        loop = asyncio.get_running_loop()
        self.merger = TextMerger(self.dispatch, wall_clock=self.clock.wall, call_later=in_step(loop))
        self.shutdown = Shutdown(self.scopes)
        self.refused: list[tuple[RunId, str, str]] = []
        """Headless: what nobody could allow (run, tool, what)."""
        self.supervisor = self._make_supervisor()
        self.housekeeping = Housekeeping(
            self.store,
            self.dispatch,
            self.supervisor,
            self.clock,
            self.new_verb,
            delays=config.delays,
            changes_verbs=config.changes_verbs,
        )

    def open(self) -> None:
        """Tell that the session is there and start what happens by time."""
        session_id = secrets.token_hex(4)
        self.supervisor.session_id = session_id
        self.dispatch(
            did.SessionOpened(
                at=self.clock.wall(),
                session_id=session_id,
                folder=str(self.config.folder),
                team=self.config.team,
                model=self.config.model,
                endpoint=self.config.endpoint_words,
            )
        )
        self._in_background(self.housekeeping.run_forever(), "housekeeping")

    def choose_model(self, model: str) -> None:
        """What teammates ask from now on, unless they are told another."""
        self.chosen_model = model
        state = self.store.state.session
        self.dispatch(
            did.SessionOpened(
                at=state.opened_at,
                session_id=state.id,
                folder=state.folder,
                team=state.team,
                model=model,
                endpoint=state.endpoint,
            )
        )

    async def close(self, *, by: str = "quit") -> None:
        """End every run, then the connections and processes. Bounded; abandoned tasks are left behind."""
        self.supervisor.make_worker = _refuse_worker
        await self.shutdown.run(lambda: self._kill_all(by))
        with suppress(TimeoutError):
            async with asyncio.timeout(3.0):
                await self.processes.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.model.close()
        await self.scopes.end(self.scopes.root)

    async def _model_ready(self) -> None:
        """Nothing is imported or sent before the screen's first paint."""
        if self.model.not_before is not None:
            await self.model.not_before.wait()

    def _kill_all(self, by: str) -> None:
        for mate in select_living(self.store.state.team):
            self.supervisor.kill(mate.run_id, by=by)

    def new_verb(self) -> tuple[str, str]:
        """A spinner verb, present and past."""
        return random.choice(self.config.verbs)

    def _make_supervisor(self) -> Supervisor:
        supervisor = Supervisor(
            self.store,
            self.dispatch,
            self.epochs,
            self.shutdown,
            self.clock,
            self.ids,
            Defaults(
                team=self.config.team,
                model=lambda: self.chosen_model,
                permission_mode=self.config.permission_mode,
                stop_deadline_s=self.config.stop_deadline_s,
            ),
            self.new_verb,
            self._revive_conversation,
        )
        shop = WorkerShop(
            store=self.store,
            dispatch=self.dispatch,
            scopes=self.scopes,
            epochs=self.epochs,
            requests=self.requests,
            supervisor=supervisor,
            prover=KillProver(self.scopes, self.model, self.processes, self.dispatch, self.clock),
            model=self.model,
            processes=self.processes,
            workspace=self.workspace,
            conversations=self.conversations,
            merger=self.merger,
            clock=self.clock,
            ids=self.ids,
            new_verb=self.new_verb,
            ready=self._model_ready,
            where=Surroundings(
                folder=str(self.workspace.root),
                platform=platform(terse=True),
                date=datetime.fromtimestamp(self.clock.wall()).astimezone().strftime("%Y-%m-%d"),
            ),
            allow=self.config.allow,
            deny=self.config.deny,
            on_refused=lambda run_id, tool, what: self.refused.append((run_id, tool, what)),
            on_crash=log_fault,
        )
        supervisor.make_worker = shop.make
        return supervisor

    def _revive_conversation(self, old: RunId, new: RunId) -> tuple[int, bool]:
        first = self.conversations.revive(old, new)
        return first, unanswered(self.conversations.history(new))

    def _answer_later(self, run_id: RunId, text: str) -> None:
        """A plan was answered whose turn is gone: the answer starts a turn."""
        self.supervisor.send(run_id, PERSON, text, Way.STEER)

    def _is_idle(self, run_id: RunId) -> bool:
        mate = self.store.state.team.by_run.get(run_id)
        return mate is None or mate.is_terminal or mate.is_idle

    def _in_background(self, coroutine: Coroutine[Any, Any, None], name: str) -> object:
        return self.scopes.start_task(coroutine, name=name)


def _counting_ids() -> Callable[[str], str]:
    """`run-7f3a-1`, …: unique over sessions by a random part, readable by a count."""
    part = secrets.token_hex(3)
    count = itertools.count(1)
    return lambda kind: f"{kind}-{part}-{next(count)}"


def _check_owner(owner: int) -> None:
    if threading.get_ident() != owner:
        raise RuntimeError("The store was told something from a foreign thread.")


def _refuse_worker(spawned: Spawned) -> Worker:
    raise RuntimeError("the session is ending")


def log_fault(name: str, error: BaseException) -> None:
    """Log it once: a fault inside a tool or a turn passes its own task, then those that wait for it."""
    if getattr(error, _LOGGED, False):
        return
    setattr(error, _LOGGED, True)
    log.warning("%s ended with %s: %s", name, type(error).__name__, error, exc_info=error)
