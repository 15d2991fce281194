"""A deny rule holds for the file, by whatever name it is reached (PRM-07, for paths)."""

import pytest

from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.permissions.policy import Call, Refused, decide
from quarterdeck.permissions.rules import parse_rule, with_real_paths
from tests.contract.tools.bench import Bench


@pytest.fixture
def secrets(bench: Bench) -> Bench:
    """A secret with a link to it, in a folder with a link to it."""
    (bench.root / "conf").mkdir()
    (bench.root / "conf" / ".env").write_text("TOKEN=1")
    (bench.root / "link.env").symlink_to("conf/.env")
    (bench.root / "also").symlink_to("conf")
    return bench


@pytest.mark.parametrize(
    "denied", ["conf/.env", "link.env", "also/.env", "./conf//.env", "CONF/.ENV", "conf"]
)
@pytest.mark.parametrize(
    "path", ["conf/.env", "link.env", "also/.env", "conf/../also/./.env", "{root}/link.env"]
)
@pytest.mark.parametrize(("name", "more"), [("read", {}), ("write", {"content": "x"})])
def test_a_denied_file_is_denied_by_every_name(
    secrets: Bench, denied: str, path: str, name: str, more: dict[str, str]
) -> None:
    given = {"path": path.format(root=secrets.root), **more}
    subject = secrets.subject(name, given)
    tool = secrets.tool(name)
    rule = parse_rule(f"{'Read' if name == 'read' else 'Edit'}({denied})")
    call = Call(
        rule_name=tool.rule_name,
        subject=subject.text,
        read_only=tool.read_only,
        allowed_in_plan_mode=tool.allowed_in_plan_mode,
        outside=subject.outside,
        edits_files=subject.edits_files,
        real_path=subject.real_path,
    )
    deny = with_real_paths([rule], lambda named: secrets.workspace.place(named).real)
    assert isinstance(decide(call, mode=PermissionMode.BYPASS, allow=(), deny=deny), Refused)


def test_rules_without_a_path_stay_as_they_are(secrets: Bench) -> None:
    rules = (parse_rule("Bash(conf)"), parse_rule("Read"), parse_rule("Read(a\0b)"))
    assert with_real_paths(rules, lambda named: secrets.workspace.place(named).real) == rules
