"""list, glob and grep on real folders."""

import os
import time
from pathlib import Path

import pytest

from quarterdeck.tools.results import MOST_CONTENT
from tests.contract.tools.bench import Bench


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """A small project."""
    for path, text in {
        "README.md": "shop 2.4.0\n",
        "src/shop/cart.py": "def total():\n    return 1  # TODO round\n",
        "src/shop/price.py": "TODO = 'x'\r\nrate = 2\r\n",
        "tests/test_cart.py": "def test_total(): pass\n",
        ".git/config": "TODO in git\n",
        "node_modules/x/index.js": "TODO in modules\n",
    }.items():
        target = bench.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    (bench.root / "out").symlink_to(bench.root.parent / "ws-evil")
    (bench.root / "out.txt").symlink_to(bench.root.parent / "ws-evil" / "secret.txt")
    return bench


async def test_a_folder_is_listed_by_name_with_kinds_and_sizes(shop: Bench) -> None:
    result = await shop.call("list", path=".")
    assert str(result.content).split("\n") == [
        ".git/",
        "README.md  11 bytes",
        "node_modules/",
        "out  (link)",
        "out.txt  (link)",
        "src/",
        "tests/",
    ]
    assert (await shop.call("list", path="src/shop")).summary == "2 files"
    (shop.root / "bare").mkdir()
    assert "empty" in await shop.text("list", path="bare")


async def test_a_large_folder_is_listed_in_part_and_says_so(bench: Bench) -> None:
    for number in range(700):
        (bench.root / f"f{number:04}").touch()
    text = await bench.text("list", path=".")
    assert "f0499" in text
    assert "f0500" not in text
    assert "only the first 500" in text


async def test_a_line_break_in_a_name_does_not_make_two_entries(bench: Bench) -> None:
    (bench.root / "a\nb").touch()
    assert len((await bench.text("list", path=".")).split("\n")) == 1
    assert len((await bench.text("glob", pattern="*")).split("\n")) == 1


GLOBS = [
    ("*.py", ["src/shop/cart.py", "src/shop/price.py", "tests/test_cart.py"]),
    ("src/**", ["src/shop/cart.py", "src/shop/price.py"]),
    ("src/**/*.py", ["src/shop/cart.py", "src/shop/price.py"]),
    ("src/*.py", []),
    ("**/cart.py", ["src/shop/cart.py"]),
    ("tests/test_?art.py", ["tests/test_cart.py"]),
    ("**/secret.txt", []),
]


@pytest.mark.parametrize(("pattern", "found"), GLOBS)
async def test_glob_finds_paths_and_leaves_out_what_is_not_the_projects(
    shop: Bench, pattern: str, found: list[str]
) -> None:
    text = await shop.text("glob", pattern=pattern)
    assert text.split("\n") == (found or ["(no file matches)"])


async def test_glob_below_a_folder_gives_paths_of_the_workspace(shop: Bench) -> None:
    assert await shop.text("glob", pattern="*.py", path="src") == "src/shop/cart.py\nsrc/shop/price.py"
    assert "There is no folder" in await shop.refusal("glob", pattern="*", path="nope")
    assert "outside" in await shop.refusal("glob", pattern="*", path="out")


async def test_a_glob_that_could_explode_does_not(bench: Bench) -> None:
    (bench.root / ("a" * 200)).touch()
    started = time.monotonic()
    await bench.text("glob", pattern="/".join(["**"] * 50 + ["*a" * 60 + "b"]))
    assert time.monotonic() - started < 5


async def test_grep_gives_path_number_and_line(shop: Bench) -> None:
    result = await shop.call("grep", pattern="TODO")
    assert result.content == "src/shop/cart.py:2:    return 1  # TODO round\nsrc/shop/price.py:1:TODO = 'x'"
    assert result.summary == "2 hits"
    assert (
        shop.tool("grep").title(shop.tool("grep").parse({"pattern": "TODO", "path": "src"}))
        == '"TODO" in src'
    )


