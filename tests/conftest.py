"""What holds for every test: the test process talks to loopback only; how hypothesis searches."""

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "no-shrink", parent=settings.get_profile("default"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile("default")

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


class LeavesThisMachine(BaseException):
    """A test tried to reach another machine; nothing in a test may swallow that."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOCAL):
        raise LeavesThisMachine(f"a test connects to {address[0]!r}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the connections of this process for as long as it lives."""
    sys.addaudithook(_watch)
