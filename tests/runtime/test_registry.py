"""The registry: records by id and by requester, and a record that is let go."""

from pathlib import Path

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime
from quarterdeck.runtime.housekeeping import is_due_for_archive
from quarterdeck.state import actions as did
from quarterdeck.storage.reader import JournalReader
from tests.support.durable import durable
from tests.support.restarts import kept, replayed
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world

ANSWERS = {
    "boss": lambda talk: says(f"Told: {talk.last_user_text}"),
    "quick": lambda _: says("Quick is done."),
    "slow": lambda talk: says("Slow is done.") if talk.results else calls("bash", command=HOLD),
}


async def a_boss(here: World, name: str = "boss") -> RunId:
    boss = here.spawn(name)
    await here.idle(boss)
    return boss


async def one_at_work_and_one_that_ended(here: World) -> tuple[RunId, RunId]:
    """Two that a boss asked for; it waits for both."""
    boss = await a_boss(here)
    slow = here.spawn("slow", lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
    await here.holding(slow)
    quick = here.spawn("quick", lifetime=Lifetime.TASK, parent=boss)
    await here.ended(quick)
    return slow, quick


def names(here: World, requester: RunId | None, *, every: bool = False) -> list[str]:
    return [mate.name for mate in here.session.registry.by_requester(requester, every=every)]


async def test_runs_are_listed_by_who_asked_for_them_over_all_their_lives(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path) as here:
        boss, other = await a_boss(here), await a_boss(here, "boss-2")
        registry = here.session.registry
        one = here.spawn("slow-1", lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
        here.spawn("slow-2", lifetime=Lifetime.TASK, parent=other, rules=(MAY_HOLD,))
        here.spawn("quick-1", lifetime=Lifetime.TASK)
        here.spawn("quick-2", parent=boss)  # resident: nobody waits for its end
        assert registry.get(one) == here.mate(one)
        assert registry.get(RunId("nobody")) is None
        assert (names(here, boss), names(here, other)) == (["slow-1"], ["slow-2"])
        assert names(here, None) == ["quick-1"]
        assert here.session.supervisor.kill(boss)
        revived = here.session.supervisor.revive(boss)
        assert revived.run_id is not None
        here.spawn("slow-3", lifetime=Lifetime.TASK, parent=revived.run_id, rules=(MAY_HOLD,))
        assert names(here, revived.run_id) == ["slow-1", "slow-3"]


async def test_release_says_whether_the_record_was_there(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path) as here:
        registry = here.session.registry
        run_id = here.spawn("quick", lifetime=Lifetime.TASK)
        await here.ended(run_id)
        assert registry.release(RunId("nobody")) is False
        assert registry.release(run_id) is True
        assert registry.release(run_id) is False
        assert len(here.told(did.RunReleased)) == 1
        assert registry.get(run_id) is not None
        assert names(here, None) == []
        assert names(here, None, every=True) == ["quick"]
        archived = here.spawn("quick", lifetime=Lifetime.TASK)
        await here.ended(archived)
        here.session.dispatch(did.RunArchived(at=1.0, run_id=archived))
        assert registry.release(archived) is False


async def test_what_the_requester_waited_for_is_told_when_the_last_that_held_it_up_is_released(
    tmp_path: Path,
) -> None:
    async with world(ANSWERS, tmp_path) as here:
        slow, quick = await one_at_work_and_one_that_ended(here)
        assert here.told(did.ChildrenAnnounced) == []
        assert here.session.registry.release(slow)
        (told,) = here.told(did.ChildrenAnnounced)
        assert told.children == (quick,)
        assert "Quick is done." in told.text
        assert not here.mate(slow).is_terminal, "it goes on"
        here.let_go()
        mate = await here.ended(slow)
        assert mate.final_text == "Slow is done."
        assert len(here.told(did.ChildrenAnnounced)) == 1
        assert mate.announced_at is None
        assert is_due_for_archive(mate, here.session.clock.wall())


async def test_an_ended_run_that_is_released_before_it_was_told_is_told_no_more(tmp_path: Path) -> None:
    async with world(ANSWERS, tmp_path) as here:
        slow, quick = await one_at_work_and_one_that_ended(here)
        assert here.session.registry.release(quick)
        assert here.mate(quick).archived_at is not None
        here.let_go()
        await here.ended(slow)
        (told,) = here.told(did.ChildrenAnnounced)
        assert told.children == (slow,)
        assert "Quick" not in told.text


async def test_a_release_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with kept(ANSWERS, tmp_path) as sessions:
        here = sessions.begin()
        boss = await a_boss(here)
        slow = here.spawn("slow", lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
        await here.holding(slow)
        quick = here.spawn("quick", lifetime=Lifetime.TASK)
        await here.ended(quick)
        assert here.session.registry.release(quick)
        assert here.session.registry.release(slow)
        assert durable(await replayed(here)) == durable(here.state)
        assert here.session.keeper is not None
        with JournalReader(here.session.keeper.place.database) as reader:
            rows = {row.run_id: row.archived_at for row in reader.runs()}
        assert rows[quick] is not None
        assert rows[slow] is None
        after = await sessions.crash(here)
        assert after.session.registry.release(slow) is False
        assert after.told(did.ChildrenAnnounced) == [], "nobody waits for it"
        after.session.housekeeping.tick()
        await after.until(lambda state: state.team.by_run[slow].archived_at is not None)
