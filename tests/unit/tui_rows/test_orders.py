"""Other orders of the roster and of History, and which rows there are: pure, over states made of facts."""

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.selectors import select_rows
from quarterdeck.tui.ranking import Order, Which, after, matching, ordered
from quarterdeck.tui.widgets.history_panel import EndedOrder, next_outcome, select_ended
from tests.support import states
from tests.support.states import NOW, fold, run


def crew() -> AppState:
    """`zoe` and `Adam` with a child `kid` that asks, `bob` who failed, `mia` who is done."""
    facts: list[did.Action] = [states.opened(), *states.working("zoe"), *states.working("Adam")]
    facts += [states.spawned("kid", parent=run("Adam")), *states.permission("kid")]
    facts += [*states.working("bob"), states.ended("bob", Outcome.FAILED, at=NOW - 9)]
    facts += [*states.working("mia"), states.ended("mia", Outcome.COMPLETED, at=NOW - 5)]
    facts += [states.used("kid", 300), states.used("bob", 200), states.used("zoe", 100)]
    return fold(AppState(), facts)


def names(
    state: AppState, order: Order, which: Which = Which.ALL, *, keep: tuple[RunId, ...] = ()
) -> list[str]:
    rows = matching(ordered(select_rows(state.team, state.inbox), state.team, order), which, keep=keep)
    return ["  " * row.depth + row.run_id.removeprefix("run-") for row in rows]


def test_by_need_families_move_with_their_most_urgent_member() -> None:
    assert names(crew(), Order.NEEDS) == ["Adam", "  kid", "bob", "zoe", "mia"]


def test_as_a_tree_everybody_stands_where_it_was_spawned() -> None:
    assert names(crew(), Order.TREE) == ["zoe", "Adam", "  kid", "bob", "mia"]


def test_by_tokens_the_most_come_first_and_equals_by_need() -> None:
    assert names(crew(), Order.TOKENS) == ["kid", "bob", "zoe", "Adam", "mia"]


def test_by_name_capitals_do_not_count() -> None:
    assert names(crew(), Order.NAME) == ["Adam", "bob", "kid", "mia", "zoe"]


def test_each_kind_of_rows_is_shown_alone_and_a_child_without_its_parent_stands_at_the_left() -> None:
    state = crew()
    assert names(state, Order.NEEDS, Which.NEED) == ["kid"]
    assert names(state, Order.NEEDS, Which.WORKING) == ["Adam", "zoe"]
    assert names(state, Order.NEEDS, Which.FAILED) == ["bob"]
    assert names(state, Order.NEEDS, Which.ENDED) == ["mia"]
    assert names(state, Order.NEEDS, Which.NEED, keep=(run("Adam"),)) == ["Adam", "  kid"]


def test_the_choices_go_round() -> None:
    found = [Which.ALL]
    for _ in range(5):
        found.append(after(found[-1]))
    assert found == [Which.ALL, Which.NEED, Which.WORKING, Which.FAILED, Which.ENDED, Which.ALL]


def ended(state: AppState, order: EndedOrder, outcome: Outcome | None = None) -> list[str]:
    return [mate.name for mate in select_ended(state.team, order, outcome)]


def test_history_by_time_by_name_and_by_tokens() -> None:
    state = crew()
    assert ended(state, EndedOrder.NEWEST) == ["mia", "bob"]
    assert ended(state, EndedOrder.NAME) == ["bob", "mia"]
    assert ended(state, EndedOrder.TOKENS) == ["bob", "mia"]
    assert ended(state, EndedOrder.NEWEST, Outcome.FAILED) == ["bob"]


def test_outcomes_that_nobody_had_are_passed_over() -> None:
    state = crew()
    assert next_outcome(state.team, None) is Outcome.COMPLETED
    assert next_outcome(state.team, Outcome.COMPLETED) is Outcome.FAILED
    assert next_outcome(state.team, Outcome.FAILED) is None
