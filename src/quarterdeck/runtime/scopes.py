"""The scope tree: the only place that starts tasks, and the one that ends them whatever they do.

Session > run > turn > tool call. Cancelling a scope cancels all inside it, never what is outside. A task that
swallows its cancellation for ever is abandoned and listed; nothing waits for it. Whoever awaits a task of an
inner scope does so by `asyncio.wait`, or it takes the inner cancellation for its own.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextvars import Context
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar
from weakref import WeakSet

import msgspec

from quarterdeck.runtime.identity import bind
from quarterdeck.runtime.threads import abandoned_threads, call_within

T = TypeVar("T")

FAST_EVERY_S = 0.002
FAST_FOR_S = 0.2
SLOW_EVERY_S = 0.1
GIVE_UP_S = 2.0
FEWEST_ROUNDS = 64
"""Cancels before giving up, however long they take: a loop that stood still costs no task its chance."""
FLUSH_LIMIT_S = 1.0
"""A terminal that takes no more bytes does not hold the exit longer than this."""
LOOKUP_LIMIT_S = 0.2
"""Nor does a name that a library looks up in a thread of the loop's own (`getaddrinfo`)."""


class ScopeCancelled(RuntimeError):
    """Nothing starts any more in a scope that was cancelled or closed."""


class ScopeEnd(msgspec.Struct, frozen=True):
    """What `ScopeTree.end` came to."""

    left: int
    """Tasks inside that live on, earlier abandoned ones of the same scope included."""
    took_s: float
    abandoned: tuple[str, ...]
    """Their keys in `ScopeTree.abandoned`."""


class ScopeCounts(msgspec.Struct, frozen=True):
    """How full the tree is, the root included."""

    scopes: int
    tasks: int
    abandoned: int


