"""A controller that records what the person asked for and can make the matching facts true at once.

`asked` holds one tuple per call: the method's name, then its arguments. With `acts=True` the store is told
what a runtime would tell it, so that a screen can be played without one.
"""

import asyncio
from collections.abc import Callable, Sequence

from quarterdeck.domain.archive import EVERYWHERE, LastSession, SearchFound, SearchScope, StoredRun
from quarterdeck.domain.ids import AgentId, MessageId, RequestId, RunId
from quarterdeck.domain.requests import (
    Answer,
    PermissionDenied,
    PermissionGiven,
    PermissionScope,
    PlanApproved,
    PlanRejected,
    QuestionAnswered,
    QuestionDeclined,
    StepComment,
)
from quarterdeck.domain.teammates import IdleReason, PermissionMode, SpawnResult, Way
from quarterdeck.domain.usage import NO_USAGE
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import Entry
from quarterdeck.state.selectors import select_descendants
from quarterdeck.state.store import Store
from quarterdeck.tui.ports import ArchiveGone, Controller, Receipt
from tests.support import states

Asked = tuple[object, ...]


class Recorder:
    """What the four fakes share: the store, the list of what was asked, and the clock."""

    def __init__(self, store: Store, *, acts: bool, wall: Callable[[], float]) -> None:
        self.store = store
        self.acts = acts
        self.wall = wall
        self.asked: list[Asked] = []
        self.past: FakePast

    def names(self) -> list[object]:
        """The methods that were called, in order."""
        return [one[0] for one in self.asked]

    def ask(self, *asked: object) -> None:
        """Record one call."""
        self.asked.append(asked)

    def tell(self, *facts: did.Action) -> None:
        """Dispatch, when this controller acts."""
        if self.acts:
            for fact in facts:
                self.store.dispatch(fact)

    def name_of(self, run_id: RunId) -> str:
        """The teammate's name."""
        mate = self.store.state.team.by_run.get(run_id)
        return mate.name if mate else "?"


