"""States to draw, built from facts only: a team as the design's screens show it, and crowds of any size."""

from collections.abc import Iterable

from quarterdeck.domain.ids import AgentId, CallId, MessageId, RequestId, RunId
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, PlanVersion, QuestionRequest
from quarterdeck.domain.teammates import IdleReason, Lifetime, Outcome, PermissionMode, WaitsOn, Way
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import Diff, DiffLine, ToolStatus
from quarterdeck.state.store import Store

NOW = 1_763_735_527.0
"""The wall time of the scenes, epoch seconds (14:32:07 UTC)."""

LONG_COMMAND = (
    "docker compose -f compose.ci.yml run --rm -e CI=1 -e DATABASE_URL=postgres://ci@db/shop "
    '-v "$PWD:/work" test sh -c \'pip install -q -r requirements-dev.txt && pytest -q -x --maxfail=1 '
    "--cov=shop --cov-report=term-missing tests/ && ruff check src tests'"
)
PLAN_V1 = """# Fix cart rounding

1. Read `price.py`, `cart.py` and their 7 callers.
2. `price.round_money`: Decimal, ROUND_HALF_EVEN, two places.
3. `cart.py`: replace the 3 float sums by round_money.
4. `Cart.total()` returns Decimal instead of float.
5. Tests: 0.005, 2.675, 1.115, negative amounts, empty cart.
6. Run `pytest -q`, then `ruff check`.

Risk: two callers format the total with `%.2f`.
"""
PLAN_V2 = """# Fix cart rounding

1. Read `price.py`, `cart.py` and their 7 callers.
2. `price.round_money`: Decimal, ROUND_HALF_UP, two places.
3. `cart.py`: replace the 3 float sums by round_money.
4. `Cart.total()` keeps its float signature; rounding happens inside.
5. Tests: 0.005, 2.675, 1.115, negative amounts, empty cart.
6. Test that JSON output is unchanged.
7. Run `pytest -q`, then `ruff check`.

Risk: two callers format the total with `%.2f`.
"""


def fold(state: AppState, facts: Iterable[did.Action]) -> AppState:
    """The state after all of `facts`."""
    for fact in facts:
        state = reduce(state, fact)
    return state


def run(name: str) -> RunId:
    """The run id that the scenes give to the teammate of this name."""
    return RunId(f"run-{name}")


def opened(*, at: float = NOW - 500, model: str | None = "claude-sonnet-4-5") -> did.SessionOpened:
    """The session of the scenes, in `~/src/shop`."""
    return did.SessionOpened(
        at=at,
        session_id="s1",
        folder="/home/me/src/shop",
        team="shop",
        model=model,
        endpoint="ANTHROPIC_API_KEY" if model else "",
    )


def spawned(
    name: str,
    *,
    at: float = NOW - 400,
    color: int = 1,
    parent: RunId | None = None,
    is_lead: bool = False,
    model: str = "claude-sonnet-4-5",
    mode: PermissionMode = PermissionMode.DEFAULT,
    revived_from: RunId | None = None,
    run_id: RunId | None = None,
) -> did.TeammateSpawned:
    """A run comes to life."""
    return did.TeammateSpawned(
        at=at,
        run_id=run_id or run(name),
        agent_id=AgentId(f"{name}@shop"),
        name=name,
        team="shop",
        color=color,
        prompt=f"You are {name}.",
        description="",
        model=model,
        lifetime=Lifetime.RESIDENT,
        permission_mode=mode,
        plan_mode_required=False,
        verb="Charting",
        past_verb="Charted",
        parent=parent,
        is_lead=is_lead,
        revived_from=revived_from,
    )


def ready(name: str, *, at: float = NOW - 399) -> did.TeammateReady:
    """It can take messages."""
    return did.TeammateReady(at=at, run_id=run(name))


def turn(
    name: str, *, at: float = NOW - 398, verb: str = "Charting", past: str = "Charted"
) -> did.TurnStarted:
    """A turn opens."""
    return did.TurnStarted(at=at, run_id=run(name), verb=verb, past_verb=past)


def working(name: str, *, at: float = NOW - 400, color: int = 1, verb: str = "Charting") -> list[did.Action]:
    """Spawned, ready and in a turn."""
    return [spawned(name, at=at, color=color), ready(name, at=at + 1), turn(name, at=at + 2, verb=verb)]


