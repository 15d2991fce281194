"""Messages under way: queued in order, taken out once, gone with their run."""

from quarterdeck.domain.ids import MessageId, RunId
from quarterdeck.domain.teammates import Outcome, Way
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import Said
from tests.support.states import ended, fold, killed, run, working

A = run("a")


def queued(message: str, run_id: RunId = A) -> did.MessageQueued:
    return did.MessageQueued(
        at=5.0,
        message_id=MessageId(message),
        run_id=run_id,
        sender="you",
        text=f"text {message}",
        way=Way.QUEUE,
    )


def delivered(message: str) -> did.MessageDelivered:
    return did.MessageDelivered(
        at=6.0, message_id=MessageId(message), run_id=A, sender="you", text=f"text {message}", way=Way.QUEUE
    )


def ids(state: AppState, run_id: RunId = A) -> list[str]:
    return [mail.id for mail in state.mail.get(run_id, ())]


def state_of(*facts: did.Action) -> AppState:
    return fold(AppState(), [*working("a"), *working("b"), *facts])


def test_messages_wait_in_the_order_in_which_they_were_written_each_in_its_own_queue() -> None:
    state = state_of(queued("1"), queued("x", run("b")), queued("2"))
    assert ids(state) == ["1", "2"]
    assert ids(state, run("b")) == ["x"]


def test_a_message_is_queued_once() -> None:
    state = state_of(queued("1"))
    assert reduce(state, queued("1")) is state


def test_a_delivered_message_leaves_the_queue_for_the_transcript() -> None:
    state = state_of(queued("1"), queued("2"), delivered("1"))
    assert ids(state) == ["2"]
    said = state.transcripts[A].entries[-1]
    assert isinstance(said, Said)
    assert (said.message_id, said.text, said.answered) == ("1", "text 1", False)


def test_a_withdrawn_message_never_reaches_the_transcript() -> None:
    taken = did.MessageWithdrawn(at=6.0, message_id=MessageId("1"), run_id=A)
    state = reduce(state_of(queued("1")), taken)
    assert A not in state.mail
    assert state.transcripts[A].entries == ()
    assert reduce(state, taken) is state


def test_the_queue_goes_with_its_run() -> None:
    for end in (killed("a"), ended("a", Outcome.COMPLETED)):
        state = state_of(queued("1"), queued("x", run("b")), end)
        assert A not in state.mail
        assert ids(state, run("b")) == ["x"]


def test_a_message_to_a_run_that_ended_or_never_was_is_not_queued() -> None:
    state = state_of(killed("a"))
    assert reduce(state, queued("1")) is state
    assert reduce(state, queued("1", RunId("nobody"))) is state
