"""The benchmarks work at all: one cheap row, quick. Nothing here looks at how long anything took."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import ROWS
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.soak import fit

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


@pytest.mark.skipif(sys.platform != "linux", reason="memory and cores are read from Linux's own files")
def test_quick_rows_of_long_sessions_end_revive_and_resume_runs(tmp_path: Path) -> None:
    told = run("history_growth", "resume", "soak", "--quick", "--json", str(tmp_path / "figures.json"))
    assert told.returncode == 0, told.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "figures.json").read_text())["rows"]}
    assert set(rows) == {"history_growth", "history_frames", "resume", "resume_memory", "soak"}
    assert "after 10 completed and evicted runs" in rows["history_growth"]["limit"]
    written = re.match(r"(\d+) rows", rows["resume"]["limit"])
    assert written is not None
    assert int(written[1]) >= 500
    counted = re.search(r"(\d+) requests, (\d+) failed, (\d+) revived", rows["soak"]["limit"])
    assert counted is not None
    requests, failed, revived = map(int, counted.groups())
    assert failed == requests // 20 > 0
    assert 0 < revived <= failed
    assert rows["soak"]["void"] == ""


def test_the_slope_of_a_soak_is_that_of_the_points() -> None:
    level = fit([(0.0, 5.0), (1.0, 5.0), (2.0, 5.0)])
    assert (level.per_second, level.error) == (0.0, 0.0)
    assert fit([(10.0, 3.0), (11.0, 5.0), (14.0, 11.0)]).per_second == pytest.approx(2.0)
    scattered = fit([(0.0, 0.0), (1.0, 2.0), (2.0, 0.0), (3.0, 2.0)])
    assert scattered.per_second == pytest.approx(0.4)
    assert scattered.error == pytest.approx(0.32**0.5)


@pytest.mark.parametrize("length", ["0.5", "nan", "inf", "-3", "ten"])
def test_a_soak_without_a_length_is_refused(length: str) -> None:
    told = run("soak", f"--soak-minutes={length}")
    assert told.returncode == 2
    assert "minutes" in told.stderr


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