class FakeTeammates:
    """Starting, holding and ending runs, on paper."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.spawn_error = ""

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool = False) -> SpawnResult:
        self._recorder.ask("spawn", name, prompt, plan_mode)
        if self.spawn_error:
            return SpawnResult(False, AgentId(f"{name}@shop"), None, self.spawn_error)
        at = self._recorder.wall()
        self._recorder.tell(states.spawned(name, at=at), states.ready(name, at=at))
        return SpawnResult(True, AgentId(f"{name}@shop"), states.run(name))

    def kill(self, run_ids: Sequence[RunId]) -> Receipt:
        self._recorder.ask("kill", tuple(run_ids))
        for run_id in run_ids:
            at = self._recorder.wall()
            self._recorder.tell(
                did.TeammateKilled(at=at, run_id=run_id, by="you"),
                did.KillStreamClosed(at=at, run_id=run_id, after_s=0.001),
                did.KillProcessesCounted(at=at, run_id=run_id, left=0, total=0, after_s=0.001),
                did.KillTaskEnded(at=at, run_id=run_id, after_s=0.002),
            )
        names = ", ".join(self._recorder.name_of(one) for one in run_ids)
        return Receipt(True, f"✕ {names} killed by you. r revives it.")

    def stop(self, run_id: RunId) -> Receipt:
        self._recorder.ask("stop", run_id)
        at = self._recorder.wall()
        mate = self._recorder.store.state.team.by_run[run_id]
        if mate.stop_deadline_at is None:
            self._recorder.tell(did.StopRequested(at=at, run_id=run_id, deadline_at=at + 60))
        else:
            self._recorder.tell(did.StopTakenBack(at=at, run_id=run_id))
        return Receipt(True, f"{mate.name} is asked to stop.")

    def pause(self, run_id: RunId) -> Receipt:
        self._recorder.ask("pause", run_id)
        at = self._recorder.wall()
        mate = self._recorder.store.state.team.by_run[run_id]
        if mate.paused_by:
            self._recorder.tell(did.TeammateContinued(at=at, run_id=run_id))
        else:
            self._recorder.tell(did.TeammatePaused(at=at, run_id=run_id, by="you"))
        return Receipt(True)

    def pause_all(self) -> Receipt:
        self._recorder.ask("pause_all")
        return Receipt(True, "All paused. ctrl+x p continues all.")

    def interrupt(self, run_ids: Sequence[RunId]) -> Receipt:
        self._recorder.ask("interrupt", tuple(run_ids))
        for run_id in run_ids:
            self._recorder.tell(
                did.TurnEnded(
                    at=self._recorder.wall(),
                    run_id=run_id,
                    reason=IdleReason.INTERRUPTED,
                    final_text="",
                    duration_s=1.0,
                    usage=NO_USAGE,
                )
            )
        return Receipt(True)

    async def revive(self, run_id: RunId, message: str = "") -> SpawnResult:
        self._recorder.ask("revive", run_id, message)
        name = self._recorder.name_of(run_id)
        new = RunId(f"{run_id}-2")
        self._recorder.tell(states.spawned(name, at=self._recorder.wall(), revived_from=run_id, run_id=new))
        return SpawnResult(True, AgentId(f"{name}@shop"), new)

    def rename(self, run_id: RunId, name: str) -> Receipt:
        self._recorder.ask("rename", run_id, name)
        self._recorder.tell(
            did.TeammateRenamed(
                at=self._recorder.wall(), run_id=run_id, name=name, agent_id=AgentId(f"{name}@shop")
            )
        )
        return Receipt(True)

    def choose_model(self, run_id: RunId, model: str) -> Receipt:
        self._recorder.ask("choose_model", run_id, model)
        self._recorder.tell(did.ModelChosen(at=self._recorder.wall(), run_id=run_id, model=model))
        return Receipt(True)

    def descendants(self, run_id: RunId) -> tuple[RunId, ...]:
        return select_descendants(self._recorder.store.state.team, run_id)

    def view(self, run_id: RunId | None) -> None:
        self._recorder.ask("view", run_id)
        self._recorder.tell(did.TeammateViewed(at=self._recorder.wall(), run_id=run_id))

    def see(self, run_id: RunId) -> None:
        self._recorder.ask("see", run_id)
        self._recorder.tell(did.TeammateSeen(at=self._recorder.wall(), run_id=run_id))


class FakeConversation:
    """Talking to a teammate, on paper."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sent = 0
        self.last: dict[RunId, str] = {}
        self.queued: set[RunId] = set()
        self.pages: dict[RunId, tuple[Entry, ...]] = {}
        self.gone = ""
        """Why nothing older can be read; empty = it can."""
        self.gate: asyncio.Event | None = None
        """Pages wait for it, when there is one."""

    def send(self, run_id: RunId, text: str, way: Way) -> Receipt:
        self._recorder.ask("send", run_id, text, way)
        mate = self._recorder.store.state.team.by_run.get(run_id)
        if mate is None or mate.is_terminal:
            return Receipt(
                False, f"Message to {self._recorder.name_of(run_id)} not sent: it is gone. r revives it."
            )
        self._sent += 1
        self.last[run_id] = text
        self.queued.add(run_id)
        self._recorder.tell(
            did.MessageQueued(
                at=self._recorder.wall(),
                message_id=MessageId(f"sent-{self._sent}"),
                run_id=run_id,
                sender="you",
                text=text,
                way=way,
            )
        )
        return Receipt(True)

    def withdraw_last(self, run_id: RunId) -> str | None:
        self._recorder.ask("withdraw_last", run_id)
        if run_id not in self.queued:
            return None
        self.queued.discard(run_id)
        return self.last.get(run_id)

    def last_sent(self, run_id: RunId) -> str | None:
        return self.last.get(run_id)

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        self._recorder.ask("page", run_id, before, count)
        if self.gate is not None:
            await self.gate.wait()
        if self.gone:
            raise ArchiveGone(self.gone)
        older = tuple(entry for entry in self.pages.get(run_id, ()) if entry.id < before)
        return older[-count:]


