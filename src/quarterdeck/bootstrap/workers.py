"""Making in-process teammates: joins one run's turn, tools, shell and permissions.

The tools are imported when the first request is made: building their input models takes longer than a paint.
"""

import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import msgspec

from quarterdeck.domain.ids import CallId, RunId
from quarterdeck.domain.teammates import SpawnConfig
from quarterdeck.permissions.policy import Call, Decision, Grant, decide
from quarterdeck.permissions.rules import Rule, parse_rule, with_real_paths
from quarterdeck.processes.contract import ProcessRequest
from quarterdeck.processes.service import ProcessService
from quarterdeck.project.workspace import Workspace
from quarterdeck.runtime.conversations import Conversations
from quarterdeck.runtime.epochs import Epochs
from quarterdeck.runtime.identity import bind
from quarterdeck.runtime.kill import KillProver
from quarterdeck.runtime.ports import Clock, Dispatch, Ids, ModelPort, ShellOutcome
from quarterdeck.runtime.requests import Requests
from quarterdeck.runtime.scopes import ScopeTree
from quarterdeck.runtime.shell import RunShell
from quarterdeck.runtime.spawning import Spawned
from quarterdeck.runtime.supervisor import Supervisor
from quarterdeck.runtime.system_prompt import Surroundings, system_prompt
from quarterdeck.runtime.team_tools import RunPerson, RunTeam
from quarterdeck.runtime.teammate import Life, Teammate
from quarterdeck.runtime.text_merger import TextMerger
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.runtime.tool_runner import RunnerParts, ToolRunner
from quarterdeck.runtime.turn import RunParts, ToolCalls
from quarterdeck.state.selectors import select_agent_ids, select_descendants, select_request_of
from quarterdeck.state.store import Store
from quarterdeck.tools.ports import ToolContext
from quarterdeck.tools.read_marks import ReadMarks

if TYPE_CHECKING:
    from quarterdeck.tools.tool import Tool

    Tools = Callable[[], dict[str, Tool]]


