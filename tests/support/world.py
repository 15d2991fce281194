"""A whole session for tests: the real runtime, the real SDK, and a scripted server on loopback."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.messages import Message
from quarterdeck.domain.requests import Request
from quarterdeck.domain.teammates import IdleReason, SpawnConfig
from quarterdeck.llm.history import is_valid
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, ScriptedBlock
from quarterdeck.llm.scripted.server import ScriptedServer
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, ToolCall
from quarterdeck.state.selectors import select_request_of
from quarterdeck.state.teammates import Teammate

MODEL = "claude-test"
Answer = Callable[[Conversation], Reply]
T = TypeVar("T")

HOLD = "echo holding; until test -e go; do sleep 0.02; done; echo through"
"""A command that runs until the test lets it go (see `World.let_go`)."""
MAY_HOLD = f"Bash({HOLD})"


class ByAgent:
    """A responder: one function per agent name, by the longest prefix; the default ends the turn."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.answers = dict(answers or {})

    def reply(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """The reply of the agent's function."""
        conversation = Conversation(request)
        names = [name for name in self.answers if (conversation.agent or "").startswith(name)]
        if not names:
            return says("Done.")
        return self.answers[max(names, key=len)](conversation)


def says(text: str, **fields: Any) -> Reply:
    """A reply of one text that ends the turn."""
    return Reply(content=(ScriptedBlock(text=text),), **fields)


def calls(tool: str, text: str = "", /, **inputs: Any) -> Reply:
    """A reply that calls one tool."""
    blocks = [ScriptedBlock(text=text)] if text else []
    return Reply(content=(*blocks, ScriptedBlock(tool=tool, input=inputs)))


class World:
    """A session with its server."""

    def __init__(self, session: Session, server: ScriptedServer, folder: Path) -> None:
        self.session = session
        self.server = server
        self.folder = folder
        self.facts: list[did.Action] = []
        """All that changed something, in order."""
        session.store.observe(self._observe)

    def _observe(self, sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        if after is not before:
            self.facts.append(action)

    @property
    def state(self) -> AppState:
        """The state now."""
        return self.session.store.state

    def spawn(self, name: str, prompt: str = "go", **fields: Any) -> RunId:
        """Start a teammate that must start."""
        result = self.session.supervisor.spawn(SpawnConfig(name=name, prompt=prompt, **fields))
        assert result.run_id is not None, result.error
        return result.run_id

    def mate(self, run_id: RunId) -> Teammate:
        """Its record."""
        return self.state.team.by_run[run_id]

    async def until(self, holds: Callable[[AppState], object], *, within_s: float = 20.0) -> None:
        """Wait for the state, told by the store; the assertion names what never came."""
        changed = asyncio.Event()
        unsubscribe = self.session.store.subscribe(changed.set)
        try:
            async with asyncio.timeout(within_s):
                while not holds(self.state):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            mates = [(m.name, m.lifecycle, m.outcome, m.error) for m in self.state.team.by_run.values()]
            raise AssertionError(f"never came: {mates[:10]}") from None
        finally:
            unsubscribe()

    async def idle(self, run_id: RunId, reason: IdleReason = IdleReason.DONE) -> Teammate:
        """Wait until its turn has ended this way and no mail waits for it."""
        await self.until(
            lambda state: (
                state.team.by_run[run_id].is_idle
                and state.team.by_run[run_id].idle_reason is reason
                and run_id not in state.mail
            )
        )
        return self.mate(run_id)

    async def ended(self, run_id: RunId) -> Teammate:
        """Wait for its terminal record."""
        await self.until(lambda state: state.team.by_run[run_id].is_terminal)
        return self.mate(run_id)

    async def holding(self, run_id: RunId) -> None:
        """Wait until its `HOLD` runs, as a process."""
        await self.until(
            lambda state: any(
                isinstance(entry, ToolCall) and entry.title == HOLD and "holding" in entry.detail
                for entry in state.transcripts[run_id].entries
            )
        )

    async def asked(self, run_id: RunId) -> Request:
        """Wait for its request to the person."""
        await self.until(lambda state: select_request_of(state, run_id))
        request = select_request_of(self.state, run_id)
        assert request is not None
        return request

    async def streaming(self, run_id: RunId) -> str:
        """Wait until text of it is on the screen; the text so far."""
        await self.until(lambda state: state.transcripts[run_id].live)
        return "".join(part.text for part in self.state.transcripts[run_id].live)

    async def no_process(self, run_id: RunId, *, within_s: float = 5.0) -> None:
        """Wait until the kernel counts no process of it; nothing tells of that, so it is asked."""
        async with asyncio.timeout(within_s):
            for _ in itertools.count():
                if self.session.processes.owner_facts(run_id).left == 0:
                    return
                await asyncio.sleep(0.01)

    def let_go(self) -> None:
        """Let every `HOLD` end."""
        (self.folder / "go").touch()

    def entries(self, run_id: RunId, kind: type[T]) -> list[T]:
        """What its transcript shows of one kind."""
        shown: tuple[Entry, ...] = self.state.transcripts[run_id].entries
        return [entry for entry in shown if isinstance(entry, kind)]

    def told(self, kind: type[T]) -> list[T]:
        """The facts of one kind so far."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def history(self, run_id: RunId) -> list[Message]:
        """What its next request would be made of; it must always be fit to be sent."""
        found = self.session.conversations.history(run_id)
        assert is_valid(found) is None, is_valid(found)
        return found

    def bodies_of(self, run_id: RunId) -> list[Mapping[str, Any]]:
        """The requests of this run, as the server got them."""
        return [one.body for one in self.server.request_log if one.run == run_id]

    def requests_of(self, run_id: RunId) -> int:
        """How many requests of this run the server has seen."""
        return sum(1 for one in self.server.request_log if one.run == run_id)


@asynccontextmanager
async def world(answers: Mapping[str, Answer] | None, folder: Path, **config: Any) -> AsyncIterator[World]:
    """A session in `folder` against a scripted server; all of it ends with the block."""
    server = ScriptedServer(ByAgent(answers))
    base_url = await server.start()
    session = Session(
        SessionConfig(
            folder=folder,
            team="test",
            endpoint=Endpoint(api_key="test", auth_token=None, base_url=base_url),
            model=MODEL,
            **config,
        )
    )
    session.open()
    try:
        yield World(session, server, folder)
    finally:
        await session.close()
        await server.close()