class FakeRequests:
    """The person's answers, on paper; a version that is not the newest is refused as the runtime does."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def _settle(self, request_id: RequestId, version: int, answer: Answer) -> Receipt:
        inbox = self._recorder.store.state.inbox
        request = inbox.by_id.get(request_id)
        if request is not None and request_id in inbox.suspended and request.version == version:
            self._recorder.ask("revive", request.run_id)
            return Receipt(True)
        if request is None or request_id not in inbox.open or request.version != version:
            return Receipt(False, "That was answered or withdrawn meanwhile. Nothing was sent.")
        at = self._recorder.wall()
        self._recorder.tell(
            did.RequestAnswered(at=at, request_id=request_id, version=version, answer=answer),
            did.TeammateResumed(at=at, run_id=request.run_id),
        )
        return Receipt(True)

    def approve_plan(
        self, request_id: RequestId, version: int, *, mode: PermissionMode, edited_text: str | None = None
    ) -> Receipt:
        self._recorder.ask("approve_plan", request_id, version, mode, edited_text)
        return self._settle(request_id, version, PlanApproved(mode, edited_text))

    def reject_plan(
        self, request_id: RequestId, version: int, *, feedback: str, comments: tuple[StepComment, ...] = ()
    ) -> Receipt:
        self._recorder.ask("reject_plan", request_id, version, feedback, comments)
        return self._settle(request_id, version, PlanRejected(feedback, comments))

    def allow(
        self, request_id: RequestId, version: int, *, scope: PermissionScope, rule: str | None = None
    ) -> Receipt:
        self._recorder.ask("allow", request_id, version, scope, rule)
        return self._settle(request_id, version, PermissionGiven(scope, rule))

    def deny(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        self._recorder.ask("deny", request_id, version, reason)
        return self._settle(request_id, version, PermissionDenied(reason))

    def answer(self, request_id: RequestId, version: int, *, text: str) -> Receipt:
        self._recorder.ask("answer", request_id, version, text)
        return self._settle(request_id, version, QuestionAnswered(text))

    def decline(self, request_id: RequestId, version: int, *, reason: str = "") -> Receipt:
        self._recorder.ask("decline", request_id, version, reason)
        return self._settle(request_id, version, QuestionDeclined(reason))

    def dismiss(self, request_id: RequestId, version: int) -> Receipt:
        self._recorder.ask("dismiss", request_id, version)
        at = self._recorder.wall()
        self._recorder.tell(did.RequestWithdrawn(at=at, request_id=request_id, reason="dropped by you"))
        return Receipt(True, "The request is dropped.")


class FakeSession:
    """The session as a whole, on paper."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.last: LastSession | None = None
        """The session of this folder before this one."""

    def models(self) -> tuple[str, ...]:
        return ("claude-haiku-4-5", "claude-sonnet-4-5")

    def files(self, prefix: str) -> tuple[str, ...]:
        known = ("README.md", "pyproject.toml", "src/shop/cart.py", "src/shop/price.py")
        return tuple(path for path in known if path.startswith(prefix))

    async def edit(self, text: str) -> str:
        self._recorder.ask("edit", text)
        return f"{text} (edited)"

    async def last_here(self) -> LastSession | None:
        self._recorder.ask("last_here")
        return self.last

    def comes_back(self) -> bool:
        return True

    def save_theme(self, name: str) -> Receipt:
        self._recorder.ask("save_theme", name)
        return Receipt(True, f"Theme {name} is kept in your settings.")


class FakeArchive:
    """What is kept, on paper: a test puts it there."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.found = SearchFound((), 0)
        """The answer to any words but those of `answers`."""
        self.answers: dict[str, SearchFound] = {}
        self.gates: dict[str, asyncio.Event] = {}
        """Searches for these words wait for theirs."""
        self.ended: tuple[StoredRun, ...] = ()
        self.pages: dict[tuple[str, RunId], tuple[Entry, ...]] = {}
        self.gone = ""
        """Why nothing can be read; empty = it can."""

    def _check(self) -> None:
        if self.gone:
            raise ArchiveGone(self.gone)

    async def search(self, words: str, scope: SearchScope = EVERYWHERE) -> SearchFound:
        self._recorder.ask("search", words, scope)
        if words in self.gates:
            await self.gates[words].wait()
        self._check()
        return self.answers.get(words, self.found)

    async def runs(self) -> tuple[StoredRun, ...]:
        self._recorder.ask("runs")
        self._check()
        return self.ended

    async def page(self, session_id: str, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        self._recorder.ask("page", session_id, run_id, before, count)
        self._check()
        older = tuple(entry for entry in self.pages.get((session_id, run_id), ()) if entry.id < before)
        return older[-count:]


class FakePast:
    """Every fact that the store was told since, after those that a test puts there."""

    def __init__(self, recorder: Recorder) -> None:
        recorder.past = self
        self.told: list[tuple[int, did.Action]] = []
        recorder.store.observe(lambda sequence, action, before, after: self.told.append((sequence, action)))

    async def facts(self) -> tuple[tuple[int, did.Action], ...]:
        return tuple((sequence, action) for sequence, action in self.told if did.is_durable(action))

    async def state_at(self, sequence: int) -> AppState:
        state = AppState()
        for number, action in await self.facts():
            if number <= sequence:
                state = reduce(state, action)
        return state


def fake_controller(
    store: Store, *, acts: bool = True, wall: Callable[[], float] = lambda: states.NOW
) -> tuple[Controller, Recorder]:
    """A controller over `store` and the recorder that tells what was asked of it."""
    recorder = Recorder(store, acts=acts, wall=wall)
    controller = Controller(
        FakeTeammates(recorder),
        FakeConversation(recorder),
        FakeRequests(recorder),
        FakeSession(recorder),
        FakeArchive(recorder),
        FakePast(recorder),
    )
    return controller, recorder
