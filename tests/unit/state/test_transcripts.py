"""The window of a transcript: what becomes an entry, what streams, and what a window never holds."""

from quarterdeck.domain.ids import CallId, MessageId
from quarterdeck.domain.teammates import IdleReason, Outcome
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.entries import (
    Diff,
    DiffLine,
    Entry,
    LivePart,
    Note,
    Said,
    Text,
    Thinking,
    ToolCall,
    ToolStatus,
    TurnMark,
    weight,
)
from quarterdeck.state.transcripts import MAX_ENTRIES, MAX_WEIGHT, Transcript
from tests.support.states import (
    delivered,
    ended,
    evicted,
    fold,
    killed,
    run,
    said,
    spawned,
    tool_started,
    turn,
    working,
)

A = run("a")


def transcript(*facts: did.Action) -> Transcript:
    """Of `a`, in a turn, after `facts`."""
    return fold(AppState(), [*working("a"), *facts]).transcripts[A]


def entries(*facts: did.Action) -> tuple[Entry, ...]:
    return transcript(*facts).entries


def streamed(text: str = "", thinking: str = "", at: float = 1.0) -> did.TextStreamed:
    return did.TextStreamed(
        at=at,
        parts=((A, text),) if text else (),
        thinking=((A, thinking),) if thinking else (),
    )


def printed(tail: str, call: str = "c1") -> did.ToolPrinted:
    return did.ToolPrinted(at=8.0, run_id=A, call_id=CallId(call), tail=tail)


def tool_ended(
    call: str = "c1", detail: str = "", *, title: str = "make", diff: Diff | None = None
) -> did.ToolEnded:
    return did.ToolEnded(
        at=9.0,
        run_id=A,
        call_id=CallId(call),
        tool="Bash",
        title=title,
        status=ToolStatus.OK,
        summary="exit 0",
        detail=detail,
        duration_s=2.0,
        diff=diff,
    )


def only_call(*facts: did.Action) -> ToolCall:
    (entry,) = entries(*facts)
    assert isinstance(entry, ToolCall)
    return entry


def test_what_happens_becomes_entries_in_its_order_with_ids_that_count_up() -> None:
    found = entries(
        *delivered("a", "Go.", message="m1"),
        did.ThoughtFinished(at=2.0, run_id=A, text="Hm."),
        said("a", "I go.", at=3.0),
        tool_started("a", at=4.0),
        did.NoteTaken(at=5.0, run_id=A, text="interrupted"),
    )
    assert [type(entry) for entry in found] == [Said, Thinking, Text, ToolCall, Note]
    assert [entry.id for entry in found] == [1, 2, 3, 4, 5]
    assert [entry.at for entry in found][1:] == [2.0, 3.0, 4.0, 5.0]


def test_a_message_is_marked_answered_by_its_own_id() -> None:
    facts = [*delivered("a", "One", message="m1"), *delivered("a", "Two", message="m2")]
    found = entries(*facts, did.MessageAnswered(at=9.0, message_id=MessageId("m1"), run_id=A))
    assert [entry.answered for entry in found if isinstance(entry, Said)] == [True, False]


def test_streamed_text_grows_and_is_taken_over_by_the_whole_block() -> None:
    found = transcript(
        streamed(thinking="Hm"), streamed(thinking="."), streamed("I"), streamed(" go", at=7.0)
    )
    assert found.live == (LivePart(True, "Hm."), LivePart(False, "I go"))
    assert found.last_at == 7.0
    assert found.entries == ()
    whole = transcript(streamed("I go"), said("a", "I go."))
    assert whole.live == ()
    assert [getattr(entry, "text", "") for entry in whole.entries] == ["I go."]


def test_a_step_that_was_not_whole_leaves_nothing_on_the_screen() -> None:
    gone = transcript(streamed("half"), did.StepDiscarded(at=2.0, run_id=A, reason="cut"))
    assert (gone.live, gone.entries) == ((), ())


def test_text_for_a_run_that_nobody_knows_changes_nothing() -> None:
    state = fold(AppState(), working("b"))
    assert reduce(state, streamed("x")) is state


def test_late_text_of_one_dead_run_does_not_hold_back_the_text_of_another() -> None:
    state = fold(AppState(), [*working("a"), *working("b"), killed("a")])
    both = did.TextStreamed(at=1.0, parts=((A, "late"), (run("b"), "alive")))
    state = reduce(state, both)
    assert state.transcripts[A].live == ()
    assert state.transcripts[run("b")].live == (LivePart(False, "alive"),)


def test_the_first_part_of_a_block_is_bounded_too_and_says_what_was_cut() -> None:
    (part,) = transcript(streamed("a" * 10 + "b" * MAX_WEIGHT)).live
    assert part.text == "b" * MAX_WEIGHT
    assert part.dropped == 10
    (part,) = transcript(streamed("a" * MAX_WEIGHT), streamed("bcd")).live
    assert (part.text[-3:], len(part.text), part.dropped) == ("bcd", MAX_WEIGHT, 3)


def test_a_tool_call_is_one_entry_from_its_start_to_its_result() -> None:
    running = only_call(tool_started("a"), printed("building"))
    assert (running.status, running.detail, running.rule) == (
        ToolStatus.RUNNING,
        "building",
        "Bash(uv build:*)",
    )
    done = only_call(tool_started("a", at=4.0), printed("building"), tool_ended(detail="built"))
    assert (done.status, done.detail, done.summary, done.at) == (ToolStatus.OK, "built", "exit 0", 4.0)
    assert done.rule == "Bash(uv build:*)"


