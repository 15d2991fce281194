"""The program in a real terminal: one tmux server per test, read as a person reads it.

Waiting means looking at the screen again and again until a deadline; nothing here sleeps and hopes.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

SOON_S = 30.0
"""The deadline of what happens at once on a machine that has time."""
LOOK_S = 0.02
PERSON_PAUSE_S = 0.5
"""Between seeing something and the key for it: longer than every guard of the screen."""

Wanted = str | Callable[[str], bool]


def needs_tmux() -> None:
    """Skip the test where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")


def until(holds: Callable[[], bool], within_s: float = SOON_S) -> bool:
    """Look until it holds or the time is over; whether it held."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def is_busy() -> bool:
    """Whether others take the processors, so that no short time can be promised."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


class Terminal:
    """One command in one tmux window, from its start until it is closed. Use it as a context."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (120, 36),
    ) -> None:
        needs_tmux()
        self._own = Path(tempfile.mkdtemp(prefix="qd-tmux-"))
        self._paste = 0
        self._tmux = ["tmux", "-u", "-S", str(self._own / "socket"), "-f", "/dev/null"]
        script = (
            f"cd {shlex.quote(str(folder))}; "
            f"sh -c 'echo $$ > {self._own}/pid; exec \"$@\"' sh {shlex.join(command)}; code=$?; "
            f"stty -a > {self._own}/stty; echo $code > {self._own}/code.new; "
            f"mv {self._own}/code.new {self._own}/code; exec cat"
        )
        columns, rows = size
        self._run(
            *("start-server", ";", "set-option", "-g", "status", "off", ";"),
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), script, ";"),
            *("set-option", "-g", "window-size", "manual", ";"),
            *("pipe-pane", "-O", f"exec cat >> {self._own}/written"),
            environment={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server of this terminal, and with it what runs in it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)
        shutil.rmtree(self._own, ignore_errors=True)

    # --- the hand -------------------------------------------------------------------------------------

    def send(self, *keys: str) -> None:
        """Keys by tmux's names (`Enter`, `C-q`, `n`), all in one burst."""
        self._run("send-keys", *keys)

    def press(self, key: str) -> None:
        """One key as a person presses it: after a look at what it will act on."""
        time.sleep(PERSON_PAUSE_S)
        self.send(key)

    def type(self, text: str) -> None:
        """Text into a field."""
        self._run("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """As the terminal pastes: bracketed, if the program asked for that."""
        self._paste += 1
        path = self._own / f"paste-{self._paste}"
        path.write_text(text, "utf-8")
        self._run("load-buffer", str(path), ";", "paste-buffer", "-p", "-r")

    def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    # --- the eye --------------------------------------------------------------------------------------

    def capture(self) -> str:
        """The screen as text, one line per row."""
        return self._run("capture-pane", "-p")

    def wait_for(self, wanted: Wanted, within_s: float = SOON_S) -> str:
        """The first screen that shows the text, or for which the function is true.

        :raises AssertionError: none did in time; it shows the last screen.
        """
        deadline = time.monotonic() + within_s
        while True:
            shown = self.capture()
            if wanted in shown if isinstance(wanted, str) else wanted(shown):
                return shown
            if time.monotonic() > deadline or self._has_ended(shown):
                name = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", "what was wanted")
                over = "it ended" if (self._own / "code").exists() else f"{within_s:.0f} s"
                raise AssertionError(f"{over} without {name!r}:\n{shown}")
            time.sleep(LOOK_S)

    def _has_ended(self, shown: str) -> bool:
        """Whether nothing more will come: what was written last may still be on its way to the screen."""
        return (self._own / "code").exists() and shown == self.capture()

    def written(self) -> bytes:
        """Every byte that the program wrote to its terminal so far."""
        path = self._own / "written"
        return path.read_bytes() if path.exists() else b""

    def is_in_alternate_screen(self) -> bool:
        """Whether the program's own screen is up."""
        return self._ask("alternate_on") == "1"

    def reports_mouse(self) -> bool:
        """Whether the terminal sends the mouse to the program."""
        return self._ask("mouse_any_flag") == "1"

    # --- the program ----------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Of the program."""
        path = self._own / "pid"
        assert until(lambda: path.exists() and path.read_text().strip() != ""), "it was never started"
        return int(path.read_text())

    def wait_ended(self, within_s: float = SOON_S) -> int:
        """The program's exit code. :raises AssertionError: it goes on."""
        code = self._own / "code"
        assert until(code.exists, within_s), f"it did not end in {within_s:.0f} s:\n{self.capture()}"
        return int(code.read_text())

    def modes_after(self) -> str:
        """What `stty -a` said right after the program's end."""
        return (self._own / "stty").read_text("utf-8")

    def _ask(self, name: str) -> str:
        return self._run("display-message", "-p", f"#{{{name}}}").strip()

    def _run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**(environment or os.environ)},
            timeout=60.0,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def is_restored(terminal: Terminal) -> list[str]:
    """What the program left behind in its terminal after its end; empty = nothing."""
    modes = terminal.modes_after().replace(";", " ").split()
    left = [f"stty -a lacks {name}" for name in ("echo", "icanon", "isig", "icrnl") if name not in modes]
    if terminal.is_in_alternate_screen():
        left.append("the alternate screen is still up")
    if terminal.reports_mouse():
        left.append("the mouse is still reported")
    return [*left, *left_on(terminal.written())]


_MODES = {
    1049: "alternate screen",
    2004: "bracketed paste",
    1000: "mouse",
    1003: "mouse",
    1004: "focus events",
}


def left_on(written: bytes) -> list[str]:
    """The modes that were switched on in these bytes and never off again; and a hidden cursor."""
    left = [
        f"{name} is left on"
        for mode, name in _MODES.items()
        if written.rfind(b"\x1b[?%dh" % mode) > written.rfind(b"\x1b[?%dl" % mode)
    ]
    if written.rfind(b"\x1b[?25l") > written.rfind(b"\x1b[?25h"):
        left.append("the cursor is left hidden")
    return left
