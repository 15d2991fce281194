"""The text merger: one action per tick, nothing lost, nothing out of order, nothing of a killed run."""

from collections import defaultdict
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.ids import AgentId, RunId
from quarterdeck.domain.teammates import Identity
from quarterdeck.runtime.identity import bind, current_identity
from quarterdeck.runtime.text_merger import TextMerger
from quarterdeck.state.actions import TextStreamed

ADA, BOB = RunId("run-ada"), RunId("run-bob")


class Bench:
    """A merger with a clock that the test turns by hand."""

    def __init__(self) -> None:
        self.actions: list[TextStreamed] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.merger = TextMerger(
            self.actions.append,
            tick_s=0.04,
            wall_clock=lambda: 1000.0 + len(self.actions),
            call_later=lambda delay_s, callback: self.timers.append((delay_s, callback)),
        )

    def tick(self) -> None:
        """Fire the one timer that is set."""
        assert len(self.timers) == 1
        self.timers.pop()[1]()


def test_the_text_of_all_runs_is_one_action_per_tick() -> None:
    bench = Bench()
    for word in ("a", "b", "c"):
        bench.merger.text(ADA, word)
        bench.merger.text(BOB, word.upper())
    bench.merger.thinking(RunId("run-eve"), "hm")
    assert bench.actions == []
    assert [delay_s for delay_s, _ in bench.timers] == [0.04]
    bench.tick()
    assert bench.actions == [
        TextStreamed(at=1000.0, parts=((ADA, "abc"), (BOB, "ABC")), thinking=((RunId("run-eve"), "hm"),))
    ]


def test_no_timer_runs_and_nothing_is_dispatched_while_nobody_streams() -> None:
    bench = Bench()
    bench.merger.flush()
    assert (bench.actions, bench.timers) == ([], [])
    bench.merger.text(ADA, "a")
    bench.tick()
    assert bench.timers == []
    bench.merger.text(ADA, "b")
    bench.tick()
    assert [action.parts for action in bench.actions] == [((ADA, "a"),), ((ADA, "b"),)]


def test_a_flush_dispatches_at_once_and_the_tick_after_it_nothing() -> None:
    bench = Bench()
    bench.merger.text(ADA, "a")
    bench.merger.flush()
    assert [action.parts for action in bench.actions] == [((ADA, "a"),)]
    bench.tick()
    assert len(bench.actions) == 1


def test_text_after_a_flush_waits_for_the_tick_that_is_already_set() -> None:
    bench = Bench()
    bench.merger.text(ADA, "a")
    bench.merger.flush()
    bench.merger.text(ADA, "b")
    bench.tick()
    assert [action.parts for action in bench.actions] == [((ADA, "a"),), ((ADA, "b"),)]


def test_discarded_text_never_appears_and_that_of_others_does() -> None:
    bench = Bench()
    bench.merger.thinking(ADA, "thought")
    bench.merger.text(ADA, "secret")
    bench.merger.text(BOB, "b")
    bench.merger.discard(ADA)
    bench.tick()
    bench.merger.flush()
    assert [(action.parts, action.thinking) for action in bench.actions] == [(((BOB, "b"),), ())]


def test_when_all_that_was_pending_is_discarded_the_tick_dispatches_nothing() -> None:
    bench = Bench()
    bench.merger.text(ADA, "secret")
    bench.merger.discard(ADA)
    bench.tick()
    assert bench.actions == []


def test_thinking_after_text_of_the_same_run_keeps_its_place() -> None:
    bench = Bench()
    bench.merger.thinking(ADA, "first ")
    bench.merger.text(ADA, "then")
    bench.merger.thinking(ADA, "again")
    bench.tick()
    assert [(action.thinking, action.parts) for action in bench.actions] == [
        (((ADA, "first "),), ((ADA, "then"),)),
        (((ADA, "again"),), ()),
    ]


def test_an_empty_text_is_passed_on_as_a_sign_of_life() -> None:
    bench = Bench()
    bench.merger.text(ADA, "")
    bench.tick()
    assert [action.parts for action in bench.actions] == [((ADA, ""),)]


def test_text_that_is_added_while_an_action_is_dispatched_is_not_lost() -> None:
    actions: list[TextStreamed] = []
    timers: list[Callable[[], None]] = []

    def dispatch(action: TextStreamed) -> None:
        actions.append(action)
        if len(actions) == 1:
            merger.text(BOB, "answer")

    merger = TextMerger(
        dispatch, wall_clock=lambda: 0.0, call_later=lambda delay_s, callback: timers.append(callback)
    )
    merger.text(ADA, "a")
    timers.pop()()
    timers.pop()()
    assert [action.parts for action in actions] == [((ADA, "a"),), ((BOB, "answer"),)]


def test_the_action_of_many_runs_is_dispatched_as_nobodys() -> None:
    seen: list[Identity | None] = []
    timers: list[Callable[[], None]] = []
    merger = TextMerger(
        lambda action: seen.append(current_identity.get()),
        wall_clock=lambda: 0.0,
        call_later=lambda delay_s, callback: timers.append(callback),
    )
    ada = bind(Identity(ADA, AgentId("ada@team"), "ada", "team", 1, False, "s"))
    ada.run(merger.text, ADA, "a")
    ada.run(timers.pop())
    ada.run(merger.text, ADA, "b")
    ada.run(merger.flush)
    assert seen == [None, None]


RUNS = st.sampled_from([ADA, BOB, RunId("run-eve")])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["text", "thinking"]), RUNS, st.text(max_size=3)),
    st.tuples(st.sampled_from(["flush", "tick"]), RUNS, st.just("")),
)


@given(st.lists(STEPS, max_size=60))
def test_every_run_gets_all_its_text_and_thinking_in_order(steps: list[tuple[str, RunId, str]]) -> None:
    bench = Bench()
    sent: dict[RunId, list[tuple[str, str]]] = defaultdict(list)
    for kind, run_id, text in steps:
        match kind:
            case "text":
                bench.merger.text(run_id, text)
                sent[run_id] += [("text", sign) for sign in text]
            case "thinking":
                bench.merger.thinking(run_id, text)
                sent[run_id] += [("thinking", sign) for sign in text]
            case "flush":
                bench.merger.flush()
            case "tick" if bench.timers:
                bench.tick()
    bench.merger.flush()
    came: dict[RunId, list[tuple[str, str]]] = defaultdict(list)
    for action in bench.actions:
        assert action.parts or action.thinking
        for run_id, text in action.thinking:
            came[run_id] += [("thinking", sign) for sign in text]
        for run_id, text in action.parts:
            came[run_id] += [("text", sign) for sign in text]
    assert {run: signs for run, signs in came.items() if signs} == {
        run: signs for run, signs in sent.items() if signs
    }
