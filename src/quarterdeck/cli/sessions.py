"""`quarterdeck sessions list|show|search|export|delete`: stored sessions. All but `delete` only read.

Each form of `--json` is one object, schema 1 (fields are only ever added, times are epoch seconds):

- `list`: `{"schema": 1, "sessions": [SESSION, …]}`, the newest first. SESSION: `session_id`, `folder`,
  `team`, `opened_at`, `last_at`, `runs`, `messages`, `live`, `pid`, `damage` (a line; empty = none).
- `show`: `{"schema": 1, "session": SESSION, "runs": [RUN, …], "messages": […], "requests": […]}`. RUN is as
  in `quarterdeck ps`. A message: `seq`, `at`, `run_id`, `from`, `text`, `kind` (`said` with `interrupted`, or
  `message` with `message_id`). A request: `request_id`, `run_id`, `kind`, `version`, `opened_at`, `state`
  (`open`, `suspended`, `rejected`, `answered`, `gone`), `since`, `subject`, `answer`.
- `search`: `{"schema": 1, "searched": N, "more": BOOL, "hits": [HIT, …]}`. HIT: `session_id`, `run_id`,
  `name`, `entry`, `at`, `speaker`, `excerpt`, `spans` (`[start, end]` in characters of the excerpt).

`export` prints a line per fact, in ASCII: `{"schema": 1, "seq": N, "fact": {"t": TAG, "at": T, …}}`.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.stored_runs import (
    RunNow,
    hit_fields,
    message_fields,
    request_fields,
    requests_of,
    run_fields,
    session_fields,
    with_waits,
)
from quarterdeck.cli.archive_parsers import sessions_parser
from quarterdeck.cli.parser import UsageFault
from quarterdeck.cli.ps import print_runs
from quarterdeck.cli.stored import (
    json_text,
    pick_session,
    print_json,
    print_table,
    readable,
    say,
    state_here,
    warn,
    when,
)
from quarterdeck.domain.archive import StoredSession
from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.index import IndexGone, SessionIndex
from quarterdeck.storage.lease import Taken
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.removal import remove_session

SCHEMA = 1
MOST_SUBJECT = 60


def run(arguments: list[str]) -> int:
    """The exit code: 0; of `export` 1 when a part can't be read."""
    options = sessions_parser().parse_args(arguments)
    ways: dict[str, Callable[[Path, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "search": _search,
        "export": _export,
        "delete": _delete,
    }
    with readable():
        return ways[options.way](state_here(), options)


def _list(state: Path, options: argparse.Namespace) -> int:
    found = SessionIndex(state).sessions()
    if options.json:
        print_json({"schema": SCHEMA, "sessions": [session_fields(one) for one in found]})
        return 0
    if not found:
        say("No session is stored.")
        return 0
    head = ("SESSION", "LAST", "TEAM", "RUNS", "MESSAGES", "OPEN IN", "FOLDER")
    print_table(
        head,
        [
            (
                one.id,
                when(one.last_at),
                one.team,
                str(one.runs),
                str(one.messages),
                _owner_words(one),
                one.damage or one.folder,
            )
            for one in found
        ],
    )
    return 0


def _show(state: Path, options: argparse.Namespace) -> int:
    session_id = pick_session(state, options.session)
    index = SessionIndex(state)
    session = next((one for one in index.sessions() if one.id == session_id), None)
    if session is None:
        raise UsageFault(f"Nothing was written to the session {clean_name(session_id)} yet.")
    stored = index.runs(session_id)
    requests = requests_of(state, session_id, stored)
    runs = tuple(with_waits(stored, requests, session.owner))
    now = time.time()
    if options.json:
        with JournalReader(SessionPlace(state, session_id).database) as reader:
            messages = message_fields(reader.tagged(("text_said", "message_delivered")), stored)
        fields = [run_fields(one, now) for one in runs]
        asked = [request_fields(one) for one in requests]
        whole = {"session": session_fields(session), "runs": fields, "messages": messages, "requests": asked}
        print_json({"schema": SCHEMA, **whole})
        return 0
    _print_session(session, runs, now)
    if requests:
        say("")
        head = ("REQUEST", "KIND", "STATE", "SINCE", "ABOUT")
        shown = [request_fields(one) for one in requests]
        print_table(
            head,
            [
                (one["request_id"], one["kind"], one["state"], when(one["since"]), _cut(one["subject"]))
                for one in shown
            ],
        )
    return 0


def _print_session(session: StoredSession, runs: tuple[RunNow, ...], now: float) -> None:
    say(clean_line(f"{session.id}  team {session.team}  {session.folder}"))
    open_in = f"open in {_owner_words(session)}" if session.owner is not None else "not open"
    times = f"{when(session.opened_at)} to {when(session.last_at)}"
    say(f"{times}, {session.messages} messages (--json has them), {open_in}")
    if session.damage:
        warn(session.damage)
    if runs:
        say("")
        print_runs(runs, now)


def _search(state: Path, options: argparse.Namespace) -> int:
    found = SessionIndex(state).search(" ".join(options.words), options.limit)
    if options.json:
        hits = [hit_fields(hit) for hit in found.hits]
        print_json({"schema": SCHEMA, "searched": found.searched, "more": found.more, "hits": hits})
        return 0
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for hit in found.hits:
        where = f"{when(hit.at)}  {hit.session_id}  {hit.name}"
        say(clean_line(where if hit.speaker == hit.name else f"{where}  {hit.speaker}"))
        line = clean_line(hit.excerpt)
        say(f"    {line[: width - 4] if width > 20 else line}")
    more = "; there are more, see --limit" if found.more else ""
    say(f"{len(found.hits)} found in {found.searched:,} messages{more}.")
    return 0


def _export(state: Path, options: argparse.Namespace) -> int:
    session_id = pick_session(state, options.session)
    with JournalReader(SessionPlace(state, session_id).database) as reader:
        for seq, fact in reader.facts():
            line = json_text({"schema": SCHEMA, "seq": seq, "fact": msgspec.to_builtins(fact)})
            sys.stdout.write(f"{line}\n")
        for part in reader.damage:
            warn(f"after fact {part.after}: {part.words}")
        return 1 if reader.damage else 0


def _delete(state: Path, options: argparse.Namespace) -> int:
    session_id = pick_session(state, options.session)
    try:
        remove_session(state, session_id)
    except Taken as fault:
        raise UsageFault(f"{clean_name(session_id)} is {fault}; end it there first.") from fault
    except OSError as fault:
        raise UsageFault(f"{clean_name(session_id)} can't be deleted ({fault.strerror or fault}).") from fault
    try:
        SessionIndex(state).forget(session_id)
    except IndexGone as fault:  # whoever asks it next takes out what is gone
        warn(str(fault))
    say(f"{clean_name(session_id)} is deleted.")
    return 0


def _owner_words(session: StoredSession) -> str:
    if session.owner is None:
        return "-"
    return f"process {session.owner}" if session.owner else "a process"


def _cut(text: str) -> str:
    line = clean_line(text.strip().partition("\n")[0])
    return line if len(line) <= MOST_SUBJECT else f"{line[: MOST_SUBJECT - 1]}…"
