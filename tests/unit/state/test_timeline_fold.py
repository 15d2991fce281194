"""Which facts become events, and in which words."""

import pytest

from quarterdeck.domain.ids import RequestId
from quarterdeck.domain.teammates import IdleReason, WaitsOn
from quarterdeck.domain.usage import NO_USAGE, Usage
from quarterdeck.state import actions as did
from quarterdeck.state.timeline import Response
from quarterdeck.state.timeline_fold import TimelineFold
from tests.support import states
from tests.support.states import NOW, run

CODER = run("coder")


def events_after(*facts: did.Action) -> list[str]:
    """What is told of these, after the coder has begun to work."""
    fold = TimelineFold()
    fold.add(enumerate([states.opened(), *states.working("coder")], 1))
    begun = len(fold.timeline().events)
    fold.add(enumerate(facts, fold.last + 1))
    return [f"{event.who}: {event.text}" for event in fold.timeline().events[begun:]]


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (states.said("coder", "I read\nit all.", at=NOW), "coder: says: I read it all."),
        (states.tool_started("coder", at=NOW), "coder: Bash uv build --wheel"),
        (did.NoteTaken(at=NOW, run_id=CODER, text="Refused."), "coder: Refused."),
        (
            did.TurnEnded(
                at=NOW,
                run_id=CODER,
                reason=IdleReason.INTERRUPTED,
                final_text="",
                duration_s=1,
                usage=NO_USAGE,
            ),
            "coder: its turn was interrupted",
        ),
        (
            did.TeammateWaited(at=NOW, run_id=CODER, on=WaitsOn.RATE_LIMIT),
            "coder: ◦ waits: rate limit",
        ),
        (did.StepDiscarded(at=NOW, run_id=CODER, reason="cut"), "coder: its answer was not whole: cut"),
        (did.RuleGiven(at=NOW, rule="Bash(pytest:*)", team="shop"), "you: gave the rule Bash(pytest:*)"),
        (did.SessionResumed(at=NOW, crashed=True), ": the session goes on, after a crash"),
        (states.killed("coder"), "coder: ✕ killed by you"),
    ],
    ids=lambda part: type(part).__name__ if not isinstance(part, str) else "",
)
def test_what_is_worth_a_line_is_told_in_a_few_words(fact: did.Action, words: str) -> None:
    assert events_after(fact) == [words]


def test_bookkeeping_is_no_event() -> None:
    assert (
        events_after(
            states.used("coder", 10),
            did.StepStarted(at=NOW, run_id=CODER),
            did.MessageRecorded(at=NOW, run_id=CODER, role="user", blocks=()),
        )
        == []
    )


def test_what_could_not_be_is_no_event() -> None:
    late = states.said("coder", "I still live.", at=NOW + 1)
    again = states.killed("coder", at=NOW + 2)
    assert events_after(states.killed("coder"), late, again, states.said("nobody", "Hello")) == [
        "coder: ✕ killed by you"
    ]


def test_a_withdrawn_request_is_told_and_its_lane_waits_for_you_no_more() -> None:
    asked = states.permission("coder", subject="ls", at=NOW)
    withdrawn = did.RequestWithdrawn(at=NOW + 1, request_id=RequestId("perm-coder"), reason="interrupted")
    assert events_after(*asked, withdrawn) == [
        "coder: ▲ asks: Bash ls",
        "coder: its request is withdrawn: interrupted",
    ]


def test_facts_that_are_told_again_are_taken_once() -> None:
    facts = list(enumerate([states.opened(), *states.working("coder")], 1))
    once, twice = TimelineFold(), TimelineFold()
    once.add(facts)
    twice.add(facts[:2])
    twice.add(facts)
    assert once.timeline() == twice.timeline()


def test_no_line_is_longer_than_a_line() -> None:
    (told,) = events_after(states.tool_started("coder", title="x" * 100_000, at=NOW))
    assert len(told) < 140


def responses_after(*facts: did.Action) -> tuple[Response, ...]:
    fold = TimelineFold()
    fold.add(enumerate([states.opened(), *states.working("coder"), *facts], 1))
    return fold.timeline().responses


def said(output: int, at: float) -> did.UsageRecorded:
    return did.UsageRecorded(at=at, run_id=CODER, usage=Usage(input=9_000, output=output, requests=1))


def test_a_response_took_from_the_request_to_its_usage_and_counts_what_the_model_said() -> None:
    asked = did.StepStarted(at=NOW, run_id=CODER)
    assert responses_after(asked, said(300, NOW + 10), said(50, NOW + 12)) == (
        Response(NOW, NOW + 10, 300),
        Response(NOW + 11, NOW + 12, 50),
    )
    assert responses_after(asked, said(300, NOW + 0.01)) == (Response(NOW - 0.99, NOW + 0.01, 300),)
    assert responses_after(asked, said(0, NOW + 10)) == ()


def test_the_rate_at_a_time_is_that_of_all_who_were_being_answered_then() -> None:
    fold = TimelineFold()
    facts = [states.opened(), *states.working("coder"), *states.working("tester")]
    facts += [did.StepStarted(at=NOW, run_id=CODER), did.StepStarted(at=NOW + 5, run_id=run("tester"))]
    facts += [
        said(100, NOW + 10),
        did.UsageRecorded(at=NOW + 15, run_id=run("tester"), usage=Usage(output=20, requests=1)),
    ]
    fold.add(enumerate(facts, 1))
    rates = [round(fold.timeline().rate_at(NOW + at), 6) for at in (0, 1, 5, 6, 10, 11, 15, 16)]
    assert rates == [0, 10, 10, 12, 12, 2, 2, 0]
