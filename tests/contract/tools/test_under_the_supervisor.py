"""bash and grep with the program's own process service: what runs away is gone when the call ends."""

import os
from collections.abc import AsyncIterator, Callable

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.processes.contract import ProcessRequest, ProcessResult
from quarterdeck.processes.service import ProcessService
from tests.contract.tools.bench import Bench

OWNER = RunId("run-1")


class SupervisedShell:
    """A shell of the process service that carries the folder."""

    def __init__(self, service: ProcessService, folder: str) -> None:
        self._service = service
        self.folder = folder

    async def run(self, command: str, timeout_s: float, on_output: Callable[[str], None]) -> ProcessResult:
        """Run it under its supervisor."""
        request = ProcessRequest(owner=OWNER, command=command, folder=self.folder, timeout_s=timeout_s)
        result = await self._service.run(request, lambda chunk: on_output(chunk.decode("utf-8", "replace")))
        self.folder = result.folder
        return result


@pytest.fixture
async def service() -> AsyncIterator[ProcessService]:
    """A service of this test's own."""
    service = ProcessService()
    yield service
    await service.close()


@pytest.fixture
def supervised(bench: Bench, service: ProcessService) -> Bench:
    """The bench with the real shell."""
    bench.shell = SupervisedShell(service, bench.workspace.root)  # type: ignore[assignment] # the same port
    return bench


async def test_a_command_runs_and_its_folder_is_carried(supervised: Bench) -> None:
    (supervised.root / "sub").mkdir()
    await supervised.text("bash", command="cd sub && echo hello")
    assert await supervised.text("bash", command="pwd") == f"{supervised.workspace.root}/sub"


async def test_a_background_process_is_ended_and_said(supervised: Bench) -> None:
    result = await supervised.call("bash", command="sleep 300 >/dev/null 2>&1 & echo $!")
    pid = str(result.content).split("\n")[0]
    assert "1 process still ran" in str(result.content)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


async def test_a_search_finds_lines(supervised: Bench) -> None:
    (supervised.root / "f.txt").write_text("a needle\n")
    assert await supervised.text("grep", pattern="needle") == "f.txt:1:a needle"


async def test_a_search_that_runs_away_is_gone(
    supervised: Bench, service: ProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.tools.grep.TIME_LIMIT_S", 1.0)
    (supervised.root / "f").write_text("a" * 60 + "b\n")
    assert "narrower" in await supervised.refusal("grep", pattern="(a+)+$")
    assert service.owner_facts(OWNER).left == 0
