"""The import contracts, run on this tree or on a copy in which one of them is broken on purpose."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

from tests.support.architecture import PACKAGE, ROOT


class Offence(msgspec.Struct, frozen=True):
    """An import that one contract forbids."""

    contract: str
    module: str
    """The file that gets the import, below the package."""
    line: str
    also: tuple[str, str] | None = None
    """A second file and line: what a cycle needs."""


OFFENCES = (
    Offence("layers", "domain/ids.py", "import quarterdeck.config.verbs"),
    Offence("layers", "processes/contract.py", "import quarterdeck.tools.tool"),
    Offence("screen-wall", "tui/keymap.py", "import quarterdeck.runtime.ports"),
    Offence("screen-wall", "tui/keymap.py", "import quarterdeck.processes.contract"),
    Offence("adapters-apart", "tools/tool.py", "import quarterdeck.project.paths"),
    Offence("adapters-stateless", "llm/faults.py", "import quarterdeck.state.entries"),
    Offence("adapters-no-processes", "project/paths.py", "import quarterdeck.processes.contract"),
    Offence("adapters-stateless", "storage/lease.py", "import quarterdeck.state.entries"),
    Offence("sqlite-home", "bootstrap/session.py", "import sqlite3"),
    Offence("pure", "state/store.py", "import time"),
    Offence("pure", "permissions/rules.py", "import logging"),
    Offence("textual-home", "runtime/ports.py", "import textual.app"),
    Offence("model-home", "bootstrap/model.py", "import anthropic"),
    Offence("model-home", "tools/tool.py", "import aiohttp"),
    Offence("process-home", "tools/bash.py", "import subprocess"),
    Offence(
        "no-cycles",
        "tui/widgets/views.py",
        "import quarterdeck.tui.widgets.kill_proof",
        also=("tui/widgets/kill_proof.py", "import quarterdeck.tui.widgets.views"),
    ),
)


def contracts() -> dict[str, str]:
    """The name of each contract by its id, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {one["id"]: one["name"] for one in settings["tool"]["importlinter"]["contracts"]}


def lint_imports(root: Path, *, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Check the package below `root`/src by the contracts in `root`/pyproject.toml."""
    only = ["--contract", contract] if contract is not None else []
    program = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache", "--config", str(root / "pyproject.toml"), *only],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def copy_tree(to: Path) -> None:
    """The package and its contracts, to be spoiled."""
    shutil.copytree(PACKAGE, to / "src" / "quarterdeck", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to / "pyproject.toml")


def commit(offence: Offence, root: Path) -> None:
    """Put the import (or the cycle) into the copy below `root`."""
    for module, line in ((offence.module, offence.line), *((offence.also,) if offence.also else ())):
        path = root / "src" / "quarterdeck" / module
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
