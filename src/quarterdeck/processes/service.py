"""The one place that starts processes: runs commands, kills every tree of a run, counts what is left."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping

from quarterdeck.domain.ids import RunId
from quarterdeck.processes import shim
from quarterdeck.processes.call import Call, Launch
from quarterdeck.processes.contract import (
    CannotStart,
    ProcessFacts,
    ProcessRequest,
    ProcessResult,
    ResourceLimits,
    RunRevoked,
    Tier,
)
from quarterdeck.processes.subreaper import become_subreaper

TIER: Tier = "supervisor" if sys.platform.startswith("linux") else "process group"
"""How far a kill reaches here. `process group`: a process that left its group outlives it."""
CANCEL_WAIT_S = 0.25
CLOSE_WAIT_S = 2.0
LISTING_AGE_S = 0.02
"""So old may a listing be: reading it takes milliseconds, and a kill of all asks for every run at once."""


class KillTicket:
    """A kill that has started: what was there then, and a way to wait for its end."""

    def __init__(self, facts: ProcessFacts, calls: Iterable[Call], read: Callable[[], ProcessFacts]) -> None:
        self.left = facts.left
        self.total = facts.total
        self._calls = list(calls)
        self._read = read

    async def wait(self) -> ProcessFacts:
        """Returns once every tree is proved empty, or what is `left` is beyond reach (after 3 s)."""
        pending = [call.done for call in self._calls if not call.done.done()]
        if pending:
            await asyncio.wait(pending)
        return self._read()


class ProcessService:
    """Commands of runs, each under its own supervisor program. It lives in one loop."""

    def __init__(
        self,
        *,
        limits: ResourceLimits | None = None,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        tier: Tier = TIER,
    ) -> None:
        """`environment` is what the allow-list reads: the program's own, unless told otherwise."""
        self._launch = Launch(
            tier=tier,
            limits=limits or ResourceLimits(),
            python=python,
            environment=os.environ if environment is None else environment,
        )
        self._calls: dict[RunId, set[Call]] = {}
        self._totals: dict[RunId, int] = {}
        self._revoked: set[RunId] = set()
        self._is_closed = False
        self._listing: list[shim.ProcessRow] = []
        self._listed_at = 0.0
        if tier == "supervisor":
            become_subreaper()

    async def run(
        self, request: ProcessRequest, on_output: Callable[[bytes], None] | None = None
    ) -> ProcessResult:
        """Run one command to its end. Cancelling the caller kills the whole tree before this returns.

        :raises RunRevoked: the run was killed before.
        :raises CannotStart: there is no such folder or program, or the system gave no process.
        """
        if request.owner in self._revoked:
            raise RunRevoked(f"Run {request.owner} was killed; it starts nothing.")
        if self._is_closed:
            raise CannotStart("The program is ending.")
        call = Call(request, self._launch, on_output)
        self._calls.setdefault(request.owner, set()).add(call)
        call.done.add_done_callback(lambda _: self._on_done(call))
        try:
            await asyncio.wait([call.done])
        except asyncio.CancelledError:
            call.kill()
            await wait_despite_cancelling(call.done, CANCEL_WAIT_S)
            raise
        return call.done.result()

    def kill_owner(self, owner: RunId) -> KillTicket:
        """Start killing every tree of this run, and refuse it any further process. Returns at once."""
        self._revoked.add(owner)
        facts = self.owner_facts(owner)
        calls = list(self._calls.get(owner, ()))
        for call in calls:
            call.kill()
        return KillTicket(facts, calls, lambda: self.owner_facts(owner))

    def owner_facts(self, owner: RunId) -> ProcessFacts:
        """Counted from a listing of the system's processes of just now, supervisors not included."""
        calls = self._calls.get(owner)
        total = self._totals.get(owner, 0)
        if not calls:
            return ProcessFacts(left=0, total=total)
        rows = self._processes()
        counts = [call.count(rows) for call in calls]
        return ProcessFacts(
            left=sum(living for living, _ in counts), total=total + sum(seen for _, seen in counts)
        )

    def _processes(self) -> list[shim.ProcessRow]:
        now = time.monotonic()
        if now - self._listed_at > LISTING_AGE_S:
            self._listing, self._listed_at = list(shim.list_processes()), now
        return self._listing

    async def close(self) -> None:
        """Kill everything and take no more; waits 2 s at most."""
        self._is_closed = True
        calls = [call for owned in self._calls.values() for call in owned]
        for call in calls:
            call.kill()
        if calls:
            await asyncio.wait([call.done for call in calls], timeout=CLOSE_WAIT_S)

    def _on_done(self, call: Call) -> None:
        # Nobody asks for it after a cancelled run(); read it, or the loop complains.
        call.done.exception()
        if call.end is None or call.end.beyond_reach:
            return  # it stays in the count of what is left
        owner = call.request.owner
        self._calls[owner].discard(call)
        if not self._calls[owner]:
            del self._calls[owner]
        self._totals[owner] = self._totals.get(owner, 0) + call.end.total


async def wait_despite_cancelling(done: "asyncio.Future[ProcessResult]", limit_s: float) -> None:
    """Wait for `done` at most `limit_s`, however often the waiting task is cancelled meanwhile."""
    deadline = time.monotonic() + limit_s
    while not done.done() and (left := deadline - time.monotonic()) > 0:
        try:
            await asyncio.wait([done], timeout=left)
        except asyncio.CancelledError:
            continue
