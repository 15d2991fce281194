"""What a spawn is made of, and the one fact that tells of it. It starts nothing."""

import msgspec

from quarterdeck.domain.ids import BadName, RunId, check_name
from quarterdeck.domain.teammates import Identity, PermissionMode, SpawnConfig
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import select_by_name
from quarterdeck.state.teammates import Team, Teammate


class Spawned(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is made for."""

    identity: Identity
    config: SpawnConfig
    mode: PermissionMode
    resumes: bool
    """Revived in the middle of a turn."""
    is_back: bool = False
    """It lived before a restart: its spawn is told already."""

    @property
    def run_id(self) -> RunId:
        """The run that the worker lives for."""
        return self.identity.run_id


def spawn_fact(
    spawned: Spawned,
    *,
    at: float,
    model: str,
    verbs: tuple[str, str],
    revived: Teammate | None,
    first_entry_id: int,
) -> did.TeammateSpawned:
    """The fact of this spawn. `at` in epoch seconds; `verbs`: present and past."""
    config, who = spawned.config, spawned.identity
    verb, past = verbs
    return did.TeammateSpawned(
        at=at,
        run_id=who.run_id,
        agent_id=who.agent_id,
        name=config.name,
        team=who.team_name,
        color=who.color,
        prompt=config.prompt,
        description=_description(config.name, config.prompt),
        model=model,
        lifetime=config.lifetime,
        permission_mode=spawned.mode,
        plan_mode_required=config.plan_mode_required,
        verb=verb,
        past_verb=past,
        parent=config.parent,
        tool_use_id=config.tool_use_id,
        is_lead=config.is_lead,
        revived_from=revived.run_id if revived is not None else None,
        first_entry_id=first_entry_id,
        rules=config.rules,
        max_turns=config.max_turns,
        time_limit_s=config.time_limit_s,
        cleanup=config.cleanup,
    )


def spawn_fault(team: Team, config: SpawnConfig, *, has_model: bool) -> str:
    """Why this can't be started, in one line; empty = it can."""
    if config.unbuilt:
        return f"{', '.join(config.unbuilt)}: not built yet in this version."
    try:
        check_name(config.name, is_lead=config.is_lead)
    except BadName as bad:
        return str(bad)
    taken = select_by_name(team, config.name)
    if taken is not None and not taken.is_terminal:
        return f"{taken.name} is in use by a run that has not ended; choose another name."
    return "" if has_model else "No model is set: pass a model, or set one in the settings."


def config_of(mate: Teammate) -> SpawnConfig:
    """What a run was started with, as far as its next life needs it."""
    return SpawnConfig(
        name=mate.name,
        prompt=mate.prompt,
        team=mate.team,
        lifetime=mate.lifetime,
        color=mate.color,
        plan_mode_required=mate.plan_mode_required,
        model=mate.model,
        permission_mode=mate.permission_mode,
        parent=mate.parent,
        tool_use_id=mate.tool_use_id,
        is_lead=mate.is_lead,
        max_turns=mate.max_turns,
        time_limit_s=mate.time_limit_s,
        cleanup=mate.cleanup,
        rules=mate.rules,
    )


def _description(name: str, prompt: str) -> str:
    """`name: ` and the first 50 characters of the prompt."""
    line = " ".join(prompt.split())
    return f"{name}: {line[:50]}{'...' if len(line) > 50 else ''}"
