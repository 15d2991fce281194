"""`quarterdeck run TASK`: one teammate, headless."""

import sys

from quarterdeck.bootstrap.environment import read_given
from quarterdeck.bootstrap.headless import Task, run_task
from quarterdeck.bootstrap.logs import open_log
from quarterdeck.cli.parser import UsageFault, run_parser
from quarterdeck.cli.session_options import folder_here, session_config

MOST_TASK_BYTES = 1_000_000


def run(arguments: list[str]) -> int:
    """The exit code, as `--help` lists them."""
    options = run_parser().parse_args(arguments)
    if options.max_turns is not None and options.max_turns < 1:
        raise UsageFault("--max-turns: at least 1")
    given = read_given()
    if not given.endpoint.is_set:
        raise UsageFault(
            "There is no key and no endpoint. Set ANTHROPIC_API_KEY, point ANTHROPIC_BASE_URL at a server, "
            "or see quarterdeck demo."
        )
    text = _task(options.task)
    config = session_config(given, options, folder_here())
    open_log(given.log_folder, given.secrets)
    return run_task(
        config,
        Task(
            text=text,
            output_format=options.output_format,
            max_turns=options.max_turns,
            max_duration_s=options.max_duration,
        ),
    )


def _task(word: str) -> str:
    text = sys.stdin.read(MOST_TASK_BYTES) if word == "-" else word
    if not text.strip():
        raise UsageFault("The task is empty.")
    return text
