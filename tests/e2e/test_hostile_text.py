"""Text that tries to act on the terminal, from every place that text comes from: nothing of it gets there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.terminal import Terminal, left_on
from tests.support.terminal_program import PROGRAM, logs_of, surroundings
from tests.support.terminal_pty import Pty

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

ATTACKS = {
    "clipboard": "\x1b]52;c;UVVBUlRFUg==\x07",
    "title": "\x1b]0;OWNED\x07",
    "title, ended by ST": "\x1b]2;OWNED\x1b\\",
    "link": "\x1b]8;;http://owned.example\x1b\\here\x1b]8;;\x1b\\",
    "colour": "\x1b[31;5mOWNED",
    "ask for the cursor": "\x1b[6n",
    "clear": "\x1b[2J\x1b[3J",
    "C1": "\x9b31mOWNED\x9d0;OWNED\x9c",
    "DCS": "\x1bPOWNED\x1b\\",
    "reset": "\x1bc",
    "end of a paste": "\x1b[201~",
    "bell, backspace, shift out": "\x07\x08\x0e",
    "carriage return": "true\rfalse",
    "turned around": "\u202egnp.exe\u2066\u200b",
    "markup": "[bold red]M[/] [@click=app.exit]C[/]",
    "wide": "日本語 👩‍👩‍👧 é ﷽ 🇩🇪",
}
SEEN_OTHERWISE = {"colour", "markup", "turned around", "wide"}
"""Attacks that are told from the program's own bytes by their words, or act by no byte at all."""
HOSTILE = " ".join(ATTACKS.values())
NAME = "evil\x1b]0;OWNED\x07\x9b31m\u202e日本語.txt"

_ALLOWED = re.compile(
    rb"\x1b\[[0-9;:<>?$]*[mHhlup]"  # colours, places, modes, the keyboard's, queries of modes
    rb"|\x1b\[2[23];2t"  # keep and restore the title
    rb"|\x1b\]2;[^\x00-\x1f]*\x07"  # the title
    rb"|\x1b\]22;[a-z-]*\x07"  # the pointer's shape
    rb"|\r?\n"
)
_TITLE = re.compile(rb"\x1b\]2;([^\x07]*)\x07")


def toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def reply(when: str, *content: str) -> str:
    return f"[[reply]]\nwhen = {{ {when} }}\ncontent = [{', '.join(content)}]\n"


def say(text: str) -> str:
    return f"{{ text = {toml(text)} }}"


def call(tool: str, **given: str) -> str:
    fields = ", ".join(f"{name} = {toml(value)}" for name, value in given.items())
    return f'{{ tool = "{tool}", input = {{ {fields} }} }}'


def hostile_scenario(path: Path) -> Path:
    """The lead says, names, runs, asks and starts hostile things; its teammate ends in a hostile error."""
    think = f"{{ thinking = {toml(HOSTILE)} }}"
    command = f"printf '%s\\n' '{HOSTILE}' # ends here"
    parts = [
        'models = ["scripted"]\n',
        '[[reply]]\nwhen = { agent = "x" }\n',
        f"error = {{ status = 400, message = {toml('SAID ' + HOSTILE)} }}\n",
        reply("tool_results = 0", think, say("ONE " + HOSTILE), call("write", path=NAME, content=HOSTILE)),
        reply("tool_results = 1", say("TWO"), call("list", path="."), call("read", path=NAME)),
        reply("tool_results = 3", call("edit", path=NAME, old_text="OWNED\x07", new_text=HOSTILE)),
        reply("tool_results = 4", call("bash", command=command)),
        reply("tool_results = 5", call("spawn_teammate", name="y" + HOSTILE[:30], prompt=HOSTILE)),
        reply("tool_results = 6", call("spawn_teammate", name="x", prompt=HOSTILE)),
        reply("tool_results = 7", call("ask_person", question="ASKS " + HOSTILE)),
        f"[default]\ntext = {toml('LAST ' + HOSTILE)}\n",
    ]
    path.write_text("".join(parts), "utf-8")
    return path


