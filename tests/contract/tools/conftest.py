"""A fresh workspace per test, with a neighbour whose name only begins like it."""

from pathlib import Path

import pytest

from tests.contract.tools.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A run in `ws`, beside `ws-evil` with a secret."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil" / "secret.txt").write_text("secret\n")
    return Bench(tmp_path / "ws")
