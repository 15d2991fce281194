"""The demo is killed with -9 and continued in a terminal, by keys: all are there, and what waited waits."""

import os
import signal
import time
from pathlib import Path

import pytest

from quarterdeck.storage.reader import JournalReader
from tests.support.terminal import Terminal, is_restored, until
from tests.support.terminal_program import (
    PROGRAM,
    TRACES,
    demo_folder,
    logs_of,
    quick_story,
    requests_logged,
    run_program,
    stands_in,
    surroundings,
)
from tests.support.terminal_team import row, rows, select

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


def started(tmp_path: Path, *arguments: str) -> Terminal:
    return Terminal([*PROGRAM, *arguments], environment=surroundings(tmp_path), folder=tmp_path)


def slow_report(tmp_path: Path) -> Path:
    """The story without its pace, but for the report of coder, which takes very long to say."""
    slow = 'when = { agent = "coder", last_tool = "send_message" }'
    return quick_story(tmp_path, {slow: f"{slow}\npace = {{ chars = 2, seconds = 0.3 }}"})


def last_requests(tmp_path: Path, agent: str) -> list[dict[str, object]]:
    return requests_logged(demo_folder(tmp_path).parent / "shop-requests.jsonl", agent)


def drafts(tmp_path: Path) -> str:
    """What is kept of sentences that are being said."""
    with JournalReader(demo_folder(tmp_path).parent.parent / "journal.db") as reader:
        return "".join(draft.text for draft in reader.drafts())


def killed_in_the_middle(tmp_path: Path) -> list[str]:
    """A demo whose tester waits for a permission and whose coder talks, killed with -9; its rows then."""
    with started(tmp_path, "demo", "--scenario", str(slow_report(tmp_path))) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.press("n")
        terminal.wait_for("coder asks to start · plan v1")
        terminal.press("a")
        terminal.wait_for(lambda shown: "asks:" in row(shown, "tester"))
        select(terminal, "coder")
        shown = terminal.wait_for("shop/price.py: ROUND")
        assert until(lambda: "`ROUND_HALF_UP` in" in drafts(tmp_path)), drafts(tmp_path)
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait_ended() == 137
    assert until(lambda: stands_in(demo_folder(tmp_path)) == [], 5.0)
    return rows(shown)


def test_a_killed_demo_comes_back_whole(tmp_path: Path) -> None:
    before = killed_in_the_middle(tmp_path)
    asked_before = len(last_requests(tmp_path, ""))
    with started(tmp_path, "--continue") as terminal:
        shown = terminal.wait_for(lambda shown: "tester" in rows(shown))
        assert set(rows(shown)) >= set(before) - {"researcher"}
        assert "unknown · permission waits for you" in row(shown, "tester")
        assert "unknown" in row(shown, "coder")
        assert "unknown" in row(shown, "runaway")
        assert "1 needs you" in shown
        assert len(last_requests(tmp_path, "")) == asked_before, "coming back asked the model"
        _the_cut_sentence_is_there(terminal)
        _the_permission_revives_tester(terminal, tmp_path)
        _r_revives_coder_on_its_whole_conversation(terminal, tmp_path)
        terminal.press("h")
        terminal.wait_for(lambda shown: "research" in shown and "History" in shown)
        terminal.press("Escape")
        _leave(terminal)
    assert "Traceback" not in logs_of(tmp_path)


def _leave(terminal: Terminal) -> None:
    terminal.press("C-q")
    terminal.wait_for("qd --continue brings all back")
    terminal.press("y")
    assert terminal.wait_ended() == 0
    assert is_restored(terminal) == []
    assert not any(trace in terminal.capture() for trace in TRACES)


def _the_cut_sentence_is_there(terminal: Terminal) -> None:
    select(terminal, "coder")
    terminal.wait_for(lambda shown: "Cut off: the program ended" in shown and "ROUND_HALF_UP in" in shown)


def _the_permission_revives_tester(terminal: Terminal, tmp_path: Path) -> None:
    report = demo_folder(tmp_path) / "report.txt"
    assert not report.exists()
    terminal.press("n")
    terminal.wait_for("Your answer revives it")
    terminal.press("a")
    assert until(lambda: report.exists() and "OK" in report.read_text("utf-8")), terminal.capture()
    shown = terminal.wait_for(lambda shown: "unknown" not in row(shown, "tester"))
    assert "asks:" not in row(shown, "tester"), "the allowed call was asked again"


def _r_revives_coder_on_its_whole_conversation(terminal: Terminal, tmp_path: Path) -> None:
    before = last_requests(tmp_path, "coder")
    terminal.send("Escape")
    select(terminal, "coder")
    terminal.press("r")
    assert until(lambda: len(last_requests(tmp_path, "coder")) > len(before)), terminal.capture()
    new = last_requests(tmp_path, "coder")[len(before)]
    assert new["run"] not in {one["run"] for one in before}
    assert int(str(new["messages"])) > max(int(str(one["messages"])) for one in before)


def test_without_a_key_welcome_offers_the_session_that_was_killed_and_c_goes_on_with_it(
    tmp_path: Path,
) -> None:
    before = killed_in_the_middle(tmp_path)
    asked_before = len(last_requests(tmp_path, ""))
    with started(tmp_path) as terminal:
        shown = terminal.wait_for(lambda shown: "Last session here: " in shown)
        assert "It ended without goodbye. Nothing is running. c brings it back." in shown
        assert "open request" in shown
        terminal.press("c")
        shown = terminal.wait_for(lambda shown: "tester" in rows(shown))
        assert set(rows(shown)) >= set(before) - {"researcher"}
        assert "unknown · permission waits for you" in row(shown, "tester")
        assert "R all." in shown
        assert len(last_requests(tmp_path, "")) == asked_before, "coming back asked the model"
        _the_permission_revives_tester(terminal, tmp_path)
        _leave(terminal)
    assert "Traceback" not in logs_of(tmp_path)


def test_dur_05_a_second_terminal_is_told_at_once_and_ps_reads_what_the_first_does(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "--scenario", str(quick_story(tmp_path))) as terminal:
        terminal.wait_for(lambda shown: "plan v1" in row(shown, "coder"))
        terminal.wait_for(lambda shown: "idle" in row(shown, "tester"))
        with started(tmp_path, "--continue") as second:
            asked = time.monotonic()
            assert second.wait_ended() == 2
            took = time.monotonic() - asked
            assert f"already open in process {terminal.pid}" in " ".join(second.capture().split())
            assert took < 10.0
        told = run_program(tmp_path, "ps")
        assert told.returncode == 0, told.stderr
        by_name = {line.split()[2].partition("@")[0]: line for line in told.stdout.splitlines()[1:]}
        assert "plan" in by_name["coder"]
        assert "idle" in by_name["tester"]
        terminal.press("C-q")
        terminal.wait_for("y quits")
        terminal.press("y")
        assert terminal.wait_ended() == 0
