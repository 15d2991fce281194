"""The person's own editor on a piece of text, in the terminal that the screen has given back meanwhile."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 2_000_000


class EditorFault(Exception):
    """The text did not come back; one line that says why. The old text is still there."""


def edit_text(text: str, environment: Mapping[str, str]) -> str:
    """Open `$VISUAL`, `$EDITOR` or vi on the text and return what was saved. Blocks until the editor ends.

    :raises EditorFault: no editor, it failed, or what it saved is no text.
    """
    command = _command(environment)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        path = Path(folder) / "text.md"
        path.write_text(text, "utf-8")
        try:
            ended = subprocess.run([*command, os.fspath(path)], check=False)
        except OSError as fault:
            raise EditorFault(f"{command[0]} can't be started: {fault.strerror}.") from fault
        if ended.returncode != 0:
            raise EditorFault(f"{command[0]} ended with code {ended.returncode}; the text stays as it was.")
        if path.stat().st_size > MOST_BYTES:
            raise EditorFault("What the editor saved is too large; the text stays as it was.")
        try:
            return path.read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as fault:
            raise EditorFault("What the editor saved is no UTF-8 text; the text stays as it was.") from fault


def _command(environment: Mapping[str, str]) -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        value = environment.get(name, "").strip()
        if not value:
            continue
        try:
            return shlex.split(value)
        except ValueError as fault:
            raise EditorFault(f"{name} can't be read: {fault}.") from fault
    found = shutil.which("vi") or shutil.which("nano")
    if found is None:
        raise EditorFault("No editor is set. Set EDITOR, for example EDITOR=nano.")
    return [found]
