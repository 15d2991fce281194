"""A session's place in an empty state folder; small and closed file systems, where root may mount them."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.storage.folders import SessionPlace

Mount = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path) -> SessionPlace:
    """Nothing is there yet."""
    return SessionPlace(tmp_path / "state", "s1")


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount something on a folder for the length of a test: the words of mount(8), and the folder."""
    mounted: list[Path] = []

    def mount_on(folder: Path, *words: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            told = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount(8) here")
        if told.returncode:
            pytest.skip(f"may not mount here: {told.stderr.strip()}")
        if folder not in mounted:  # or it is mounted in another way now
            mounted.append(folder)

    yield mount_on
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)
