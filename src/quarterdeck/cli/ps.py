"""`quarterdeck ps [--all] [--json]`: the runs of every live session, from any terminal. It only reads.

`--json` prints one object, schema 1 (fields are only ever added):
`{"schema": 1, "at": T, "runs": [RUN, …], "faults": [LINE, …]}`, sessions with the newest runs first. RUN:

- `session_id`, `session_live`, `session_pid` (null = nobody has it open, or its number is not known);
- `run_id`, `agent_id`, `name`, `label`, `model`, `requester` (a run id; null = the person);
- `state`: `waiting`, `idle`, the lifecycle, or, once it has ended, the outcome;
- `waiting`: null, or `{on, for_person, suspended, since, seconds}`; `on` is `plan`, `permission`, `question`,
  `message`, `dependency`, `capacity` or `rate_limit`; `suspended` = it has ended, and the answer revives it;
- `lifecycle`, `since`, `error`, `findings`, `usage` (tokens by their names in the Messages API);
- `created_at`, `ended_at`, `last_sign_at`, `last_sign_age_s`, `archived`;
- `outcome`: null, `completed`, `stopped`, `killed`, `timed_out`, `failed` or `unknown`.

Times are epoch seconds. `unknown`: nobody owns the session any more, and a turn was open. `faults` are lines
about sessions that can't be read whole.
"""

import time

from quarterdeck.bootstrap.stored_runs import RunNow, run_fields, runs_now
from quarterdeck.cli.archive_parsers import ps_parser
from quarterdeck.cli.stored import age, print_json, print_table, readable, say, state_here, warn

SCHEMA = 1


def run(arguments: list[str]) -> int:
    """The exit code: 0."""
    options = ps_parser().parse_args(arguments)
    with readable():
        runs, faults = runs_now(state_here(), every=options.all)
    now = time.time()
    if options.json:
        fields = [run_fields(one, now) for one in runs]
        print_json({"schema": SCHEMA, "at": now, "runs": fields, "faults": list(faults)})
        return 0
    for fault in faults:
        warn(fault)
    if not runs:
        say("There are no runs." if options.all else "No session is open. --all shows stored ones.")
        return 0
    print_runs(runs, now)
    return 0


def print_runs(runs: tuple[RunNow, ...], now: float) -> None:
    """A line for each."""
    head = ("SESSION", "RUN", "TEAMMATE", "STATE", "FOR", "TOKENS", "LAST SIGN", "MODEL")
    print_table(
        head,
        [
            (
                one.run.session_id,
                one.run.run_id,
                one.run.agent_id,
                state_words(one),
                age(now - (one.waiting.since if one.waiting is not None else one.run.since)),
                f"{one.run.usage.total:,}",
                age(now - one.run.heartbeat_at),
                one.run.model,
            )
            for one in runs
        ],
    )


def state_words(one: RunNow) -> str:
    """What it does, waits for or came to."""
    waiting = one.waiting
    if waiting is None:
        return one.word
    if waiting.suspended:
        return f"{one.word}, suspended: {waiting.on} (waits for you)"
    return f"waits for you: {waiting.on}" if waiting.for_person else f"waits: {waiting.on}"
