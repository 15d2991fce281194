"""A session that is gone all at once, and comes back: its folder is copied as it lies at that moment."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.resuming import take_over
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.bootstrap.stored import read_session
from quarterdeck.llm.scripted.server import ScriptedServer
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from tests.support.world import MODEL, Answer, ByAgent, World


class Kept:
    """A server that outlives the sessions on it, and the places where they are kept."""

    def __init__(self, server: ScriptedServer, url: str, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self._url = url
        self._copies = 0
        self._open: list[Session] = []
        self.opening: list[Callable[[Session], object]] = []
        """Called with each session before it is opened."""

    def _config(self, state: Path, **config: Any) -> SessionConfig:
        return SessionConfig(
            folder=self.work,
            team="test",
            endpoint=Endpoint(api_key="test", auth_token=None, base_url=self._url),
            model=MODEL,
            keep=Keep(state),
            **config,
        )

    def begin(self, **config: Any) -> World:
        """A new session."""
        return self._world(Session(self._config(self.folder / "state", **config)))

    async def crash(self, here: World, **config: Any) -> World:
        """The session as a kill -9 at this moment leaves it, brought back; the old one goes on unseen."""
        session = here.session
        await session.kept()
        assert session.keeper is not None
        session.keeper._recorder.tick()  # what a second of streaming does
        session.dispatch(did.RuleGiven(at=0.0, rule="Read", team="nobody's"))  # a fact behind the draft
        await session.kept()
        self._copies += 1
        state = self.folder / f"state-{self._copies}"
        shutil.copytree(session.keeper.place.folder, state / "sessions" / session.id)
        return self.come_back(state, session.id, **config)

    def come_back(self, state: Path, session_id: str, **config: Any) -> World:
        """What `--resume` does."""
        resumed = take_over(state, session_id, self._config(state, **config))
        return self._world(Session(resumed.config, found=resumed.found))

    def _world(self, session: Session) -> World:
        self._open.append(session)
        world = World(session, self.server, self.work)
        for called in self.opening:
            called(session)
        session.open()
        return world

    async def close(self) -> None:
        for session in self._open:
            if not session.supervisor.is_closing:
                await session.close()


async def replayed(here: World) -> AppState:
    """The state as the journal alone tells it."""
    await here.session.kept()
    assert here.session.keeper is not None
    return read_session(here.session.keeper.place.database).state


@asynccontextmanager
async def kept(answers: Mapping[str, Answer] | None, folder: Path) -> AsyncIterator[Kept]:
    """Sessions on disk against one scripted server."""
    server = ScriptedServer(ByAgent(answers))
    here = Kept(server, await server.start(), folder)
    try:
        yield here
    finally:
        await here.close()
        await server.close()