def test_output_after_the_result_changes_nothing_of_the_entry() -> None:
    assert only_call(tool_started("a"), tool_ended(detail="built"), printed("late")).detail == "built"


def test_a_result_whose_start_has_left_the_window_is_an_entry_of_its_own() -> None:
    assert only_call(tool_ended(detail="built")).detail == "built"


def test_a_turn_ends_with_its_mark_and_with_no_call_open() -> None:
    end = did.TurnEnded(
        at=9.0,
        run_id=A,
        reason=IdleReason.INTERRUPTED,
        final_text="",
        duration_s=42.0,
        usage=Usage(output=3_100),
    )
    changed = did.VerbChanged(at=5.0, run_id=A, verb="Hauling", past_verb="Hauled")
    call, mark = entries(changed, tool_started("a"), streamed("half"), end)
    assert isinstance(call, ToolCall)
    assert call.status is ToolStatus.CANCELLED
    assert mark == TurnMark(2, 9.0, "Hauled", 42.0, Usage(output=3_100))
    assert transcript(streamed("half"), end).live == ()


def test_a_turn_that_is_not_open_cannot_leave_a_mark() -> None:
    end = did.TurnEnded(
        at=9.0, run_id=A, reason=IdleReason.DONE, final_text="", duration_s=1.0, usage=Usage()
    )
    state = fold(AppState(), [*working("a"), end])
    assert reduce(state, end) is state


def test_a_killed_run_keeps_its_last_message_only() -> None:
    found = transcript(
        said("a", "First."), said("a", "Last."), tool_started("a"), streamed("half"), killed("a")
    )
    assert [getattr(entry, "text", "") for entry in found.entries] == ["Last."]
    assert found.live == ()
    assert found.weight == weight(found.entries[0])


def test_a_run_that_ended_by_itself_keeps_its_window() -> None:
    found = transcript(said("a", "First."), said("a", "Last."), ended("a", Outcome.COMPLETED))
    assert len(found.entries) == 2


def test_a_run_that_ended_by_itself_leaves_nothing_open() -> None:
    found = transcript(tool_started("a"), streamed("half"), ended("a", Outcome.FAILED))
    assert [getattr(entry, "status", None) for entry in found.entries] == [ToolStatus.CANCELLED]
    assert found.live == ()


def test_a_window_keeps_the_newest_entries_and_ids_go_on() -> None:
    found = transcript(*(said("a", str(number)) for number in range(MAX_ENTRIES + 5)))
    assert len(found.entries) == MAX_ENTRIES
    assert found.entries[0].id == 6
    assert found.next_id == MAX_ENTRIES + 6


def test_a_window_drops_the_oldest_when_it_grows_too_heavy() -> None:
    found = transcript(*(said("a", letter * 100_000) for letter in "abc"))
    assert [getattr(entry, "text", "")[0] for entry in found.entries] == ["b", "c"]
    assert found.weight == sum(weight(entry) for entry in found.entries) <= MAX_WEIGHT


def test_output_of_a_tool_that_grows_in_place_makes_room_for_itself() -> None:
    found = transcript(said("a", "a" * 200_000), tool_started("a"), printed("b" * 100_000))
    assert [type(entry) for entry in found.entries] == [ToolCall]
    found = transcript(said("a", "a" * 200_000), tool_started("a"), tool_ended(detail="b" * 100_000))
    assert [type(entry) for entry in found.entries] == [ToolCall]
    assert found.weight <= MAX_WEIGHT


def test_one_entry_larger_than_a_window_is_cut_and_says_so() -> None:
    (entry,) = entries(said("a", "x" * (MAX_WEIGHT + 1)))
    assert isinstance(entry, Text)
    assert entry.text.endswith("[256,001 characters; the rest is not shown]")
    assert weight(entry) <= MAX_WEIGHT


def test_one_tool_call_larger_than_a_window_keeps_something_of_each_part() -> None:
    lines = tuple(DiffLine("+", number, "y" * 1_000) for number in range(200))
    diff = Diff("a.py", 200, 0, lines)
    call = only_call(tool_ended(detail="x" * MAX_WEIGHT, title="t" * MAX_WEIGHT, diff=diff))
    assert weight(call) <= MAX_WEIGHT
    assert call.detail.startswith("xxx")
    assert call.title.startswith("ttt")
    assert call.diff is not None
    assert (call.diff.added, call.diff.lines) == (200, ())


def test_a_revived_run_goes_on_with_the_ids_of_the_one_before() -> None:
    revived = spawned("a")
    first = did.TeammateSpawned(
        **{name: getattr(revived, name) for name in revived.__struct_fields__} | {"first_entry_id": 17}
    )
    state = fold(AppState(), [first, did.NoteTaken(at=1.0, run_id=A, text="back")])
    assert state.transcripts[A].entries[0].id == 17


def test_a_run_out_of_the_team_has_no_window() -> None:
    state = fold(AppState(), [*working("a"), ended("a", Outcome.COMPLETED), evicted("a")])
    assert A not in state.transcripts
    assert reduce(state, turn("a")) is state