async def test_grep_can_be_narrowed(shop: Bench) -> None:
    assert (await shop.call("grep", pattern="TODO", glob="cart.*")).summary == "1 hit"
    assert (await shop.call("grep", pattern="TODO", glob="src/**/p*.py")).summary == "1 hit"
    assert (await shop.call("grep", pattern="TODO", path="tests")).content == "(nothing found)"
    assert (await shop.call("grep", pattern="2$", path="src/shop/price.py")).content == (
        "src/shop/price.py:2:rate = 2"
    )
    assert (await shop.call("grep", pattern="^def", path="src", glob="*.py")).summary == "1 hit"


async def test_grep_follows_no_link_out(shop: Bench) -> None:
    assert await shop.text("grep", pattern="secret") == "(nothing found)"
    assert "outside" in await shop.refusal("grep", pattern="secret", path="out")
    assert "secret.txt:1:secret" in await shop.text("grep", allowed=True, pattern="secret", path="out")


async def test_grep_keeps_silent_about_files_that_must_not_be_read(shop: Bench) -> None:
    (shop.root / ".env").write_text("TOKEN=1\n")
    (shop.root / "Keys").mkdir()
    (shop.root / "Keys/k").write_text("TOKEN=2\n")
    shop.denied_reads = frozenset({"./.env", f"{shop.workspace.root}/keys"})
    assert await shop.text("grep", pattern="TOKEN") == "(nothing found)"
    assert await shop.text("grep", pattern="TOKEN", path=".env") == "(nothing found)"
    shop.denied_reads = frozenset()
    assert (await shop.call("grep", pattern="TOKEN")).summary == "2 hits"


async def test_a_pattern_that_would_run_for_ever_ends_and_leaves_the_loop_free(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.tools.grep.TIME_LIMIT_S", 1.0)
    (bench.root / "f").write_text("a" * 60 + "b\n")
    assert "narrower" in await bench.refusal("grep", pattern="(a+)+$")


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?P<x", "*"])
async def test_a_pattern_that_is_none_is_refused_in_a_line(bench: Bench, pattern: str) -> None:
    assert "not valid" in await bench.refusal("grep", pattern=pattern)


async def test_a_pattern_is_never_shell_text(bench: Bench) -> None:
    (bench.root / "f").write_text("x'; touch PWN; '\n$(touch PWN)\n")
    assert (await bench.call("grep", pattern=r"x'; touch PWN; '")).summary == "1 hit"
    assert (await bench.call("grep", pattern=r"\$\(touch PWN\)")).summary == "1 hit"
    assert (await bench.call("grep", pattern="z", glob="$(touch PWN)`touch PWN`")).summary == "0 hits"
    assert not (bench.root / "PWN").exists()


async def test_grep_is_bounded_in_hits_and_lines(bench: Bench) -> None:
    (bench.root / "f").write_text(("hit " * 500 + "\n") * 3000)
    result = await bench.call("grep", pattern="hit")
    assert result.summary == "3,000 hits"
    assert len(result.content) <= MOST_CONTENT


async def test_grep_reads_odd_files(bench: Bench, tmp_path: Path) -> None:
    (bench.root / "u16").write_bytes("\ufeffneedle\n".encode("utf-16-le"))
    (bench.root / "latin").write_bytes(b"caf\xe9 needle\n")
    (bench.root / "binary").write_bytes(b"\0needle")
    (bench.root / os.fsdecode(b"n\xff")).write_text("needle\n")
    result = await bench.call("grep", pattern="needle")
    assert result.summary == "3 hits"
    str(result.content).encode("utf-8")


async def test_grep_leaves_the_shells_folder_alone(shop: Bench) -> None:
    await shop.call("bash", command="cd src")
    folder = shop.shell.folder
    assert (await shop.call("grep", pattern="TODO")).summary == "2 hits"
    assert shop.shell.folder == folder
