"""States of the past from facts in order, with one kept every so many facts, so that any is near one of them.

It holds facts and states and reads nothing; whoever has the facts tells them.
"""

from bisect import bisect_right
from collections.abc import Iterable

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce

EVERY = 250
"""Facts between two states that are kept; a state costs at most so many folds."""


class Folded:
    """`at(number)` is the fold of all facts up to that number, whatever was asked before."""

    def __init__(self, facts: Iterable[tuple[int, did.Action]] = (), *, every: int = EVERY) -> None:
        self._every = every
        self._numbers: list[int] = []
        self._actions: list[did.Action] = []
        self._kept: list[AppState] = [AppState()]
        """The state before fact 0, before fact `every`, …, as far as it was needed."""
        self.extend(facts)

    @property
    def last(self) -> int:
        """The number of the newest fact; 0 = there is none."""
        return self._numbers[-1] if self._numbers else 0

    def extend(self, facts: Iterable[tuple[int, did.Action]]) -> None:
        """Newer facts; those that are known already are left out."""
        for number, action in facts:
            if number > self.last:
                self._numbers.append(number)
                self._actions.append(action)

    def at(self, number: int) -> AppState:
        """The state after the fact of this number and all before it."""
        count = bisect_right(self._numbers, number)
        nearest = min(count // self._every, len(self._kept) - 1)
        state = self._kept[nearest]
        for place in range(nearest * self._every, count):
            if place % self._every == 0 and place // self._every == len(self._kept):
                self._kept.append(state)
            state = reduce(state, self._actions[place])
        return state
