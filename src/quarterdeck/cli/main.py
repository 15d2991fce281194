"""Which command it is; every refusal is one line and exit code 2. A command is loaded when called."""

import importlib
import logging
import sys
from collections.abc import Sequence

from quarterdeck.cli.parser import COMMANDS, UsageFault, check_first_word, refuse
from quarterdeck.config.settings import SettingsFault

log = logging.getLogger("quarterdeck")

_MODULES = {
    "demo": "quarterdeck.cli.demo",
    "run": "quarterdeck.cli.run",
    "scripted-model": "quarterdeck.cli.scripted_model",
}


def run(arguments: Sequence[str]) -> int:
    """The exit code. Never a traceback for what the person typed or set."""
    if sys.platform == "win32":
        return refuse("Windows is not supported; use WSL.")
    try:
        check_first_word(arguments)
        if arguments and arguments[0] in COMMANDS:
            module, rest = _MODULES[arguments[0]], arguments[1:]
        else:
            module, rest = "quarterdeck.cli.screen", arguments
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
        # A fault of this program: the person reads one line, the log has the rest.
        log.exception("the program crashed")
        refuse(f"this is a fault of the program ({type(fault).__name__}). Its log has the details.")
        return 1
