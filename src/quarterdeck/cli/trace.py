"""`quarterdeck trace SESSION -o FILE`: a session in the Trace Event Format. It only reads.

The file is one JSON object, `{"traceEvents": […], "displayTimeUnit": "ms", "otherData": {…}}`: one process, a
thread per teammate, spans (`X`) with `cat` `run`, `turn`, `step`, `tool`, `wait` or `pause`, instants (`i`)
with `cat` `kill`, `stop`, `request` or `tool` (one that was refused). Times are microseconds since the first
fact.
"""

import os
import sys

from quarterdeck.bootstrap.trace import trace_of
from quarterdeck.cli.archive_parsers import trace_parser
from quarterdeck.cli.parser import UsageFault
from quarterdeck.cli.stored import json_text, pick_session, readable, state_here, warn
from quarterdeck.domain.display_text import clean_name
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.reader import JournalReader


def run(arguments: list[str]) -> int:
    """The exit code: 0, or 1 when a part of the session can't be read."""
    options = trace_parser().parse_args(arguments)
    state = state_here()
    session_id = pick_session(state, options.session)
    with readable(), JournalReader(SessionPlace(state, session_id).database) as reader:
        text = json_text(trace_of(fact for _, fact in reader.facts_of_state()))
        damage = tuple(reader.damage)
    if options.output == "-":
        sys.stdout.write(f"{text}\n")
    else:
        _write(options.output, text)
    for part in damage:
        warn(f"after fact {part.after}: {part.words}")
    return 1 if damage else 0


def _write(path: str, text: str) -> None:
    """For its owner's eyes only: a trace names commands and files. :raises UsageFault: unwritable."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
    except OSError as fault:
        raise UsageFault(f"{clean_name(path)} can't be written ({fault.strerror}).") from fault
