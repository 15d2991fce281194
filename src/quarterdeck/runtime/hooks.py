"""Python hooks around transitions of a run's lifecycle: registered, called, timed and reported here.

A hook can neither veto a transition nor hold it up beyond its time limit, and its failure never reaches the
run. It runs on the event loop, as a task of its own, so it must not block.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context, copy_context
from functools import partial

import msgspec

from quarterdeck.domain.ids import AgentId, RunId
from quarterdeck.domain.teammates import Lifecycle
from quarterdeck.runtime.identity import bind
from quarterdeck.runtime.scopes import Scope, ScopeCancelled, ScopeTree

TIME_LIMIT_S = 5.0
_CREATED = "created"
_STATES = frozenset(str(state) for state in Lifecycle) | {"*"}


class TransitionEvent(msgspec.Struct, frozen=True):
    """One run went, or is about to go, from one lifecycle to the next."""

    run_id: RunId
    agent_id: AgentId
    from_: Lifecycle | None
    """None = it is being created."""
    to: Lifecycle
    at: float
    """Wall time in epoch seconds."""

    @property
    def name(self) -> str:
        """`executing->waiting`."""
        return f"{self.from_ or _CREATED}->{self.to}"


Hook = Callable[[TransitionEvent], Awaitable[None] | None]


class BadTransition(ValueError):
    """A transition that no run can make; the text says what is wrong with it."""


class _Registered:
    """One hook with the transition that it is for and the context in which it was registered."""

    def __init__(self, transition: str, hook: Hook) -> None:
        self.hook = hook
        self.from_, self.to = _parse(transition)
        self.context: Context = copy_context()
        self.name = str(getattr(hook, "__qualname__", None) or repr(hook))

    def is_for(self, event: TransitionEvent) -> bool:
        return self.from_ in ("*", str(event.from_ or _CREATED)) and self.to in ("*", str(event.to))


class Hooks:
    """The registered hooks. Reports of failures go to `on_fault` as one sentence each."""

    def __init__(
        self, tree: ScopeTree, *, on_fault: Callable[[str], None], time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        self._tree = tree
        self._scope = tree.open(tree.root, "hooks")
        self._on_fault = on_fault
        self._time_limit_s = time_limit_s
        self._before: dict[_Registered, None] = {}
        self._after: dict[_Registered, None] = {}

    @property
    def any_registered(self) -> bool:
        """Whether there is a hook at all."""
        return bool(self._before or self._after)

    def before(self, transition: str, hook: Hook) -> Callable[[], None]:
        """Call `hook` before a transition, as `executing->waiting` or `*->terminated`. Returns unregister.

        :raises BadTransition: the text names no transition.
        """
        return _register(self._before, transition, hook)

    def after(self, transition: str, hook: Hook) -> Callable[[], None]:
        """Call `hook` after the transition; else as `before`."""
        return _register(self._after, transition, hook)

    async def run_before(self, event: TransitionEvent, *, time_limit_s: float | None = None) -> None:
        """Run the hooks before `event`; returns when they are done, at the latest after the time limit."""
        await self._run("before", self._before, event, time_limit_s)

    async def run_after(self, event: TransitionEvent, *, time_limit_s: float | None = None) -> None:
        """Run the hooks after `event`, as `run_before`."""
        await self._run("after", self._after, event, time_limit_s)

    def run_beside(self, event: TransitionEvent) -> None:
        """For a kill, which waits for nothing: start the hooks of both kinds and return."""
        self._start("before", self._before, event, self._time_limit_s)
        self._start("after", self._after, event, self._time_limit_s)

    async def _run(
        self, when: str, registered: Iterable[_Registered], event: TransitionEvent, time_limit_s: float | None
    ) -> None:
        limit = self._time_limit_s if time_limit_s is None else time_limit_s
        tasks = self._start(when, registered, event, limit)
        if tasks:
            await asyncio.wait(tasks, timeout=limit)

    def _start(
        self, when: str, registered: Iterable[_Registered], event: TransitionEvent, time_limit_s: float
    ) -> list[asyncio.Task[None]]:
        """Start every hook that is for `event`, and a watch that ends them, whoever waits or does not."""
        chosen = [one for one in registered if one.is_for(event)]
        if not chosen:
            return []
        scope = self._tree.open(self._scope, event.name)
        tasks: list[asyncio.Task[None]] = []
        for one in chosen:
            title = f"Hook {one.name} {when} {event.name} of {event.agent_id}"
            try:
                task = self._tree.start(
                    scope, self._call(one.hook, event, title), name=title, context=one.context.copy()
                )
            except ScopeCancelled:
                self._on_fault(f"{title} was not run: the program is ending.")
            else:
                tasks.append(task)
        if tasks:
            self._tree.start(
                self._scope, self._watch(scope, tasks, time_limit_s), name="hooks watch", context=bind(None)
            )
        return tasks

    async def _call(self, hook: Hook, event: TransitionEvent, title: str) -> None:
        """The boundary around a hook: whatever it raises is told, and stays here."""
        try:
            waiting = hook(event)
            if inspect.isawaitable(waiting):
                await waiting
        except (Exception, SystemExit) as error:
            self._on_fault(f"{title} failed: {type(error).__name__}: {error}")

    async def _watch(self, scope: Scope, tasks: list[asyncio.Task[None]], time_limit_s: float) -> None:
        done, late = await asyncio.wait(tasks, timeout=time_limit_s)
        for task in done:
            if task.cancelled():
                self._on_fault(f"{task.get_name()} was cancelled.")
        for task in late:
            self._on_fault(f"{task.get_name()} took more than {time_limit_s:g} s and was ended.")
        await self._tree.end(scope)


def _register(hooks: dict[_Registered, None], transition: str, hook: Hook) -> Callable[[], None]:
    registered = _Registered(transition, hook)
    hooks[registered] = None
    return partial(_unregister, hooks, registered)


def _unregister(hooks: dict[_Registered, None], registered: _Registered) -> None:
    hooks.pop(registered, None)


def _parse(transition: str) -> tuple[str, str]:
    """Both sides of `from->to`; each is a lifecycle or `*`, and the left one may be `created`."""
    from_, arrow, to = (part.strip() for part in transition.partition("->"))
    if not arrow or from_ not in _STATES | {_CREATED} or to not in _STATES:
        raise BadTransition(
            f"{transition!r} is no transition; write it like executing->waiting or *->failed."
        )
    return from_, to
