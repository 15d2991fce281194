"""`quarterdeck scripted-model`: the scripted Messages API server, alone."""

import asyncio
import sys
from pathlib import Path

from quarterdeck.bootstrap.logs import plain_words
from quarterdeck.cli.parser import UsageFault, scripted_model_parser
from quarterdeck.llm.scripted.command import run_scripted_model
from quarterdeck.llm.scripted.scenario import ScenarioFault


def run(arguments: list[str]) -> int:
    """Serve until a signal ends it."""
    options = scripted_model_parser().parse_args(arguments)
    if not 0 <= options.port <= 65_535:
        raise UsageFault("--port: 0 to 65535")
    log = Path(options.log) if options.log else None
    try:
        return asyncio.run(run_scripted_model(Path(options.scenario), options.port, log, announce=_announce))
    except (ScenarioFault, OSError) as fault:
        raise UsageFault(plain_words(fault)) from fault


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
