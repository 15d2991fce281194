"""DUR-06: an announcement that fails is made again, later and later, and at a start; it is never doubled."""

from pathlib import Path

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime, Outcome
from quarterdeck.runtime.announcing import AGAIN_S, LATEST_S, Announcer
from quarterdeck.runtime.ports import Clock
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from tests.support.restarts import kept, replayed
from tests.support.states import ended, opened, run, spawned, working
from tests.support.world import HOLD, MAY_HOLD, World, calls, says

BOSS, KID = run("boss"), run("kid")


class Desk:
    """An announcer on a store, whose mail and whose receiver fail as often as a test says."""

    def __init__(self, *, boss_lives: bool = True) -> None:
        self.now = 100.0
        self.store = Store(AppState())
        self.mail_fails = self.worker_fails = self.notice_fails = 0
        self.tried: list[float] = []
        self.delivered: list[RunId] = []
        self.told: list[did.Action] = []
        self._number = 0
        for fact in (opened(), *working("boss"), self.kid()):
            self.store.dispatch(fact)
        if not boss_lives:
            self.store.dispatch(ended("boss", Outcome.STOPPED))
        clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now)
        self.announcer = Announcer(self.store, self.dispatch, clock, self.new_id, self.deliver)

    def kid(self) -> did.TeammateSpawned:
        fact = spawned("kid", parent=BOSS)
        return did.TeammateSpawned(
            **{name: getattr(fact, name) for name in fact.__struct_fields__ if name != "lifetime"},
            lifetime=Lifetime.TASK,
        )

    def end(self) -> None:
        """The kid ends, as the supervisor tells it."""
        self.store.dispatch(ended("kid", Outcome.COMPLETED))
        self.announcer.check(self.store.state.team.by_run[KID])

    def new_id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    def dispatch(self, action: did.Action) -> int:
        if isinstance(action, did.ChildrenAnnounced):
            self.tried.append(self.now)
            if self.mail_fails:
                self.mail_fails -= 1
                raise OSError("the mail can't be written")
        if isinstance(action, did.NoticeRaised) and self.notice_fails:
            self.notice_fails -= 1
            raise RuntimeError("the screen is gone")
        self.told.append(action)
        return self.store.dispatch(action)

    def deliver(self, run_id: RunId) -> None:
        if self.worker_fails:
            self.worker_fails -= 1
            raise ConnectionError("its worker takes nothing")
        self.delivered.append(run_id)

    def wait(self, seconds: float) -> None:
        """Time goes by, in the steps of the housekeeping."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 0.25, until)
            self.announcer.tick()

    @property
    def mails(self) -> int:
        return len(self.store.state.mail.get(BOSS, ()))


def test_a_mail_that_cannot_be_written_is_tried_again_after_twice_the_time_each_time() -> None:
    desk = Desk()
    desk.mail_fails = 4
    desk.end()
    assert desk.tried == [100.0]
    assert desk.mails == 0
    assert desk.store.state.team.by_run[KID].announced_at is None
    desk.wait(60)
    assert desk.tried == [100.0, 101.0, 103.0, 107.0, 115.0]
    assert desk.mails == 1
    assert desk.delivered == [BOSS]
    assert desk.store.state.team.by_run[KID].announced_at == 115.0
    desk.wait(600)
    assert len(desk.tried) == 5
    assert desk.mails == 1


def test_the_time_between_two_tries_has_an_end() -> None:
    desk = Desk()
    desk.mail_fails = 30
    desk.end()
    desk.wait(5_000)
    gaps = [after - before for before, after in zip(desk.tried, desk.tried[1:], strict=False)]
    assert gaps[0] == AGAIN_S
    assert gaps == sorted(gaps)
    assert gaps[-1] == LATEST_S
    assert len(gaps) > 15


def test_a_worker_that_takes_nothing_is_told_again_and_the_mail_is_there_once() -> None:
    desk = Desk()
    desk.worker_fails = 3
    desk.end()
    assert desk.mails == 1
    assert desk.delivered == []
    assert desk.store.state.team.by_run[KID].announced_at == 100.0
    desk.wait(0.75)
    assert desk.worker_fails == 2
    desk.wait(30)
    assert desk.delivered == [BOSS]
    assert desk.mails == 1
    assert [type(one) for one in desk.told] == [did.ChildrenAnnounced]


def test_a_notice_that_could_not_be_shown_is_shown_later_and_once() -> None:
    desk = Desk(boss_lives=False)
    desk.notice_fails = 2
    desk.end()
    assert desk.store.state.session.notice is None
    desk.wait(30)
    notices = [one.text for one in desk.told if isinstance(one, did.NoticeRaised)]
    assert notices == ["Whoever asked for it has ended: kid completed."]
    assert len([one for one in desk.told if isinstance(one, did.ChildrenAnnounced)]) == 1


def test_a_requester_that_ended_meanwhile_costs_a_notice_and_no_mail() -> None:
    desk = Desk()
    desk.mail_fails = 1
    desk.end()
    desk.store.dispatch(ended("boss", Outcome.STOPPED))
    desk.wait(10)
    (told,) = [one for one in desk.told if isinstance(one, did.ChildrenAnnounced)]
    assert told.run_id is None
    assert desk.mails == 0
    assert desk.store.state.session.notice is not None
    assert desk.delivered == []


def test_what_an_earlier_process_left_is_told_once() -> None:
    desk = Desk()
    desk.store.dispatch(ended("kid", Outcome.COMPLETED))  # nobody checked: the process was at its end
    assert desk.mails == 0
    desk.announcer.check_all()
    desk.announcer.check_all()
    assert desk.mails == 1
    assert len(desk.tried) == 1


@pytest.mark.parametrize("lives", [True, False])
async def test_the_announcement_that_the_end_of_the_program_left_is_made_at_the_next_start(
    tmp_path: Path, lives: bool
) -> None:
    answers = {"boss": lambda _: says("I wait."), "kid": lambda _: calls("bash", command=HOLD)}
    async with kept(answers, tmp_path) as sessions:
        before = sessions.begin()
        boss = before.spawn("boss")
        await before.idle(boss)
        kids = [await _holding(before, name, boss) for name in ("kid-1", "kid-2")]
        if not lives:
            assert before.session.supervisor.kill(boss)
        await before.session.close()
        assert before.told(did.ChildrenAnnounced) == []
        after = sessions.come_back(tmp_path / "state", before.session.id)
        (told,) = after.told(did.ChildrenAnnounced)
        assert set(told.children) == set(kids)
        assert told.run_id == (boss if lives else None)
        assert all(after.mate(kid).outcome is Outcome.UNKNOWN for kid in kids)
        again = await sessions.crash(after)
        assert again.told(did.ChildrenAnnounced) == []
        if lives:
            assert len((await replayed(again)).mail[boss]) == 1
            assert again.mate(boss).paused_by == "the restart"
        assert again.requests_of(boss) == 1, "coming back asked the model"


async def _holding(here: World, name: str, boss: RunId) -> RunId:
    run_id = here.spawn(name, lifetime=Lifetime.TASK, parent=boss, rules=(MAY_HOLD,))
    await here.holding(run_id)
    return run_id


async def test_a_requester_whose_worker_refuses_reads_it_when_the_worker_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"boss": lambda talk: says(f"Told: {talk.last_user_text}"), "kid": lambda _: says("Found it.")}
    async with kept(answers, tmp_path) as sessions:
        here = sessions.begin()
        boss = here.spawn("boss")
        await here.idle(boss)
        worker = here.session.supervisor.worker(boss)
        assert worker is not None
        deliver, refusals = worker.deliver, [1, 2]

        def refuses() -> None:
            if refusals:
                refusals.pop()
                raise ConnectionError("takes nothing now")
            deliver()

        monkeypatch.setattr(worker, "deliver", refuses)
        here.session.supervisor.announcer._clock = _fast(here)
        kid = await here.ended(here.spawn("kid", lifetime=Lifetime.TASK, parent=boss))
        assert kid.outcome is Outcome.COMPLETED, "a refusal of its requester is no fault of the run"
        await here.until(lambda state: "Found it." in state.team.by_run[boss].final_text)
        assert len(here.told(did.ChildrenAnnounced)) == 1
        assert refusals == []


def _fast(here: World) -> Clock:
    """A clock on which each look is a minute later."""
    minutes = iter(range(10**6))
    return Clock(wall=here.session.clock.wall, monotonic=lambda: next(minutes) * 60.0)