class Scope:
    """A place for tasks and inner scopes. Made by `ScopeTree.open`; once cancelled it is never used again."""

    def __init__(self, scope_id: str, parent: "Scope | None", name: str) -> None:
        self.id = scope_id
        self.parent = parent
        self.name = name
        self.is_cancelled: bool = parent is not None and (parent.is_cancelled or parent._is_closed)
        self._is_closed: bool = False
        self._children: dict[str, Scope] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._ending: _Ending | None = None
        self._end: ScopeEnd | None = None

    def __repr__(self) -> str:
        return f"<Scope {self.id}{' cancelled' if self.is_cancelled else ''}>"

    def _and_inner(self) -> list["Scope"]:
        """This scope and all inside it, outer before inner."""
        found = [self]
        for scope in found:
            found.extend(scope._children.values())
        return found

    def _and_outer(self) -> Iterator["Scope"]:
        """This scope and all around it, inner before outer."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _all_tasks(self) -> list[tuple["Scope", asyncio.Task[Any]]]:
        return [(scope, task) for scope in self._and_inner() for task in scope._tasks]

    def _mark_cancelled(self) -> None:
        for scope in self._and_inner():
            scope.is_cancelled = True


class ScopeTree:
    """All scopes and tasks of the program. To be used on the event loop's thread only."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_fault: Callable[[str, BaseException], None],
    ) -> None:
        self._clock = clock
        self._on_fault = on_fault
        self._numbers = 0
        self._abandoned: dict[str, asyncio.Task[Any]] = {}
        self._abandoned_in: dict[str, Scope] = {}
        self.root = Scope("session", None, "session")

    @property
    def abandoned(self) -> Mapping[str, asyncio.Task[Any]]:
        """Tasks that were given up and still live, by name (numbered when the name is taken)."""
        return MappingProxyType(self._abandoned)

    def counts(self) -> ScopeCounts:
        """Scopes and tasks in the tree, and tasks that left it by being abandoned."""
        scopes = self.root._and_inner()
        return ScopeCounts(len(scopes), sum(len(scope._tasks) for scope in scopes), len(self._abandoned))

    def open(self, parent: Scope, name: str) -> Scope:
        """A new scope inside `parent`. Inside a cancelled or closed scope it is born cancelled."""
        self._numbers += 1
        scope = Scope(f"{parent.id}/{name}.{self._numbers}", parent, name)
        if not scope.is_cancelled:
            parent._children[scope.id] = scope
        return scope

    def close(self, scope: Scope) -> None:
        """Forget a finished scope: nothing starts in it any more; it leaves the tree with its last task."""
        if scope is not self.root:
            scope._is_closed = True
            self._prune(scope)

    def start(
        self, scope: Scope, coroutine: Coroutine[Any, Any, T], *, name: str, context: Context | None = None
    ) -> asyncio.Task[T]:
        """Run `coroutine` as a task of `scope`; its error goes to `on_fault(name, error)`, awaited or not.

        :param context: the context to run in (see `identity.bind`); None = a copy of the current one.
        :raises ScopeCancelled: the scope was cancelled or closed; the coroutine is closed, not run.
        """
        if scope.is_cancelled or scope._is_closed:
            coroutine.close()
            raise ScopeCancelled(f"{name} was not started: {scope.id} has ended.")
        loop = asyncio.get_running_loop()
        task = loop.create_task(coroutine, name=name, context=context)
        scope._tasks[task] = None
        task.add_done_callback(partial(self._finished, scope), context=context)
        return task

    def start_task(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start a task of the program itself (a writer, a ticker): in the root scope, for nobody."""
        return self.start(self.root, coroutine, name=name, context=bind(None))

    def cancel(self, scope: Scope, *, reason: str = "") -> None:
        """Cancel every task inside once, outer scopes first, and let nothing start there any more.

        An interrupt: it returns at once, and a task that swallows it goes on until `end`. A second call
        changes nothing.
        """
        if scope.is_cancelled:
            return
        scope._mark_cancelled()
        for _, task in scope._all_tasks():
            task.cancel(reason or None)
        self._prune_inner(scope)

    async def end(self, scope: Scope) -> ScopeEnd:
        """Cancel everything inside until it has ended: every 2 ms for 0.2 s, then every 0.1 s, up to 2 s.

        What lives on then is abandoned. Called again, or by several at once, everybody gets the result. A
        task inside that calls it is not waited for; if someone outside ends the scope as well, that task gets
        its result within 0.2 s and is then ended too. It raises nothing of its own; when the calling task is
        cancelled from elsewhere, the ending goes on without it.
        """
        if scope._end is not None:
            return scope._end
        scope._mark_cancelled()
        if scope._ending is None:
            scope._ending = _Ending(self, scope)
        return await scope._ending.wait(asyncio.current_task())

    def _finished(self, scope: Scope, task: asyncio.Task[Any]) -> None:
        """Take a task that is done out of the tree, and tell of its error."""
        scope._tasks.pop(task, None)
        for key in [key for key, lost in self._abandoned.items() if lost is task]:
            del self._abandoned[key], self._abandoned_in[key]
        self._left(scope)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(task.get_name(), error)

    def _abandon(self, scope: Scope, task: asyncio.Task[Any]) -> None:
        """Keep the task (and its scope's place) on the list of the lost instead of in the tree."""
        key = name = task.get_name()
        number = 1
        while key in self._abandoned:
            number += 1
            key = f"{name} ({number})"
        self._abandoned[key] = task
        self._abandoned_in[key] = scope
        _ABANDONED.add(task)
        scope._tasks.pop(task, None)
        self._left(scope)

    def _abandoned_within(self, scope: Scope) -> tuple[str, ...]:
        return tuple(key for key, inner in self._abandoned_in.items() if scope in inner._and_outer())

    def _left(self, scope: Scope) -> None:
        """A task left the scope: drop what is empty, and tell whoever is ending it or a scope around it."""
        self._prune(scope)
        for outer in scope._and_outer():
            if outer._ending is not None:
                outer._ending.look()

    def _prune(self, scope: Scope) -> None:
        """Drop the scope, and those around it, as far as they are over and empty."""
        for inner in scope._and_outer():
            is_over = inner._is_closed or inner.is_cancelled
            if inner.parent is None or not is_over or inner._tasks or inner._children:
                return
            inner.parent._children.pop(inner.id, None)

    def _prune_inner(self, scope: Scope) -> None:
        for inner in reversed(scope._and_inner()):
            self._prune(inner)


class _Ending:
    """The end of one scope. Timers of the loop drive it, not a task: nothing can block or cancel it."""

    def __init__(self, tree: ScopeTree, scope: Scope) -> None:
        self._tree = tree
        self._scope = scope
        self._loop = asyncio.get_running_loop()
        self._clock_at_start = tree._clock()
        self._began = self._loop.time()
        self._rounds = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False
        self._inside: dict[asyncio.Task[Any], asyncio.Future[ScopeEnd]] = {}
        self._outside: list[asyncio.Future[ScopeEnd]] = []
        self._waiting: set[asyncio.Task[Any] | None] = set()

    async def wait(self, caller: asyncio.Task[Any] | None) -> ScopeEnd:
        """Wait for the result as one more caller; the first one sets the ending going."""
        self._waiting.add(caller)
        try:
            return await self._join(caller)
        finally:
            self._waiting.discard(caller)

    def _join(self, caller: asyncio.Task[Any] | None) -> asyncio.Future[ScopeEnd]:
        answer: asyncio.Future[ScopeEnd] = self._loop.create_future()
        if caller is not None and any(task is caller for _, task in self._scope._all_tasks()):
            self._inside[caller] = answer
        else:
            if not self._outside:  # from now on the callers inside are to end too, with the whole time for it
                self._began = self._loop.time()
                self._rounds = 0
            self._outside.append(answer)
        self.look()
        if not self._is_over and self._timer is None:
            self._go_round()
        return answer

    def look(self) -> None:
        """See whether it is over: called whenever a task has left the scope."""
        if self._is_over or self._others():
            return
        self._answer_inside()
        if not self._outside or not self._scope._all_tasks():
            self._finish()

    def _others(self) -> list[tuple[Scope, asyncio.Task[Any]]]:
        """The tasks to end: all inside but those that wait here themselves.

        A task inside that called is spared for good, unless someone outside wants its end too: then only
        until it has received its answer.
        """
        spared = self._waiting if self._outside else self._inside
        return [(scope, task) for scope, task in self._scope._all_tasks() if task not in spared]

    def _go_round(self) -> None:
        """Cancel all that is left, or give it up; then come back."""
        self._timer = None
        elapsed = self._loop.time() - self._began
        was_fast = elapsed < FAST_FOR_S or self._rounds < FEWEST_ROUNDS
        if self._outside and not was_fast:
            self._answer_inside()
        if elapsed >= GIVE_UP_S and not was_fast:
            for scope, task in self._scope._all_tasks() if self._outside else self._others():
                self._tree._abandon(scope, task)
            self.look()
            return
        self._rounds += 1
        self._timer = self._loop.call_later(FAST_EVERY_S if was_fast else SLOW_EVERY_S, self._go_round)
        for _, task in self._others():
            try:
                task.cancel()
            except Exception as error:  # a foreign awaitable inside: its fault must not save the other tasks
                self._tree._on_fault(task.get_name(), error)

    def _result(self) -> ScopeEnd:
        abandoned = self._tree._abandoned_within(self._scope)
        others = sum(1 for _, task in self._scope._all_tasks() if task not in self._inside)
        took_s = self._tree._clock() - self._clock_at_start
        return ScopeEnd(len(abandoned) + others, took_s, abandoned)

    def _answer_inside(self) -> None:
        waiting = [answer for answer in self._inside.values() if not answer.done()]
        if waiting:
            result = self._result()
            for answer in waiting:
                answer.set_result(result)

    def _finish(self) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        result = self._result()
        self._scope._ending = None
        if not self._scope._all_tasks():
            self._scope._end = result
        for answer in self._outside:
            if not answer.done():
                answer.set_result(result)
        self._tree._prune_inner(self._scope)


_ABANDONED: WeakSet[asyncio.Task[Any]] = WeakSet()


def exit_now(code: int) -> None:
    """Flush the standard streams, then leave the process at once if any task or thread is left.

    With an abandoned task alive, `asyncio.run` would not end; with a stream that takes no more bytes, the
    interpreter would not. The last step of the program, on the loop's thread; with nothing abandoned it
    returns, and the caller ends in the ordinary way.
    """
    is_flushed = call_within(_flush, name="flush", time_limit_s=FLUSH_LIMIT_S)
    is_left = bool(abandoned_threads()) or any(not task.done() for task in _ABANDONED)
    if is_left or not is_flushed or not _loop_threads_ended():
        os._exit(code)


def _loop_threads_ended() -> bool:
    """The loop's own threads are no daemons: the interpreter would wait for one that hangs."""
    try:
        executor = getattr(asyncio.get_running_loop(), "_default_executor", None)
    except RuntimeError:
        return True
    if executor is None:
        return True
    end = partial(executor.shutdown, cancel_futures=True)
    return call_within(end, name="lookups", time_limit_s=LOOKUP_LIMIT_S)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # Nobody reads it any more, or it was closed: there is nothing left to say it to.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