class WorkerShop(msgspec.Struct, frozen=True, kw_only=True):
    """The session's parts that every teammate is made of."""

    store: Store
    dispatch: Dispatch
    scopes: ScopeTree
    epochs: Epochs
    requests: Requests
    supervisor: Supervisor
    prover: KillProver
    model: ModelPort
    processes: ProcessService
    workspace: Workspace
    conversations: Conversations
    merger: TextMerger
    clock: Clock
    ids: Ids
    new_verb: Callable[[], tuple[str, str]]
    ready: Callable[[], Awaitable[None]]
    kept: Callable[[], Awaitable[None]]
    where: Surroundings
    allow: tuple[Rule, ...]
    deny: tuple[Rule, ...]
    on_refused: Callable[[RunId, str, str], None]
    on_crash: Callable[[str, BaseException], None]

    def make(self, spawned: Spawned) -> Teammate:
        """A worker for one run. :raises RuleFault: a rule of its config cannot be."""
        own_rules = tuple(parse_rule(rule) for rule in spawned.config.rules)
        life = Life(
            store=self.store,
            scopes=self.scopes,
            requests=self.requests,
            prover=self.prover,
            lifetime=spawned.config.lifetime,
            resumes=spawned.resumes,
            is_back=spawned.is_back,
            context=bind(spawned.identity),
            new_verb=self.new_verb,
            may_complete=self._may_complete,
            on_crash=self.on_crash,
            end=self.supervisor.end,
        )
        mate = Teammate(life, most_steps=spawned.config.max_turns)
        tools = cache(_tools_by_name)
        runner = ToolRunner(self._runner_parts(spawned, mate, tools, own_rules))
        mate.join(self._run_parts(spawned, mate, tools, runner))
        return mate

    def _run_parts(self, spawned: Spawned, mate: Teammate, tools: "Tools", runner: ToolRunner) -> RunParts:
        run_id, who, config = spawned.run_id, spawned.identity, spawned.config
        return RunParts(
            run_id=run_id,
            system=system_prompt(
                who.agent_name,
                who.team_name,
                self.where,
                is_lead=config.is_lead,
                plan_mode=config.plan_mode_required,
            ),
            history=self.conversations.book(run_id),
            tools=ToolCalls(run=runner.run, schemas=cache(partial(_schemas, tools))),
            ready=self.ready,
            kept=self.kept,
            model=self.model,
            model_name=lambda: self.store.state.team.by_run[run_id].model,
            gate=mate.gate,
            epochs=self.epochs,
            merger=self.merger,
            dispatch=self.dispatch,
            clock=self.clock,
            is_stopping=mate.is_stopping,
            take_steering=mate.take_steering,
            steps_left=mate.step_left,
            after_step=mate.report_progress,
        )

    def _runner_parts(
        self, spawned: Spawned, mate: Teammate, tools: "Tools", own_rules: Sequence[Rule]
    ) -> RunnerParts:
        run_id = spawned.run_id
        shell = RunShell(run_id, str(self.workspace.root), self._run_command)
        reads = ReadMarks()
        team = RunTeam(run_id, self.store, self.supervisor)
        person = RunPerson(run_id, self.requests)
        denied_reads = frozenset(
            rule.exact for rule in self._real_deny() if rule.tool == "Read" and rule.exact
        )

        def new_context(call_id: CallId, printed: Callable[[str], None], decided: str) -> ToolContext:
            return ToolContext(
                run_id=run_id,
                call_id=call_id,
                workspace=self.workspace,
                shell=shell,
                team=team,
                person=person,
                reads=reads,
                is_revoked=lambda: not self.epochs.is_live(run_id),
                on_output=printed,
                in_thread=_in_thread,
                decided_path=decided,
                denied_reads=denied_reads,
            )

        return RunnerParts(
            run_id=run_id,
            tools=tools,
            dispatch=self.dispatch,
            clock=self.clock,
            ids=self.ids,
            epochs=self.epochs,
            scopes=self.scopes,
            requests=self.requests,
            gate=mate.gate,
            mode=lambda: self.store.state.team.by_run[run_id].permission_mode,
            decide=lambda call: self._decide(run_id, spawned.config, own_rules, call),
            new_context=new_context,
            scope=lambda: mate.turn_scope,
            is_stopping=mate.is_stopping,
            kept=self.kept,
            on_refused=lambda tool, what: self.on_refused(run_id, tool, what),
            on_crash=self.on_crash,
        )

    def _decide(self, run_id: RunId, config: SpawnConfig, own: Sequence[Rule], call: Call) -> Decision:
        mate = self.store.state.team.by_run[run_id]
        grants = [Grant(rule, f"rule of {mate.name}") for rule in own]
        grants += [Grant(rule, "flag --allow") for rule in self.allow]
        lives = select_agent_ids(self.store.state.team, run_id)
        for given in self.store.state.session.rules:
            if given.agent_id in lives:
                grants.append(Grant(parse_rule(given.rule), f"rule of {mate.name}"))
            elif given.team is not None and given.team == mate.team:
                grants.append(Grant(parse_rule(given.rule), "rule of the team"))
        return decide(call, mode=mate.permission_mode, allow=grants, deny=self._real_deny())

    def _real_deny(self) -> tuple[Rule, ...]:
        """Deny rules by every name of what they deny: a link or `~` must not get around them."""
        return with_real_paths(self.deny, lambda path: self.workspace.place(path).real)

    def _may_complete(self, run_id: RunId) -> bool:
        state = self.store.state
        if state.mail.get(run_id) or select_request_of(state, run_id) is not None:
            return False
        return not select_descendants(state.team, run_id)

    async def _run_command(
        self, owner: RunId, command: str, folder: str, timeout_s: float, on_output: Callable[[bytes], None]
    ) -> ShellOutcome:
        result = await self.processes.run(
            ProcessRequest(owner=owner, command=command, folder=folder, timeout_s=timeout_s), on_output
        )
        return ShellOutcome(
            exit_code=result.exit_code,
            signal=result.signal,
            output=result.output,
            output_bytes=result.output_bytes,
            truncated=result.truncated,
            timed_out=result.timed_out,
            folder=result.folder,
            leftover=result.leftover,
            duration_s=result.duration_s,
        )


async def _in_thread(function: Callable[[], Any]) -> Any:
    return await run_in_thread(function, name="file work")


def _tools_by_name() -> "dict[str, Tool]":
    found: Iterable[Tool] = importlib.import_module("quarterdeck.tools.registry").standard_tools()
    return {tool.name: tool for tool in found}


def _schemas(tools: "Tools") -> tuple[Mapping[str, Any], ...]:
    return tuple(tool.schema() for tool in tools().values())
