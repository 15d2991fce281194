"""What a command prints and reads, the folder that it ends in, and what is carried from call to call."""

import asyncio
import resource
import stat
from pathlib import Path

import pytest

from quarterdeck.processes.contract import CannotStart
from quarterdeck.processes.service import ProcessService
from tests.contract.processes.conftest import Ask
from tests.support.hostile import Proof

LONG = 1_000_000_000


def memory_in_kib() -> int:
    """What this process holds in memory now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


async def test_output_errors_and_exit_code_come_back_in_order(service: ProcessService, ask: Ask) -> None:
    result = await service.run(ask("echo one; echo two >&2; printf 'thr\\xff'; exit 3"))

    assert result.output == "one\ntwo\nthr\ufffd"
    assert (result.exit_code, result.signal) == (3, None)
    assert (result.truncated, result.timed_out, result.killed, result.leftover) == (False, False, False, 0)


async def test_errors_come_apart_when_asked(service: ProcessService, ask: Ask) -> None:
    heard = bytearray()
    command = "echo one; echo two >&2; seq 1 20000 >&2; echo three"
    result = await service.run(ask(command, errors_apart=True, max_output_bytes=1000), heard.extend)

    assert result.output == "one\nthree\n"
    assert result.errors.startswith("two\n1\n")
    assert result.errors.endswith("\n20000\n")
    assert result.truncated
    assert len(heard) > 100_000


async def test_a_signal_that_ends_the_command_is_told_apart_from_an_exit_code(
    service: ProcessService, ask: Ask
) -> None:
    result = await service.run(ask("kill -9 $$"))
    assert (result.exit_code, result.signal, result.killed) == (None, 9, False)


async def test_error_messages_show_the_command_as_it_was_written(service: ProcessService, ask: Ask) -> None:
    result = await service.run(ask("no-such-program-here"))
    assert "line 1: no-such-program-here" in result.output
    assert result.exit_code == 127


async def test_a_listener_hears_output_while_the_command_runs(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    heard = bytearray()

    def listen(chunk: bytes) -> None:
        heard.extend(chunk)
        (tmp_path / "heard").touch()

    result = await service.run(
        ask("echo first; while [ ! -e heard ]; do sleep 0.01; done; echo second"), listen
    )

    assert bytes(heard) == b"first\nsecond\n"
    assert result.output == "first\nsecond\n"


async def test_a_listener_that_fails_ends_the_command_and_is_reported(
    service: ProcessService, ask: Ask, proof: Proof
) -> None:
    def fail(chunk: bytes) -> None:
        raise LookupError(chunk.decode())

    with pytest.raises(LookupError, match="word"):
        await service.run(ask(f"exec 7>{proof.path}; echo word; sleep 1000"), fail)
    assert proof.is_over()


@pytest.mark.slow
async def test_kil_06_a_gigabyte_passes_through_bounded_memory(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    before = memory_in_kib()
    most = before
    spill = tmp_path / "whole"
    longest_wait = 0.0

    async def watch() -> None:
        nonlocal longest_wait, most
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.005)
            longest_wait = max(longest_wait, loop.time() - began)
            most = max(most, memory_in_kib())

    watching = asyncio.ensure_future(watch())
    command = f"echo begin; yes | head -c {LONG}; echo end"
    result = await service.run(ask(command, spill_path=str(spill), max_spill_bytes=3_000_000, timeout_s=110))
    watching.cancel()
    grown = most - before
    print(f"KIL-06: {result.duration_s:.1f} s, {grown} KiB more, longest wait {longest_wait * 1000:.0f} ms")

    assert result.exit_code == 0
    assert result.output_bytes == LONG + len("begin\nend\n")
    assert result.truncated
    assert result.output.startswith("begin\ny\n")
    assert result.output.endswith("y\nend\n")
    assert f"… {result.output_bytes - 200_000} bytes left out …" in result.output
    assert len(result.output) < 200_100
    assert grown < 20_000
    assert longest_wait < 0.25
    assert spill.stat().st_size == 3_000_000
    assert result.spill_error is not None


async def test_an_endless_writer_ends_at_its_timeout(service: ProcessService, ask: Ask) -> None:
    result = await service.run(ask("yes", timeout_s=0.3, max_output_bytes=1000))
    assert result.timed_out
    assert result.duration_s < 2.0
    assert len(result.output) < 1100


async def test_long_output_is_kept_whole_in_a_private_file(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    spill = tmp_path / "whole"
    result = await service.run(ask("seq 1 2000", max_output_bytes=100, spill_path=str(spill)))

    whole = "".join(f"{number}\n" for number in range(1, 2001))
    assert spill.read_text() == whole
    assert stat.S_IMODE(spill.stat().st_mode) == 0o600
    assert result.spilled_to == str(spill)
    assert result.spill_error is None
    assert result.output == f"{whole[:50]}\n… {len(whole) - 100} bytes left out …\n{whole[-50:]}"


async def test_short_output_makes_no_file(service: ProcessService, ask: Ask, tmp_path: Path) -> None:
    result = await service.run(ask("echo short", spill_path=str(tmp_path / "whole")))
    assert result.spilled_to is None
    assert not (tmp_path / "whole").exists()


async def test_a_spill_file_that_cannot_be_written_is_said_and_does_no_harm(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    result = await service.run(
        ask("seq 1 2000", max_output_bytes=100, spill_path=str(tmp_path / "no" / "whole"))
    )
    assert result.exit_code == 0
    assert result.spilled_to is None
    assert result.spill_error is not None


async def test_kil_06_a_reader_of_the_closed_input_returns_at_once(service: ProcessService, ask: Ask) -> None:
    result = await service.run(ask("cat; read line; echo status $?", timeout_s=30))
    assert result.output == "status 1\n"
    assert not result.timed_out


async def test_kil_06_a_daemon_that_holds_the_output_does_not_hold_the_call(
    service: ProcessService, ask: Ask
) -> None:
    result = await service.run(ask("setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo started"))
    assert result.output == "started\n"
    assert result.duration_s < 2.0
    assert result.leftover >= 1


async def test_a_program_runs_without_a_shell_and_reads_what_it_is_given(
    service: ProcessService, ask: Ask
) -> None:
    result = await service.run(ask(argv=("cat", "-", "/nowhere $HOME"), stdin=b"given\n"))
    assert result.output.startswith("given\n")
    assert "/nowhere $HOME" in result.output
    assert result.exit_code == 1


async def test_the_last_folder_is_carried_and_nothing_else(
    service: ProcessService, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "in side").mkdir()
    command = "cd 'in side'; export CARRIED=1; alias carried=true; umask 077; set -f; exit 4"
    first = await service.run(ask(command))
    assert first.exit_code == 4
    assert first.folder == str(tmp_path / "in side")

    second = await service.run(ask("pwd; echo ${CARRIED-none}; alias; umask; echo $-", folder=first.folder))
    fresh = await service.run(ask("umask; echo $-"))
    assert second.output == f"{first.folder}\nnone\n{fresh.output}"


@pytest.mark.parametrize(
    "command",
    [
        "(cd sub)",
        "cd sub | cat",
        "trap 'echo bye' EXIT; cd sub",
        "cd sub; exec true",
        "cd sub; cd ..",
        "cd sub; mkdir gone; cd gone; rmdir ../gone",
        "cd sub; kill -9 $$",
    ],
)
async def test_the_folder_stays_when_the_shell_did_not_move_or_could_not_say(
    service: ProcessService, ask: Ask, tmp_path: Path, command: str
) -> None:
    (tmp_path / "sub").mkdir()
    result = await service.run(ask(command))
    assert result.folder == str(tmp_path)
    assert "Bad file" not in result.output


async def test_a_plain_sh_carries_its_folder_too(ask: Ask, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ls").symlink_to("/bin/ls")
    service = ProcessService(environment={"PATH": str(programs)})
    result = await service.run(ask("cd programs; echo ${BASH_VERSION-plain}; false"))
    await service.close()
    assert (result.output, result.exit_code, result.folder) == ("plain\n", 1, str(programs))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"command": "true", "folder": "/nowhere/at/all"}, "Could not enter /nowhere/at/all: No such file"),
        ({"argv": ("no-such-program-here",)}, "no-such-program-here"),
        ({"command": "echo a\0b"}, "NUL"),
        ({"command": "#" + "x" * 200_000}, "Argument list too long"),
    ],
)
async def test_a_command_that_cannot_start_says_why(
    service: ProcessService, ask: Ask, fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(CannotStart, match=reason):
        await service.run(ask(**fields))
    assert (await service.run(ask("echo on"))).output == "on\n"