def idle(name: str, *, at: float = NOW - 400, color: int = 1, said: str = "Done.") -> list[did.Action]:
    """Spawned, one turn done, idle since."""
    return [
        *working(name, at=at, color=color),
        did.TurnEnded(
            at=at + 3,
            run_id=run(name),
            reason=IdleReason.DONE,
            final_text=said,
            duration_s=1.0,
            usage=Usage(input=10, output=10, requests=1),
        ),
    ]


def used(name: str, tokens: int, *, cached: float = 0.9, at: float = NOW - 10) -> did.UsageRecorded:
    """Usage of `tokens` in all, `cached` of them read from the cache."""
    read = int(tokens * cached)
    return did.UsageRecorded(
        at=at, run_id=run(name), usage=Usage(input=tokens - read, cache_read=read, requests=1)
    )


def plan(
    name: str,
    *,
    version: int = 1,
    at: float = NOW - 252,
    texts: tuple[str, ...] = (PLAN_V1, PLAN_V2),
    feedback: str = "Half-up, not half-even: invoices use half-up.",
) -> list[did.Action]:
    """A plan is submitted: version `version`, with the versions before it."""
    versions = tuple(
        PlanVersion(
            number=number,
            text=texts[number - 1],
            submitted_at=at - 60 * (version - number),
            feedback=feedback if number < version else "",
        )
        for number in range(1, version + 1)
    )
    request = PlanRequest(
        id=RequestId(f"plan-{name}"), run_id=run(name), opened_at=at, version=version, versions=versions
    )
    return [
        did.RequestOpened(at=at, request=request),
        did.TeammateWaited(at=at, run_id=run(name), on=WaitsOn.PLAN),
    ]


def permission(
    name: str,
    *,
    at: float = NOW - 63,
    subject: str = LONG_COMMAND,
    tool: str = "Bash",
    rule: str | None = None,
    version: int = 1,
    request_id: str = "",
    preview: str = "",
) -> list[did.Action]:
    """A tool call asks."""
    request = PermissionRequest(
        id=RequestId(request_id or f"perm-{name}"),
        run_id=run(name),
        opened_at=at,
        call_id=CallId(f"call-{name}"),
        tool=tool,
        subject=subject,
        folder="/home/me/src/shop",
        why="no rule allows docker compose",
        rule=rule,
        timeout_s=120.0,
        version=version,
        preview=preview,
    )
    return [
        did.RequestOpened(at=at, request=request),
        did.TeammateWaited(at=at, run_id=run(name), on=WaitsOn.PERMISSION),
    ]


def question(
    name: str, *, at: float = NOW - 30, options: tuple[str, ...] = ("half-up", "half-even")
) -> list[did.Action]:
    """A question is asked."""
    request = QuestionRequest(
        id=RequestId(f"question-{name}"),
        run_id=run(name),
        opened_at=at,
        call_id=CallId(f"ask-{name}"),
        question="Which rounding do invoices use?",
        options=options,
    )
    return [
        did.RequestOpened(at=at, request=request),
        did.TeammateWaited(at=at, run_id=run(name), on=WaitsOn.QUESTION),
    ]


def tool_started(
    name: str, *, tool: str = "Bash", title: str = "uv build --wheel", at: float = NOW - 18, call: str = "c1"
) -> did.ToolStarted:
    """A tool runs."""
    return did.ToolStarted(
        at=at,
        run_id=run(name),
        call_id=CallId(call),
        tool=tool,
        title=title,
        rule="Bash(uv build:*)",
        timeout_s=120.0,
    )


def killed(name: str, *, at: float = NOW, processes: int = 14, requests: int = 1) -> did.TeammateKilled:
    """Killed by the person; nothing proved yet."""
    return did.TeammateKilled(
        at=at, run_id=run(name), by="you", processes_total=processes, requests_withdrawn=requests
    )


def proved(name: str, *, at: float = NOW, processes: int = 14) -> list[did.Action]:
    """The whole proof of a kill at `at`."""
    return [
        did.KillStreamClosed(at=at, run_id=run(name), after_s=0.003),
        did.KillProcessesCounted(at=at, run_id=run(name), left=0, total=processes, after_s=0.09),
        did.KillTaskEnded(at=at, run_id=run(name), after_s=0.11),
    ]


def ended(name: str, outcome: Outcome, *, at: float = NOW, error: str = "") -> did.TeammateEnded:
    """It ended by itself."""
    return did.TeammateEnded(at=at, run_id=run(name), outcome=outcome, findings="All is done.", error=error)


