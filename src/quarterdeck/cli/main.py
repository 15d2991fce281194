"""Which command it is; every refusal is one line and exit code 2. A command is loaded when called."""

import gc
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from quarterdeck.bootstrap.logs import plain_words
from quarterdeck.cli.parser import COMMANDS, UsageFault, check_first_word, refuse
from quarterdeck.config.settings import SettingsFault

log = logging.getLogger("quarterdeck")

_MODULES = {
    "demo": "quarterdeck.cli.demo",
    "run": "quarterdeck.cli.run",
    "ps": "quarterdeck.cli.ps",
    "sessions": "quarterdeck.cli.sessions",
    "trace": "quarterdeck.cli.trace",
    "scripted-model": "quarterdeck.cli.scripted_model",
}

_WHILE_IMPORTING = 200_000


def run(arguments: Sequence[str]) -> int:
    """The exit code. Never a traceback for what the person typed or set."""
    if sys.platform == "win32":
        return refuse("Windows is not supported; use WSL.")
    _open_missing_streams()
    try:
        check_first_word(arguments)
        if arguments and arguments[0] in COMMANDS:
            module, rest = _MODULES[arguments[0]], arguments[1:]
        else:
            module, rest = "quarterdeck.cli.screen", arguments
        # What imports make stays; looking for garbage among it takes a tenth of the time to the first paint.
        gc.set_threshold(_WHILE_IMPORTING)
        command = importlib.import_module(module)
        return int(command.run(list(rest)))
    except (UsageFault, SettingsFault) as fault:
        return refuse(str(fault))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output is gone; nothing more can be said to them.
        sys.stderr.close()
        return 141
    except Exception as fault:
        if not log.handlers:
            raise
        # The person reads one line, the log has the rest.
        log.exception("the program crashed")
        crashed = f"this is a fault of the program ({type(fault).__name__}). Its log has the details."
        refuse(plain_words(fault) if isinstance(fault, OSError) else crashed)
        return 1


def _open_missing_streams() -> None:
    """A standard stream that was closed by whoever started us is as good as an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - it lives as long as we do
            setattr(sys, name, stream)
