"""What people type and set wrongly: one line that says what to do, exit code 2, never a traceback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, is_busy
from tests.support.terminal_program import PROGRAM, TRACES, run_program, surroundings

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

KEY = {"ANTHROPIC_API_KEY": "canary-key-of-nobody"}


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal, after all that must hold for each."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("quarterdeck: ")
    assert not any(trace in line for trace in TRACES)
    assert "canary" not in line
    return line.removeprefix("quarterdeck: ")


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["demmo"], {}, ["'demmo' is no command", "Did you mean demo?"]),
        (["rum"], {}, ["Did you mean run?"]),
        (["xyzzy"], {}, ["Commands are demo, run, ps, sessions, trace, scripted-model", "follows --"]),
        (["--thme", "x"], {}, ["--thme"]),
        (["stats"], {}, ["quarterdeck stats is not built yet"]),
        (["--continue", "--resume", "abc"], {}, ["--resume", "--continue"]),
        (["run", "x", "--agents", "a,b"], {}, ["--agents is not built yet"]),
        (["run", "x", "--max-cost", "3"], {}, ["--max-cost is not built yet"]),
        (["run"], {}, ["task"]),
        (["run", "do it"], {}, ["no key and no endpoint", "ANTHROPIC_API_KEY", "quarterdeck demo"]),
        (["run", ""], KEY, ["The task is empty"]),
        (["run", " \n\t "], KEY, ["The task is empty"]),
        (["run", "-"], KEY, ["The task is empty"]),
        (["run", "x", "--max-turns", "0"], KEY, ["--max-turns: at least 1"]),
        (["run", "x", "--max-duration", "-1"], KEY, ["--max-duration: more than 0"]),
        (["run", "x", "--max-duration", "nan"], KEY, ["--max-duration"]),
        (["run", "x", "--max-turns", "many"], KEY, ["--max-turns", "many"]),
        (["run", "x", "--output-format", "xml"], KEY, ["--output-format", "stream-json"]),
        (["run", "x", "--allow", "Bash(npm *)"], KEY, ["--allow", "patterns are not built yet"]),
        (["run", "x", "--deny", "Bash(rm *)"], KEY, ["--deny", "patterns are not built yet"]),
        (["run", "x", "--allow", "Bsh"], KEY, ["'Bsh' is no tool", "did you mean Bash?"]),
        (["run", "x", "--allow", "Bash(ls"], KEY, ["closing bracket"]),
        (["run", "x"], {"ANTHROPIC_BASE_URL": "nonsense"}, ["ANTHROPIC_BASE_URL", "https://"]),
        (["run", "x"], {"ANTHROPIC_BASE_URL": "http://user:canary@:9/"}, ["ANTHROPIC_BASE_URL"]),
        (["run", "x"], {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, ["No connection to the model"]),
        (["run", "x"], {"QUARTERDECK_SIGNS": "runes"}, ["QUARTERDECK_SIGNS", "'unicode', 'ascii'"]),
        (["run", "x"], {"QUARTERDECK_STOP_DEADLINE_S": "soon"}, ["QUARTERDECK_STOP_DEADLINE_S", "number"]),
        (["run", "x"], {"QUARTERDECK_PERMISSION_MODE": "bypass"}, ["QUARTERDECK_PERMISSION_MODE"]),
        (["run", "x"], {"QUARTERDECK_HOME": "~nobody-there/x"}, ["QUARTERDECK_HOME"]),
        (["run", "x"], {"QUARTERDECK_HOME": "/dev/null/x", **KEY}, ["/dev/null/x", "Not a directory"]),
        (["run", "x"], {"QUARTERDECK_VERBS": "Baking"}, ["QUARTERDECK_VERBS", "Baking/Baked"]),
        (["scripted-model"], {}, ["--scenario"]),
        (["scripted-model", "--scenario", "absent.toml"], {}, ["absent.toml", "No such file"]),
        (["scripted-model", "--scenario", "x", "--port", "70000"], {}, ["--port"]),
        (["demo", "--headless", "--folder", "absent"], {}, ["--folder", "absent"]),
        (["demo", "--headless", "--base-url", "nonsense"], {}, ["--base-url", "https://"]),
        (["demo", "--headless", "--log", "absent/log"], {}, ["absent/log", "No such file"]),
        (["demo", "--headless", "--max-duration", "long"], {}, ["--max-duration", "long"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    tmp_path: Path, arguments: list[str], environment: Mapping[str, str], words: list[str]
) -> None:
    line = refused(run_program(tmp_path, *arguments, environment=environment))
    for word in words:
        assert word in line


def test_without_a_terminal_it_says_so_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    line = refused(run_program(tmp_path))
    took = time.monotonic() - started
    assert "terminal" in line
    assert "quarterdeck run" in line
    assert took < (10.0 if is_busy() else 2.0)


def test_the_demo_without_a_terminal_says_so(tmp_path: Path) -> None:
    assert "terminal" in refused(run_program(tmp_path, "demo"))
    assert list((tmp_path / "tmp").glob("quarterdeck-demo-*")) == []


SETTINGS = {
    "syntax": ('theme = "quarterdeck-dark"\nsigns = = 3\n', 2),
    "unknown key": ('theme = "quarterdeck-dark"\n\ncolour = "red"\n', 3),
    "wrong type": ("\nreduced_motion = 7\n", 2),
    "wrong value": ('# mine\nsigns = "runes"\n', 2),
    "bypass by file": ('permission_mode = "bypass"\n', 1),
    "wrong in a table": ('theme = "quarterdeck-dark"\n[delays]\nkilled = -1\n', 3),
    "twice": ("bell = true\nbell = true\n", 2),
    "byte order mark, CRLF": ("\ufeffbell = true\r\nbel = true\r\n", 2),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_broken_settings_are_told_with_file_and_line(tmp_path: Path, name: str) -> None:
    text, line = SETTINGS[name]
    surroundings(tmp_path)
    path = tmp_path / "home" / "quarterdeck" / "settings.toml"
    path.parent.mkdir()
    path.write_text(text, "utf-8", newline="")
    assert refused(run_program(tmp_path, "run", "x", environment=KEY)).startswith(f"{path}:{line}: ")


def test_settings_that_are_no_text_or_too_big_are_refused(tmp_path: Path) -> None:
    surroundings(tmp_path)
    path = tmp_path / "home" / "quarterdeck" / "settings.toml"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00binary")
    assert "not UTF-8" in refused(run_program(tmp_path, "run", "x", environment=KEY))
    path.write_bytes(b"#" * 2_000_000)
    assert "larger than" in refused(run_program(tmp_path, "run", "x", environment=KEY))
    path.unlink()
    path.mkdir()
    assert str(path) in refused(run_program(tmp_path, "run", "x", environment=KEY))


SCENARIOS = {
    "syntax": ("models = [\n", "scenario.toml:1"),
    "unknown field": ('[[reply]]\ntext = "a"\nfoo = 3\n', "scenario.toml:3"),
    "no such name": ('[[reply]]\ntext = "{{nobody}}"\n', "scenario.toml:1"),
    "broken pattern": ('[[reply]]\ntext = "a"\nwhen = { told = "(" }\n', "scenario.toml:3"),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_broken_scenario_is_told_with_file_and_line(tmp_path: Path, name: str) -> None:
    text, place = SCENARIOS[name]
    (tmp_path / "scenario.toml").write_text(text, "utf-8")
    assert place in refused(run_program(tmp_path, "scripted-model", "--scenario", "scenario.toml"))
    assert place in refused(run_program(tmp_path, "demo", "--headless", "--scenario", "scenario.toml"))
    assert list((tmp_path / "tmp").glob("quarterdeck-demo-*")) == []


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text('[default]\ntext = "a"\n', "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(run_program(tmp_path, "scripted-model", "--scenario", "scenario.toml", "--port", port))
    assert "in use" in line
    assert port in line
    assert "Errno" not in line


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir {gone}; exec {sys.executable} -m quarterdeck run x"
    done = subprocess.run(
        ["sh", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(tmp_path, **KEY),
        cwd=gone,
    )
    assert "folder" in refused(done)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o300)
    try:
        assert "can't be read" in refused(run_program(tmp_path, "run", "x", folder=closed, environment=KEY))
    finally:
        closed.chmod(0o700)


def said_in_a_terminal(tmp_path: Path, *arguments: str, code: int = 2, **environment: str) -> str:
    with Terminal(
        ["env", *(f"{name}={value}" for name, value in environment.items()), *PROGRAM, *arguments],
        environment=surroundings(tmp_path),
        folder=tmp_path,
        size=(200, 10),
    ) as terminal:
        assert terminal.wait_ended() == code
        assert b"\x1b[?1049h" not in terminal.written()
        return terminal.capture().strip()


def test_a_dumb_terminal_is_told_in_plain_text(tmp_path: Path) -> None:
    for term in ("dumb", ""):
        line = said_in_a_terminal(tmp_path, "demo", TERM=term)
        assert line.startswith("quarterdeck: TERM=dumb can't draw the screen")
        assert "\n" not in line


def test_output_that_is_piped_is_told(tmp_path: Path) -> None:
    command = f"{' '.join(PROGRAM)} demo | cat; {' '.join(PROGRAM)} | cat"
    with Terminal(
        ["sh", "-c", command], environment=surroundings(tmp_path), folder=tmp_path, size=(200, 10)
    ) as terminal:
        terminal.wait_ended()
        assert terminal.capture().count("quarterdeck: The screen needs a terminal.") == 2


def test_an_unknown_theme_is_told_with_those_there_are(tmp_path: Path) -> None:
    for arguments in (["demo", "--theme", "sea\x1b[31m"], ["--theme", "sea\x1b[31m"]):
        line = said_in_a_terminal(tmp_path, *arguments)
        assert "--theme: there is no theme 'sea␛[31m'" in line
        assert "quarterdeck-light" in line


def test_a_broken_theme_costs_itself_alone_and_is_told(tmp_path: Path) -> None:
    environment = surroundings(tmp_path)
    themes = tmp_path / "home" / "quarterdeck" / "themes"
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text('name = "mine"\nprimary = "no colour"\n', "utf-8")
    assert "mine.toml:2" in said_in_a_terminal(tmp_path, "--theme", "mine")
    with Terminal([*PROGRAM], environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for("mine.toml:2")
        terminal.press("C-q")
        assert terminal.wait_ended() == 0


def in_shell(tmp_path: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command.replace("quarterdeck", " ".join(PROGRAM))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(tmp_path, **KEY),
        cwd=tmp_path,
    )


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("quarterdeck run - <&-", 2, "The task is empty"),
        ("quarterdeck <&- >&-", 2, "needs a terminal"),
        ("quarterdeck 2>&-", 2, ""),
        ("quarterdeck demo --headless --max-duration 0.5 >&-", 3, ""),
        ("quarterdeck demo --headless --max-duration 0.5 >/dev/full", 1, "No space left"),
        ("{ quarterdeck demo --headless; echo $? >&2; } | head -n 1 >/dev/null", 0, "141"),
    ],
)
def test_closed_full_and_broken_streams_are_no_crash(
    tmp_path: Path, command: str, code: int, words: str
) -> None:
    done = in_shell(tmp_path, command)
    assert done.returncode == code, done
    assert len(done.stderr.splitlines()) == bool(words), done.stderr
    assert words in done.stderr
    assert not any(trace in done.stderr for trace in TRACES)
    assert list((tmp_path / "tmp").glob("quarterdeck-demo-*")) == []


def test_help_and_version_are_complete(tmp_path: Path) -> None:
    for arguments, words in (
        (["--help"], ["demo", "run TASK", "scripted-model", "--theme", "--permission-mode"]),
        (["demo", "--help"], ["--headless", "--scenario", "--log"]),
        (["run", "--help"], ["--allow", "--deny", "--output-format", "Exit codes", "--max-turns"]),
        (["scripted-model", "--help"], ["--scenario", "--port", "--log"]),
        (["--version"], ["quarterdeck 0."]),
    ):
        done = run_program(tmp_path, *arguments)
        assert done.returncode == 0
        assert done.stderr == ""
        for word in words:
            assert word in done.stdout
