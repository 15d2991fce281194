"""The in-process teammate: one asyncio task that waits for mail and plays a turn for it. The first `Worker`.

It owns its tasks and history. One terminal record leaves it, in its `finally`, unless a kill came first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Block, Message, text_block
from quarterdeck.domain.teammates import IdleReason, Lifetime, Outcome, Way
from quarterdeck.llm.faults import ModelFault
from quarterdeck.runtime.epochs import Epochs, RunRevoked
from quarterdeck.runtime.expected import expecting
from quarterdeck.runtime.gate import Gate
from quarterdeck.runtime.kill import KillProver
from quarterdeck.runtime.ports import Clock, Dispatch, WorkerFacts
from quarterdeck.runtime.requests import NobodyThere, Requests
from quarterdeck.runtime.scopes import Scope, ScopeTree
from quarterdeck.runtime.turn import RunParts, Turn, TurnEnd
from quarterdeck.runtime.turn_record import TurnRecord
from quarterdeck.state import actions as did
from quarterdeck.state.mail import Mail
from quarterdeck.state.store import Store

EXPECTED = (ModelFault, RunRevoked, NobodyThere)
"""How a turn may end without a fault of ours."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What a teammate needs beside the parts of its turns."""

    store: Store
    scopes: ScopeTree
    requests: Requests
    prover: KillProver
    lifetime: Lifetime
    resumes: bool
    """Revived in the middle of a turn: go on without a message."""
    is_back: bool
    """It lived before a restart: its state is told already."""
    context: Context
    new_verb: Callable[[], tuple[str, str]]
    may_complete: Callable[[RunId], bool]
    """No queued message, open request or living child."""
    on_crash: Callable[[str, BaseException], None]
    end: Callable[[RunId, Outcome, str, str], None]
    """Outcome, findings, error: the supervisor keeps the terminal record."""


