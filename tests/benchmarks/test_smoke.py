"""The benchmarks work at all: one cheap row, quick. Nothing here looks at how long anything took."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import ROWS
from tests.benchmarks.figures import Figure, table

NAMED = {
    "stream_vs_sdk",
    "live_1000",
    "stream_scaling",
    "key_to_paint_1000",
    "transcript_growth",
    "roster_growth",
    "history_growth",
    "first_paint",
    "idle_memory",
    "kill_under_load",
    "hostile_kills",
    "journal_lag",
    "search",
    "resume",
    "soak",
}
FIELDS = {"name", "teammates", "figure", "unit", "goal", "at_least", "void", "limit", "load", "met"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The one command."""
    root = Path(__file__).parent.parent.parent
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *arguments],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=110,
        check=False,
        env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )


def test_every_named_ratio_has_a_row() -> None:
    assert set(ROWS) == NAMED


@pytest.mark.skipif(sys.platform != "linux", reason="memory and cores are read from Linux's own files")
def test_a_quick_row_plays_the_screen_and_prints_a_table_and_json(tmp_path: Path) -> None:
    told = run("kill_under_load", "--quick", "--json", str(tmp_path / "figures.json"))
    assert told.returncode == 0, told.stderr
    head, *lines = told.stdout.splitlines()
    assert head.split() == ["name", "teammates", "figure", "goal", "met", "load", "what", "limits", "it"]
    assert {line.split()[0] for line in lines[:-1]} == {"kill_under_load", "kill_all"}
    assert "cores" in lines[-1]
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["quick"] is True
    assert [row["teammates"] for row in found["rows"] if row["name"] == "kill_under_load"] == [5, 10]
    for row in found["rows"]:
        assert set(row) == FIELDS
        assert row["figure"] > 0


def test_a_row_that_there_is_not_is_refused() -> None:
    told = run("fastest_ever")
    assert told.returncode == 2
    assert "stream_vs_sdk" in told.stderr


def test_what_does_not_count_meets_no_goal() -> None:
    figure = Figure(name="one", teammates=1, figure=0.5, goal=1.0)
    assert figure.met is True
    void = Figure(name="one", teammates=1, figure=0.5, goal=1.0, void="only 3 paints/s")
    assert void.met is False
    assert "void" in table([void])
    assert "only 3 paints/s" in table([void])
    assert Figure(name="one", teammates=1, figure=9.0, goal=10.0, at_least=True).met is False
    assert Figure(name="one", teammates=1, figure=9.0).met is None
