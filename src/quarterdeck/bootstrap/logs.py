"""The log file of a session: one JSON object per line, without secrets, readable by its owner only.

A line has `at`, `level` and `text`; one that tells what happened to a run has the event itself as `event`, as
`bootstrap.events` describes it. The first event says which session the file is of.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception

from quarterdeck.bootstrap.events import events_of
from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store


class JsonLines(logging.Formatter):
    """Time, level, message, event, traceback; a secret that got into a text is blotted out."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        plain = [secret for secret in secrets if len(secret) >= 6]
        # As they are, and as they look inside a JSON string.
        in_json = [json.dumps(secret, ensure_ascii=False)[1:-1] for secret in plain]
        self._secrets = tuple(dict.fromkeys([*in_json, *plain]))

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "text": clean(record.getMessage()),
        }
        event = getattr(record, "event", None)
        if event is not None:
            line["event"] = event
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = clean("".join(format_exception(record.exc_info[1])))
        text = clean(json.dumps(line, ensure_ascii=False))  # what is in an event is as untrusted
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def open_log(folder: Path, secrets: tuple[str, ...]) -> Path | None:
    """Send the program's log to a new file in `folder`; None (and no log) when that cannot be written."""
    logger = logging.getLogger("quarterdeck")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_EXCL, 0o600)
    except OSError:
        logger.addHandler(logging.NullHandler())
        return None
    handler = logging.StreamHandler(os.fdopen(descriptor, "a", encoding="utf-8"))
    handler.setFormatter(JsonLines(secrets))
    logger.addHandler(handler)
    logging.getLogger("asyncio").addHandler(handler)
    logging.getLogger("asyncio").propagate = False
    return path


def log_events(store: Store) -> Callable[[], None]:
    """Write what happens to runs into the log. Returns what ends it."""
    logger = logging.getLogger("quarterdeck")
    kinds = {"session", "task_started", "task_terminated", "state_change", "kill_proof", "request_answered"}

    def observe(sequence: int, action: did.Action, before: AppState, after: AppState) -> None:
        if not isinstance(action, _LOGGED):
            return
        for event in events_of(sequence, action, before, after):
            if event["kind"] in kinds:
                logger.info("%s", event["kind"], extra={"event": event})

    return store.observe(observe)


_LOGGED = (
    did.SessionOpened,
    did.SessionResumed,
    did.TeammateSpawned,
    did.RequestAnswered,
    did.KillProcessesCounted,
    did.KillTaskEnded,
    *did.LIFECYCLE,
)


def plain_words(fault: Exception) -> str:
    """One line that says what is wrong; for a fault of the system without its number."""
    words = str(fault)
    if isinstance(fault, OSError) and fault.strerror:
        words = f"{fault.filename}: {fault.strerror}." if fault.filename else f"{fault.strerror}."
    return clean_line(words)


def refuse(fault: Exception) -> int:
    """Say it to the person, outside the screen; the exit code of usage and configuration."""
    sys.stderr.write(f"quarterdeck: {plain_words(fault)}\n")
    sys.stderr.flush()
    return 2
