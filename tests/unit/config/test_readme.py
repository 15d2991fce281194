"""The README says what is true: its settings, its two commands, and that the CI script runs its tests."""

import re
import subprocess
from pathlib import Path

import msgspec

from quarterdeck.config.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text("utf-8")


def block(marker: str) -> str:
    found = re.search(rf"^<!-- {marker} -->\n```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None, marker
    return found.group(1)


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", README, re.MULTILINE))
    assert set(Settings.__struct_fields__) <= set(rows)
    defaults = Settings()
    assert rows["theme"] == f"`{defaults.theme}`"
    assert rows["permission_mode"] == f"`{defaults.permission_mode}`"
    assert rows["signs"] == f"`{defaults.signs}`"
    for name in ("reduced_motion", "bell", "notifications", "replace_verbs"):
        assert rows[name] == f"`{str(getattr(defaults, name)).lower()}`"
    assert rows["stop_deadline_s"] == f"`{defaults.stop_deadline_s:g}`"
    assert rows["delays"] == ", ".join(f"{value:g}" for value in msgspec.structs.astuple(defaults.delays))


def test_each_command_makes_its_own_environment_and_names_no_machine() -> None:
    for command in (block("demo"), block("tests")):
        assert command.startswith("python3 -m venv .venv && .venv/bin/python -m pip install")
        assert not re.search(r"https?://|--index-url|[\s=]/\w", command)
    assert block("demo").endswith(".venv/bin/quarterdeck demo")
    assert "-m pytest" in block("tests")


def test_the_ci_script_runs_the_tests_of_the_readme_unchanged_and_stops_when_they_fail(
    tmp_path: Path,
) -> None:
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    script.chmod(0o755)
    command = "echo one two > 'said by the tests' && \\\n  exit 7"
    (tmp_path / "README.md").write_text(
        f"```sh\nwrong\n```\n<!-- tests -->\n```sh\n{command}\n```\n```sh\nno\n```\n"
    )
    ran = subprocess.run([script], cwd="/", capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 7, ran.stderr
    assert (tmp_path / "said by the tests").read_text() == "one two\n"
    assert "ruff" not in ran.stdout


def test_the_ci_script_refuses_a_readme_without_tests(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    script.chmod(0o755)
    (tmp_path / "README.md").write_text("# nothing\n")
    ran = subprocess.run([script], capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 1
    assert "no test command" in ran.stderr


def test_the_ci_script_can_be_started() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
