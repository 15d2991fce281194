"""What the team and person tools of one run reach: messages, spawning, plans, questions."""

from quarterdeck.domain.ids import CallId, RunId, nearest_name
from quarterdeck.domain.requests import Answer, CommentAnswer
from quarterdeck.domain.teammates import Lifecycle, Lifetime, SpawnConfig, Way
from quarterdeck.runtime.requests import Requests
from quarterdeck.runtime.supervisor import Supervisor
from quarterdeck.state.selectors import select_by_name, select_living
from quarterdeck.state.store import Store
from quarterdeck.tools.ports import ToolRefused


class RunTeam:
    """`tools.ports.TeamPort` of one run."""

    def __init__(self, run_id: RunId, store: Store, supervisor: Supervisor) -> None:
        self._run_id = run_id
        self._store = store
        self._supervisor = supervisor

    async def send_message(self, to: str, text: str) -> str:
        """Queue it for a living teammate; the receipt says when it will be read."""
        team = self._store.state.team
        if to.casefold() == "all":
            raise ToolRefused("Writing to all is not built yet; name one teammate.")
        if to.casefold() in ("you", "person", "me"):
            raise ToolRefused("Use ask_person to ask the person; what you say they see anyway.")
        mate = select_by_name(team, to)
        if mate is None:
            near = nearest_name(to, [one.name for one in select_living(team)])
            hint = f" Did you mean {near}?" if near else ""
            raise ToolRefused(f"No teammate is called {to!r}.{hint}")
        if mate.run_id == self._run_id:
            raise ToolRefused("That is you.")
        sender = team.by_run[self._run_id].name
        if mate.is_terminal or self._supervisor.send(mate.run_id, sender, text, Way.STEER) is None:
            raise ToolRefused(f"{mate.name} has ended ({mate.outcome}); it reads nothing any more.")
        if mate.place is Lifecycle.READY:
            return f"Delivered to {mate.name}: its next turn starts with it."
        if mate.place is Lifecycle.WAITING:
            return f"Queued for {mate.name}: it gets it with the person's answer."
        return f"Queued for {mate.name}: it gets it at its next tool boundary."

    async def spawn(self, name: str, prompt: str, *, plan_mode: bool, call_id: CallId) -> str:
        """Start a task-lived child; its report comes back as a message."""
        parent = self._store.state.team.by_run[self._run_id]
        result = self._supervisor.spawn(
            SpawnConfig(
                name=name,
                prompt=prompt,
                team=parent.team,
                lifetime=Lifetime.TASK,
                plan_mode_required=plan_mode,
                parent=self._run_id,
                tool_use_id=call_id,
            )
        )
        if not result.success:
            raise ToolRefused(result.error)
        return f"{name} started. Its report comes to you as a message; do not wait by polling."


class RunPerson:
    """`tools.ports.PersonPort` of one run."""

    def __init__(self, run_id: RunId, requests: Requests) -> None:
        self._run_id = run_id
        self._requests = requests

    async def submit_plan(self, call_id: CallId, plan: str, answers: tuple[CommentAnswer, ...]) -> Answer:
        """Wait for the person's decision."""
        return await self._requests.plan(self._run_id, call_id, plan, answers)

    async def ask(self, call_id: CallId, question: str, options: tuple[str, ...]) -> Answer:
        """Wait for the person's words."""
        return await self._requests.question(self._run_id, call_id, question, options)
