"""Telling a requester of the ends of what it started: once, in one message, when the last of them has ended.

Told and marked is one fact, so that no crash loses an announcement or makes it twice. A killed, stopped or
timed-out run counts as ended like any other. It starts nothing but the delivery of that message. What fails
is tried again later and later, and at the session's next start: telling is decided on the state each time.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec

from quarterdeck.domain.ids import MessageId, RunId
from quarterdeck.domain.teammates import Lifetime
from quarterdeck.runtime.ports import Clock, Dispatch, Ids
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import select_lives, select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Team, Teammate

log = logging.getLogger("quarterdeck")

AGAIN_S = 1.0
"""How long after the first failure it is tried again; twice as long after each further one."""
LATEST_S = 300.0
"""It is never longer than this."""


class _Failed(msgspec.Struct):
    """What could not be told to one requester."""

    times: int = 0
    due: float = 0.0
    """Monotonic seconds."""
    notice: str = ""
    """For the person, and not shown yet."""


class Announcer:
    """One per session.

    :param deliver: tells a living run that there is mail; may raise.
    """

    def __init__(
        self, store: Store, dispatch: Dispatch, clock: Clock, ids: Ids, deliver: Callable[[RunId], None]
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._clock = clock
        self._ids = ids
        self._deliver = deliver
        self._failed: dict[RunId, _Failed] = {}

    def check(self, ended: Teammate) -> None:
        """One run has ended: tell its requester, if nothing that it started lives any more. Never raises.

        A requester is told to look in any case: it may have waited for this end before it could complete.
        """
        if ended.parent is not None:
            self._try(ended.parent)

    def check_all(self) -> None:
        """Tell every requester what an earlier process left to be told. Never raises."""
        team = self._store.state.team
        for parent in dict.fromkeys(mate.parent for mate in team.by_run.values() if is_unannounced(mate)):
            if parent is not None:
                self._try(parent)

    def tick(self) -> None:
        """Try again what failed and is due. Never raises."""
        now = self._clock.monotonic()
        for parent, failed in tuple(self._failed.items()):
            if now >= failed.due:
                self._try(parent)

    def _try(self, parent: RunId) -> None:
        failed = self._failed.pop(parent, None) or _Failed()
        try:
            self._announce(parent, failed)
        except Exception as fault:  # the boundary: a requester that can't be told holds up no other end
            again_s = min(LATEST_S, AGAIN_S * 2**failed.times)
            failed.times += 1
            failed.due = self._clock.monotonic() + again_s
            self._failed[parent] = failed
            log.warning(
                "%s was not told of its teammates' ends (%s: %s); it is tried again in %.0f s",
                parent,
                type(fault).__name__,
                fault,
                again_s,
            )

    def _announce(self, parent: RunId, failed: _Failed) -> None:
        team = self._store.state.team
        requester = _living(team, parent)
        lives = select_lives(team, requester.run_id if requester is not None else parent)
        children = unannounced(team, frozenset(lives))
        now = self._clock.wall()
        if children:
            self._dispatch(
                did.ChildrenAnnounced(
                    at=now,
                    run_id=requester.run_id if requester is not None else None,
                    children=tuple(child.run_id for child in children),
                    message_id=MessageId(self._ids("message")),
                    sender=", ".join(child.name for child in children),
                    text=announcement(children),
                )
            )
            if requester is None:
                names = ", ".join(f"{child.name} {_outcome(child)}" for child in children)
                failed.notice = f"Whoever asked for it has ended: {names}."
        if failed.notice:
            self._dispatch(did.NoticeRaised(at=now, text=failed.notice))
            failed.notice = ""
        if requester is not None:
            self._deliver(requester.run_id)


def living_requester(team: Team, mate: Teammate) -> Teammate | None:
    """Who spawned it, in the life that it lives now; None = the person, or it has ended."""
    return _living(team, mate.parent) if mate.parent is not None else None


def _living(team: Team, run_id: RunId) -> Teammate | None:
    """The life that a run lives now; None = it has ended for good, so far."""
    for other in reversed(select_living(team)):
        if run_id in select_lives(team, other.run_id):
            return other
    return None


def is_unannounced(mate: Teammate) -> bool:
    """It has ended, and whoever asked for it was not told."""
    return (
        mate.is_terminal
        and mate.lifetime is Lifetime.TASK
        and mate.parent is not None
        and mate.announced_at is None
        and mate.released_at is None
    )


def unannounced(team: Team, lives: frozenset[RunId]) -> tuple[Teammate, ...]:
    """Ended task runs of a requester that it was not told of, by their ends; none while one still lives.

    A run that was released neither counts nor is told of.
    """
    found = []
    for mate in team.by_run.values():
        if mate.parent not in lives or mate.lifetime is not Lifetime.TASK or mate.released_at is not None:
            continue
        if not mate.is_terminal:
            return ()
        if is_unannounced(mate):
            found.append(mate)
    return tuple(sorted(found, key=lambda mate: mate.ended_nth))


def announcement(children: Sequence[Teammate]) -> str:
    """What the requester reads: each one's label, outcome, duration, tokens and findings."""
    many = len(children) > 1
    head = f"The {len(children)} teammates that you started have" if many else "The teammate you started has"
    parts = [f"{head} ended{', in this order' if many else ''}."]
    for number, child in enumerate(children, 1):
        seconds = max(0.0, (child.ended_at or child.spawned_at) - child.spawned_at)
        title = f"{number}. {child.description}" if many else child.description
        parts.append(f"{title}\n{_outcome(child)} after {seconds:.0f} s, {child.usage.total:,} tokens")
        report = child.final_text or child.error
        if child.error and child.final_text:
            report = f"{child.error}\n\n{child.final_text}"
        parts.append(report or "It left no text.")
    return "\n\n".join(parts)


def _outcome(child: Teammate) -> str:
    return child.outcome.value.replace("_", " ") if child.outcome is not None else "unknown"
