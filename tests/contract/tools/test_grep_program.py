"""The search program is led nowhere by links that come while it runs."""

import sys
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.tools.grep_program import main
from tests.contract.tools.swapper import Swapper

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="exchanges two names in one step")


def asked(base: Path, *parts: str) -> dict[str, Any]:
    """A search for `secret` or `inside`."""
    return {
        "pattern": "secret|inside",
        "glob": [],
        "base": str(base),
        "parts": parts,
        "shown": "/".join(parts) or ".",
        "skip": [],
        "denied": [],
        "most": 10,
        "most_line": 100,
        "most_bytes": 1_000,
    }


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace with one file in a folder, and a secret outside under the same name."""
    root, evil = tmp_path / "ws", tmp_path / "evil"
    (root / "d").mkdir(parents=True)
    evil.mkdir()
    (root / "d" / "f").write_text("inside\n")
    (evil / "f").write_text("secret\n")
    return root, evil


@pytest.mark.parametrize("parts", [("link",), ("link", "f"), ("to_file",)])
def test_a_place_that_became_a_link_is_an_error(trees: tuple[Path, Path], parts: tuple[str, ...]) -> None:
    root, evil = trees
    (root / "link").symlink_to(evil)
    (root / "to_file").symlink_to(evil / "f")
    assert "fault" in main(asked(root, *parts))


@only_linux
@pytest.mark.parametrize("parts", [(), ("d",), ("d", "f")])
@pytest.mark.parametrize("swapped", ["folder", "file"])
def test_a_swap_while_it_searches_lets_nothing_out(
    trees: tuple[Path, Path], parts: tuple[str, ...], swapped: str
) -> None:
    root, evil = trees
    one = root / "d" if swapped == "folder" else root / "d" / "f"
    other = root.parent / "link"
    other.symlink_to(evil if swapped == "folder" else evil / "f")
    found: list[str] = []
    with Swapper(one, other) as swapper:
        for number in range(30_000):
            found += [line for _, _, line in main(asked(root, *parts)).get("found", ())]
            if number >= 1_500 and swapper.swaps > 100:
                break  # how often the swapping thread gets its turn is the machine's to say
    assert swapper.swaps > 100
    assert "secret" not in found
    # How the two threads take turns is chance: once the swaps are over the real one must be found.
    if one.is_symlink():
        one.unlink()
        other.rename(one)
    found += [line for _, _, line in main(asked(root, *parts)).get("found", ())]
    assert "inside" in found
