"""Keeps a team at work inside the counted process, as a person would: writes, revives, starts anew."""

from quarterdeck.bootstrap.session import Session
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome, SpawnConfig, Way
from quarterdeck.state.selectors import select_lives, select_living


class Tender:
    """One session's. What it has done is counted from the first `tend` on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sent = self._revived = self._replaced = 0
        self._first = {run_id: at for at, run_id in enumerate(session.store.state.team.rows)}
        """The first ones leave one after another: all at once, what lives would grow and shrink together."""

    async def tend(self, most_steps: int) -> dict[str, int]:
        """Who is idle gets a message, who failed another life, who has said enough a successor."""
        session = self._session
        for mate in select_living(session.store.state.team):
            if not mate.is_idle or mate.run_id in session.store.state.mail:
                continue
            lives = select_lives(session.store.state.team, mate.run_id)
            most = 1 + self._first.get(lives[-1], most_steps - 1) % most_steps
            if self._steps(mate.run_id) >= most:
                self._replace(mate.run_id, mate.model)
            else:
                session.supervisor.send(mate.run_id, "you", "Go on.", Way.STEER)
                self._sent += 1
        await self._revive_failed()
        team = session.store.state.team
        return {
            "sent": self._sent,
            "revived": self._revived,
            "replaced": self._replaced,
            "living": len(select_living(team)),
            "runs": len(team.by_run),
            "evicted": len(team.history),
        }

    def _steps(self, run_id: RunId) -> int:
        """How often the model has answered in this conversation."""
        team = self._session.store.state.team
        return sum(team.by_run[one].steps for one in select_lives(team, run_id))

    def _replace(self, run_id: RunId, model: str) -> None:
        self._session.supervisor.kill(run_id)
        self._replaced += 1
        config = SpawnConfig(name=f"next-{self._replaced:05}", prompt="go", model=model)
        result = self._session.supervisor.spawn(config)
        if result.run_id is None:
            raise RuntimeError(result.error)

    async def _revive_failed(self) -> None:
        team = self._session.store.state.team
        next_lives = {team.by_run[one].revived_from for one in team.rows}
        for run_id in team.rows:
            if team.by_run[run_id].outcome is not Outcome.FAILED or run_id in next_lives:
                continue
            await self._session.prepare_revival(run_id)
            result = self._session.supervisor.revive(run_id)
            if result.run_id is None:
                raise RuntimeError(result.error)
            self._revived += 1
