"""The store: sequence, observers, subscribers, its owner, and what it logs."""

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from tests.support.states import ready, spawned, turn


class NotTheOwner(RuntimeError):
    """Raised by the check of the tests."""


def test_each_action_has_the_next_number_also_one_that_changes_nothing() -> None:
    store = Store()
    assert store.sequence == 0
    assert [store.dispatch(fact) for fact in (spawned("a"), spawned("a"), ready("a"))] == [1, 2, 3]
    assert store.sequence == 3


def test_an_observer_is_told_of_every_action_with_the_states_around_it() -> None:
    store = Store()
    seen: list[tuple[int, did.Action, AppState, AppState]] = []
    end = store.observe(lambda *told: seen.append(told))
    facts: list[did.Action] = [spawned("a"), spawned("a"), ready("a")]
    for fact in facts:
        store.dispatch(fact)
    assert [told[:2] for told in seen] == [(1, facts[0]), (2, facts[1]), (3, facts[2])]
    assert seen[0][2] == AppState()
    assert seen[1][2] is seen[1][3]
    assert seen[2][2] is seen[0][3]
    assert seen[2][3] is store.state
    end()
    end()
    store.dispatch(turn("a"))
    assert len(seen) == 3


def test_a_subscriber_is_told_only_of_changes_and_after_the_observers() -> None:
    store = Store()
    told: list[str] = []
    store.subscribe(lambda: told.append(f"changed {store.sequence}"))
    store.observe(lambda sequence, *_: told.append(f"fact {sequence}"))
    store.dispatch(spawned("a"))
    store.dispatch(spawned("a"))
    assert told == ["fact 1", "changed 1", "fact 2"]


def test_a_subscriber_that_ends_itself_does_not_take_the_next_ones_turn() -> None:
    store = Store()
    told: list[str] = []

    def once() -> None:
        told.append("once")
        end()

    end = store.subscribe(once)
    store.subscribe(lambda: told.append("always"))
    store.dispatch(spawned("a"))
    store.dispatch(ready("a"))
    assert told == ["once", "always", "always"]


def test_nobody_but_the_owner_changes_the_state() -> None:
    def check() -> None:
        raise NotTheOwner

    store = Store(check_owner=check)
    before = store.state
    with pytest.raises(NotTheOwner):
        store.dispatch(spawned("a"))
    assert store.state is before
    assert store.sequence == 0


def test_a_lifecycle_action_that_changed_nothing_is_logged_in_one_line() -> None:
    lines: list[str] = []
    store = Store(log=lines.append)
    store.dispatch(spawned("a"))
    store.dispatch(ready("a"))
    store.dispatch(did.TeammateContinued(at=1.0, run_id=RunId("run-a")))
    store.dispatch(did.TextStreamed(at=1.0))
    assert len(lines) == 1
    assert lines[0].startswith("3 TeammateContinued changed nothing")
    assert "\n" not in lines[0]


def test_the_store_starts_from_the_state_it_is_given() -> None:
    first = Store()
    first.dispatch(spawned("a"))
    second = Store(first.state)
    second.dispatch(ready("a"))
    assert second.state.team.by_run[RunId("run-a")].is_idle
    assert not first.state.team.by_run[RunId("run-a")].is_idle
