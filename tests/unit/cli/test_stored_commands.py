"""`sessions`, `ps` and `trace` as they are typed, on real session files."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.cli.main import run as run_command
from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.requests import QuestionAnswered
from quarterdeck.domain.teammates import Outcome, WaitsOn
from quarterdeck.state import actions as did
from quarterdeck.storage import lease
from tests.support.states import (
    ended,
    idle,
    opened,
    permission,
    plan,
    question,
    ready,
    run,
    spawned,
    used,
    working,
)
from tests.support.stored_sessions import NOW, SessionFile, says, told

SOURCE = Path(__file__).parents[3]

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of this test."""
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    return tmp_path / "state"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """The program with these words: exit code, output, errors."""

    def run_with(*words: str) -> tuple[int, str, str]:
        code = run_command(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run_with


def team(state: Path, session_id: str = "abc1") -> SessionFile:
    """A session with a teammate in every kind of place."""
    file = SessionFile(state, session_id)
    file.tell(
        opened(),
        *idle("idler"),
        *working("worker"),
        *working("asker"),
        *permission("asker", subject="rm -rf build"),
        *working("planner"),
        *plan("planner"),
        *working("curious"),
        *question("curious"),
        *working("limited"),
        did.TeammateWaited(at=NOW, run_id=run("limited"), on=WaitsOn.RATE_LIMIT),
        *working("failed"),
        *plan("failed"),
        ended("failed", Outcome.FAILED, error="boom"),
        used("worker", 1_234),
        told("worker", "Fix the cart.", at=NOW + 1),
        says("worker", "The cart is fixed.", at=NOW + 2),
    )
    return file.write()


def as_json(answer: tuple[int, str, str]) -> Any:
    """The one JSON object that a command printed."""
    code, out, err = answer
    assert (code, err) == (0, "")
    assert out.isascii()
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["schema"] == 1
    return found


def lines_of(answer: tuple[int, str, str]) -> list[str]:
    """What a command printed for people."""
    code, out, err = answer
    assert (code, err) == (0, "")
    return out.splitlines()


def refused(answer: tuple[int, str, str]) -> str:
    """The one line of a refusal."""
    code, out, err = answer
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    return line


def test_ps_tells_waiting_for_a_person_from_idle(state: Path, call: Call) -> None:
    held = lease.take(team(state).place.lease)
    found = as_json(call("ps", "--json"))
    held.release()
    runs = {one["name"]: one for one in found["runs"]}
    waits = {
        name: (one["waiting"]["on"], one["waiting"]["for_person"], one["waiting"]["suspended"])
        for name, one in runs.items()
        if one["waiting"] is not None
    }
    assert waits == {
        "asker": ("permission", True, False),
        "planner": ("plan", True, False),
        "curious": ("question", True, False),
        "limited": ("rate_limit", False, False),
        "failed": ("plan", True, True),
    }
    states = {name: one["state"] for name, one in runs.items()}
    assert states["idler"] == "idle"
    assert states["worker"] == "executing"
    assert states["asker"] == "waiting"
    assert states["failed"] == "failed"
    assert runs["asker"]["waiting"]["since"] == NOW - 63
    assert runs["asker"]["waiting"]["seconds"] == pytest.approx(found["at"] - NOW + 63, abs=0.01)
    assert runs["worker"]["last_sign_age_s"] == pytest.approx(
        found["at"] - runs["worker"]["last_sign_at"], abs=0.01
    )
    assert sum(runs["worker"]["usage"][one] for one in ("input_tokens", "cache_read_input_tokens")) == 1_234
    assert all(one["session_live"] and one["session_pid"] == os.getpid() for one in runs.values())
    assert runs["failed"]["error"] == "boom"


def test_ps_says_the_same_to_people(state: Path, call: Call) -> None:
    held = lease.take(team(state).place.lease)
    head, *rows = lines_of(call("ps"))
    held.release()
    assert head.split()[:3] == ["SESSION", "RUN", "TEAMMATE"]
    text = "\n".join(rows)
    assert "waits for you: permission" in text
    assert "waits: rate_limit" in text
    assert "failed, suspended: plan (waits for you)" in text
    assert "idle" in next(row for row in rows if "idler@shop" in row)


def test_ps_shows_live_sessions_only_and_all_of_them_with_all(state: Path, call: Call) -> None:
    team(state, "stored")
    held = lease.take(team(state, "living").place.lease)
    assert {one["session_id"] for one in as_json(call("ps", "--json"))["runs"]} == {"living"}
    every = as_json(call("ps", "--all", "--json"))["runs"]
    held.release()
    assert {one["session_id"] for one in every} == {"living", "stored"}


def test_what_nobody_owns_and_had_a_turn_open_is_unknown_and_its_request_suspended(
    state: Path, call: Call
) -> None:
    team(state)
    runs = {one["name"]: one for one in as_json(call("ps", "--all", "--json"))["runs"]}
    assert runs["worker"]["outcome"] == "unknown"
    assert runs["worker"]["waiting"] is None
    assert runs["asker"]["outcome"] == "unknown"
    assert runs["asker"]["waiting"]["suspended"]
    assert (runs["idler"]["outcome"], runs["idler"]["state"]) == (None, "idle")
    assert runs["failed"]["outcome"] == "failed"


def test_archived_runs_are_shown_with_all_only(state: Path, call: Call) -> None:
    file = SessionFile(state, "abc1")
    file.tell(opened(), *idle("old"), ended("old", Outcome.COMPLETED), *idle("new"))
    file.tell(did.RunArchived(at=NOW + 4_000, run_id=run("old")))
    held = lease.take(file.write().place.lease)
    live = as_json(call("ps", "--json"))["runs"]
    every = as_json(call("ps", "--all", "--json"))["runs"]
    held.release()
    assert [one["name"] for one in live] == ["new"]
    assert {one["name"]: one["archived"] for one in every} == {"new": False, "old": True}


def test_without_any_session_every_list_is_empty(state: Path, call: Call) -> None:
    assert as_json(call("ps", "--json"))["runs"] == []
    assert as_json(call("sessions", "list", "--json"))["sessions"] == []
    assert as_json(call("sessions", "search", "x", "--json"))["hits"] == []
    assert lines_of(call("ps")) == ["No session is open. --all shows stored ones."]
    assert lines_of(call("sessions", "list")) == ["No session is stored."]


def test_sessions_are_listed(state: Path, call: Call) -> None:
    held = lease.take(team(state).place.lease)
    (session,) = as_json(call("sessions", "list", "--json"))["sessions"]
    head, row = lines_of(call("sessions", "list"))
    held.release()
    assert session == {
        "session_id": "abc1",
        "folder": "/home/me/src/shop",
        "team": "shop",
        "opened_at": NOW - 500,
        "last_at": NOW + 2,
        "runs": 7,
        "messages": 2,
        "live": True,
        "pid": os.getpid(),
        "damage": "",
    }
    assert head.startswith("SESSION")
    assert f"process {os.getpid()}" in row


def test_show_gives_runs_messages_and_requests(state: Path, call: Call) -> None:
    file = team(state)
    answer = QuestionAnswered("half-up")
    file.tell(
        did.RequestAnswered(at=NOW + 3, request_id=RequestId("question-curious"), version=1, answer=answer)
    )
    file.write()
    found = as_json(call("sessions", "show", "abc", "--json"))
    assert found["session"]["session_id"] == "abc1"
    assert len(found["runs"]) == 7
    assert [(one["from"], one["kind"], one["text"]) for one in found["messages"]] == [
        ("you", "message", "Fix the cart."),
        ("worker", "said", "The cart is fixed."),
    ]
    states = {one["request_id"]: one["state"] for one in found["requests"]}
    assert states == {
        "perm-asker": "suspended",
        "plan-planner": "suspended",
        "question-curious": "answered",
        "plan-failed": "suspended",
    }
    asked = {one["request_id"]: one for one in found["requests"]}
    assert asked["perm-asker"]["subject"] == "rm -rf build"
    assert asked["question-curious"]["answer"] == {"type": "question_answered", "text": "half-up"}
    text = "\n".join(lines_of(call("sessions", "show", "abc1")))
    assert "rm -rf build" in text
    assert "worker@shop" in text


def test_search_finds_in_all_sessions(state: Path, call: Call) -> None:
    team(state)
    found = as_json(call("sessions", "search", "cart", "fix", "--json"))
    assert [(one["session_id"], one["name"], one["speaker"]) for one in found["hits"]] == [
        ("abc1", "worker", "worker"),
        ("abc1", "worker", "you"),
    ]
    assert (found["searched"], found["more"]) == (2, False)
    assert as_json(call("sessions", "search", "cart", "--limit", "1", "--json"))["more"]
    *_, last = lines_of(call("sessions", "search", "cart"))
    assert last == "2 found in 2 messages."


def test_an_export_has_every_fact_on_a_line_of_its_own(state: Path, call: Call) -> None:
    text = "a\u2028b\x00c\x7fd\u202ee\x85f\nü \ud800"
    file = SessionFile(state, "abc1")
    facts = [opened(), *working("coder"), says("coder", text), *idle("tester")]
    file.tell(*facts)
    file.write()
    code, out, err = call("sessions", "export", "abc1")
    assert (code, err) == (0, "")
    assert out.isascii()
    assert all(char.isprintable() or char == "\n" for char in out)
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == len(facts)
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    (said,) = [line["fact"] for line in lines if line["fact"]["t"] == "text_said"]
    assert said["text"] == text


def test_a_trace_is_written_for_its_owner_only(state: Path, call: Call, tmp_path: Path) -> None:
    team(state)
    path = tmp_path / "trace.json"
    assert call("trace", "abc1", "-o", str(path)) == (0, "", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    trace = json.loads(path.read_text("ascii"))
    assert {"run", "turn", "wait", "request"} <= {one.get("cat") for one in trace["traceEvents"]}
    code, out, _ = call("trace", "abc1", "-o", "-")
    assert (code, json.loads(out)) == (0, trace)


def test_a_session_is_deleted_whole(state: Path, call: Call) -> None:
    file = team(state)
    assert lines_of(call("sessions", "search", "cart"))[-1] == "2 found in 2 messages."
    assert lines_of(call("sessions", "delete", "abc")) == ["abc1 is deleted."]
    assert not file.place.folder.exists()
    assert as_json(call("sessions", "list", "--json"))["sessions"] == []
    assert as_json(call("sessions", "search", "cart", "--json"))["hits"] == []


def test_a_session_that_a_process_owns_is_not_deleted(state: Path, call: Call) -> None:
    file = team(state)
    held = lease.take(file.place.lease)
    line = refused(call("sessions", "delete", "abc1"))
    held.release()
    assert line == f"quarterdeck: abc1 is already open in process {os.getpid()}; end it there first."
    assert file.place.database.exists()


@pytest.mark.parametrize(
    "words", [("sessions", "show"), ("sessions", "export"), ("sessions", "delete"), ("trace", "-o", "x")]
)
def test_an_id_that_is_none_or_several_is_refused_in_one_line(
    state: Path, call: Call, words: tuple[str, ...]
) -> None:
    team(state, "abc1")
    team(state, "abc2")
    assert "There is no session 'zzz'" in refused(call(*words, "zzz"))
    assert "There is no session '..'" in refused(call(*words, ".."))
    assert "'abc' could be abc1, abc2" in refused(call(*words, "abc"))
    assert "There is no session" in refused(call(*words, "a\x1b[2J"))
    assert "There is no session ''" in refused(call(*words, ""))


def test_what_is_to_be_resumed_is_chosen_as_for_every_other_command(
    state: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.cli.screen.why_no_screen", lambda _environment: "")
    monkeypatch.setattr("quarterdeck.cli.screen.open_log", lambda *_where: None)
    team(state, "abc1")
    team(state, "abc2")
    assert "There is no session 'zzz'" in refused(call("--resume", "zzz"))
    assert "'abc' could be abc1, abc2" in refused(call("--resume", "abc"))
    held = lease.take(team(state, "xyz1").place.lease)
    line = refused(call("--resume", "x"))
    held.release()
    assert f"Session xyz1 is already open in process {os.getpid()}" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sessions",), "list|show|search|export|delete"),
        (("sessions", "lst"), "lst"),
        (("sessions", "show"), "ID"),
        (("sessions", "search"), "WORDS"),
        (("sessions", "search", "x", "--limit", "0"), "--limit"),
        (("trace", "abc1"), "-o"),
        (("ps", "abc1"), "abc1"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(
    state: Path, call: Call, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(call(*words))


def test_a_trace_that_cannot_be_written_is_one_line(state: Path, call: Call, tmp_path: Path) -> None:
    team(state)
    assert "No such file or directory" in refused(call("trace", "abc1", "-o", str(tmp_path / "no" / "x")))


def test_hostile_text_reaches_no_terminal(state: Path, call: Call) -> None:
    file = SessionFile(state, "abc1")
    hostile = "\x1b[2J\u202ecart\x07\n"
    fields = {one: getattr(opened(), one) for one in did.SessionOpened.__struct_fields__}
    file.tell(
        did.SessionOpened(**{**fields, "folder": f"/home/{hostile}", "team": hostile}),
        spawned("coder", model=hostile),
        ready("coder"),
        *permission("coder", subject=hostile),
        says("coder", hostile),
    )
    file.write()
    for words in (
        ("sessions", "list"),
        ("sessions", "show", "abc1"),
        ("sessions", "search", "cart"),
        ("ps", "--all"),
        ("sessions", "export", "abc1"),
        ("trace", "abc1", "-o", "-"),
    ):
        for line in lines_of(call(*words)):
            assert line.isprintable(), words


def test_a_damaged_session_is_said_and_the_others_are_shown(state: Path, call: Call) -> None:
    team(state, "good")
    bad = team(state, "bad").place.database
    bad.write_bytes(b"this is no database" * 1_000)
    sessions = as_json(call("sessions", "list", "--json"))["sessions"]
    assert {one["session_id"]: bool(one["damage"]) for one in sessions} == {"good": False, "bad": True}
    found = as_json(call("ps", "--all", "--json"))
    assert {one["session_id"] for one in found["runs"]} == {"good"}
    assert found["faults"]
    assert "bad can't be read" in refused(call("sessions", "export", "bad"))
    assert "bad can't be read" in refused(call("sessions", "show", "bad"))
    assert "bad can't be read" in refused(call("trace", "bad", "-o", "-"))
    assert lines_of(call("sessions", "delete", "bad")) == ["bad is deleted."]


def test_another_process_reads_while_this_one_owns_the_session(state: Path) -> None:
    file = team(state)
    held = lease.take(file.place.lease)
    environment = {**os.environ, "PYTHONPATH": str(SOURCE / "src")}

    def ask(*words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "quarterdeck", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    runs = ask("ps", "--json")["runs"]
    assert {one["session_pid"] for one in runs} == {os.getpid()}
    assert {one["name"]: one["state"] for one in runs}["asker"] == "waiting"
    file.tell(says("worker", "The anchor is up."))
    file.write()
    assert [one["name"] for one in ask("sessions", "search", "anchor", "--json")["hits"]] == ["worker"]
    held.release()
    runs = ask("ps", "--all", "--json")["runs"]
    assert {one["name"]: one["state"] for one in runs}["asker"] == "unknown"


def test_a_home_that_is_nobodys_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", "~nobody-there/x")
    assert "QUARTERDECK_HOME" in refused(call("ps"))
