"""The scripted model as a program of its own: serves a scenario file until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from quarterdeck.llm.scripted.scenario import ScenarioFault, load_scenario
from quarterdeck.llm.scripted.server import ScriptedServer

EXIT_OK = 0
EXIT_CANNOT_SERVE = 1
EXIT_BAD_SCENARIO = 2


async def run_scripted_model(
    scenario: Path, port: int, log: Path | None, *, announce: Callable[[str], None]
) -> int:
    """Serve `scenario` on loopback; `announce` gets the base URL, or one line that says why not.

    Returns the exit code: 0 after a signal, 1 when the port or the log cannot be used, 2 for a bad scenario.
    Port 0 picks a free one. Takes SIGTERM and SIGINT of the running loop.
    """
    try:
        # No bodies: a server that runs for hours under load would keep every history sent to it.
        server = ScriptedServer(load_scenario(scenario), port=port, log_path=log, keep_bodies=False)
        url = await server.start()
    except ScenarioFault as e:
        announce(str(e))
        return EXIT_BAD_SCENARIO
    except OSError as e:
        announce(f"Cannot serve on port {port}: {e.strerror or e}")
        return EXIT_CANNOT_SERVE
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    announce(url)
    try:
        await told.wait()
    finally:
        await server.close()
    return EXIT_OK


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m quarterdeck.llm.scripted --scenario FILE [--port N] [--log FILE]`; prints the URL."""
    parser = argparse.ArgumentParser(prog="python -m quarterdeck.llm.scripted", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, metavar="FILE")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 picks a free one")
    parser.add_argument("--log", type=Path, metavar="FILE", help="a JSON line per request, and per response")
    given = parser.parse_args(arguments)
    return asyncio.run(run_scripted_model(given.scenario, given.port, given.log, announce=_say))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
