"""Telling a requester of the ends of what it started: once, in one message, when the last of them has ended.

Told and marked is one fact, so that no crash loses an announcement or makes it twice. A killed, stopped or
timed-out run counts as ended like any other. It starts nothing but the delivery of that message.
"""

from collections.abc import Callable, Sequence

from quarterdeck.domain.ids import MessageId, RunId
from quarterdeck.domain.teammates import Lifetime
from quarterdeck.runtime.ports import Clock, Dispatch, Ids
from quarterdeck.state import actions as did
from quarterdeck.state.selectors import select_lives, select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Team, Teammate


class Announcer:
    """One per session.

    :param deliver: tells a living run that there is mail.
    """

    def __init__(
        self, store: Store, dispatch: Dispatch, clock: Clock, ids: Ids, deliver: Callable[[RunId], None]
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._clock = clock
        self._ids = ids
        self._deliver = deliver

    def check(self, ended: Teammate) -> None:
        """One run has ended: tell its requester, if nothing that it started lives any more."""
        if ended.parent is None or ended.lifetime is not Lifetime.TASK:
            return
        team = self._store.state.team
        requester = living_requester(team, ended)
        lives = select_lives(team, requester.run_id if requester is not None else ended.parent)
        children = unannounced(team, frozenset(lives))
        if not children:
            return
        now = self._clock.wall()
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
        if requester is not None:
            self._deliver(requester.run_id)
            return
        names = ", ".join(f"{child.name} {_outcome(child)}" for child in children)
        self._dispatch(did.NoticeRaised(at=now, text=f"Whoever asked for it has ended: {names}."))


def living_requester(team: Team, mate: Teammate) -> Teammate | None:
    """Who spawned it, in the life that it lives now; None = the person, or it has ended."""
    if mate.parent is None:
        return None
    for other in reversed(select_living(team)):
        if mate.parent in select_lives(team, other.run_id):
            return other
    return None


def unannounced(team: Team, lives: frozenset[RunId]) -> tuple[Teammate, ...]:
    """Ended task runs of a requester that it was not told of, by their ends; none while one still lives."""
    found = []
    for mate in team.by_run.values():
        if mate.parent not in lives or mate.lifetime is not Lifetime.TASK:
            continue
        if not mate.is_terminal:
            return ()
        if mate.announced_at is None:
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
