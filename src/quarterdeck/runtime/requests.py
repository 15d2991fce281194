"""Waits on the person: each is a record in the state plus a waiter here, joined by the request's id.

Only the person's own answer, to the very version that is open, resolves a waiter. Cancelled is a fact too:
a permission or question is withdrawn; a submitted plan stays in the inbox and can be answered later.
"""

import asyncio
from collections.abc import Callable

import msgspec

from quarterdeck.domain.ids import CallId, RequestId, RunId
from quarterdeck.domain.requests import (
    Answer,
    CommentAnswer,
    PermissionDenied,
    PermissionGiven,
    PermissionRequest,
    PermissionScope,
    PlanApproved,
    PlanRejected,
    PlanRequest,
    PlanVersion,
    QuestionAnswered,
    QuestionDeclined,
    QuestionRequest,
    Request,
    StepComment,
)
from quarterdeck.domain.teammates import WaitsOn
from quarterdeck.runtime.epochs import Epochs
from quarterdeck.runtime.ports import Clock, Dispatch, Ids
from quarterdeck.state import actions as did
from quarterdeck.state.store import Store
from quarterdeck.tools.plan_words import approved_words, rejected_words


class Withdrawn(Exception):
    """Nobody will answer: the request was withdrawn (stop, interrupt, kill)."""


class NobodyThere(Exception):
    """Headless: nobody can answer a plan or a question."""


