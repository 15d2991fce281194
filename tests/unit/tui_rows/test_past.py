"""Fetching states, and pages of a conversation as it was."""

import asyncio
from collections.abc import Coroutine

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.state.actions import Action
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import Entry, Note
from quarterdeck.state.session import Session
from quarterdeck.state.timeline import Moment
from quarterdeck.tui.past import PagesThen, PastSource, StateFetcher
from quarterdeck.tui.ports import ArchiveGone
from tests.support import states
from tests.support.states import fold, run


class SlowPast:
    """A past that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._open: list[asyncio.Future[AppState]] = []

    async def facts(self) -> tuple[tuple[int, Action], ...]:
        return ()

    async def state_at(self, sequence: int) -> AppState:
        self.asked.append(sequence)
        self._open.append(asyncio.get_running_loop().create_future())
        return await self._open[-1]

    async def answer(self, fault: Exception | None = None) -> None:
        """Answer the last question."""
        waiting = self._open[-1]
        if fault is not None:
            waiting.set_exception(fault)
        else:
            waiting.set_result(state_of(self.asked[-1]))
        await settle()


class Bench:
    """A fetcher, and what it showed."""

    def __init__(self) -> None:
        self.past = SlowPast()
        self.shown: list[tuple[str, int]] = []
        self.faults: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.fetcher = StateFetcher(
            self.past,
            start=self._start,
            show=lambda state, moment: self.shown.append((state.session.id, moment.number)),
            fail=self.faults.append,
        )

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def want(self, number: int) -> None:
        self.fetcher.want(Moment(number, float(number)))
        await settle()


def state_of(number: int) -> AppState:
    return AppState(session=Session(id=f"after {number}"))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_moments_that_were_passed_by_are_never_asked_for() -> None:
    bench = Bench()
    for number in range(1, 50):
        await bench.want(number)
    assert bench.past.asked == [1]
    await bench.past.answer()
    assert bench.past.asked == [1, 49]
    await bench.past.answer()
    assert bench.shown[-1] == ("after 49", 49)
    assert bench.past.asked == [1, 49]


async def test_a_moment_that_was_looked_at_is_shown_again_at_once() -> None:
    bench = Bench()
    await bench.want(1)
    await bench.past.answer()
    await bench.want(2)
    bench.fetcher.want(Moment(1, 1.0))
    assert bench.shown[-1] == ("after 1", 1)
    await bench.past.answer()
    assert bench.shown[-1] == ("after 1", 1), "what came late is not what is wanted"


async def test_what_comes_after_leaving_is_dropped_and_a_hung_question_holds_up_no_later_one() -> None:
    bench = Bench()
    await bench.want(1)
    bench.fetcher.stop()
    await bench.want(2)
    assert bench.past.asked == [1, 2]
    await bench.past.answer()
    assert bench.shown == [("after 2", 2)]


async def test_a_past_that_cannot_be_read_is_told_once_and_asked_again_by_the_next_key() -> None:
    bench = Bench()
    await bench.want(1)
    await bench.past.answer(ArchiveGone("The journal can't be read."))
    assert bench.faults == ["The journal can't be read."]
    await bench.want(2)
    await bench.past.answer()
    assert bench.shown == [("after 2", 2)]


class AllPages:
    """A conversation of 50 notes."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def page(self, run_id: RunId, *, before: int, count: int) -> tuple[Entry, ...]:
        self.asked.append(before)
        return tuple(Note(number, 0.0, f"note {number}") for number in range(1, 51) if number < before)[
            -count:
        ]


def shown(*texts: str) -> PastSource:
    source = PastSource()
    facts = [states.said("coder", text) for text in texts]
    source.show(fold(AppState(), [states.opened(), *states.working("coder"), *facts]), states.NOW)
    return source


async def test_the_window_of_that_moment_comes_first_and_nothing_of_what_was_said_later() -> None:
    pages = AllPages()
    then = PagesThen(pages, shown("one", "two", "three"))
    assert [entry.id for entry in await then.page(run("coder"), before=3, count=10)] == [1, 2]
    assert pages.asked == []
    assert await then.page(run("coder"), before=1, count=10) == ()


async def test_of_a_teammate_that_had_said_nothing_yet_no_page_of_later_is_shown() -> None:
    pages = AllPages()
    assert await PagesThen(pages, shown()).page(run("coder"), before=2**53, count=100) == ()
    assert pages.asked == [1]


async def test_of_a_teammate_that_was_not_there_yet_nothing_is_asked() -> None:
    pages = AllPages()
    assert await PagesThen(pages, shown()).page(run("tester"), before=2**53, count=100) == ()
    assert pages.asked == []


def test_the_clock_of_a_moment_stands_and_a_subscriber_is_told_of_the_next_one() -> None:
    source, told = PastSource(), []
    end = source.subscribe(lambda: told.append(source.clock.wall()))
    source.show(AppState(), 5.0)
    source.show(AppState(), 3.0)
    end()
    source.show(AppState(), 1.0)
    assert told == [5.0, 3.0]
    assert source.clock.monotonic() == 1.0


@pytest.mark.parametrize("count", [1, 3])
async def test_a_page_holds_no_more_than_was_asked_for(count: int) -> None:
    then = PagesThen(AllPages(), shown("one", "two", "three"))
    assert len(await then.page(run("coder"), before=4, count=count)) == count
