"""bash on a real shell: what the model and the person are told."""

from collections.abc import Callable

import pytest

from quarterdeck.processes.contract import CannotStart
from quarterdeck.tools.results import MOST_CONTENT, MOST_DETAIL
from tests.contract.tools.bench import Bench, PlainResult


async def test_output_and_exit_are_told(bench: Bench) -> None:
    well = await bench.call("bash", command="echo out; echo err >&2")
    assert (well.content, well.summary, well.is_error) == ("out\nerr", "exit 0", False)
    ill = await bench.call("bash", command="echo no; exit 3")
    assert (ill.content, ill.summary, ill.is_error) == ("no\n(exit 3)", "exit 3", True)
    assert (await bench.call("bash", command="true")).content == "(no output)"
    assert "out\nerr" in "".join(bench.printed)


async def test_the_folder_is_carried_and_said(bench: Bench) -> None:
    (bench.root / "sub").mkdir()
    result = await bench.call("bash", command="cd sub")
    assert f"the folder is now {bench.workspace.root}/sub" in str(result.content)
    assert bench.subject("bash", {"command": "ls"}).folder == f"{bench.workspace.root}/sub"
    assert await bench.text("bash", command="pwd") == f"{bench.workspace.root}/sub"


async def test_a_command_that_takes_too_long_is_ended_and_said(bench: Bench) -> None:
    result = await bench.call("bash", command="sleep 60", timeout_s=0.2)
    assert result.summary == "timed out"
    assert "timed out after 0.2 s" in str(result.content)
    assert result.is_error


async def test_long_output_keeps_head_and_tail(bench: Bench) -> None:
    result = await bench.call(
        "bash", command="echo first; head -c 200000 /dev/zero | tr '\\0' x; echo; echo last; exit 1"
    )
    text = str(result.content)
    assert len(text) <= MOST_CONTENT
    assert len(result.detail) <= MOST_DETAIL
    assert text.startswith("first")
    assert text.endswith("last\n(exit 1)")
    assert "characters left out" in text


class PreparedShell:
    """A shell with a prepared outcome."""

    folder = "/"

    def __init__(self, result: PlainResult | None) -> None:
        self._result = result

    async def run(self, command: str, timeout_s: float, on_output: Callable[[str], None]) -> PlainResult:
        """The outcome, or no start."""
        if self._result is None:
            raise CannotStart("There are too many processes.")
        return self._result


async def test_leftover_processes_and_signals_are_said(bench: Bench) -> None:
    bench.shell = PreparedShell(  # type: ignore[assignment] # another shell of the same port
        PlainResult(exit_code=None, signal=9, output="x\0y", output_bytes=3, folder="/", leftover=14)
    )
    result = await bench.call("bash", command="daemons &")
    assert "14 processes still ran" in str(result.content)
    assert "ended by signal 9" in str(result.content)
    assert result.summary == "signal 9"
    assert "\0" not in str(result.content)


async def test_a_command_that_cannot_start_is_refused(bench: Bench) -> None:
    bench.shell = PreparedShell(None)  # type: ignore[assignment] # another shell of the same port
    assert await bench.refusal("bash", command="true") == "There are too many processes."
    assert await bench.refusal("grep", pattern="x") == "There are too many processes."


async def test_the_subject_is_the_exact_command_with_folder_and_limit(bench: Bench) -> None:
    command = "python -m unittest -v"
    subject = bench.subject("bash", {"command": command, "timeout_s": 30})
    assert (subject.text, subject.rule, subject.timeout_s) == (command, f"Bash({command})", 30)
    assert subject.folder == bench.workspace.root


@pytest.mark.parametrize("command", ["echo a\ntouch b", "echo\u202e x", "echo \u00a0x", "echo \x1b[2K"])
async def test_no_rule_is_offered_for_a_command_that_does_not_show_whole(bench: Bench, command: str) -> None:
    assert bench.subject("bash", {"command": command}).rule is None
