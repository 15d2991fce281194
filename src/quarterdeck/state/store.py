"""The store: the only way to change the AppState. Order is by sequence number, never by clock."""

from collections.abc import Callable

from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce

Observer = Callable[[int, did.Action, AppState, AppState], None]
"""Told after the fact: sequence number, action, state before, state after. It only observes."""

Reducer = Callable[[AppState, did.Action], AppState]


class Store:
    """Holds the state of one session.

    :param check_owner: raises when called from a thread that does not own the store.
    :param sequence: the number of the last action that `state` has folded in.
    :param log: told of a lifecycle action that changed nothing, in one line.
    """

    def __init__(
        self,
        state: AppState | None = None,
        *,
        check_owner: Callable[[], None] = lambda: None,
        log: Callable[[str], None] = lambda line: None,
        reducer: Reducer = reduce,
        sequence: int = 0,
    ) -> None:
        self._state = AppState() if state is None else state
        self._sequence = sequence
        self._check_owner = check_owner
        self._log = log
        self._reduce = reducer
        self._subscribers: list[Callable[[], None]] = []
        self._observers: list[Observer] = []

    @property
    def state(self) -> AppState:
        """The state now."""
        return self._state

    @property
    def sequence(self) -> int:
        """The number of the last action."""
        return self._sequence

    def dispatch(self, action: did.Action) -> int:
        """Fold in what happened and return its sequence number."""
        self._check_owner()
        self._sequence += 1
        before = self._state
        after = self._reduce(before, action)
        self._state = after
        if after is before and isinstance(action, did.LIFECYCLE):
            self._log(f"{self._sequence} {type(action).__name__} changed nothing: {action!r:.200}")
        sequence = self._sequence
        for observe in tuple(self._observers):
            observe(sequence, action, before, after)
        if after is not before:
            for changed in tuple(self._subscribers):
                changed()
        return sequence

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each action that changed something. Returns what ends it."""
        self._subscribers.append(changed)
        return lambda: self._subscribers.remove(changed) if changed in self._subscribers else None

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Tell `observer` of every action, in order. Returns what ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None
