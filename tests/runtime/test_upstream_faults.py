"""What goes wrong upstream ends one run, in one line, and `revive` goes on (UPS-01, 02, 05-08, 10, 11)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.domain.teammates import Lifecycle, Outcome, Way
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Cut, ErrorEvent, Malformed, Reply, error_reply
from quarterdeck.llm.steps import Step, StreamEvent
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Text
from tests.support.world import calls, says, world

RAN = "echo ran >> ran"
RULES = (f"Bash({RAN})",)
HALF = "Half an answer."

FAULTS = {
    "400": (error_reply(400, "messages: Not like this"), "Not like this"),
    "401": (error_reply(401, "invalid x-api-key"), "key"),
    "403": (error_reply(403, "Not for you"), "Not for you"),
    "404": (error_reply(404, "model: claude-test"), "claude-test"),
    "429": (error_reply(429, "Slow down", headers={"retry-after": "86400"}), "429"),
    "500": (error_reply(500, "Out of order"), "Out of order"),
    "529": (error_reply(529, "Overloaded"), "verloaded"),
    "a proxy's page": (error_reply(502, body="<html><h1>Bad\nGateway</h1></html>"), "502"),
    "error event": (Reply(text=HALF, error_event=ErrorEvent(after=3)), "verloaded"),
    "reset": (Reply(text=HALF, cut=Cut(after=3, how="hard")), "onnection"),
    "malformed": (Reply(text=HALF, malformed=Malformed(after=3)), ""),
}


def then_well(fault: Reply, folder: Path) -> Callable[[Conversation], Reply]:
    """A tool call, then the fault for as long as there is the file `ill`."""

    def worker(talk: Conversation) -> Reply:
        if not talk.results:
            return calls("bash", command=RAN)
        return fault if (folder / "ill").exists() else says("Well again.")

    return worker


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_upstream_fails_the_run_in_one_line_and_a_revival_goes_on(
    name: str, tmp_path: Path
) -> None:
    fault, words = FAULTS[name]
    (tmp_path / "ill").touch()
    async with world({"a": then_well(fault, tmp_path)}, tmp_path) as here:
        run_id = here.spawn("a", rules=RULES)
        other = here.spawn("other")
        mate = await here.ended(run_id)
        assert (mate.outcome, mate.lifecycle) == (Outcome.FAILED, Lifecycle.FAILED)
        assert words in mate.error
        assert mate.error == " ".join(mate.error.split())
        assert 10 < len(mate.error) < 400
        assert here.requests_of(run_id) == 2  # the SDK's own retries are off
        assert here.entries(run_id, Text) == []
        assert here.state.transcripts[run_id].live == ()
        assert not here.session.epochs.is_live(run_id)
        assert len([fact for fact in here.told(did.TeammateEnded) if fact.run_id == run_id]) == 1
        here.history(run_id)
        assert not (await here.idle(other)).is_terminal
        (tmp_path / "ill").unlink()
        new = here.session.supervisor.revive(run_id).run_id
        assert new is not None
        assert (await here.idle(new)).final_text == "Well again."
        assert (tmp_path / "ran").read_text() == "ran\n"
        assert HALF not in str(here.history(new))


async def test_a_crash_of_ours_ends_that_run_alone_with_one_record(tmp_path: Path) -> None:
    """SUP-01: whatever its own code raises."""

    async with world(None, tmp_path) as here:
        runs = [here.spawn(f"a{number}", prompt="") for number in range(20)]
        await here.until(lambda state: all(state.team.by_run[one].is_idle for one in runs))
        odd = set(runs[1::2])
        real = here.session.model.stream_step

        async def step(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
            if request.run_id in odd:
                raise ZeroDivisionError("ours")
            return await real(request, on_event)

        here.session.model.stream_step = step  # type: ignore[method-assign]
        for run_id in runs:
            here.session.supervisor.send(run_id, "you", "go", Way.STEER)
        for run_id in runs:
            if run_id not in odd:
                assert (await here.idle(run_id)).final_text == "Done."
                continue
            mate = await here.ended(run_id)
            assert mate.outcome is Outcome.FAILED
            assert "ZeroDivisionError" in mate.error
        ended = [fact.run_id for fact in here.told(did.TeammateEnded)]
        assert sorted(ended) == sorted(odd)
        assert here.session.scopes.counts().abandoned == 0
