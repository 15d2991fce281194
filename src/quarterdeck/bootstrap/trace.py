"""The facts of a session as a trace for Chrome and Perfetto: spans for what lasts, instants for what happens.

The Trace Event Format, as JSON: one process, a thread per teammate (its revivals too), children after their
parents. Pure. Time is that of the facts, but never runs backwards: the order is by sequence.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from quarterdeck.bootstrap.events import usage_fields
from quarterdeck.bootstrap.trace_threads import Threads
from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.ids import RequestId, RunId
from quarterdeck.domain.requests import request_kind
from quarterdeck.state import actions as did
from quarterdeck.state.teammates import NOBODY

Event = dict[str, Any]

PROCESS = 1
_MOST_NAME = 120
_OUTER = ("run", "turn")
"""What other spans lie in."""


class Span(msgspec.Struct):
    """Something that lasts, not yet over."""

    kind: str
    name: str
    began: int
    thread: int
    nth: int
    args: Event


class Tracer:
    """Folds facts, in order, into trace events."""

    def __init__(self) -> None:
        self._events: list[tuple[tuple[int, int, int], Event]] = []
        """With their places: what began first, or lasts longer, comes first."""
        self._nth = 0
        self._threads = Threads()
        self._open: dict[tuple[RunId, str], Span] = {}
        """By run and what it is: `run`, `turn`, `step`, `wait`, `pause`, or a call's id after `tool `."""
        self._requests: dict[RequestId, tuple[RunId, str]] = {}
        self._session: Event = {}
        self._first_at: float | None = None
        self._now = 0

    def fold(self, fact: did.Action) -> None:
        """One more fact."""
        self._first_at = fact.at if self._first_at is None else self._first_at
        self._now = max(self._now, round((fact.at - self._first_at) * 1_000_000))
        match fact:
            case did.SessionOpened():
                self._session = {"session_id": fact.session_id, "team": fact.team, "model": fact.model}
            case did.SessionResumed():
                self._instant(NOBODY, "session", "session resumed", crashed=fact.crashed)
            case did.TeammateSpawned():
                self._spawn(fact)
            case did.TeammateEnded() | did.TeammateKilled():
                self._end(fact)
            case did.RequestOpened() | did.RequestAnswered() | did.RequestWithdrawn():
                self._request(fact)
            case _:
                self._work(fact)

    def finish(self) -> Event:
        """The whole trace; what is not over yet is as long as the session so far."""
        for run_id, key in sorted(self._open, key=_inner_first):
            self._close(run_id, key, unfinished=True)
        in_order = sorted(self._events, key=lambda one: one[0])
        name = f"quarterdeck {self._session.get('team', '')} {self._session.get('session_id', '')}"
        process = {"ph": "M", "pid": PROCESS, "name": "process_name", "args": {"name": clean_line(name)}}
        return {
            "traceEvents": [process, *self._threads.names(PROCESS), *(event for _, event in in_order)],
            "displayTimeUnit": "ms",
            "otherData": {**self._session, "started_at": self._first_at},
        }

    def _spawn(self, fact: did.TeammateSpawned) -> None:
        self._threads.add(fact.run_id, fact.name, parent=fact.parent, revived_from=fact.revived_from)
        self._begin(
            fact.run_id,
            "run",
            f"{fact.name}: run",
            agent_id=fact.agent_id,
            run=fact.run_id,
            parent=fact.parent,
            parent_name=self._threads.name_of(fact.parent),
            revived_from=fact.revived_from,
            tool_use_id=fact.tool_use_id,
            model=fact.model,
            lifetime=fact.lifetime.value,
        )

    def _end(self, fact: did.TeammateEnded | did.TeammateKilled) -> None:
        if (fact.run_id, "run") not in self._open:
            return
        if isinstance(fact, did.TeammateKilled):
            self._instant(fact.run_id, "kill", "killed", by=fact.by, processes=fact.processes_total)
        self._close_inner(fact.run_id, ("run",))
        self._close(fact.run_id, "run", outcome=fact.outcome.value, by=fact.by)
        self._threads.end(fact.run_id)

    def _work(self, fact: did.Action) -> None:
        match fact:
            case did.TurnStarted(run_id=run_id, verb=verb):
                self._close_inner(run_id, ("run", "pause"))
                self._begin(run_id, "turn", "turn", verb=verb)
            case did.TurnEnded(run_id=run_id):
                self._close_inner(run_id, ("run", "turn", "pause"))
                self._close(run_id, "turn", reason=fact.reason.value, usage=usage_fields(fact.usage))
            case did.StepStarted(run_id=run_id):
                self._close(run_id, "step")
                self._begin(run_id, "step", "model request")
            case did.UsageRecorded(run_id=run_id, usage=usage):
                self._add(run_id, "step", usage=usage_fields(usage))
            case did.StepAccepted(run_id=run_id, stop_reason=stop_reason):
                self._close(run_id, "step", stop_reason=stop_reason)
            case did.StepDiscarded(run_id=run_id, reason=reason):
                self._close(run_id, "step", discarded=reason)
            case did.ToolStarted(run_id=run_id):
                name = f"{fact.tool} {fact.title}"
                self._begin(run_id, f"tool {fact.call_id}", name, call_id=fact.call_id, rule=fact.rule)
            case did.ToolEnded(run_id=run_id):
                if (run_id, f"tool {fact.call_id}") in self._open:
                    ended = {"status": fact.status.value, "summary": fact.summary}
                    self._close(run_id, f"tool {fact.call_id}", **ended)
                else:
                    self._instant(run_id, "tool", f"{fact.tool} {fact.title}", status=fact.status.value)
            case _:
                self._hold(fact)

    def _hold(self, fact: did.Action) -> None:
        match fact:
            case did.TeammateWaited(run_id=run_id, on=on):
                self._begin(run_id, "wait", f"waits: {on.value}", on=on.value)
            case did.TeammateResumed(run_id=run_id):
                self._close(run_id, "wait")
            case did.TeammatePaused(run_id=run_id, by=by):
                self._begin(run_id, "pause", "paused", by=by)
            case did.TeammateContinued(run_id=run_id):
                self._close(run_id, "pause")
            case did.StopRequested(run_id=run_id):
                self._instant(run_id, "stop", "stop asked for")
            case did.StopTakenBack(run_id=run_id):
                self._instant(run_id, "stop", "stop taken back")
            case _:
                self._prove(fact)

    def _prove(self, fact: did.Action) -> None:
        match fact:
            case did.KillStreamClosed(run_id=run_id, after_s=after_s):
                self._instant(run_id, "kill", "stream closed", after_s=after_s)
            case did.KillProcessesCounted(run_id=run_id, left=left, total=total, after_s=after_s):
                self._instant(run_id, "kill", "processes ended", left=left, total=total, after_s=after_s)
            case did.KillTaskEnded(run_id=run_id, after_s=after_s, detached=detached):
                self._instant(run_id, "kill", "task ended", after_s=after_s, detached=detached)
            case did.RequestRefusedAfterKill(run_id=run_id):
                self._instant(run_id, "kill", "request refused after kill")

    def _request(self, fact: did.RequestOpened | did.RequestAnswered | did.RequestWithdrawn) -> None:
        match fact:
            case did.RequestOpened(request=request):
                kind = request_kind(request)
                self._requests[request.id] = (request.run_id, kind)
                run_id, request_id, name = request.run_id, request.id, f"{kind} asked"
                more: Event = {"version": request.version}
            case did.RequestAnswered(request_id=request_id):
                run_id, kind = self._requests.get(request_id, (NOBODY, "request"))
                name = f"{kind} answered"
                more = {"version": fact.version, "answer": fact.answer.__struct_config__.tag}
            case did.RequestWithdrawn(request_id=request_id, reason=reason):
                run_id, kind = self._requests.get(request_id, (NOBODY, "request"))
                name, more = f"{kind} withdrawn", {"reason": reason}
        self._instant(run_id, "request", name, request_id=request_id, **more)

    def _begin(self, run_id: RunId, key: str, name: str, **args: Any) -> None:
        if (run_id, key) in self._open or not self._threads.knows(run_id):
            return
        if key != "run" and (run_id, "run") not in self._open:
            return  # it has ended: another run, its next life, may be drawn in its place
        kind = key.partition(" ")[0]
        thread = self._threads.main(run_id)
        if kind not in _OUTER:
            thread = self._threads.free(run_id, self._busy(run_id, {thread} if kind == "pause" else set()))
        self._nth += 1
        self._open[run_id, key] = Span(kind, _name(name), self._now, thread, self._nth, args)

    def _busy(self, run_id: RunId, more: set[int]) -> set[int]:
        """Threads that something else of this run is on: spans of one thread may not partly overlap.

        A pause is never on the main one, since it may outlast the turn that it began in.
        """
        open_now = ((of, span) for (of, _), span in self._open.items())
        return more | {span.thread for of, span in open_now if of == run_id and span.kind not in _OUTER}

    def _add(self, run_id: RunId, key: str, **args: Any) -> None:
        span = self._open.get((run_id, key))
        if span is not None:
            span.args |= args

    def _close_inner(self, run_id: RunId, but: tuple[str, ...]) -> None:
        mine = [key for of, key in self._open if of == run_id and key not in but]
        for key in sorted(mine, key=lambda one: one == "turn"):
            self._close(run_id, key, unfinished=True)

    def _close(self, run_id: RunId, key: str, **args: Any) -> None:
        span = self._open.pop((run_id, key), None)
        if span is None:
            return
        lasted = self._now - span.began
        event = {
            "ph": "X",
            "pid": PROCESS,
            "tid": span.thread,
            "ts": span.began,
            "dur": lasted,
            "cat": span.kind,
            "name": span.name,
            "args": span.args | args,
        }
        self._events.append(((span.began, -lasted, span.nth), event))

    def _instant(self, run_id: RunId, kind: str, name: str, **args: Any) -> None:
        thread = self._threads.main(run_id) if self._threads.knows(run_id) else 0
        event = {"ph": "i", "pid": PROCESS, "tid": thread, "ts": self._now, "cat": kind, "name": _name(name)}
        self._nth += 1
        place = (self._now, 0, self._nth)
        self._events.append((place, {**event, "s": "t" if thread else "p", "args": args}))


def trace_of(facts: Iterable[did.Action]) -> Event:
    """The trace of a session, as a JSON object."""
    tracer = Tracer()
    for fact in facts:
        tracer.fold(fact)
    return tracer.finish()


def _inner_first(key: tuple[RunId, str]) -> tuple[int, str, str]:
    return {"turn": 1, "run": 2}.get(key[1], 0), key[0], key[1]


def _name(text: str) -> str:
    line = clean_line(text)
    return line if len(line) <= _MOST_NAME else f"{line[: _MOST_NAME - 1]}…"