def strange_bytes(written: bytes) -> list[bytes]:
    """What the program wrote that is neither text nor a sequence of its own."""
    text = _ALLOWED.sub(b"", written)
    return re.findall(rb"[\x00-\x1f\x7f].{0,24}|\xc2[\x80-\x9f].{0,12}", text)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A scripted server that says hostile things."""
    scenario = hostile_scenario(tmp_path / "hostile.toml")
    with Pty(
        [*PROGRAM, "scripted-model", "--scenario", str(scenario)],
        environment=surroundings(tmp_path),
        folder=tmp_path,
    ) as server:
        yield server.read_until(b"\n").decode().strip()


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - SEEN_OTHERWISE))
def test_the_scan_finds_each_attack(name: str) -> None:
    assert strange_bytes(f"plain {ATTACKS[name]} text".encode())


def no_byte_acts(written: bytes) -> None:
    assert strange_bytes(written) == []
    for title in _TITLE.findall(written):
        assert b"OWNED" not in title or b"\xe2\x90\x9b]0;OWNED" in title  # the folder's name, made visible
    for attack in (b"\x1b]52", b"\x1b]0", b"\x1b]8", b"\x1b[31;5m", b"\x1b[6n", b"\x1b[2J", b"\x1bP"):
        assert attack not in written
    for hidden in ("\u202e", "\u2066", "\u200b", "\x9b"):
        assert hidden.encode() not in written


def columns_hold(shown: str) -> None:
    """The rule between the panels stands in one column, whatever stands beside it."""
    at = {cell_len(line.partition("│")[0]) for line in shown.splitlines() if "│" in line[20:70]}
    assert len(at) <= 1, f"{at}\n{shown}"


def test_hostile_text_acts_nowhere_on_the_screen(tmp_path: Path, url: str) -> None:
    folder = tmp_path / NAME.removesuffix(".txt")
    folder.mkdir()
    environment = surroundings(tmp_path, ANTHROPIC_BASE_URL=url)
    command = [*PROGRAM, "--allow", "Write", "--allow", "Edit", "--", "do it " + HOSTILE]
    with Terminal(command, environment=environment, folder=folder) as terminal:
        shown = terminal.wait_for("asks: printf")
        columns_hold(shown)
        terminal.press("Escape")
        terminal.press("n")
        shown = terminal.wait_for("allow once")
        columns_hold(shown)
        for _ in range(12):
            terminal.send("PageDown")
        shown = terminal.wait_for("ends here")
        assert "␛]52;c;" in shown or "␛" in shown
        assert "<U+202E>" in shown
        columns_hold(shown)
        terminal.press("a")
        for _ in range(2):
            _allow_next(terminal)
        shown = terminal.wait_for("failed")
        columns_hold(shown)
        terminal.wait_for("question")
        terminal.press("Escape")
        terminal.press("n")
        shown = terminal.wait_for("ASKS")
        columns_hold(shown)
        terminal.press("d")
        terminal.type("no")
        terminal.press("Enter")
        shown = terminal.wait_for("LAST")
        assert "[bold red]M[/]" in shown
        terminal.press("O")
        for _ in range(10):
            terminal.send("PageUp")
            columns_hold(terminal.capture())
        terminal.press("h")
        columns_hold(terminal.wait_for("History"))
        terminal.press("Escape")
        terminal.press("C-q")
        terminal.press("y")
        assert terminal.wait_ended() == 0
        written = terminal.written()
    no_byte_acts(written)
    assert left_on(written) == []
    assert "\x1b" not in logs_of(tmp_path)
    assert "Traceback" not in logs_of(tmp_path)


def _allow_next(terminal: Terminal) -> None:
    """The spawn of a teammate asks too."""
    shown = terminal.wait_for(lambda shown: "SpawnTeammate" in shown or "question" in shown)
    if "needs you" in shown and "permission" in shown:
        terminal.press("n")
        for _ in range(6):
            terminal.send("PageDown")
        terminal.press("a")


def test_hostile_text_acts_nowhere_in_what_run_prints(tmp_path: Path, url: str) -> None:
    environment = surroundings(tmp_path, ANTHROPIC_BASE_URL=url)
    for form in ("text", "stream-json"):
        command = [*PROGRAM, "run", "do it " + HOSTILE, "--allow", "Write", "--output-format", form]
        with Pty(command, environment=environment, folder=tmp_path) as program:
            program.wait_ended()
            assert strange_bytes(bytes(program.written)) == []
            assert b"OWNED" in program.written
            assert b"\x1b" not in program.written
