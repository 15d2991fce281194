"""The composition root of a session: builds the concrete objects and joins the layers."""

import asyncio
import importlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from platform import platform
from typing import Any, Protocol

import msgspec

from quarterdeck.bootstrap.counting_ids import counting_ids
from quarterdeck.bootstrap.keeping import Keep, Keeper
from quarterdeck.bootstrap.model import Endpoint, LateModel
from quarterdeck.bootstrap.recovery import Parts, Recovered, recover, tell_live_text
from quarterdeck.bootstrap.workers import WorkerShop
from quarterdeck.config.verbs import VERBS
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.messages import Message
from quarterdeck.domain.requests import Answer, Request
from quarterdeck.domain.teammates import Lifecycle, Outcome, PermissionMode, Way
from quarterdeck.llm.history import repair
from quarterdeck.permissions.rules import Rule
from quarterdeck.processes.service import ProcessService
from quarterdeck.project.workspace import Workspace
from quarterdeck.runtime.cleanup import CleanUp
from quarterdeck.runtime.conversations import Conversations
from quarterdeck.runtime.epochs import Epochs
from quarterdeck.runtime.hooks import Hooks
from quarterdeck.runtime.housekeeping import Housekeeping
from quarterdeck.runtime.idle import IdleWaiters
from quarterdeck.runtime.kill import KillProver
from quarterdeck.runtime.ports import Clock, ModelPort, Worker
from quarterdeck.runtime.registry import Registry
from quarterdeck.runtime.requests import Requests
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.shutdown import Shutdown
from quarterdeck.runtime.spawning import Spawned
from quarterdeck.runtime.supervisor import Defaults, Supervisor
from quarterdeck.runtime.system_prompt import Surroundings
from quarterdeck.runtime.teammate import PERSON, unanswered
from quarterdeck.runtime.text_merger import TextMerger, in_step
from quarterdeck.runtime.threads import only_this_thread, run_in_thread
from quarterdeck.runtime.transitions import Transitions
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import DisplayDelays, select_lives, select_living
from quarterdeck.state.store import Store
from quarterdeck.storage.journal import Keeping

log = logging.getLogger("quarterdeck")

_KEEPING_WORDS = {
    Keeping.KEEPING: "The disk takes writes again; everything is saved.",
    Keeping.STUCK: "{words} No new tool call starts; all so far is saved. It goes on by itself.",
    Keeping.MEMORY: "Nothing of this session is kept from here on. {words}",
}

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
    keep: Keep | None = None
    """Where it is kept on disk; None = in memory alone."""
    session_id: str = ""
    """Of the session that is resumed; empty = a new one."""
    started_in: str = ""
    """The folder that the program was started in, where that is not `folder`."""
    scripted: str = ""
    """What the scripted model plays, as it is started again."""