def evicted(name: str, *, at: float = NOW + 4) -> did.TeammateEvicted:
    """The row leaves."""
    return did.TeammateEvicted(at=at, run_id=run(name))


def said(name: str, text: str, *, at: float = NOW - 20) -> did.TextSaid:
    """The teammate says something."""
    return did.TextSaid(at=at, run_id=run(name), text=text)


def delivered(name: str, text: str, *, at: float = NOW - 175, message: str = "m1") -> list[did.Action]:
    """The person's message, queued and delivered."""
    common = {"message_id": MessageId(message), "run_id": run(name), "sender": "you", "text": text}
    return [
        did.MessageQueued(at=at, way=Way.STEER, **common),  # type: ignore[arg-type] # one dict for both
        did.MessageDelivered(at=at + 3, way=Way.STEER, **common),  # type: ignore[arg-type] # one dict for both
    ]


def builder_at_work() -> list[did.Action]:
    """The transcript of `builder` in the first screen: a message, text, a read, an edit, a build."""
    diff = Diff(
        "pyproject.toml",
        1,
        1,
        (
            DiffLine(" ", 6, 'name = "shop"'),
            DiffLine("-", 7, 'version = "2.4.0"'),
            DiffLine("+", 7, 'version = "2.4.1"'),
            DiffLine(" ", 8, 'requires-python = ">=3.11"'),
        ),
    )
    who = run("builder")
    return [
        *delivered("builder", "Bump to 2.4.1 before you build."),
        said("builder", "The version lives in one place, pyproject.toml. I'll change it there and build."),
        did.ToolStarted(at=NOW - 25, run_id=who, call_id=CallId("b1"), tool="Read", title="pyproject.toml"),
        did.ToolEnded(
            at=NOW - 25,
            run_id=who,
            call_id=CallId("b1"),
            tool="Read",
            title="pyproject.toml",
            status=ToolStatus.OK,
            summary="61 lines",
            detail="[project]",
            duration_s=0.1,
        ),
        did.ToolEnded(
            at=NOW - 22,
            run_id=who,
            call_id=CallId("b2"),
            tool="Edit",
            title="pyproject.toml",
            status=ToolStatus.OK,
            summary="+1 −1",
            detail="",
            duration_s=0.1,
            diff=diff,
        ),
        did.ThoughtFinished(at=NOW - 20, run_id=who, text="The build backend is hatchling.\nOne wheel."),
        tool_started("builder"),
        did.ToolPrinted(
            at=NOW - 3,
            run_id=who,
            call_id=CallId("c1"),
            tail="Building wheel...\ncopying src/shop/price.py -> build/lib/shop\n",
        ),
    ]


def shop() -> AppState:
    """The first screen: two that need you, two at work, one killed, one idle, at `NOW`."""
    return fold(
        AppState(),
        [
            opened(),
            *idle("lead", at=NOW - 403, color=2, said="Split into five tasks; waiting for coder."),
            *working("coder", color=1),
            *plan("coder"),
            *working("tester", color=3),
            *permission("tester"),
            *working("porter", color=4),
            tool_started("porter", tool="Grep", title='"TODO" in src', at=NOW - 1, call="p1"),
            *working("builder", color=5, verb="Hauling"),
            *builder_at_work(),
            *working("runaway", color=6),
            killed("runaway", at=NOW - 1),
            *proved("runaway", at=NOW - 1),
            used("coder", 84_000, cached=0.92),
            used("tester", 22_000, cached=0.88),
            used("porter", 148_000, cached=0.95),
            used("builder", 48_000, cached=0.94, at=NOW - 3),
            used("runaway", 2_100, cached=0.0),
            used("lead", 61_000, cached=0.90),
        ],
    )


def crowd(count: int, *, needing: int = 0) -> AppState:
    """`count` working teammates `t0000`…; the first `needing` of them ask for something."""
    facts: list[did.Action] = [opened()]
    for number in range(count):
        name = f"t{number:04}"
        facts += working(name, at=NOW - 400 + number / 1000, color=number % 8 + 1)
        if number < needing:
            facts += permission(name, at=NOW - 100 + number / 1000, subject=f"pytest -q tests/{number}")
    return fold(AppState(), facts)


def empty(*, model: str | None = "claude-sonnet-4-5") -> AppState:
    """A session in which nobody has been spawned."""
    return fold(AppState(), [opened(model=model)])


def store_of(state: AppState) -> Store:
    """A store that holds `state`."""
    return Store(state)
