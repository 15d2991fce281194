"""What a spawn is made of, and the one fact that tells of it. It starts nothing."""

import msgspec

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Identity, PermissionMode, SpawnConfig
from quarterdeck.state import actions as did
from quarterdeck.state.teammates import Teammate


class Spawned(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is made for."""

    identity: Identity
    config: SpawnConfig
    mode: PermissionMode
    resumes: bool
    """Revived in the middle of a turn."""

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
    )


def _description(name: str, prompt: str) -> str:
    """`name: ` and the first 50 characters of the prompt."""
    line = " ".join(prompt.split())
    return f"{name}: {line[:50]}{'...' if len(line) > 50 else ''}"
