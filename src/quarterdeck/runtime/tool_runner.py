"""Runs the tool calls of one run: check the input, decide, ask, run, tell; a result for every call.

Read-only calls of one message run side by side, the others in order. A tool's fault never ends the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from quarterdeck.domain.ids import CallId, RequestId, RunId
from quarterdeck.domain.messages import ToolUse, tool_result_block
from quarterdeck.domain.requests import Answer, PermissionDenied, PermissionGiven, PermissionRequest
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.permissions.policy import Allowed, Asks, Call, Decision, Refused
from quarterdeck.permissions.rules import offered_rule, why_not_offered
from quarterdeck.runtime.epochs import Epochs, RunRevoked
from quarterdeck.runtime.expected import expecting
from quarterdeck.runtime.gate import Gate
from quarterdeck.runtime.ports import Clock, Dispatch, Ids
from quarterdeck.runtime.requests import NobodyThere, Requests, Withdrawn
from quarterdeck.runtime.scopes import Scope, ScopeTree
from quarterdeck.runtime.turn_record import TurnRecord
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Diff, DiffLine, ToolStatus
from quarterdeck.tools.ports import ToolContext, ToolRefused
from quarterdeck.tools.results import ToolResult
from quarterdeck.tools.tool import Subject, Tool

EXPECTED = (ToolRefused, Withdrawn, NobodyThere)
"""What a tool may raise without a fault of ours."""

GRACE_S = 5.0
"""A tool keeps its own time limit; this much later its task is ended from outside."""


DENIED = "The person denied this call."


class Prepared(msgspec.Struct, frozen=True):
    """A call whose input is whole and whose subject is known."""

    use: ToolUse
    tool: Tool
    parsed: Any
    context: ToolContext
    subject: Subject
    title: str


class RunnerParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of a run share."""

    run_id: RunId
    tools: Callable[[], Mapping[str, Tool]]
    dispatch: Dispatch
    clock: Clock
    ids: Ids
    epochs: Epochs
    scopes: ScopeTree
    requests: Requests
    gate: Gate
    mode: Callable[[], PermissionMode]
    decide: Callable[[Call], Decision]
    new_context: Callable[[CallId, Callable[[str], None], str], ToolContext]
    """Call id, where output goes, the real path that was decided on."""
    scope: Callable[[], Scope]
    is_stopping: Callable[[], bool]
    kept: Callable[[], Awaitable[None]]
    """Returns once everything told so far is on disk: no tool starts that a crash would forget."""
    on_refused: Callable[[str, str], None]
    """Told tool and reason when nobody could give a permission."""
    on_crash: Callable[[str, BaseException], None]


