"""What a kill does after the run was revoked: close its stream, end its processes and its task, tell each.

Every step is told as a fact when it has happened, with its age in seconds; nothing is told before.
"""

import asyncio

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.ports import Clock, Dispatch, KillTicketLike, ModelPort, ProcessPort
from quarterdeck.runtime.scopes import Scope, ScopeTree
from quarterdeck.state import actions as did

COUNT_EVERY_S = 0.05


class KillProver:
    """Ends what a killed run holds. One per session."""

    def __init__(
        self, scopes: ScopeTree, model: ModelPort, processes: ProcessPort, dispatch: Dispatch, clock: Clock
    ) -> None:
        self._scopes = scopes
        self._model = model
        self._processes = processes
        self._dispatch = dispatch
        self._clock = clock

    def begin(self, run_id: RunId, scope: Scope) -> None:
        """Start to end it all; returns at once."""
        started = self._clock.monotonic()
        self._model.abort(run_id)
        self._dispatch(did.KillStreamClosed(at=self._clock.wall(), run_id=run_id, after_s=self._age(started)))
        ticket = self._processes.kill_owner(run_id)
        self._count(run_id, ticket.left, ticket.left, started)
        root = self._scopes.root
        self._scopes.start(root, self._prove_processes(run_id, ticket, started), name=f"kill {run_id}")
        self._scopes.start(root, self._prove_task(run_id, scope, started), name=f"end {run_id}")

    def processes_of(self, run_id: RunId) -> int:
        """How many processes of this run are alive now."""
        return self._processes.owner_facts(run_id).left

    async def _prove_processes(self, run_id: RunId, ticket: KillTicketLike, started: float) -> None:
        """Count until the kernel says that none is left; the total is the most that were there."""
        done = self._scopes.start(self._scopes.root, ticket.wait(), name=f"ticket {run_id}")
        most = ticket.left
        while True:
            finished, _ = await asyncio.wait({done}, timeout=COUNT_EVERY_S)
            if finished:
                left = done.result().left
                self._count(run_id, left, max(most, left), started)
                return
            left = max(1, self._processes.owner_facts(run_id).left)
            most = max(most, left)
            self._count(run_id, left, most, started)

    async def _prove_task(self, run_id: RunId, scope: Scope, started: float) -> None:
        end = await self._scopes.end(scope)
        self._tell_task(run_id, started, detached=end.left > 0)
        for key in end.abandoned:
            task = self._scopes.abandoned.get(key)
            if task is not None:
                await asyncio.wait({task})
        if end.left > 0:
            self._tell_task(run_id, started, detached=False)

    def _tell_task(self, run_id: RunId, started: float, *, detached: bool) -> None:
        self._dispatch(
            did.KillTaskEnded(
                at=self._clock.wall(), run_id=run_id, after_s=self._age(started), detached=detached
            )
        )

    def _count(self, run_id: RunId, left: int, total: int, started: float) -> None:
        self._dispatch(
            did.KillProcessesCounted(
                at=self._clock.wall(), run_id=run_id, left=left, total=total, after_s=self._age(started)
            )
        )

    def _age(self, started: float) -> float:
        return self._clock.monotonic() - started
