"""The only place that starts threads: a small pool of daemon threads that no exit waits for.

A call whose awaiter is cancelled goes on in its thread: it cannot be stopped, so it is listed until it ends,
its place in the pool is given to another thread, and its result is dropped. Whoever writes in a thread asks
the run's epoch first (see `runtime.epochs`).
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

MOST_THREADS = 64
"""Calls that run at once; the next ones wait for their turn. Abandoned threads do not count."""
MOST_IDLE = 8
"""Threads that are kept for the next call."""


class _Call:
    """One function on its way through the pool. `run` never raises; what it returns hands the result over."""

    __slots__ = ("abandoned", "name", "run")

    def __init__(self, name: str, run: Callable[[], Callable[[], None]]) -> None:
        self.name = name
        self.run = run
        self.abandoned = False


_Inbox = SimpleQueue[_Call]


class DaemonThreads:
    """A pool of daemon threads. It never joins one, and starts a thread only when no idle one is there."""

    def __init__(self, *, most_threads: int = MOST_THREADS, most_idle: int = MOST_IDLE) -> None:
        self._most_threads = most_threads
        self._most_idle = most_idle
        self._lock = threading.Lock()
        self._threads = 0  # busy and idle ones; a thread with an abandoned call is no longer counted
        self._idle: list[_Inbox] = []
        self._queued: deque[_Call] = deque()
        self._running: set[_Call] = set()
        self._abandoned: dict[_Call, str] = {}

    async def run(self, function: Callable[[], T], *, name: str) -> T:
        """Call `function` in a thread, in a copy of the caller's context, and return what it returns.

        :raises BaseException: what the function raised. Cancelling the caller abandons the call.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        context = copy_context()

        def run() -> Callable[[], None]:
            try:
                result = context.run(function)
            except BaseException as error:
                return partial(_hand_over, loop, _failure(answer, error))
            return partial(_hand_over, loop, _success(answer, result))

        call = _Call(name, run)
        self._submit(call)
        try:
            return await answer
        except asyncio.CancelledError:
            self._abandon(call)
            if answer.done() and not answer.cancelled():
                answer.exception()  # came together with the cancel; looked at, or asyncio complains
            raise

    def abandoned(self) -> tuple[str, ...]:
        """Names of the calls that nobody waits for any more and that still run, oldest first."""
        with self._lock:
            return tuple(self._abandoned.values())

    def _submit(self, call: _Call) -> None:
        with self._lock:
            if self._idle:
                self._running.add(call)
                self._idle.pop().put(call)
            elif self._threads < self._most_threads:
                self._start_thread(call)
            else:
                self._queued.append(call)

    def _start_thread(self, call: _Call) -> None:
        """Give the call a thread of its own; the lock is held."""
        threading.Thread(target=self._work, args=(call,), name=call.name, daemon=True).start()
        self._threads += 1
        self._running.add(call)

    def _abandon(self, call: _Call) -> None:
        with self._lock:
            if call in self._running:
                self._running.discard(call)
                self._abandoned[call] = call.name
                call.abandoned = True
                self._threads -= 1
                if self._queued and self._threads < self._most_threads:
                    self._start_thread(self._queued.popleft())
            elif call in self._queued:
                self._queued.remove(call)

    def _work(self, first: _Call) -> None:
        """The life of one thread: calls, one after the other, until it is not needed."""
        inbox: _Inbox = SimpleQueue()
        inbox.put(first)
        is_needed = True
        while is_needed:
            call = inbox.get()
            threading.current_thread().name = call.name
            hand_over = call.run()
            is_needed = self._is_needed_after(call, inbox)
            threading.current_thread().name = "quarterdeck-idle"
            hand_over()  # last, so that whoever got the result finds this thread free for the next call
            del call, hand_over  # an idle thread keeps no result alive

    def _is_needed_after(self, done: _Call, inbox: _Inbox) -> bool:
        """Whether the thread stays: it has the next call of the queue in its inbox, or is listed as idle."""
        with self._lock:
            self._running.discard(done)
            if done.abandoned:
                self._abandoned.pop(done, None)
                return False
            if self._queued:
                call = self._queued.popleft()
                self._running.add(call)
                inbox.put(call)
                return True
            if len(self._idle) >= self._most_idle:
                self._threads -= 1
                return False
            self._idle.append(inbox)
            return True


def _hand_over(loop: asyncio.AbstractEventLoop, deliver: Callable[[], None]) -> None:
    # A loop that is closed has nobody left who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(deliver)


def _success(answer: asyncio.Future[T], result: T) -> Callable[[], None]:
    def deliver() -> None:
        if not answer.done():
            answer.set_result(result)

    return deliver


def _failure(answer: asyncio.Future[T], error: BaseException) -> Callable[[], None]:
    def deliver() -> None:
        if answer.done():
            return
        if isinstance(error, StopIteration):  # a future cannot carry it
            wrapped = RuntimeError("The function in the thread raised StopIteration.")
            wrapped.__cause__ = error
            answer.set_exception(wrapped)
        else:
            answer.set_exception(error)

    return deliver


_POOL = DaemonThreads()


async def run_in_thread(function: Callable[[], T], *, name: str) -> T:
    """Call `function` in a daemon thread of the program's pool; see `DaemonThreads.run`."""
    return await _POOL.run(function, name=name)


def abandoned_threads() -> tuple[str, ...]:
    """Names of the thread calls that still run though nobody waits for them."""
    return _POOL.abandoned()


def call_within(function: Callable[[], object], *, name: str, time_limit_s: float) -> bool:
    """Call `function` in a daemon thread and block until it ends; for the program's last steps only.

    Returns whether it ended in time; what it returns or raises is dropped.
    """
    ended = threading.Event()

    def run() -> None:
        try:
            function()
        finally:
            ended.set()

    threading.Thread(target=run, name=name, daemon=True).start()
    return ended.wait(time_limit_s)


def only_this_thread(what: str) -> Callable[[], None]:
    """A check to be called where `what` happens. It raises RuntimeError on any other thread than this one."""
    owner = threading.get_ident()

    def check() -> None:
        if threading.get_ident() != owner:
            raise RuntimeError(f"{what} from a foreign thread.")

    return check
