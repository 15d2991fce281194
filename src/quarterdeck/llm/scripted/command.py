"""The scripted model as a program of its own: serves a scenario file until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from quarterdeck.llm.scripted.scenario import ScenarioFault, load_scenario
from quarterdeck.llm.scripted.server import ScriptedServer

_ENDING = (signal.SIGTERM, signal.SIGINT)


async def run_scripted_model(
    scenario: Path, port: int, log: Path | None, *, announce: Callable[[str], None]
) -> int:
    """Serve `scenario` on loopback until SIGTERM or SIGINT; `announce` gets the base URL once it listens.

    Returns the exit code 0. Port 0 picks a free one. Takes both signals of the running loop meanwhile.

    :raises ScenarioFault: the scenario cannot be used.
    :raises OSError: the port or the log cannot be used.
    """
    # No bodies: a server that runs for hours under load would keep every history sent to it.
    server = ScriptedServer(load_scenario(scenario), port=port, log_path=log, keep_bodies=False)
    url = await server.start()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, told.set)
    announce(url)
    try:
        await told.wait()
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)
        await server.close()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m quarterdeck.llm.scripted --scenario FILE [--port N] [--log FILE]`; prints the URL."""
    parser = argparse.ArgumentParser(prog="python -m quarterdeck.llm.scripted", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, metavar="FILE")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 picks a free one")
    parser.add_argument("--log", type=Path, metavar="FILE", help="a JSON line per request, and per response")
    given = parser.parse_args(arguments)
    try:
        return asyncio.run(run_scripted_model(given.scenario, given.port, given.log, announce=_say))
    except (ScenarioFault, OSError) as e:
        sys.stderr.write(f"{e}\n")
        return 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