class Teammate:
    """See `Worker` in `runtime.ports` for what each method promises."""

    def __init__(self, life: Life, *, most_steps: int | None = None) -> None:
        self._life = life
        self._most_steps = most_steps
        self._steps = 0
        self._gate = Gate()
        self._poke = asyncio.Event()
        self._stopping = False
        self._closing = False
        self._turn_done = False
        self._limited = False
        self._odd_end = ""
        self._record: TurnRecord | None = None
        self._turn_scope: Scope | None = None
        self._turn_gone: asyncio.Event | None = None
        self._scope = life.scopes.open(life.scopes.root, "teammate")
        self._parts: RunParts | None = None
        self._killed = False
        self._held_by = ""

    def join(self, parts: RunParts) -> None:
        """Give it the parts of its turns (they need its gate and its callbacks)."""
        self._parts = parts

    @property
    def gate(self) -> Gate:
        """Closed while it is paused."""
        return self._gate

    @property
    def scope(self) -> Scope:
        """The scope that all of it lives in."""
        return self._scope

    @property
    def turn_scope(self) -> Scope:
        """Where its tool calls belong now."""
        return self._turn_scope or self._scope

    def is_stopping(self) -> bool:
        """Whether a stop was asked for and not taken back."""
        return self._stopping

    def step_left(self) -> bool:
        """Count one more step; False when the run has none left."""
        if self._most_steps is not None and self._steps >= self._most_steps:
            return False
        self._steps += 1
        return True

    def report_progress(self) -> None:
        """Tell how much was done so far; whoever reads it gets the difference to the last report."""
        mate = self._life.store.state.team.by_run[self._run.run_id]
        self._dispatch(
            did.ProgressReported(
                at=self._clock.wall(), run_id=mate.run_id, tools=mate.tools, tokens=mate.usage.total
            )
        )

    # --- Worker ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to live."""
        self._life.scopes.start(
            self._scope, self._live(), name=f"run {self._run.run_id}", context=self._life.context
        )

    def deliver(self) -> None:
        """Look at the mail (or at what else may have changed)."""
        self._poke.set()

    def interrupt(self) -> bool:
        """End the open turn."""
        record, scope, gone = self._record, self._turn_scope, self._turn_gone
        if record is None or scope is None or gone is None or record.revoked:
            return False
        record.revoked = True
        self._life.requests.withdraw(self._run.run_id, "interrupted", plans=False)
        self._life.scopes.cancel(scope)  # at once: what was about to begin does not
        self._life.scopes.start(self._life.scopes.root, self._end_turn(scope, gone), name="interrupt")
        return True

    def pause(self, by: str) -> bool:
        """Close the gate."""
        was_open = self._gate.is_open
        self._gate.close()
        self._held_by = by
        return was_open

    def proceed(self) -> bool:
        """Open the gate."""
        was_closed = not self._gate.is_open
        self._gate.open()
        self._poke.set()
        return was_closed

    def stop(self) -> None:
        """Ask for the last report."""
        self._stopping = True
        self._life.requests.withdraw(self._run.run_id, "asked to stop", plans=True)
        self._gate.open()
        self._poke.set()

    def take_back_stop(self) -> bool:
        """Forget the stop, unless the last report is being written."""
        if self._closing or not self._stopping:
            return False
        self._stopping = False
        return True

    def kill(self) -> None:
        """End now; the proof follows."""
        if self._killed:
            return
        self._killed = True
        if self._record is not None:
            self._record.revoked = True
            self._run.history.close(self._record)
        self._run.merger.discard(self._run.run_id)
        self._life.scopes.cancel(self._scope)  # at once: what was about to begin does not
        self._life.prover.begin(self._run.run_id, self._scope)
        self._life.requests.release_run(self._run.run_id)

    def facts(self) -> WorkerFacts:
        """Counted now."""
        processes = self._life.prover.processes_of(self._run.run_id)
        return WorkerFacts(processes=processes, in_turn=self._record is not None)

    async def gone(self) -> None:
        """Once its scope has ended or was abandoned."""
        await self._life.scopes.end(self._scope)

    # --- its life -------------------------------------------------------------------------------------

    @property
    def _run(self) -> RunParts:
        if self._parts is None:
            raise RuntimeError("A teammate starts only after `join`.")
        return self._parts

    @property
    def _clock(self) -> Clock:
        return self._run.clock

    @property
    def _dispatch(self) -> Dispatch:
        return self._run.dispatch

    @property
    def _epochs(self) -> Epochs:
        return self._run.epochs

    async def _live(self) -> None:
        outcome, findings, error = Outcome.FAILED, "", "Its task was ended from outside."
        try:
            self._epochs.check(self._run.run_id)
            if not self._life.is_back:
                self._dispatch(did.TeammateReady(at=self._clock.wall(), run_id=self._run.run_id))
            if not self._gate.is_open and not self._life.is_back:
                paused = did.TeammatePaused(at=self._clock.wall(), run_id=self._run.run_id, by=self._held_by)
                self._dispatch(paused)
            outcome, findings, error = await self._serve()
        except RunRevoked:
            return
        except ModelFault as fault:
            error = fault.message
        except NobodyThere as absent:
            outcome, error = Outcome.STOPPED, f"Nobody is there to answer its {absent}."
        except Exception as crash:  # the one boundary: a fault of ours ends this run and nothing else
            self._life.on_crash(self._run.run_id, crash)
            error = f"A fault in Quarterdeck ended it ({type(crash).__name__}); the log has the details."
        finally:
            self._end(outcome, findings, error)
            self._life.scopes.close(self._scope)

    def _end(self, outcome: Outcome, findings: str, error: str) -> None:
        if not self._epochs.is_live(self._run.run_id):
            return
        self._run.merger.flush()
        self._life.end(self._run.run_id, outcome, findings, error)

    async def _serve(self) -> tuple[Outcome, str, str]:
        resumes = self._life.resumes
        while True:
            if not resumes and await self._wake():
                return Outcome.COMPLETED, self._last_text(), ""
            await self._run.history.loaded()
            mails = self._life.store.state.mail.get(self._run.run_id, ())
            if self._stopping and not resumes:
                return await self._close(mails)
            if not mails and not resumes:
                continue
            end = await self._play(mails, closing=False)
            if end is TurnEnd.LIMIT:
                self._limited = True
                self._stopping = True
            if end is TurnEnd.CUT and self._life.lifetime is Lifetime.TASK:
                return Outcome.FAILED, self._last_text(), self._odd_end
            self._turn_done = end is TurnEnd.DONE
            # A stop that was taken back before its closing step leaves the turn to be played on.
            resumes = end is TurnEnd.STOPPING and not self._stopping

    async def _close(self, mails: tuple[Mail, ...]) -> tuple[Outcome, str, str]:
        """The closing step; what it is told last it can still answer."""
        error = "It reached its most turns." if self._limited else ""
        try:
            await self._play(mails, closing=True)
        except ModelFault as fault:
            error = f"{error} There is no last report: {fault.message}".strip()
        return Outcome.STOPPED, self._last_text(), error

    async def _wake(self) -> bool:
        """Wait for something to do; True when a task-lived run has nothing left to do."""
        run_id = self._run.run_id
        while True:
            if self._stopping:
                return False
            if self._gate.is_open:
                if self._life.store.state.mail.get(run_id):
                    return False
                is_task = self._life.lifetime is Lifetime.TASK
                if is_task and self._turn_done and self._life.may_complete(run_id):
                    return True
            self._poke.clear()
            await self._poke.wait()

    async def _play(self, mails: tuple[Mail, ...], *, closing: bool) -> TurnEnd | None:
        """One turn in a scope of its own. None = it was interrupted."""
        run_id, started = self._run.run_id, self._clock.monotonic()
        record = TurnRecord()
        self._record, self._turn_gone = record, asyncio.Event()
        self._turn_scope = self._life.scopes.open(self._scope, "turn")
        self._closing = closing
        verb, past = self._life.new_verb()
        self._dispatch(did.TurnStarted(at=self._clock.wall(), run_id=run_id, verb=verb, past_verb=past))
        told = self._take(record, mails)
        is_cut_off = not (told or closing or unanswered(self._run.history.messages))
        self._run.history.add_user((text_block(GO_ON),) if is_cut_off else told)
        turn = Turn(self._run, record)
        play: Callable[[], Awaitable[TurnEnd | None]] = turn.close if closing else turn.play
        task: asyncio.Task[TurnEnd | Exception | None] = self._life.scopes.start(
            self._turn_scope, expecting(EXPECTED, play), name=f"turn {run_id}"
        )
        gone = self._life.scopes.start(self._scope, self._turn_gone.wait(), name="turn gone")
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            return self._close_turn(record, task, started)
        finally:
            self._life.scopes.close(self._turn_scope)
            self._turn_gone.set()
            self._record = self._turn_scope = None

    def _close_turn(
        self, record: TurnRecord, task: "asyncio.Task[TurnEnd | Exception | None]", started: float
    ) -> TurnEnd | None:
        run_id, now = self._run.run_id, self._clock.wall()
        if not self._epochs.is_live(run_id):
            raise RunRevoked(run_id)
        interrupted = record.revoked
        self._odd_end = record.odd_end
        self._run.merger.discard(run_id)
        said = self._run.history.close(record)
        end = _end_of(task)
        if not interrupted and isinstance(end, BaseException):
            raise end
        if interrupted and said.strip():
            self._dispatch(did.TextSaid(at=now, run_id=run_id, text=said, interrupted=True))
        if not interrupted:
            for message_id in record.messages:
                self._dispatch(did.MessageAnswered(at=now, message_id=message_id, run_id=run_id))
        self._dispatch(
            did.TurnEnded(
                at=now,
                run_id=run_id,
                reason=IdleReason.INTERRUPTED if interrupted else IdleReason.DONE,
                final_text=record.final_text,
                duration_s=self._clock.monotonic() - started,
                usage=record.usage,
            )
        )
        return None if interrupted or isinstance(end, BaseException) else end

    async def _end_turn(self, scope: Scope, gone: asyncio.Event) -> None:
        await self._life.scopes.end(scope)
        gone.set()

    def _take(
        self, record: TurnRecord, mails: tuple[Mail, ...], *, with_answer: bool = False
    ) -> tuple[Block, ...]:
        """Mark messages as delivered and give them as blocks."""
        for mail in mails:
            record.messages.append(mail.id)
            self._dispatch(
                did.MessageDelivered(
                    at=self._clock.wall(),
                    message_id=mail.id,
                    run_id=mail.run_id,
                    sender=mail.sender,
                    text=mail.text,
                    way=mail.way,
                    with_answer=with_answer,
                )
            )
        return tuple(text_block(_as_told(mail)) for mail in mails)

    def take_steering(self, record: TurnRecord) -> tuple[Block, ...]:
        """What is due at a tool boundary: all but what shall wait for the turn's end."""
        queued = self._life.store.state.mail.get(self._run.run_id, ())
        due = tuple(mail for mail in queued if mail.way is not Way.QUEUE)
        return self._take(record, due, with_answer=record.person_answered)

    def _last_text(self) -> str:
        mate = self._life.store.state.team.by_run.get(self._run.run_id)
        return mate.final_text if mate is not None else ""


GO_ON = "Your last turn was cut off when the program ended. Go on where you were."
"""What a revived teammate is told whose own words are the last of its conversation."""

PERSON = "you"
"""How the person is called as a sender of messages."""


def _as_told(mail: Mail) -> str:
    """The receiver is told who speaks; only the person speaks without a heading."""
    if mail.sender == PERSON:
        return mail.text
    who = "teammates" if ", " in mail.sender else "a teammate"
    return f"Message from {mail.sender}, {who} (not the person):\n\n{mail.text}"


def _end_of(task: "asyncio.Task[TurnEnd | Exception | None]") -> TurnEnd | BaseException | None:
    """What a turn came to; None = it was ended from outside."""
    if not task.done() or task.cancelled():
        return None
    return task.exception() or task.result()


def unanswered(history: Sequence[Message]) -> bool:
    """Whether the last word is not the model's."""
    return bool(history) and history[-1].role == "user"
