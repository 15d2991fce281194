"""Where the program keeps what is its own."""

from pathlib import Path

import pytest
from platformdirs import user_state_path

from quarterdeck.config.folders import state_folder


def test_all_of_it_lies_in_the_home_that_is_set() -> None:
    assert state_folder({"QUARTERDECK_HOME": "/home/me/deck"}) == Path("/home/me/deck/state")


def test_without_a_home_it_is_the_platforms_folder() -> None:
    assert state_folder({}) == user_state_path("quarterdeck")
    assert state_folder({"QUARTERDECK_HOME": ""}) == user_state_path("quarterdeck")


def test_a_home_of_nobody_is_refused() -> None:
    with pytest.raises(RuntimeError):
        state_folder({"QUARTERDECK_HOME": "~nobody-there/x"})
