"""The command line as people type it: parsers, and refusals in one line that say what to do."""

import argparse
import math
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from quarterdeck import __version__

COMMANDS = ("demo", "run", "ps", "sessions", "trace", "scripted-model")
UNBUILT = (
    "agents",
    "providers",
    "resources",
    "stats",
    "permissions",
    "settings",
    "doctor",
)
"""Commands of later versions: refused by name."""
UNBUILT_FLAGS = (
    "--team",
    "--provider",
    "--max-cost",
    "--agents",
    "--strategy",
    "--judge",
)


class UsageFault(Exception):
    """One line for the person; the exit code is 2."""


class OneLineParser(argparse.ArgumentParser):
    """Errors are one line without a usage block."""

    def error(self, message: str) -> NoReturn:
        """:raises UsageFault: always."""
        raise UsageFault(f"{message}. {self.prog} --help shows what there is.")


def check_first_word(arguments: Sequence[str]) -> None:
    """A first word alone that is no command is refused with the nearest. :raises UsageFault: it is."""
    for flag in arguments:
        if flag == "--":
            break
        name = flag.partition("=")[0]
        if name in UNBUILT_FLAGS:
            raise UsageFault(f"{name} is not built yet in this version.")
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is None or "--" in arguments[: arguments.index(first)] or arguments[0].startswith("-"):
        return
    if first in COMMANDS or " " in first.strip():
        return
    if first in UNBUILT:
        raise UsageFault(f"quarterdeck {first} is not built yet in this version.")
    near = get_close_matches(first, (*COMMANDS, *UNBUILT), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Commands are {', '.join(COMMANDS)}."
    raise UsageFault(f"{first!r} is no command. {hint} A prompt has a space, or follows --.")


def screen_parser() -> OneLineParser:
    """`quarterdeck [PROMPT]`."""
    parser = OneLineParser(
        prog="quarterdeck",
        description="One person in command of a team of AI teammates, in one terminal.",
        epilog=(
            "Commands: demo (a team at work, without a key) · run TASK (headless) · ps (what runs now) · "
            "sessions (what is stored) · trace SESSION · scripted-model. Each has its own --help. "
            "Without a key or endpoint the screen opens and says the three ways on."
        ),
    )
    parser.add_argument("prompt", nargs="?", help="what the lead shall do (more than one word, or after --)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--continue", action="store_true", dest="goes_on", help="the newest session of this folder goes on"
    )
    which.add_argument("--resume", metavar="ID", help="this session goes on; the start of its id will do")
    parser.add_argument("--model", help="the model that teammates ask")
    parser.add_argument("--theme", help="the theme's name, e.g. quarterdeck-light")
    _add_permissions(parser)
    parser.add_argument("--version", action="version", version=f"quarterdeck {__version__}")
    return parser


def demo_parser() -> OneLineParser:
    """`quarterdeck demo`."""
    parser = OneLineParser(
        prog="quarterdeck demo", description="A team at work on a small sample project, without a key."
    )
    parser.add_argument(
        "--headless",
        action="store_true",
        help="play the story without a terminal; exit 0 when all of it held",
    )
    parser.add_argument("--scenario", help="another scenario file for the scripted model")
    parser.add_argument("--folder", help="play in this copy of the sample instead of a new one")
    parser.add_argument("--base-url", help="ask this server instead of an embedded one")
    parser.add_argument("--log", help="where the embedded server logs its requests")
    parser.add_argument(
        "--max-duration", type=_seconds, default=180.0, help="headless: seconds until it gives up (180)"
    )
    parser.add_argument("--theme", help="the theme's name")
    return parser


def run_parser() -> OneLineParser:
    """`quarterdeck run TASK`."""
    parser = OneLineParser(
        prog="quarterdeck run",
        description="One teammate does a task, without a screen.",
        epilog=(
            "Exit codes: 0 done · 1 the teammate failed · 2 usage or configuration · 3 turns or time "
            "used up · 4 a permission, plan or question that nobody could answer · 128+n ended by a signal."
        ),
    )
    parser.add_argument("task", help="what it shall do; - reads it from standard input")
    parser.add_argument("--output-format", choices=("text", "json", "stream-json"), default="text")
    parser.add_argument("--model", help="the model to ask")
    parser.add_argument("--max-turns", type=int, help="most steps (model responses)")
    parser.add_argument("--max-duration", type=_seconds, help="most seconds, waiting included")
    _add_permissions(parser)
    return parser


def scripted_model_parser() -> OneLineParser:
    """`quarterdeck scripted-model`."""
    parser = OneLineParser(
        prog="quarterdeck scripted-model",
        description="A server of the Messages API that answers from a scenario.",
    )
    parser.add_argument("--scenario", required=True, help="the scenario file (TOML)")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one and prints it")
    parser.add_argument("--log", help="one JSON line per request")
    return parser


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds") from fault
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError("more than 0 seconds")
    return seconds


def _add_permissions(parser: OneLineParser) -> None:
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="RULE",
        help="a tool (Edit) or a shell command in full: Bash(make test)",
    )
    parser.add_argument("--deny", action="append", default=[], metavar="RULE", help="never this; deny wins")
    parser.add_argument(
        "--permission-mode", choices=("plan", "default", "accept-edits", "bypass"), help="bypass asks nothing"
    )


def refuse(message: str) -> int:
    """Say one line on stderr; the exit code of usage and configuration."""
    sys.stderr.write(f"quarterdeck: {message}\n")
    return 2
