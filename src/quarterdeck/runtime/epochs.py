"""Which runs may still have effects. A kill revokes the run first; everything that its code tries later is
refused and counted, from whatever task or thread it comes.

Every effect (model request, journal write, permission answer, tool result) asks `check` right before it
happens.
"""

import threading
from collections.abc import Mapping
from types import MappingProxyType

from quarterdeck.domain.ids import RunId


class RunRevoked(RuntimeError):
    """The run has ended (or never began): its effect is refused."""

    def __init__(self, run_id: RunId) -> None:
        super().__init__(f"Run {run_id} has ended; nothing more is done for it.")
        self.run_id = run_id


class Epochs:
    """The live runs. Safe from every thread; a run that was never opened counts as revoked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[RunId, int] = {}
        self._revoked: set[RunId] = set()
        self._refused: dict[RunId, int] = {}
        self._last = 0

    @property
    def refused(self) -> Mapping[RunId, int]:
        """How many effects of each run were refused; a run without any is absent."""
        return MappingProxyType(self._refused)

    def open(self, run_id: RunId) -> int:
        """Let the run have effects; returns its epoch, 1 for the first run. A live run keeps its epoch.

        :raises RunRevoked: the run was revoked; that is for good, a revived teammate has a new run id.
        """
        with self._lock:
            if run_id in self._revoked:
                raise RunRevoked(run_id)
            if run_id not in self._live:
                self._last += 1
                self._live[run_id] = self._last
            return self._live[run_id]

    def revoke(self, run_id: RunId) -> None:
        """From now on every effect of the run is refused, also when the run is not known yet."""
        with self._lock:
            self._live.pop(run_id, None)
            self._revoked.add(run_id)

    def is_live(self, run_id: RunId) -> bool:
        """Whether the run may have effects; asking is not counted."""
        return run_id in self._live

    def check(self, run_id: RunId) -> None:
        """Pass for a live run.

        :raises RunRevoked: for any other; the refusal is counted.
        """
        with self._lock:
            if run_id in self._live:
                return
            self._refused[run_id] = self._refused.get(run_id, 0) + 1
        raise RunRevoked(run_id)
