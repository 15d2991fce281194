"""A scope tree, what it reported, and tasks that do not want to end."""

from collections.abc import AsyncIterator

import pytest

from quarterdeck.runtime.scopes import ScopeTree
from tests.unit.runtime.swallowers import Faults, Swallowers


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def tree(faults: Faults) -> ScopeTree:
    return ScopeTree(on_fault=faults)


@pytest.fixture
async def swallowers() -> AsyncIterator[Swallowers]:
    made = Swallowers()
    yield made
    await made.let_go()
