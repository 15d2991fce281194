"""The twelve minutes that the design's timeline shows, as facts in order, up to `NOW`."""

from quarterdeck.domain.ids import CallId, RequestId
from quarterdeck.domain.requests import PlanRejected
from quarterdeck.domain.teammates import IdleReason, WaitsOn
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolStatus
from tests.support import states
from tests.support.states import NOW, run

START = NOW - 720


def tool(
    name: str, title: str, start: float, end: float, *, call: str, kind: str = "Bash"
) -> list[did.Action]:
    """A tool runs from `start` to `end`, both seconds after `START`."""
    who, call_id = run(name), CallId(f"{name}-{call}")
    return [
        did.ToolStarted(at=START + start, run_id=who, call_id=call_id, tool=kind, title=title),
        did.ToolEnded(
            at=START + end,
            run_id=who,
            call_id=call_id,
            tool=kind,
            title=title,
            status=ToolStatus.OK,
            summary="exit 0",
            detail="done",
            duration_s=end - start,
        ),
    ]


def turn_over(name: str, at: float, said: str) -> did.TurnEnded:
    """The turn is done; `at` seconds after `START`."""
    return did.TurnEnded(
        at=START + at,
        run_id=run(name),
        reason=IdleReason.DONE,
        final_text=said,
        duration_s=60.0,
        usage=Usage(input=100, output=50, requests=1),
    )


def answered(name: str, start: float, end: float, output: int) -> list[did.Action]:
    """The model answers from `start` to `end`, both seconds after `START`, with so many tokens."""
    return [
        did.StepStarted(at=START + start, run_id=run(name)),
        did.UsageRecorded(at=START + end, run_id=run(name), usage=Usage(output=output, requests=1)),
    ]


def story() -> list[did.Action]:
    """Six teammates: two ask, one waits, one is paused, one is killed, one is idle."""
    facts: list[did.Action] = [
        states.opened(at=START),
        *states.working("lead", at=START + 1, color=2),
        *states.delivered("lead", "fix the cent drift before the release", at=START + 5, message="m0"),
        *tool("lead", "src", 70, 90, call="1", kind="Grep"),
        turn_over("lead", 150, "Split into five tasks; waiting for coder."),
        *states.working("coder", at=START + 130, color=1),
        *tool("coder", "price.py", 160, 200, call="1", kind="Read"),
        *states.plan("coder", at=START + 235),
        *states.working("builder", at=START + 140, color=5, verb="Hauling"),
        *tool("builder", "uv lock", 160, 210, call="1"),
        did.TeammateWaited(at=START + 210, run_id=run("builder"), on=WaitsOn.MESSAGE),
        *states.delivered("builder", "Bump to 2.4.1 before you build.", at=START + 310),
        did.TeammateResumed(at=START + 313, run_id=run("builder")),
        *tool("builder", "uv build --wheel", 330, 480, call="2"),
        *states.working("tester", at=START + 135, color=3),
        *tool("tester", "pytest -q", 210, 250, call="1"),
        states.said("tester", "The unit tests pass here, but the drift was seen in CI only.", at=START + 420),
        *tool("tester", "docker compose -f compose.ci.yml config", 422, 424, call="2"),
        *states.permission("tester", at=START + 426),
        *states.working("porter", at=START + 136, color=4),
        *tool("porter", '"TODO" in src', 170, 230, call="1", kind="Grep"),
        *tool("porter", '"FIXME" in src', 255, 310, call="2", kind="Grep"),
        did.TeammatePaused(at=START + 560, run_id=run("porter"), by="you"),
        *states.working("runaway", at=START + 137, color=6),
        states.tool_started("runaway", title="while :; do find . ; done", at=START + 160, call="r1"),
        states.killed("runaway", at=START + 487),
        *states.proved("runaway", at=START + 487),
        states.evicted("runaway", at=START + 500),
        turn_over("builder", 530, "The wheel is built."),
        did.RequestAnswered(
            at=START + 580, request_id=RequestId("plan-coder"), version=1, answer=PlanRejected("Half-up.", ())
        ),
        did.TeammateResumed(at=START + 581, run_id=run("coder")),
        *states.plan("coder", version=2, at=START + 701),
        *answered("lead", 8, 68, 1_500),
        *answered("lead", 91, 149, 2_900),
        *answered("coder", 133, 159, 900),
        *answered("coder", 201, 229, 2_100),
        *answered("builder", 143, 159, 600),
        *answered("builder", 316, 329, 700),
        *answered("builder", 481, 529, 1_100),
        *answered("tester", 138, 209, 2_400),
        *answered("tester", 251, 419, 5_900),
        *answered("porter", 139, 169, 800),
        *answered("porter", 231, 254, 600),
        *answered("runaway", 139, 159, 500),
        *answered("coder", 582, 699, 6_400),
        states.used("lead", 61_000, at=START + 149),
        states.used("coder", 84_000, at=START + 230),
        states.used("porter", 148_000, at=START + 300),
    ]
    return sorted(facts, key=lambda fact: fact.at)
