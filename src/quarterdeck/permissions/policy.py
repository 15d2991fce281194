"""The decision on one call: deny rules, then plan mode, then allow rules and the mode. Fails closed."""

from collections.abc import Sequence

import msgspec

from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.permissions.rules import Rule, allows, denies

PLAN_MODE_TOOLS = frozenset(
    {"Read", "List", "Glob", "Grep", "SubmitPlan", "AskPerson", "SendMessage", "SpawnTeammate"}
)
"""All that plan mode has. No rule adds to it; SpawnTeammate only for a child that is in plan mode itself."""

NEEDS_NO_PERMISSION = frozenset({"SubmitPlan", "AskPerson", "SendMessage", "SpawnTeammate"})
"""Tools that talk to the person or the team: what they lead to is decided on its own."""

PROTECTED_FOLDERS = frozenset({".git", ".claude", ".quarterdeck", ".github", ".vscode", ".idea"})
"""Files in them can make other programs act, so accept-edits does not reach into them."""
PROTECTED_FILES = frozenset(
    {".mcp.json", ".gitconfig", ".gitmodules", ".envrc", ".bashrc", ".profile", ".zshrc"}
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call, as far as the policy looks at it."""

    rule_name: str
    subject: str
    """The command, or the path as it is shown (relative inside the workspace)."""
    read_only: bool
    allowed_in_plan_mode: bool
    outside: bool = False
    """A path outside the workspace."""
    edits_files: bool = False
    spawns_without_plan: bool = False
    real_path: str = ""
    """Files: the real path, for rules that name it absolutely."""


class Grant(msgspec.Struct, frozen=True):
    """An allow rule and whose it is."""

    rule: Rule
    whose: str
    """`rule of coder`, `rule of the team`, `flag --allow`."""

    @property
    def words(self) -> str:
        """`rule Bash(make test) of the team`, `flag --allow Bash(make test)`."""
        if self.whose.startswith("rule "):
            return f"rule {self.rule.text} {self.whose.removeprefix('rule ')}"
        return f"{self.whose} {self.rule.text}"


class Allowed(msgspec.Struct, frozen=True):
    """Run it. `by` says for the screen what allowed it."""

    by: str


class Asks(msgspec.Struct, frozen=True):
    """Only the person can say; `why` in one line."""

    why: str


class Refused(msgspec.Struct, frozen=True):
    """It does not run; `why` in one line, for the model too."""

    why: str


Decision = Allowed | Asks | Refused


def decide(call: Call, *, mode: PermissionMode, allow: Sequence[Grant], deny: Sequence[Rule]) -> Decision:
    """May this call run? Deny wins over everything, plan mode over every allow rule."""
    for rule in deny:
        if denies(rule, tool=call.rule_name, subject=call.subject, real_path=call.real_path):
            return Refused(f"the rule {rule.text} denies it")
    if mode is PermissionMode.PLAN and (refusal := _refused_by_plan_mode(call)):
        return Refused(refusal)
    if call.rule_name in NEEDS_NO_PERMISSION:
        return Allowed("needs no permission")
    if call.read_only and not call.outside:
        return Allowed("reads in this folder")
    for grant in allow:
        if call.outside and grant.rule.exact is None:
            continue  # a rule for a whole tool was not given with the rest of the disk in mind
        if allows(grant.rule, tool=call.rule_name, subject=call.subject, real_path=call.real_path):
            return Allowed(grant.words)
    return _by_mode(call, mode)


def unattended(decision: Decision) -> Decision:
    """The same where nobody can answer: what would ask is refused."""
    match decision:
        case Asks(why=why):
            return Refused(f"it needs a permission ({why}) and nobody is there to give one")
    return decision


def _refused_by_plan_mode(call: Call) -> str:
    if call.spawns_without_plan:
        return "in plan mode you can only start a teammate that is in plan mode itself (plan_mode: true)"
    if call.rule_name in PLAN_MODE_TOOLS and call.allowed_in_plan_mode:
        return ""
    return f"plan mode only looks: {call.rule_name} is not available before the person has approved your plan"


def _by_mode(call: Call, mode: PermissionMode) -> Decision:
    match mode:
        case PermissionMode.BYPASS:
            return Allowed("mode bypass")
        case PermissionMode.ACCEPT_EDITS if call.edits_files and not call.outside:
            if is_protected(call.subject):
                return Asks(f"{call.subject} can make other programs act; accept-edits does not reach it")
            return Allowed("mode accept-edits")
    if call.outside:
        return Asks("the path is outside the workspace")
    if call.rule_name == "Bash":
        return Asks("no rule allows this command")
    return Asks(f"no rule allows this {call.rule_name.lower()}")


def is_protected(path: str) -> bool:
    """Whether a path (relative to the workspace) is one that accept-edits leaves to the person."""
    parts = [part.casefold() for part in path.split("/")]
    return not PROTECTED_FOLDERS.isdisjoint(parts) or parts[-1] in PROTECTED_FILES
