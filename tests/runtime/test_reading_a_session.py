"""What the index, the pages, `ps` and the trace say of a session that the real runtime has kept."""

from pathlib import Path

from quarterdeck.bootstrap.archive import StoredArchive
from quarterdeck.bootstrap.controller import controller_for
from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.stored_runs import runs_now
from quarterdeck.bootstrap.trace import trace_of
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import SpawnConfig
from quarterdeck.permissions.rules import parse_rule
from quarterdeck.storage.reader import JournalReader
from tests.support.world import World, calls, says, world

ANSWERS = {
    "coder": lambda conversation: (
        says("The harbour is whole.")
        if conversation.last_result is not None
        else calls("bash", "I look.", command="echo harbour")
    ),
    "asker": lambda conversation: calls("bash", "May I?", command="touch asked"),
}


def started(here: World, name: str) -> RunId:
    """A resident teammate at work."""
    spawned = here.session.supervisor.spawn(SpawnConfig(name=name, prompt="Look after it."))
    assert spawned.run_id is not None
    return spawned.run_id


async def test_a_living_session_is_read_as_it_is_shown(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "work"
    folder.mkdir()
    allowed = parse_rule("Bash(echo harbour)")
    async with world(ANSWERS, folder, keep=Keep(state), allow=(allowed,)) as here:
        coder, asker = started(here, "coder"), started(here, "asker")
        await here.idle(coder)
        await here.asked(asker)
        keeper, session_id = here.session.keeper, here.session.id
        assert keeper is not None
        await keeper.journal.committed()

        controller = controller_for(here.session, tmp_path / "settings.toml", lambda prefix: ())
        archive = controller.archive
        for run_id in (coder, asker):
            stored = await archive.page(session_id, run_id, before=10_000, count=100)
            assert stored == here.session.conversations.page(run_id, before=10_000, count=100)
            assert stored
        found = await archive.search("harbour")
        assert [(hit.name, hit.speaker) for hit in found.hits] == [("coder", "coder"), ("coder", "Bash")]
        assert await archive.runs() == ()
        assert {one.name for one in await StoredArchive(state, "another").runs()} == {"coder", "asker"}

        runs, faults = runs_now(state, every=False)
        assert faults == ()
        words = {one.run.name: one.word for one in runs}
        assert words == {"coder": "idle", "asker": "waiting"}
        (waiting,) = [one.waiting for one in runs if one.run.name == "asker"]
        assert waiting is not None
        assert (waiting.on, waiting.for_person) == ("permission", True)
        assert all(one.owner is not None for one in runs)
        assert {one.run.name: one.run.usage.requests for one in runs} == {"coder": 2, "asker": 1}

        path = keeper.place.database
        with JournalReader(path) as reader:
            trace = trace_of(fact for _, fact in reader.facts_of_state())
        kinds = {one.get("cat") for one in trace["traceEvents"] if one["ph"] == "X"}
        assert kinds == {"run", "turn", "step", "tool", "wait"}
    runs, _ = runs_now(state, every=False)
    assert runs == ()
    with JournalReader(path) as reader:
        assert reader.damage == []