class Requests:
    """Opens requests and resolves their waiters. One per session."""

    def __init__(self, store: Store, dispatch: Dispatch, epochs: Epochs, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._dispatch = dispatch
        self._epochs = epochs
        self._clock = clock
        self._ids = ids
        self._waiters: dict[RequestId, asyncio.Future[Answer]] = {}
        self._owners: dict[RequestId, RunId] = {}
        self._waiting: dict[RunId, int] = {}
        self._given: dict[RunId, list[PermissionRequest]] = {}
        """What the person allowed once, after the call that asked for it was gone."""
        self.on_orphan_answer: Callable[[RunId, str], None] = lambda run_id, text: None
        """Told, in words for the model, of an answer to a plan whose turn is gone: it starts a turn."""
        self.when_kept: Callable[[Callable[[], None]], None] = lambda call: call()
        """Calls once everything told so far is on disk."""
        self.is_anybody_there = True
        """False when headless: plans and questions cannot be answered."""
        self.unanswered: list[tuple[RunId, str]] = []
        """Headless: what nobody could answer (run, kind)."""

    async def permission(self, request: PermissionRequest) -> Answer:
        """Ask for one tool call. :raises Withdrawn: nobody will answer."""
        for given in self._given.get(request.run_id, ()):
            if (given.tool, given.subject, given.folder) == (request.tool, request.subject, request.folder):
                # Answered after the call that asked was cut off: this is that very call, made again.
                self._given[request.run_id].remove(given)
                return PermissionGiven(PermissionScope.ONCE)
        return await self._ask(request, WaitsOn.PERMISSION)

    async def question(
        self, run_id: RunId, call_id: CallId, question: str, options: tuple[str, ...]
    ) -> Answer:
        """Ask the person something. :raises NobodyThere: headless. :raises Withdrawn: see above."""
        request = QuestionRequest(
            id=RequestId(self._ids("question")),
            run_id=run_id,
            opened_at=self._clock.wall(),
            call_id=call_id,
            question=question,
            options=options,
        )
        return await self._ask(request, WaitsOn.QUESTION)

    async def plan(
        self, run_id: RunId, call_id: CallId, text: str, answers: tuple[CommentAnswer, ...]
    ) -> Answer:
        """Submit a plan, or the next version of the one before."""
        now = self._clock.wall()
        before = self._last_plan(run_id)
        number = before.version + 1 if before is not None else 1
        earlier = self._decided(before) if before is not None else ()
        version = PlanVersion(number=number, text=text, submitted_at=now, answers=answers)
        request = PlanRequest(
            id=before.id if before is not None else RequestId(self._ids("plan")),
            run_id=run_id,
            opened_at=now,
            version=number,
            versions=(*earlier, version),
            call_id=call_id,
        )
        return await self._ask(request, WaitsOn.PLAN)

    def answer(self, request_id: RequestId, version: int, answer: Answer) -> str:
        """The person's answer. Empty = it counted; else one line that says why not."""
        inbox = self._store.state.inbox
        request = inbox.by_id.get(request_id)
        if request is None or request_id not in inbox.open:
            return "It waits for nothing any more; nothing was answered."
        if request.version != version:
            return f"It changed to v{request.version} meanwhile. Nothing was answered."
        self._dispatch(
            did.RequestAnswered(at=self._clock.wall(), request_id=request_id, version=version, answer=answer)
        )
        if isinstance(answer, PlanApproved):
            self._dispatch(
                did.PermissionModeChanged(at=self._clock.wall(), run_id=request.run_id, mode=answer.mode)
            )
        waiter = self._waiters.pop(request_id, None)
        if waiter is not None and not waiter.done():
            self.when_kept(lambda: self._hand_over(request, waiter, answer))
        else:
            if isinstance(request, PermissionRequest) and isinstance(answer, PermissionGiven):
                self._given.setdefault(request.run_id, []).append(request)
            self.on_orphan_answer(request.run_id, late_words(request, answer))
        return ""

    def _hand_over(self, request: Request, waiter: "asyncio.Future[Answer]", answer: Answer) -> None:
        """The answer is on disk: whoever waits for it goes on."""
        if not waiter.done():
            waiter.set_result(answer)
        elif isinstance(request, PlanRequest) and self._epochs.is_live(request.run_id):
            self.on_orphan_answer(request.run_id, late_words(request, answer))

    def withdraw(self, run_id: RunId, reason: str, *, plans: bool) -> None:
        """Take this run's open requests back; its waiters end with `Withdrawn`."""
        inbox = self._store.state.inbox
        for request_id in inbox.open:
            request = inbox.by_id[request_id]
            if request.run_id != run_id:
                continue
            if isinstance(request, PlanRequest) and not plans:
                # It stays in the inbox; from now on its answer finds no turn that waits, and starts one.
                self._release(request_id, Withdrawn(reason))
                continue
            self._dispatch(did.RequestWithdrawn(at=self._clock.wall(), request_id=request_id, reason=reason))
            self._release(request_id, Withdrawn(reason))

    def release_run(self, run_id: RunId) -> None:
        """The run was killed: its requests have left the inbox with it; its waiters end."""
        for request_id, owner in tuple(self._owners.items()):
            if owner == run_id:
                self._release(request_id, Withdrawn("killed"))

    async def _ask(self, request: Request, on: WaitsOn) -> Answer:
        run_id = request.run_id
        if not self.is_anybody_there:
            if on is not WaitsOn.PERMISSION:
                self.unanswered.append((run_id, on.value))
            raise NobodyThere(on.value)
        self._epochs.check(run_id)
        mate = self._store.state.team.by_run.get(run_id)
        if mate is not None and mate.stop_deadline_at is not None:
            raise Withdrawn("asked to stop")
        waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiters[request.id] = waiter
        self._owners[request.id] = run_id
        self._dispatch(did.RequestOpened(at=self._clock.wall(), request=request))
        self._wait(run_id, on)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._hand_on(request, waiter)
            raise
        finally:
            self._waiters.pop(request.id, None)
            self._owners.pop(request.id, None)
            self._resume(run_id)
            if not waiter.done() or waiter.cancelled():
                self._cancelled(request)

    def _hand_on(self, request: Request, waiter: "asyncio.Future[Answer]") -> None:
        """A plan was answered, and its turn ended before it heard of it: the answer starts the next one."""
        has_answer = waiter.done() and not waiter.cancelled() and waiter.exception() is None
        if has_answer and isinstance(request, PlanRequest) and self._epochs.is_live(request.run_id):
            self.on_orphan_answer(request.run_id, late_words(request, waiter.result()))

    def _cancelled(self, request: Request) -> None:
        if isinstance(request, PlanRequest) or request.id not in self._store.state.inbox.open:
            return
        self._dispatch(
            did.RequestWithdrawn(at=self._clock.wall(), request_id=request.id, reason="interrupted")
        )

    def _wait(self, run_id: RunId, on: WaitsOn) -> None:
        self._waiting[run_id] = self._waiting.get(run_id, 0) + 1
        if self._waiting[run_id] == 1:
            self._dispatch(did.TeammateWaited(at=self._clock.wall(), run_id=run_id, on=on))

    def _resume(self, run_id: RunId) -> None:
        left = self._waiting.get(run_id, 1) - 1
        if left > 0:
            self._waiting[run_id] = left
            return
        self._waiting.pop(run_id, None)
        if self._epochs.is_live(run_id):
            self._dispatch(did.TeammateResumed(at=self._clock.wall(), run_id=run_id))

    def _release(self, request_id: RequestId, error: Withdrawn) -> None:
        waiter = self._waiters.pop(request_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def _last_plan(self, run_id: RunId) -> PlanRequest | None:
        found: PlanRequest | None = None
        for request in self._store.state.inbox.by_id.values():
            if isinstance(request, PlanRequest) and request.run_id == run_id:
                found = request
        return found

    def _decided(self, plan: PlanRequest) -> tuple[PlanVersion, ...]:
        """The versions so far, the newest with what the person said to it."""
        answer = self._store.state.inbox.answers.get(plan.id)
        newest = plan.versions[-1]
        feedback, comments = _said(answer)
        decided = msgspec.structs.replace(
            newest, feedback=feedback, comments=comments, decided_at=self._clock.wall()
        )
        return (*plan.versions[:-1], decided)


def late_words(request: Request, answer: Answer) -> str:
    """What a teammate is told whose request was answered after its turn had ended."""
    match request, answer:
        case PlanRequest(version=version), PlanApproved():
            return approved_words(answer)
        case PlanRequest(version=version), PlanRejected():
            return rejected_words(answer, version)
        case PermissionRequest(tool=tool, subject=subject), PermissionGiven():
            return f"The person allows the call that was cut off. Make it again, exactly so: {tool} {subject}"
        case PermissionRequest(tool=tool, subject=subject), PermissionDenied(reason=reason):
            said = f" They said: {reason}" if reason else ""
            return f"The person denied the call that was cut off ({tool} {subject}).{said}"
        case QuestionRequest(question=question), QuestionAnswered(text=text):
            return f"The person answers your question ({question}): {text}"
        case QuestionRequest(question=question), QuestionDeclined(reason=reason):
            said = f" They said: {reason}" if reason else ""
            return f"The person gives no answer to your question ({question}); go on without.{said}"
    return "The person answered your request after you went on; ask again if you still need it."


def _said(answer: Answer | None) -> tuple[str, tuple[StepComment, ...]]:
    match answer:
        case PlanRejected(feedback=feedback, comments=comments):
            return feedback, comments
        case PlanApproved():
            return "", ()
    return "", ()