class ToolRunner:
    """One per run."""

    def __init__(self, parts: RunnerParts) -> None:
        self._run = parts

    async def run(self, record: TurnRecord) -> None:
        """Run `record.open_calls`; each result lies in `record.results` as soon as it is there."""
        for batch in self._batches(record.open_calls):
            if len(batch) == 1:
                await self._one(batch[0], record)
            else:
                await self._side_by_side(batch, record)

    def _batches(self, calls: Sequence[ToolUse]) -> list[list[ToolUse]]:
        batches: list[list[ToolUse]] = []
        was_read_only = False
        for use in calls:
            tool = self._run.tools().get(use.name)
            read_only = tool is not None and tool.read_only and tool.timeout_s is not None
            if batches and read_only and was_read_only:
                batches[-1].append(use)
            else:
                batches.append([use])
            was_read_only = read_only
        return batches

    async def _side_by_side(self, batch: Sequence[ToolUse], record: TurnRecord) -> None:
        scope = self._run.scopes.open(self._run.scope(), "calls")
        tasks = [
            self._run.scopes.start(scope, self._one(use, record), name=f"call {use.name}") for use in batch
        ]
        try:
            await asyncio.wait(tasks)
        finally:
            self._run.scopes.cancel(scope)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _one(self, use: ToolUse, record: TurnRecord) -> None:
        if not self._may_start(use, record):
            return
        prepared = self._prepare(use)
        if isinstance(prepared, str):
            self._tell_refused(use, use.name, _raw_title(use), prepared)
            record.results[use.id] = _error(use, prepared)
            return
        try:
            allowed = await self._permit(prepared, record)
        except Withdrawn as gone:
            record.results[use.id] = _error(use, f"Nobody answered: {gone}.")
            return
        if isinstance(allowed, str):
            self._tell_refused(use, prepared.tool.rule_name, prepared.title, allowed)
            record.results[use.id] = _error(use, allowed)
            return
        await self._run.gate.passed()
        if not self._may_start(use, record):
            return
        record.started.add(use.id)
        record.person_answered |= prepared.tool.timeout_s is None
        result = await self._play(prepared, allowed.by, record)
        self._run.epochs.check(self._run.run_id)
        if not record.revoked:
            record.results[use.id] = tool_result_block(use.id, result.content, is_error=result.is_error)

    def _may_start(self, use: ToolUse, record: TurnRecord) -> bool:
        """False when a stop came first. :raises RunRevoked: killed, or the turn was interrupted."""
        self._check_live(record)
        if self._run.is_stopping():
            record.results[use.id] = _error(use, "Not started: you are asked to stop.")
            return False
        return True

    def _check_live(self, record: TurnRecord) -> None:
        """:raises RunRevoked: killed, or the turn was interrupted."""
        self._run.epochs.check(self._run.run_id)
        if record.revoked:
            raise RunRevoked(self._run.run_id)

    # --- before ---------------------------------------------------------------------------------------

    def _prepare(self, use: ToolUse) -> Prepared | str:
        tool = self._run.tools().get(use.name)
        if tool is None:
            return f"There is no tool {use.name!r}; there are {', '.join(sorted(self._run.tools()))}."
        if use.fault:
            return f"{use.name} did not run: {use.fault}"
        context = self._context(CallId(use.id), "", "")
        try:
            parsed = tool.parse(use.input)
            return Prepared(use, tool, parsed, context, tool.subject(parsed, context), tool.title(parsed))
        except ToolRefused as refused:
            return str(refused)

    def _context(self, call_id: CallId, tool: str, decided_path: str) -> ToolContext:
        def printed(tail: str) -> None:
            if tool and self._run.epochs.is_live(self._run.run_id):
                self._run.dispatch(
                    did.ToolPrinted(at=self._now(), run_id=self._run.run_id, call_id=call_id, tail=tail)
                )

        return self._run.new_context(call_id, printed, decided_path)

    async def _permit(self, prepared: Prepared, record: TurnRecord) -> Allowed | str:
        """By which rule it runs, or why not."""
        decision = self._run.decide(_call(prepared))
        match decision:
            case Allowed():
                return decision
            case Refused(why=why):
                return why
            case Asks(why=why):
                record.person_answered = True
                return await self._ask(prepared, why)

    async def _ask(self, prepared: Prepared, why: str) -> Allowed | str:
        subject, use = prepared.subject, prepared.use
        no_rule = why_not_offered(subject.rule)
        request = PermissionRequest(
            id=RequestId(self._run.ids("permission")),
            run_id=self._run.run_id,
            opened_at=self._now(),
            call_id=CallId(use.id),
            tool=prepared.tool.rule_name,
            subject=subject.text,
            folder=subject.folder,
            why=f"{why}; {no_rule}" if no_rule else why,
            preview=subject.preview,
            rule=offered_rule(subject.rule),
            timeout_s=subject.timeout_s,
        )
        try:
            answer: Answer = await self._run.requests.permission(request)
        except NobodyThere:
            reason = f"Nobody is there to allow it ({why}). Go on without it."
            self._run.on_refused(prepared.tool.rule_name, f"{subject.text}: {why}")
            return reason
        match answer:
            case PermissionGiven(rule=rule):
                return Allowed(by=f"you, by rule {rule}" if rule else "you, once")
            case PermissionDenied(reason=reason):
                said = f" They said: {reason}" if reason else ""
                return f"{DENIED}{said}"
        return "The person gave no permission."

    # --- the call -------------------------------------------------------------------------------------

    async def _play(self, prepared: Prepared, rule: str, record: TurnRecord) -> ToolResult:
        use, tool = prepared.use, prepared.tool
        started = self._run.clock.monotonic()
        limit = prepared.subject.timeout_s or tool.timeout_s
        waits = tool.timeout_s is None
        self._run.dispatch(
            did.ToolStarted(
                at=self._now(),
                run_id=self._run.run_id,
                call_id=CallId(use.id),
                tool=tool.rule_name,
                title=prepared.title,
                rule=rule,
                timeout_s=None if waits else limit,
            )
        )
        await self._run.kept()
        self._check_live(record)
        context = self._context(CallId(use.id), tool.name, prepared.subject.real_path)
        result, status = await self._timed(prepared, context, None if waits else limit)
        if self._run.epochs.is_live(self._run.run_id) and not record.revoked:
            self._tell_ended(prepared, result, status, self._run.clock.monotonic() - started, rule)
        return result

    async def _timed(
        self, prepared: Prepared, context: ToolContext, limit_s: float | None
    ) -> tuple[ToolResult, ToolStatus]:
        """Run it in a scope of its own; a call that outlasts its limit is ended there."""
        scope = self._run.scopes.open(self._run.scope(), "tool")
        # A thread outlives the call that was ended: its effects are refused as those of an ended run.
        context = msgspec.structs.replace(
            context, is_revoked=lambda is_over=context.is_revoked: scope.is_cancelled or is_over()
        )
        try:
            work = expecting(EXPECTED, lambda: prepared.tool.run(prepared.parsed, context))
            task = self._run.scopes.start(scope, work, name=f"tool {prepared.tool.name}")
            await asyncio.wait({task}, timeout=None if limit_s is None else limit_s + GRACE_S)
            if not task.done():
                await self._run.scopes.end(scope)
                return _fault(f"It took more than {limit_s:g} s and was ended."), ToolStatus.ERROR
            return self._result_of(task)
        finally:
            self._run.scopes.cancel(scope)

    def _result_of(self, task: "asyncio.Task[ToolResult | Exception]") -> tuple[ToolResult, ToolStatus]:
        if task.cancelled():
            return _fault("The call was ended."), ToolStatus.CANCELLED
        match task.exception() or task.result():
            case ToolResult() as result:
                return result, ToolStatus.ERROR if result.is_error else ToolStatus.OK
            case ToolRefused() as refused:
                return _fault(str(refused)), ToolStatus.REFUSED
            case Withdrawn() as gone:
                return _fault(f"Nobody answered: {gone}."), ToolStatus.CANCELLED
            case NobodyThere() as absent:
                raise absent
            case Exception() as error:
                self._run.on_crash(f"tool {task.get_name()}", error)
                return _fault(f"The tool failed inside: {type(error).__name__}."), ToolStatus.ERROR
            case BaseException() as error:
                raise error

    # --- telling --------------------------------------------------------------------------------------

    def _tell_refused(self, use: ToolUse, tool: str, title: str, reason: str) -> None:
        self._run.dispatch(
            did.ToolEnded(
                at=self._now(),
                run_id=self._run.run_id,
                call_id=CallId(use.id),
                tool=tool,
                title=title,
                status=ToolStatus.REFUSED,
                summary=_refused_by(reason),
                detail=reason,
                duration_s=0.0,
            )
        )

    def _tell_ended(
        self, prepared: Prepared, result: ToolResult, status: ToolStatus, duration_s: float, rule: str
    ) -> None:
        diff = result.diff
        self._run.dispatch(
            did.ToolEnded(
                at=self._now(),
                run_id=self._run.run_id,
                call_id=CallId(prepared.use.id),
                tool=prepared.tool.rule_name,
                title=prepared.title,
                status=status,
                summary=result.summary,
                detail=result.detail,
                duration_s=duration_s,
                rule=rule,
                diff=None
                if diff is None
                else Diff(
                    path=diff.path,
                    added=diff.added,
                    removed=diff.removed,
                    lines=tuple(DiffLine(*line) for line in diff.lines),
                ),
            )
        )

    def _now(self) -> float:
        return self._run.clock.wall()


def _call(prepared: Prepared) -> Call:
    subject, tool = prepared.subject, prepared.tool
    return Call(
        rule_name=tool.rule_name,
        subject=subject.text,
        read_only=tool.read_only,
        allowed_in_plan_mode=tool.allowed_in_plan_mode,
        outside=subject.outside,
        edits_files=subject.edits_files,
        spawns_without_plan=subject.spawns_without_plan,
        real_path=subject.real_path,
    )


def _error(use: ToolUse, reason: str) -> Mapping[str, Any]:
    return tool_result_block(use.id, reason, is_error=True)


def _fault(reason: str) -> ToolResult:
    return ToolResult(content=reason, is_error=True, summary="failed", detail=reason)


def _raw_title(use: ToolUse) -> str:
    return str(next(iter(use.input.values()), ""))[:200]


def _refused_by(reason: str) -> str:
    """Whose refusal it was, in a word for the transcript's line."""
    return "by you" if reason.startswith(DENIED) else "not run"
