"""Three children of one lead, in every order of their ends: the lead is told once, of all three."""

from itertools import permutations
from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import IdleReason, Lifetime, Outcome
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply, error_reply
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Said
from tests.support.world import HOLD, MAY_HOLD, World, calls, says, world

WAYS = ("completes", "fails", "is killed")


def lead(talk: Conversation) -> Reply:
    return says(f"Told: {talk.last_user_text}")


def kid(talk: Conversation) -> Reply:
    """Waits for the test, then ends as its name says."""
    if not talk.results:
        return calls("bash", command=HOLD.replace("test -e go", f"test -e go-{talk.agent}"))
    return error_reply(400, "broken") if (talk.agent or "").startswith("fails") else says(f"By {talk.agent}.")


async def three_kids(here: World) -> tuple[RunId, dict[str, RunId]]:
    boss = here.spawn("boss")
    await here.idle(boss)
    kids = {}
    for way in WAYS:
        name = way.replace(" ", "-")
        hold = HOLD.replace("test -e go", f"test -e go-{name}@test".replace("@test", ""))
        kids[way] = here.spawn(name, lifetime=Lifetime.TASK, parent=boss, rules=(f"Bash({hold})",))
    for run_id in kids.values():
        await here.until(lambda state, one=run_id: state.team.by_run[one].running)  # type: ignore[misc]
    return boss, kids


@pytest.mark.parametrize("order", permutations(WAYS))
async def test_the_lead_is_told_once_of_all_three_in_the_order_of_their_ends(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    answers = {"boss": lead, "completes": kid, "fails": kid, "is-killed": kid}
    async with world(answers, tmp_path) as here:
        boss, kids = await three_kids(here)
        for number, way in enumerate(order):
            assert here.told(did.ChildrenAnnounced) == []
            assert here.mate(boss).is_idle, number
            if way == "is killed":
                assert here.session.supervisor.kill(kids[way])
            else:
                (tmp_path / f"go-{way}").touch()
            await here.ended(kids[way])
        (told,) = here.told(did.ChildrenAnnounced)
        assert told.children == tuple(kids[way] for way in order)
        await here.until(lambda state: "Told: Message" in state.team.by_run[boss].final_text)
        await here.idle(boss, IdleReason.DONE)
        said = [one for one in here.entries(boss, Said) if one.sender != "you"]
        assert len(said) == 1
        assert here.requests_of(boss) == 2
        places = [said[0].text.index(word) for way in order for word in (f"{way.replace(' ', '-')}: go",)]
        assert places == sorted(places)
        for words in ("completed after", "failed after", "killed after", "By completes", "broken"):
            assert words in said[0].text
        assert all(here.mate(run_id).announced_at is not None for run_id in kids.values())


async def test_a_requester_that_has_ended_costs_no_request_and_the_person_has_a_notice(
    tmp_path: Path,
) -> None:
    async with world({"boss": lead, "kid": lambda talk: calls("bash", command=HOLD)}, tmp_path) as here:
        boss = here.spawn("boss")
        await here.idle(boss)
        run_id = here.spawn("kid", lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
        await here.holding(run_id)
        assert here.session.supervisor.kill(boss)
        assert here.session.supervisor.kill(run_id)
        (told,) = here.told(did.ChildrenAnnounced)
        assert told.run_id is None
        assert told.children == (run_id,)
        notice = here.state.session.notice
        assert notice is not None
        assert "kid killed" in notice.text
        assert boss not in here.state.mail
        assert here.requests_of(boss) == 1


async def test_what_the_person_started_is_announced_to_nobody(tmp_path: Path) -> None:
    async with world({"kid": lambda talk: says("Done.")}, tmp_path) as here:
        mate = await here.ended(here.spawn("kid", lifetime=Lifetime.TASK))
        assert mate.outcome is Outcome.COMPLETED
        assert here.told(did.ChildrenAnnounced) == []
