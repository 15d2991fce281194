"""Reading and steering the team's panel on a captured screen."""

import re
import time

from tests.support.terminal import LOOK_S, SOON_S, Terminal

_ROW = re.compile(r"^([❯ ])▌(.) (?:└ )?(\S+)")


def rows(screen: str) -> list[str]:
    """The names of the team's rows, from the top."""
    return [hit[3] for line in screen.splitlines() if (hit := _ROW.match(line))]


def row(screen: str, name: str) -> str:
    """The row of this name; empty = it has none."""
    return next((line for line in screen.splitlines() if (hit := _ROW.match(line)) and hit[3] == name), "")


def selected(screen: str) -> str:
    """The name at the cursor; empty = none is."""
    return next((hit[3] for line in screen.splitlines() if (hit := _ROW.match(line)) and hit[1] == "❯"), "")


def select(terminal: Terminal, name: str) -> str:
    """Go to the row of this name with `j` and `k`, as it moves; the screen on which it is selected."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        shown = terminal.capture()
        names, at = rows(shown), selected(shown)
        if at == name:
            return shown
        if name in names and at in names:
            terminal.send("j" if names.index(at) < names.index(name) else "k")
            _wait_moved(terminal, at)
        time.sleep(LOOK_S)
    raise AssertionError(f"the cursor does not come to {name}:\n{terminal.capture()}")


def _wait_moved(terminal: Terminal, old: str) -> None:
    deadline = time.monotonic() + 2.0
    while selected(terminal.capture()) == old and time.monotonic() < deadline:
        time.sleep(LOOK_S)
