"""Services, requests and driver programs for the tests of processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import quarterdeck
from quarterdeck.domain.ids import RunId
from quarterdeck.processes.contract import ProcessRequest
from quarterdeck.processes.service import ProcessService
from tests.support.hostile import Proof

PLAIN_UID = 65534
Ask = Callable[..., ProcessRequest]
DriverCommand = Callable[..., tuple[list[str], dict[str, str]]]


@pytest.fixture
async def service() -> AsyncIterator[ProcessService]:
    service = ProcessService()
    yield service
    await service.close()


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A request by `run-1` in the test's folder."""

    def make(command: str = "", **fields: object) -> ProcessRequest:
        values = {"owner": RunId("run-1"), "command": command, "folder": str(tmp_path), **fields}
        return ProcessRequest(**values)  # type: ignore[arg-type] # fields of many kinds, by name

    return make


@pytest.fixture
def proof(tmp_path: Path) -> Iterator[Proof]:
    proof = Proof(tmp_path / "proof")
    yield proof
    proof.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter and write."""
    path = Path(tempfile.mkdtemp(prefix="quarterdeck-test-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def driver_command(open_folder: Path) -> DriverCommand:
    """The arguments and the environment of a driver program, for this user or for one without rights."""

    def make(job: str, *, count: int, uid: int | None = None) -> tuple[list[str], dict[str, str]]:
        source = Path(quarterdeck.__file__).parent
        copied = open_folder / "src" / "quarterdeck"
        for name in ("__init__.py", "domain", "processes"):
            copy = shutil.copytree if (source / name).is_dir() else shutil.copy
            copied.mkdir(parents=True, exist_ok=True)
            copy(source / name, copied / name)
        for path in [open_folder / "src", copied, *copied.rglob("*")]:
            path.chmod(0o755)
        python = sys.executable if uid is None else python_for(uid)
        user = os.getuid() if uid is None else uid
        argv = [sys.executable, "-m", "tests.contract.processes.driver"]
        argv += [job, str(open_folder), python, str(user), str(count)]
        root = Path(__file__).parents[3]
        paths = os.pathsep.join([str(open_folder / "src"), str(root)])
        return argv, {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}

    return make


def python_for(uid: int) -> str:
    """An interpreter that this user can run; skips the test when there is none, or no right to change."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run(
                [path, "-I", "-S", "-c", ""], user=uid, group=uid, extra_groups=[], check=True, cwd="/"
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return path
    pytest.skip("the plain user can run no Python here")
