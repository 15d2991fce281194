"""The supervisor: the verbs of the person over all teammates, by run id. It knows them only as `Worker`s.

It decides who lives, holds and ends; it never looks into a conversation. Facts go to the store, and every
decision is taken on the state.
"""

from collections.abc import Callable

import msgspec

from quarterdeck.domain.ids import AgentId, BadName, MessageId, RunId, agent_id, check_name, free_name
from quarterdeck.domain.teammates import (
    Identity,
    Lifecycle,
    Outcome,
    PermissionMode,
    SpawnConfig,
    SpawnResult,
    Way,
)
from quarterdeck.runtime.announcing import Announcer
from quarterdeck.runtime.epochs import Epochs
from quarterdeck.runtime.ports import Clock, Dispatch, Ids, Worker
from quarterdeck.runtime.shutdown import Shutdown
from quarterdeck.runtime.spawning import Spawned, config_of, spawn_fact, spawn_fault
from quarterdeck.state import actions as did
from quarterdeck.state.mail import Mail
from quarterdeck.state.selectors import select_by_name, select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Team, Teammate

COLOURS = 8


WorkerFactory = Callable[[Spawned], Worker]


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a spawn takes where its config says nothing."""

    team: str
    model: Callable[[], str | None]
    permission_mode: PermissionMode = PermissionMode.DEFAULT
    stop_deadline_s: float = 60.0


class Supervisor:
    """One per session. Methods return at once; what happens is told as facts."""

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        epochs: Epochs,
        shutdown: Shutdown,
        clock: Clock,
        ids: Ids,
        defaults: Defaults,
        new_verb: Callable[[], tuple[str, str]],
        revive_conversation: Callable[[RunId, RunId], tuple[int, bool]],
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._epochs = epochs
        self._shutdown = shutdown
        self._clock = clock
        self._ids = ids
        self._defaults = defaults
        self._new_verb = new_verb
        self._revive_conversation = revive_conversation
        self._workers: dict[RunId, Worker] = {}
        self._cleanups: dict[RunId, Callable[[], None]] = {}
        self.unread: dict[RunId, tuple[Mail, ...]] = {}
        """What runs that ended by themselves had not read: their next life gets it."""
        self.announcer = Announcer(store, dispatch, clock, ids, self._poke)
        self.clean_up: Callable[[RunId], None] = lambda run_id: None
        """Told of each end while the session goes on."""
        self.make_worker: WorkerFactory | None = None
        self.is_closing = False
        """The session ends: announcements are left for its next start."""
        self.session_id = ""

    # --- spawn and revive -----------------------------------------------------------------------------

    def spawn(self, config: SpawnConfig) -> SpawnResult:
        """Start a run. A failed spawn leaves nothing behind."""
        team = config.team or self._defaults.team
        ident = agent_id(config.name, team)
        has_model = config.model is not None or self._parent_model(config) is not None
        fault = spawn_fault(self._team, config, has_model=has_model)
        if fault:
            return SpawnResult(success=False, agent_id=ident, error=fault)
        return self._begin(config, ident, team, revived=None)

    def revive(self, run_id: RunId, message: str = "") -> SpawnResult:
        """A new run on the whole conversation of an ended one; as `name-2` where its name is taken."""
        old = self._team.by_run.get(run_id)
        if old is None:
            return SpawnResult(success=False, agent_id=AgentId(""), error="No such run.")
        if not old.is_terminal:
            return SpawnResult(success=False, agent_id=old.agent_id, error=f"{old.name} has not ended.")
        if old.cleaned_at is not None:
            gone = f"The transcript of {old.name} was deleted; there is nothing to go on with."
            return SpawnResult(success=False, agent_id=old.agent_id, error=gone)
        name = free_name(old.name, [mate.name for mate in select_living(self._team)])
        config = msgspec.structs.replace(
            config_of(old),
            name=name,
            prompt=message,
            model=old.model,
            color=old.color,
            permission_mode=old.permission_mode,
        )
        return self._begin(config, agent_id(name, old.team), old.team, revived=old)

    def come_back(self, run_id: RunId) -> None:
        """Go on with a living run of an earlier process: as it was, without a turn."""
        mate = self._team.by_run[run_id]
        config = config_of(mate)
        spawned = Spawned(
            identity=self._identity(run_id, mate.agent_id, config, mate.team, mate.color),
            config=config,
            mode=mate.permission_mode,
            resumes=False,
            is_back=True,
        )
        self._epochs.open(run_id)
        worker = self._make(spawned)
        if mate.paused_by:
            worker.pause(mate.paused_by)
        self._live(run_id, worker)
        worker.start()

    def _live(self, run_id: RunId, worker: Worker) -> None:
        self._workers[run_id] = worker
        self._cleanups[run_id] = self._shutdown.register(worker)

    def _identity(
        self, run_id: RunId, ident: AgentId, config: SpawnConfig, team: str, colour: int
    ) -> Identity:
        return Identity(
            run_id=run_id,
            agent_id=ident,
            agent_name=config.name,
            team_name=team,
            color=colour,
            plan_mode_required=config.plan_mode_required,
            parent_session_id=self.session_id,
        )

    def _parent_model(self, config: SpawnConfig) -> str | None:
        parent = self._team.by_run.get(config.parent) if config.parent is not None else None
        return parent.model if parent is not None else self._defaults.model()

    def _begin(
        self, config: SpawnConfig, ident: AgentId, team: str, *, revived: Teammate | None
    ) -> SpawnResult:
        run_id = RunId(self._ids("run"))
        first, resumes = 1, False
        if revived is not None:
            first, resumes = self._revive_conversation(revived.run_id, run_id)
            resumes = resumes and revived.outcome in _INTERRUPTED
        colour = config.color or len(self._team.by_run) % COLOURS + 1
        spawned = Spawned(
            identity=self._identity(run_id, ident, config, team, colour),
            config=config,
            mode=self._mode(config),
            resumes=resumes,
        )
        self._epochs.open(run_id)
        try:
            worker = self._make(spawned)
            worker.start()  # its code runs when this returned, after the facts below
        except Exception as error:  # the boundary of a spawn: a failed one leaves nothing behind
            self._epochs.revoke(run_id)
            return SpawnResult(success=False, agent_id=ident, error=f"{config.name} can't start: {error}")
        self._dispatch(
            spawn_fact(
                spawned,
                at=self._clock.wall(),
                model=config.model or self._parent_model(config) or "",
                verbs=self._new_verb(),
                revived=revived,
                first_entry_id=first,
            )
        )
        self._live(run_id, worker)
        for mail in self.unread.pop(revived.run_id, ()) if revived is not None else ():
            self._queue(run_id, mail.sender, mail.text, mail.way)
        if config.prompt:
            # Only the person revives, whoever started it first.
            speaker = self._speaker(config.parent if revived is None else None)
            self._queue(run_id, speaker, config.prompt, Way.STEER)
        return SpawnResult(success=True, agent_id=ident, run_id=run_id)

    def _make(self, spawned: Spawned) -> Worker:
        if self.make_worker is None:
            raise RuntimeError("No way to run teammates was given.")
        return self.make_worker(spawned)

    def _mode(self, config: SpawnConfig) -> PermissionMode:
        if config.plan_mode_required and config.permission_mode is None:
            return PermissionMode.PLAN
        return config.permission_mode or self._defaults.permission_mode

    # --- the five verbs -------------------------------------------------------------------------------

    def interrupt(self, run_id: RunId) -> bool:
        """End its turn; True when there was one."""
        worker = self._living(run_id)
        return worker is not None and worker.interrupt()

    def pause(self, run_id: RunId, *, by: str = "you") -> bool:
        """No new request or tool from now on; True when that changed something."""
        worker = self._living(run_id)
        mate = self._team.by_run.get(run_id)
        if worker is not None and mate is not None and mate.lifecycle is Lifecycle.SPAWNING:
            return worker.pause(by)
        if worker is None or mate is None or mate.lifecycle not in _PAUSABLE:
            return False
        worker.pause(by)
        self._dispatch(did.TeammatePaused(at=self._clock.wall(), run_id=run_id, by=by))
        return True

    def proceed(self, run_id: RunId) -> bool:
        """Back to where it was when it was paused."""
        worker = self._living(run_id)
        mate = self._team.by_run.get(run_id)
        if worker is not None and mate is not None and mate.lifecycle is Lifecycle.SPAWNING:
            return worker.proceed()
        if worker is None or mate is None or mate.lifecycle is not Lifecycle.PAUSED:
            return False
        self._dispatch(did.TeammateContinued(at=self._clock.wall(), run_id=run_id))
        worker.proceed()
        return True

    def stop(self, run_id: RunId) -> bool:
        """Ask it to finish; the deadline is kept by `tick`."""
        worker = self._living(run_id)
        mate = self._team.by_run.get(run_id)
        if worker is None or mate is None or mate.lifecycle is Lifecycle.TERMINATING:
            return False
        deadline = self._clock.wall() + self._defaults.stop_deadline_s
        self._dispatch(did.StopRequested(at=self._clock.wall(), run_id=run_id, deadline_at=deadline))
        worker.stop()
        return True

    def take_back_stop(self, run_id: RunId) -> bool:
        """The person changed their mind; False once the closing step has started, and before it is ready."""
        worker = self._living(run_id)
        mate = self._team.by_run.get(run_id)
        if mate is None or mate.place is Lifecycle.SPAWNING:
            return False
        if worker is None or not worker.take_back_stop():
            return False
        self._dispatch(did.StopTakenBack(at=self._clock.wall(), run_id=run_id))
        if self._team.by_run[run_id].lifecycle is Lifecycle.PAUSED:
            worker.pause(self._team.by_run[run_id].paused_by)
        return True

    def kill(self, run_id: RunId, *, by: str = "you", outcome: Outcome = Outcome.KILLED) -> bool:
        """End it now. True once; False for a run that is unknown or has ended."""
        mate = self._team.by_run.get(run_id)
        if mate is None or mate.is_terminal:
            return False
        self._epochs.revoke(run_id)
        worker = self._workers.get(run_id)
        inbox = self._store.state.inbox
        withdrawn = sum(1 for one in inbox.open if inbox.by_id[one].run_id == run_id)
        self._dispatch(
            did.TeammateKilled(
                at=self._clock.wall(), run_id=run_id, by=by, outcome=outcome, requests_withdrawn=withdrawn
            )
        )
        if worker is not None:
            worker.kill()
        self._after_end(mate)
        return True

    def leave(self, run_id: RunId) -> None:
        """The program ends: its worker goes, the run stays as it is for the next start."""
        self._epochs.revoke(run_id)
        worker = self._workers.get(run_id)
        if worker is not None:
            worker.kill()

    def end(self, run_id: RunId, outcome: Outcome, findings: str, error: str) -> None:
        """The one terminal record of a run that ended by itself: its worker says so."""
        mate = self._team.by_run.get(run_id)
        if mate is None or mate.is_terminal:
            return
        unread = self._store.state.mail.get(run_id)
        if unread:
            self.unread[run_id] = unread
        self._dispatch(
            did.TeammateEnded(
                at=self._clock.wall(), run_id=run_id, outcome=outcome, findings=findings, error=error
            )
        )
        self._epochs.revoke(run_id)
        self._after_end(mate)

    # --- messages -------------------------------------------------------------------------------------

    def send(self, run_id: RunId, sender: str, text: str, way: Way) -> MessageId | None:
        """Queue a message; None when the run has ended."""
        if self._living(run_id) is None:
            return None
        return self._queue(run_id, sender, text, way)

    def withdraw(self, run_id: RunId, message_id: MessageId) -> None:
        """Take a message back that is still queued."""
        self._dispatch(did.MessageWithdrawn(at=self._clock.wall(), message_id=message_id, run_id=run_id))

    def _queue(self, run_id: RunId, sender: str, text: str, way: Way) -> MessageId:
        message_id = MessageId(self._ids("message"))
        self._dispatch(
            did.MessageQueued(
                at=self._clock.wall(),
                message_id=message_id,
                run_id=run_id,
                sender=sender,
                text=text,
                way=way,
            )
        )
        worker = self._workers.get(run_id)
        if worker is not None:
            if way is Way.INTERRUPT:
                worker.interrupt()
            worker.deliver()
        return message_id

    # --- settings of a run ----------------------------------------------------------------------------

    def rename(self, run_id: RunId, name: str) -> str:
        """Empty = done, else why not."""
        mate = self._team.by_run.get(run_id)
        if mate is None or mate.is_terminal:
            return "It has ended; its name stays."
        try:
            check_name(name, is_lead=mate.is_lead)
        except BadName as bad:
            return str(bad)
        other = select_by_name(self._team, name)
        if other is not None and not other.is_terminal and other.run_id != run_id:
            return f"{other.name} is in use; choose another name."
        self._dispatch(
            did.TeammateRenamed(
                at=self._clock.wall(), run_id=run_id, name=name, agent_id=agent_id(name, mate.team)
            )
        )
        return ""

    def worker(self, run_id: RunId) -> Worker | None:
        """The worker of a run that has not ended."""
        return self._living(run_id)

    # --- inside ---------------------------------------------------------------------------------------

    @property
    def _team(self) -> Team:
        return self._store.state.team

    def _living(self, run_id: RunId) -> Worker | None:
        mate = self._team.by_run.get(run_id)
        return None if mate is None or mate.is_terminal else self._workers.get(run_id)

    def _speaker(self, parent: RunId | None) -> str:
        mate = self._team.by_run.get(parent) if parent is not None else None
        return mate.name if mate is not None else "you"

    def _after_end(self, mate: Teammate) -> None:
        self._workers.pop(mate.run_id, None)
        unregister = self._cleanups.pop(mate.run_id, None)
        if unregister is not None:
            unregister()
        if self.is_closing:
            return
        self.clean_up(mate.run_id)
        self.announcer.check(self._team.by_run[mate.run_id])

    def _poke(self, run_id: RunId) -> None:
        worker = self._living(run_id)
        if worker is not None:
            worker.deliver()


_PAUSABLE = frozenset({Lifecycle.READY, Lifecycle.EXECUTING, Lifecycle.WAITING})
_INTERRUPTED = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNKNOWN})