class Session:
    """One session's runtime. Made inside the event loop; `close` never waits for what was abandoned."""

    def __init__(
        self, config: SessionConfig, model: SessionModel | None = None, found: Recovered | None = None
    ) -> None:
        self.config = config
        self.found = found
        self.id = config.session_id or secrets.token_hex(4)
        self.clock = Clock(wall=time.time, monotonic=time.monotonic)
        self.ids = counting_ids()
        self.store = Store(
            found.state if found is not None else None,
            check_owner=only_this_thread("The store was told something"),
            log=log.warning,
            sequence=found.last if found is not None else 0,
        )
        self.scopes = ScopeTree(on_fault=log_fault)
        self.epochs = Epochs()
        self.keeper = self._make_keeper(config.keep) if config.keep is not None else None
        self.conversations = Conversations(lambda action: self.dispatch(action), self.clock.wall)
        if self.keeper is not None:
            self.conversations.keep_on_disk(self._load_messages, self.keeper.is_kept)
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
        self.requests.when_kept = self.when_kept
        loop = asyncio.get_running_loop()
        self.merger = TextMerger(self.dispatch, wall_clock=self.clock.wall, call_later=in_step(loop))
        self.shutdown = Shutdown(self.scopes)
        self.refused: list[tuple[RunId, str, str]] = []
        """Headless: what nobody could allow (run, tool, what)."""
        self.supervisor = self._make_supervisor()
        self.registry = Registry(self.store, self.dispatch, self.clock, self.supervisor.announcer)
        self.clean_up = CleanUp(
            self.store, self.dispatch, self.clock, self.when_kept, self.conversations.next_entry
        )
        self.supervisor.clean_up = self.clean_up.ended
        self.housekeeping = self._make_housekeeping()

    def open(self) -> None:
        """Tell that the session is there and start what happens by time."""
        self.supervisor.session_id = self.id
        if self.found is None:
            self._tell_opened(self.config.model, self.clock.wall())
        else:
            self.conversations.come_back(self.found.next_entries, self.found.state.transcripts)
            recover(self._parts, self.found)
        if self.keeper is not None:
            self.keeper.start(self._meta())
        self.clean_up.come_back()
        self._in_background(self.housekeeping.run_forever(), "housekeeping")

    @property
    def _parts(self) -> Parts:
        return Parts(self.store, self.dispatch, self.supervisor, self.conversations, self.clock)

    def choose_model(self, model: str) -> None:
        """What teammates ask from now on, unless they are told another."""
        self.chosen_model = model
        self._tell_opened(model, self.store.state.session.opened_at)

    def _tell_opened(self, model: str | None, at: float) -> None:
        config = self.config
        self.dispatch(
            did.SessionOpened(
                at=at,
                session_id=self.id,
                folder=str(config.folder),
                team=config.team,
                model=model,
                endpoint=config.endpoint_words,
                started_in=config.started_in,
                scripted=config.scripted,
            )
        )

    def _meta(self) -> dict[str, str]:
        """What is listed of it without reading its facts."""
        config, session = self.config, self.store.state.session
        return {
            "session_id": self.id,
            "started_in": config.started_in or str(config.folder),
            "folder": str(config.folder),
            "team": config.team,
            "opened_at": repr(session.opened_at),
            "endpoint": config.endpoint_words,
            "scripted": config.scripted,
        }

    async def kept(self) -> None:
        """Return once everything told so far is on disk; at once for a session in memory."""
        if self.keeper is not None:
            await self.keeper.journal.committed()

    def when_kept(self, call: Callable[[], None]) -> None:
        """Call once everything told so far is on disk."""
        if self.keeper is None:
            call()
            return

        async def later() -> None:
            await self.kept()
            call()

        self._in_background(later(), "when kept")

    def _make_keeper(self, keep: Keep) -> Keeper:
        return Keeper(keep, self.id, self.store, self.scopes, self._keeping_changed)

    def _keeping_changed(self, keeping: Keeping, words: str) -> None:
        log.warning("journal %s %s", keeping.value, words)
        self.dispatch(
            did.NoticeRaised(
                at=self.clock.wall(),
                text=_KEEPING_WORDS[keeping].format(words=words),
                is_fault=keeping is not Keeping.KEEPING,
            )
        )

    async def _load_messages(self, run_id: RunId) -> tuple[Message, ...]:
        """From disk, what this process has added to it included."""
        if self.keeper is None:
            return ()
        await self.kept()
        path, lives = self.keeper.place.database, select_lives(self.store.state.team, run_id)

        def load() -> tuple[Message, ...]:
            stored = importlib.import_module("quarterdeck.bootstrap.stored")
            found: tuple[Message, ...] = stored.read_messages(path, lives)
            return found

        return await run_in_thread(load, name="load a conversation")

    async def close(self, *, by: str = "quit") -> None:
        """End every run, then the connections and processes. Bounded; abandoned tasks are left behind."""
        self.supervisor.make_worker = _refuse_worker
        self.supervisor.is_closing = True
        await self.shutdown.run(lambda: self._end_all(by))
        with suppress(TimeoutError):
            async with asyncio.timeout(3.0):
                await self.processes.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.model.close()
        if self.keeper is not None:
            self.dispatch(did.SessionClosed(at=self.clock.wall()))
            await self.keeper.close()
        await self.scopes.end(self.scopes.root)

    async def _model_ready(self) -> None:
        """Nothing is imported or sent before the screen's first paint."""
        if self.model.not_before is not None:
            await self.model.not_before.wait()

    def _end_all(self, by: str) -> None:
        """Kill every run; in a session that can come back, those without a turn come back as they are."""
        comes_back = self.keeper is not None and self.config.person_is_there
        for mate in select_living(self.store.state.team):
            if not comes_back:
                self.supervisor.kill(mate.run_id, by=by)
            elif mate.place in (Lifecycle.EXECUTING, Lifecycle.WAITING):
                tell_live_text(self._parts, mate)
                self.supervisor.kill(mate.run_id, by=by, outcome=Outcome.UNKNOWN)
            else:
                self.supervisor.leave(mate.run_id)

    def _make_housekeeping(self) -> Housekeeping:
        return Housekeeping(
            self.store,
            self.dispatch,
            self.supervisor,
            self.clock,
            self.new_verb,
            delays=self.config.delays,
            changes_verbs=self.config.changes_verbs,
            chores=(self.supervisor.announcer.tick, self.clean_up.tick),
        )

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
            kept=self.kept,
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

    def answer(self, request_id: RequestId, version: int, answer: Answer) -> str:
        """The person's answer; to a request that outlived its run, it revives the teammate with it.

        Empty = it counted; else one line that says why not.
        """
        request = self.store.state.inbox.by_id.get(request_id)
        if request is None or request_id not in self.store.state.inbox.suspended:
            return self.requests.answer(request_id, version, answer)
        if request.version != version:
            return f"It changed to v{request.version} meanwhile. Nothing was answered."
        self._in_background(self._revive_with(request, version, answer), "revive with an answer")
        return ""

    async def _revive_with(self, request: Request, version: int, answer: Answer) -> None:
        await self.prepare_revival(request.run_id)
        if request.id not in self.store.state.inbox.suspended:
            return  # answered or dismissed meanwhile
        revived = self.supervisor.revive(request.run_id)
        fault = revived.error if revived.run_id is None else self.requests.answer(request.id, version, answer)
        if fault:
            self.dispatch(did.NoticeRaised(at=self.clock.wall(), text=fault, is_fault=True))

    async def prepare_revival(self, run_id: RunId) -> None:
        """Have its conversation at hand: before `supervisor.revive`."""
        await self.conversations.loaded(run_id)

    def _revive_conversation(self, old: RunId, new: RunId) -> tuple[int, bool]:
        first = self.conversations.revive(old, new)
        was_cut_off = self.store.state.team.by_run[old].outcome is Outcome.UNKNOWN
        return first, was_cut_off or unanswered(repair(self.conversations.history(new)))

    def _answer_later(self, run_id: RunId, text: str) -> None:
        """A plan was answered whose turn is gone: the answer starts a turn."""
        self.supervisor.send(run_id, PERSON, text, Way.STEER)

    def _is_idle(self, run_id: RunId) -> bool:
        mate = self.store.state.team.by_run.get(run_id)
        return mate is None or mate.is_terminal or mate.is_idle

    def _in_background(self, coroutine: Coroutine[Any, Any, None], name: str) -> object:
        return self.scopes.start_task(coroutine, name=name)


def _refuse_worker(spawned: Spawned) -> Worker:
    raise RuntimeError("the session is ending")


def log_fault(name: str, error: BaseException) -> None:
    """Log it once: a fault inside a tool or a turn passes its own task, then those that wait for it."""
    if getattr(error, _LOGGED, False):
        return
    setattr(error, _LOGGED, True)
    log.warning("%s ended with %s: %s", name, type(error).__name__, error, exc_info=error)
