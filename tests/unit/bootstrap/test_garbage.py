"""When the process looks for garbage: driven by a clock of the test, on the real collector."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from quarterdeck.bootstrap import garbage
from quarterdeck.bootstrap.garbage import PASS_EVERY_S, GarbageCollection


class Knot:
    """Refers to itself: only a full pass finds it when it is old."""

    def __init__(self) -> None:
        self.me = self


class Bench:
    """A collection with a clock that stands until it is set, and a team that is quiet or not."""

    def __init__(self) -> None:
        self.now = 0.0
        self.quiet = True
        self.collection = GarbageCollection(lambda: self.quiet, lambda: self.now)


@pytest.fixture
def bench() -> Iterator[Bench]:
    gc.collect()
    made = Bench()
    made.collection.open()
    yield made
    made.collection.close()


def old_knot() -> "weakref.ref[Knot]":
    """A knot that has lived through the young passes, and that nobody holds any more."""
    knot = Knot()
    found = weakref.ref(knot)
    gc.collect(0)
    gc.collect(1)
    return found


def test_python_itself_makes_no_full_pass_any_more(bench: Bench) -> None:
    before = gc.get_stats()[2]["collections"]
    kept = [[one] for one in range(300_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 300_000


def test_garbage_is_found_while_the_team_works(bench: Bench) -> None:
    bench.quiet = False
    knot = old_knot()
    bench.collection.tick()
    assert knot() is not None
    bench.now = PASS_EVERY_S + 1
    bench.collection.tick()
    assert knot() is None


def test_what_was_set_aside_is_looked_at_again_when_the_team_comes_to_rest(bench: Bench) -> None:
    knot = Knot()
    found = weakref.ref(knot)
    gc.freeze()
    del knot
    bench.quiet = False
    bench.collection.tick()
    gc.collect()
    assert found() is not None
    bench.quiet = True
    bench.collection.tick()
    assert found() is None


def test_what_was_set_aside_is_looked_at_again_when_much_more_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "GROWTH", 0.5)
    bench.quiet = False
    knot = Knot()
    found = weakref.ref(knot)
    gc.freeze()
    del knot
    bench.now = PASS_EVERY_S + 1
    bench.collection.tick()
    assert found() is None


def test_a_quiet_team_is_not_looked_at_over_and_over(bench: Bench) -> None:
    bench.collection.tick()
    before = gc.get_stats()[2]["collections"]
    for _ in range(5):
        bench.now += 1
        bench.collection.tick()
    assert gc.get_stats()[2]["collections"] == before


def test_closed_it_gives_the_collector_back() -> None:
    gc.collect()
    before = gc.get_threshold()
    collection = GarbageCollection(lambda: True)
    collection.open()
    assert gc.get_threshold() != before
    collection.close()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
