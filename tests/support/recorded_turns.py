"""A whole session whose model is a raw server that plays recorded answers, run by run."""

import gc
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.llm.scripted.server import ScriptedServer
from quarterdeck.tools.ports import ToolContext
from quarterdeck.tools.results import ToolResult
from quarterdeck.tools.tool import Subject
from tests.support.raw_model import RawModel, Received, Reply, answer, raw_model
from tests.support.recorded_model import RecordedBody, as_stream
from tests.support.world import MODEL, ByAgent, World

PLAIN_END = "That was all."
"""What a run is answered when its recorded answers are used up."""
PIECE = 997
"""Bytes that are sent at once: events are split at places that no framing knows of."""
RUN_HEADER = "x-quarterdeck-run"


class Answer(msgspec.Struct, frozen=True):
    """One answer as it goes over the wire."""

    content: bytes
    status: int = 200
    kind: str = "text/event-stream"
    headers: Mapping[str, str] = {}


def answer_of(body: RecordedBody) -> Answer:
    """The recorded answer: an error as it came, a whole message as the stream that would have brought it."""
    headers = {name.replace("-", "_"): value for name, value in body.headers().items()}
    if body.status >= 300:
        return Answer(body.content, body.status, "application/json", headers)
    if body.file.endswith(".sse"):
        return Answer(body.content, headers=headers)
    return Answer(as_stream(msgspec.json.decode(body.content)), headers=headers)


class Playbook:
    """What each run is answered, in order; then a plain end."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Answer]] = {}

    def put(self, run: str, *answers: Answer) -> None:
        """The next requests of `run` get these."""
        self._answers.setdefault(run, []).extend(answers)

    def left(self, run: str) -> int:
        """How many answers were not asked for."""
        return len(self._answers.get(run, ()))

    async def script(self, reply: Reply, received: Received) -> None:
        """Give the next answer of the run that asks."""
        waiting = self._answers.get(received.headers[RUN_HEADER])
        told = waiting.pop(0) if waiting else Answer(answer(PLAIN_END))
        await reply.head(told.status, told.kind, **told.headers)
        for at in range(0, len(told.content), PIECE):
            await reply.send(told.content[at : at + PIECE])


class RecordedWorld(World):
    """A session whose requests go to the raw server."""

    def __init__(self, session: Session, model: RawModel, book: Playbook, folder: Path) -> None:
        super().__init__(session, ScriptedServer(ByAgent()), folder)
        self.model = model
        self.book = book

    def play(self, *answers: Answer, prompt: str = "go", **fields: Any) -> RunId:
        """Start a teammate that gets these answers."""
        run_id = self.spawn(f"mate-{len(self.state.team.by_run) + 1}", prompt, **fields)
        self.book.put(run_id, *answers)
        return run_id

    def bodies_of(self, run_id: RunId) -> list[Mapping[str, Any]]:
        """The requests of this run, as the server got them."""
        return [one.json() for one in self.model.received if one.headers.get(RUN_HEADER) == run_id]

    def requests_of(self, run_id: RunId) -> int:
        """How many requests of this run the server has seen."""
        return len(self.bodies_of(run_id))

    async def settled(self, run_id: RunId) -> None:
        """Wait until it is idle without mail, or has ended."""
        await self.until(
            lambda state: (
                state.team.by_run[run_id].is_terminal
                or (state.team.by_run[run_id].is_idle and run_id not in state.mail)
            ),
            within_s=60,
        )


@asynccontextmanager
async def recorded_world(folder: Path) -> AsyncIterator[RecordedWorld]:
    """A session in `folder`; nothing may be logged while it lives and ends."""
    book = Playbook()
    with silence():
        async with raw_model(book.script) as model:
            session = Session(
                SessionConfig(
                    folder=folder,
                    team="test",
                    endpoint=Endpoint(api_key="sk-test-123456789", auth_token=None, base_url=model.url),
                    model=MODEL,
                )
            )
            session.open()
            try:
                yield RecordedWorld(session, model, book, folder)
            finally:
                await session.close()


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()}")


@contextmanager
def silence() -> Iterator[None]:
    """Nobody logs a warning or worse within; asyncio tells there of tasks whose fault nobody took."""
    kept = _Kept()
    loggers = logging.getLogger(), logging.getLogger("quarterdeck")
    for logger in loggers:
        logger.addHandler(kept)
    try:
        yield
        gc.collect()
    finally:
        for logger in loggers:
            logger.removeHandler(kept)
    assert kept.lines == []


class RecordedTool:
    """A tool of a recorded client: takes any input, gives the recorded result of the call, keeps count."""

    read_only = True
    allowed_in_plan_mode = True
    timeout_s: float | None = 60.0

    def __init__(self, name: str, book: "Toolbook") -> None:
        self.name = name
        self.rule_name = name
        self._book = book

    def schema(self) -> dict[str, Any]:
        """Any object."""
        return {"name": self.name, "description": "recorded", "input_schema": {"type": "object"}}

    def parse(self, given: Mapping[str, Any]) -> Any:
        """As it is."""
        return given

    def title(self, parsed: Any) -> str:
        """Its name."""
        return self.name

    def subject(self, parsed: Any, context: ToolContext) -> Subject:
        """Nothing outside the program."""
        return Subject(text=self.name)

    async def run(self, parsed: Any, context: ToolContext) -> ToolResult:
        """What was recorded as its result."""
        self._book.ran.append((context.run_id, context.call_id, parsed))
        recorded = self._book.results.get(context.call_id, {"content": "No result was recorded."})
        content = recorded["content"]
        return ToolResult(
            content=content if isinstance(content, str) else tuple(content),
            is_error=bool(recorded.get("is_error")),
            summary="recorded",
        )


class Toolbook:
    """The recorded results by call id, and what ran: run, call, input."""

    def __init__(self, results: Mapping[str, Mapping[str, Any]]) -> None:
        self.results = results
        self.ran: list[tuple[RunId, CallId, Mapping[str, Any]]] = []

    def tools(self, names: set[str]) -> tuple[RecordedTool, ...]:
        """A tool for each name."""
        return tuple(RecordedTool(name, self) for name in sorted(names))

    def calls_of(self, run_id: RunId) -> list[str]:
        """The ids of the calls that ran for it, in the order in which they started."""
        return [call for run, call, _ in self.ran if run == run_id]
