"""Epochs: who may still have effects."""

import threading

import pytest

from quarterdeck.domain.ids import RunId
from quarterdeck.runtime.epochs import Epochs, RunRevoked

ADA, BOB = RunId("run-ada"), RunId("run-bob")


def test_an_open_run_may_have_effects_and_nothing_is_counted() -> None:
    epochs = Epochs()
    assert epochs.open(ADA) != epochs.open(BOB)
    epochs.check(ADA)
    assert epochs.is_live(ADA)
    assert dict(epochs.refused) == {}


def test_a_revoked_run_is_refused_and_counted_alone() -> None:
    epochs = Epochs()
    epochs.open(ADA)
    epochs.open(BOB)
    epochs.revoke(ADA)
    for _ in range(3):
        with pytest.raises(RunRevoked, match="run-ada") as refused:
            epochs.check(ADA)
        assert refused.value.run_id == ADA
    epochs.check(BOB)
    assert not epochs.is_live(ADA)
    assert dict(epochs.refused) == {ADA: 3}


def test_a_revoked_run_never_comes_back() -> None:
    epochs = Epochs()
    epochs.open(ADA)
    epochs.revoke(ADA)
    epochs.revoke(ADA)
    with pytest.raises(RunRevoked):
        epochs.open(ADA)
    assert not epochs.is_live(ADA)


def test_a_run_that_was_never_opened_is_refused_and_one_revoked_early_does_not_open() -> None:
    epochs = Epochs()
    with pytest.raises(RunRevoked):
        epochs.check(ADA)
    epochs.revoke(BOB)
    with pytest.raises(RunRevoked):
        epochs.open(BOB)


def test_opening_a_live_run_again_keeps_its_epoch() -> None:
    epochs = Epochs()
    assert epochs.open(ADA) == epochs.open(ADA)


def test_no_refusal_is_lost_when_many_threads_are_refused_at_once() -> None:
    epochs = Epochs()
    epochs.open(ADA)
    epochs.revoke(ADA)

    def try_often() -> None:
        for _ in range(500):
            with pytest.raises(RunRevoked):
                epochs.check(ADA)

    threads = [threading.Thread(target=try_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epochs.refused[ADA] == 4000
