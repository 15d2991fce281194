"""SPEC 2.6: rows leave by time, on a clock of the test; History keeps their runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.controller import Conversation, Teammates
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import KillProof, Lifetime, Outcome
from quarterdeck.llm.scripted.replies import error_reply
from quarterdeck.runtime.housekeeping import Housekeeping
from quarterdeck.runtime.ports import Clock
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said, Text
from quarterdeck.state.selectors import DisplayDelays, select_living, select_rows
from tests.support.world import World, says, world

FOREVER = DisplayDelays(killed=1e9, stopped=1e9, completed=1e9, timed_out=1e9, seen=1e9)
DELAYS = DisplayDelays()
ANSWERS: dict[str, Any] = {"bad": lambda _: error_reply(400, "No."), "a": lambda _: says("Hello.")}


class Room:
    """A world whose own housekeeping never evicts, and one of the test's that does, by hand."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.now = here.session.clock.wall()
        session = here.session
        self.housekeeping = Housekeeping(
            session.store,
            session.dispatch,
            session.supervisor,
            Clock(wall=lambda: self.now, monotonic=session.clock.monotonic),
            session.new_verb,
            delays=DELAYS,
            changes_verbs=False,
        )
        self.teammates = Teammates(session)

    def tick_at(self, now: float) -> None:
        self.now = now
        self.housekeeping.tick()

    def is_shown(self, run_id: RunId) -> bool:
        shown = run_id in self.here.state.team.rows
        assert shown == any(
            row.run_id == run_id for row in select_rows(self.here.state.team, self.here.state.inbox)
        )
        assert shown == (run_id not in self.here.state.team.history)
        return shown

    def leaves_after(self, run_id: RunId, start: float, delay: float) -> None:
        """It is there until the very end of its delay and gone with it."""
        self.tick_at(start)
        self.tick_at(start + delay - 0.01)
        assert self.is_shown(run_id)
        self.tick_at(start + delay + 0.01)
        assert not self.is_shown(run_id)

    async def ended(self, run_id: RunId) -> float:
        """Wait for its end and the whole proof of it; when it ended."""
        await self.here.ended(run_id)
        await self.here.until(
            lambda state: (proof := state.team.by_run[run_id].kill) is None or proof.is_complete
        )
        ended_at = self.here.mate(run_id).ended_at
        assert ended_at is not None
        return ended_at


async def kill(room: Room, outcome: Outcome = Outcome.KILLED) -> RunId:
    run_id = room.here.spawn("a", prompt="")
    room.here.session.supervisor.kill(run_id, outcome=outcome)
    return run_id


async def complete(room: Room) -> RunId:
    return room.here.spawn("a", lifetime=Lifetime.TASK)


async def stop(room: Room) -> RunId:
    run_id = room.here.spawn("a", prompt="")
    room.here.session.supervisor.stop(run_id)
    return run_id


async def time_out(room: Room) -> RunId:
    return await kill(room, Outcome.TIMED_OUT)


@pytest.mark.parametrize(
    ("end", "outcome", "delay"),
    [
        (kill, Outcome.KILLED, 3.0),
        (stop, Outcome.STOPPED, 3.0),
        (complete, Outcome.COMPLETED, 5.0),
        (time_out, Outcome.TIMED_OUT, 30.0),
    ],
)
async def test_a_row_keeps_its_place_for_the_delay_of_its_outcome(
    end: Callable[[Room], Any], outcome: Outcome, delay: float, tmp_path: Path
) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        run_id = await end(room)
        ended_at = await room.ended(run_id)
        assert here.mate(run_id).outcome is outcome
        room.leaves_after(run_id, ended_at, delay)


async def test_a_row_that_is_viewed_stays_and_its_delay_starts_when_it_is_left(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        run_id = await kill(room)
        ended_at = await room.ended(run_id)
        room.teammates.view(run_id)
        room.tick_at(ended_at + 1_000)
        assert room.is_shown(run_id)
        left_at = ended_at + 1_000
        here.session.dispatch(did.TeammateViewed(at=left_at, run_id=None))
        room.leaves_after(run_id, left_at, DELAYS.killed)


async def test_a_failed_row_stays_until_it_was_seen_and_then_its_delay(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        run_id = here.spawn("bad")
        ended_at = await room.ended(run_id)
        assert here.mate(run_id).outcome is Outcome.FAILED
        room.tick_at(ended_at + 100_000)
        assert room.is_shown(run_id)
        room.teammates.see(run_id)
        seen_at = here.mate(run_id).seen_at
        assert seen_at is not None
        room.teammates.see(run_id)
        assert here.mate(run_id).seen_at == seen_at
        room.leaves_after(run_id, seen_at, DELAYS.seen)


async def test_a_killed_row_with_anything_left_does_not_leave(tmp_path: Path) -> None:
    """A detached task, or one process that the kernel still counts."""
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        run_id = await kill(room)
        at = await room.ended(run_id)
        here.session.dispatch(did.KillTaskEnded(at=at, run_id=run_id, after_s=2.0, detached=True))
        proof = here.mate(run_id).kill
        assert isinstance(proof, KillProof)
        assert proof.detached
        room.tick_at(at + 100_000)
        assert room.is_shown(run_id)
        here.session.dispatch(did.KillTaskEnded(at=at, run_id=run_id, after_s=60.0))
        room.tick_at(at + 100_000)
        assert not room.is_shown(run_id)


async def test_the_living_never_leave(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        run_id = here.spawn("a")
        await here.idle(run_id)
        room.tick_at(room.now + 1e8)
        assert room.is_shown(run_id)
        assert [mate.run_id for mate in select_living(here.state.team)] == [run_id]


async def test_an_evicted_run_is_in_the_history_whole_and_can_be_revived(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        first, second = here.spawn("a1"), here.spawn("a2")
        for run_id in (first, second):
            await here.idle(run_id)
            here.session.supervisor.kill(run_id)
        at = await room.ended(first)
        at = max(at, await room.ended(second))
        room.tick_at(at + 10)
        assert set(here.state.team.history) == {first, second}
        assert here.state.team.rows == ()
        assert first not in here.state.transcripts
        assert here.mate(first).outcome is Outcome.KILLED
        assert here.mate(first).is_evicted
        kept = await Conversation(here.session).page(first, before=10_000, count=100)
        assert [entry.text for entry in kept if isinstance(entry, Said | Text)] == ["go", "Hello."]
        result = here.session.supervisor.revive(first, "Again.")
        assert result.run_id is not None
        assert (await here.idle(result.run_id)).name == "a1"
        assert here.requests_of(result.run_id) == 1
        assert room.is_shown(result.run_id)
        assert first in here.state.team.history
        room.tick_at(at + 20)
        assert len([fact for fact in here.told(did.TeammateEvicted) if fact.run_id == first]) == 1


async def test_its_name_is_free_at_once_though_its_row_is_still_there(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path, delays=FOREVER) as here:
        room = Room(here)
        old = await kill(room)
        new = here.spawn("a", prompt="")
        assert room.is_shown(old)
        assert room.is_shown(new)
        room.tick_at(await room.ended(old) + 10)
        assert not room.is_shown(old)
        assert room.is_shown(new)
