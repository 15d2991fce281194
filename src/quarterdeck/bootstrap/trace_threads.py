"""Which line of a trace a run is drawn on: one per teammate, and more where its calls run side by side."""

from typing import Any

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RunId


class _Teammate(msgspec.Struct):
    name: str
    parent: int | None
    """The number of the teammate that asked for it."""
    threads: list[int]
    """The main one first."""
    is_living: bool = True


class Threads:
    """Numbers and names of the threads of a trace, from 1."""

    def __init__(self) -> None:
        self._mates: list[_Teammate] = []
        self._of_run: dict[RunId, int] = {}
        self._newest = 0

    def add(
        self, run_id: RunId, name: str, *, parent: RunId | None = None, revived_from: RunId | None = None
    ) -> None:
        """A run is drawn from now on: where the run before it was drawn, if that is free."""
        if run_id in self._of_run:
            return
        before = self._of_run.get(revived_from) if revived_from is not None else None
        if before is not None and not self._mates[before].is_living:
            self._of_run[run_id] = before
            self._mates[before].is_living = True
            return
        above = self._of_run.get(parent) if parent is not None else None
        self._of_run[run_id] = len(self._mates)
        self._mates.append(_Teammate(name, above, [self._next()]))

    def end(self, run_id: RunId) -> None:
        """It has ended."""
        self._mates[self._of_run[run_id]].is_living = False

    def knows(self, run_id: RunId) -> bool:
        """Whether it is drawn."""
        return run_id in self._of_run

    def name_of(self, run_id: RunId | None) -> str | None:
        """The teammate's name."""
        at = self._of_run.get(run_id) if run_id is not None else None
        return self._mates[at].name if at is not None else None

    def main(self, run_id: RunId) -> int:
        """Its own thread."""
        return self._mates[self._of_run[run_id]].threads[0]

    def free(self, run_id: RunId, busy: set[int]) -> int:
        """A thread of its own on which nothing of the moment would be overlapped."""
        threads = self._mates[self._of_run[run_id]].threads
        for thread in threads:
            if thread not in busy:
                return thread
        threads.append(self._next())
        return threads[-1]

    def names(self, process: int) -> list[dict[str, Any]]:
        """The events that name and sort the threads: each family together, children after their parent."""
        found = []
        for place, at in enumerate(self._in_order()):
            mate = self._mates[at]
            for nth, thread in enumerate(mate.threads):
                name = self._path(at) if nth == 0 else f"{self._path(at)} ({nth + 1})"
                head = {"ph": "M", "pid": process, "tid": thread}
                found.append({**head, "name": "thread_name", "args": {"name": clean_name(name)}})
                index = {"sort_index": place * 100 + min(nth, 99)}
                found.append({**head, "name": "thread_sort_index", "args": index})
        return found

    def _next(self) -> int:
        self._newest += 1
        return self._newest

    def _in_order(self) -> list[int]:
        children: dict[int | None, list[int]] = {}
        for at, mate in enumerate(self._mates):
            children.setdefault(mate.parent, []).append(at)
        found: list[int] = []
        waiting = list(reversed(children.get(None, [])))
        while waiting:
            at = waiting.pop()
            found.append(at)
            waiting += reversed(children.get(at, []))
        return found

    def _path(self, at: int) -> str:
        names = [self._mates[at].name]
        above = self._mates[at].parent
        while above is not None:
            names.append(self._mates[above].name)
            above = self._mates[above].parent
        return " › ".join(reversed(names))
