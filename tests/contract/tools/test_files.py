"""read, write and edit on real files: odd bytes, line ends, modes, staleness (INP-03, PTH-05)."""

import codecs
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quarterdeck.tools.ports import ToolRefused
from quarterdeck.tools.results import MOST_CONTENT, MOST_DETAIL
from tests.contract.tools.bench import Bench


async def test_a_file_comes_as_numbered_lines(bench: Bench) -> None:
    (bench.root / "a.py").write_text("one\ntwo\nthree\n")
    result = await bench.call("read", path="a.py")
    assert result.content == "     1\tone\n     2\ttwo\n     3\tthree"
    assert result.summary == "3 lines"


async def test_a_part_is_read_by_offset_and_limit(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    result = await bench.call("read", path="a.txt", offset=40, limit=2)
    assert result.content == "    40\tline 40\n    41\tline 41\n(lines 40-41 of 100; go on with offset=42)"
    assert result.summary == "2 of 100 lines"
    assert "has only 100 lines" in await bench.text("read", path="a.txt", offset=101)


ODD_FILES = [
    (b"", "is empty"),
    (b"no newline", "no newline at the end"),
    (b"a\r\nb\r\n", "CRLF line ends"),
    (codecs.BOM_UTF16_LE + "héllo\n".encode("utf-16-le"), "héllo"),
    (codecs.BOM_UTF16_BE + "héllo\n".encode("utf-16-be"), "UTF-16"),
    (codecs.BOM_UTF8 + b"marked\n", "1\tmarked"),
    (b"caf\xe9\n", "invalid bytes"),
    (b"\x7fELF\x00\x00\x01", "is binary, 7 bytes"),
    (codecs.BOM_UTF16_LE + b"odd", "is binary, 5 bytes"),
    (b"\x00" * 3, "is binary, 3 bytes"),
]


@pytest.mark.parametrize(("content", "said"), ODD_FILES)
async def test_odd_files_are_read_and_said(bench: Bench, content: bytes, said: str) -> None:
    (bench.root / "f").write_bytes(content)
    text = await bench.text("read", path="f")
    assert said in text
    text.encode("utf-8")  # goes over the wire


async def test_one_line_of_fifty_megabytes_is_bounded(bench: Bench) -> None:
    with (bench.root / "long").open("wb") as long:
        long.write(b"x" * 50_000_000)
    result = await bench.call("read", path="long")
    assert len(result.content) <= MOST_CONTENT
    assert len(result.detail) <= MOST_DETAIL
    assert "50,000,000 bytes; only the first" in str(result.content)


async def test_a_file_of_two_gigabytes_of_text_is_bounded(bench: Bench) -> None:
    with (bench.root / "big.log").open("wb") as big:
        big.write(b"0123456789abcde\n" * 1_000_000)
        big.truncate(2_000_000_000)
    result = await bench.call("read", path="big.log")
    assert len(result.content) <= MOST_CONTENT
    assert "2,000,000,000 bytes" in str(result.content)
    assert "more than" in await bench.refusal("edit", path="big.log", old_text="0", new_text="1")


async def test_a_result_is_bounded_at_whole_lines_and_says_how_to_go_on(bench: Bench) -> None:
    (bench.root / "wide").write_text("".join(f"{n} {'w' * 500}\n" for n in range(1, 501)))
    text = await bench.text("read", path="wide")
    assert len(text) <= MOST_CONTENT
    _, _, rest = text.rpartition("go on with offset=")
    following = await bench.text("read", path="wide", offset=int(rest.rstrip(")")))
    last_line = text.split("\n")[-2].split("\t")[0].strip()
    assert following.split("\t")[0].strip() == str(int(last_line) + 1)


async def test_what_is_not_there_is_refused_in_a_line(bench: Bench) -> None:
    (bench.root / "f").write_text("x")
    assert await bench.refusal("read", path="nope.txt") == "There is no file nope.txt."
    assert await bench.refusal("read", path="no/such.txt") == "There is no file no/such.txt."
    assert await bench.refusal("read", path="f/below")
    assert await bench.refusal("list", path="f")
    assert "There is no file" in await bench.refusal("edit", path="nope", old_text="a", new_text="b")


CHANGES: dict[str, dict[str, Any]] = {
    "edit": {"old_text": "precious", "new_text": "mine"},
    "write": {"content": "mine\n"},
}

# --- edit -----------------------------------------------------------------------------------------------

KEPT = [
    (b"a\r\nold\r\nz\r\n", b"a\r\nnew\r\nmore\r\nz\r\n"),
    (b"a\nold\nz", b"a\nnew\nmore\nz"),
    (b"a\r\nb\nold\nz\n", b"a\r\nb\nnew\nmore\nz\n"),
    (b"a\r\n\r\n\r\nold\nz\r\n", b"a\r\n\r\n\r\nnew\r\nmore\nz\r\n"),
    (codecs.BOM_UTF8 + b"a\nold\nz\n", codecs.BOM_UTF8 + b"a\nnew\nmore\nz\n"),
    (b"\xff\xe9 a\nold\nz\x80\n", b"\xff\xe9 a\nnew\nmore\nz\x80\n"),
    (b"a\rold\nz\n", b"a\rnew\nmore\nz\n"),
    (
        codecs.BOM_UTF16_LE + "ä\r\nold\r\nz".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + "ä\r\nnew\r\nmore\r\nz".encode("utf-16-le"),
    ),
    (
        codecs.BOM_UTF16_BE + "ä\nold\nz".encode("utf-16-be"),
        codecs.BOM_UTF16_BE + "ä\nnew\nmore\nz".encode("utf-16-be"),
    ),
]


@pytest.mark.parametrize(("before", "after"), KEPT)
async def test_an_edit_keeps_every_other_byte(bench: Bench, before: bytes, after: bytes) -> None:
    path = bench.root / "f"
    path.write_bytes(before)
    await bench.text("read", path="f")
    result = await bench.call("edit", path="f", old_text="old", new_text="new\nmore")
    assert path.read_bytes() == after
    assert result.diff is not None
    assert (result.diff.added, result.diff.removed) == (2, 1)


async def test_text_over_several_crlf_lines_is_found_as_the_model_writes_it(bench: Bench) -> None:
    (bench.root / "f").write_bytes(b"1\r\n2\r\n3\r\n4\r\n")
    await bench.text("read", path="f")
    await bench.text("edit", path="f", old_text="2\n3\n", new_text="x\n")
    assert (bench.root / "f").read_bytes() == b"1\r\nx\r\n4\r\n"


async def test_an_edit_tells_what_changed(bench: Bench) -> None:
    (bench.root / "p.toml").write_text('[project]\nname = "shop"\nversion = "2.4.0"\nend\n')
    await bench.text("read", path="p.toml")
    result = await bench.call("edit", path="p.toml", old_text="2.4.0", new_text="2.4.1")
    assert result.summary == "+1 -1"
    assert result.diff is not None
    assert result.diff.path == "p.toml"
    assert result.diff.lines == (
        (" ", 1, "[project]"),
        (" ", 2, 'name = "shop"'),
        ("-", 3, 'version = "2.4.0"'),
        ("+", 3, 'version = "2.4.1"'),
        (" ", 4, "end"),
    )


async def test_text_that_is_there_twice_is_refused_unless_all_are_meant(bench: Bench) -> None:
    path = bench.root / "f"
    path.write_text("x = 1\nx = 1\ny = 1\n")
    await bench.text("read", path="f")
    assert "2 times" in await bench.refusal("edit", path="f", old_text="x = 1", new_text="x = 2")
    assert "not in f" in await bench.refusal("edit", path="f", old_text="x = 7", new_text="x = 2")
    assert "same" in await bench.refusal("edit", path="f", old_text="y", new_text="y")
    assert path.read_text() == "x = 1\nx = 1\ny = 1\n"
    result = await bench.call("edit", path="f", old_text="x = 1", new_text="x = 2", replace_all=True)
    assert path.read_text() == "x = 2\nx = 2\ny = 1\n"
    assert result.summary == "+2 -2"


async def test_edits_follow_one_another_without_reading_again(bench: Bench) -> None:
    (bench.root / "f").write_text("a b c\n")
    await bench.text("read", path="f")
    await bench.text("edit", path="f", old_text="a", new_text="1")
    await bench.text("edit", path="f", old_text="b", new_text="2")
    assert (bench.root / "f").read_text() == "1 2 c\n"


@pytest.mark.parametrize("name", ["edit", "write"])
async def test_a_file_that_was_not_read_is_not_changed(bench: Bench, name: str) -> None:
    (bench.root / "f").write_text("precious\n")
    assert "Read f first" in await bench.refusal(name, path="f", **CHANGES[name])
    assert (bench.root / "f").read_text() == "precious\n"


@pytest.mark.parametrize("name", ["edit", "write"])
async def test_a_file_that_changed_since_it_was_read_is_not_changed(bench: Bench, name: str) -> None:
    path = bench.root / "f"
    path.write_text("precious\n")
    await bench.text("read", path="f")
    before = path.stat()
    path.write_text("precious!")  # the same length, and then the same time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "changed since" in await bench.refusal(name, path="f", **CHANGES[name])
    assert path.read_text() == "precious!"
    await bench.text("read", path="f")
    await bench.text(name, path="f", **CHANGES[name])
    assert "mine" in path.read_text()


async def test_a_file_that_was_only_touched_may_be_changed(bench: Bench) -> None:
    path = bench.root / "f"
    path.write_text("precious\n")
    await bench.text("read", path="f")
    os.utime(path, ns=(1, 1))
    await bench.text("edit", path="f", old_text="precious", new_text="mine")
    assert path.read_text() == "mine\n"


class Faster:
    """Somebody who writes the file after it was checked, right before it is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = 0

    def __call__(self) -> bool:
        self._asked += 1
        if self._asked == 2:
            self._path.write_text("other")
        return True


def test_a_change_between_the_reading_for_a_write_and_the_write_is_refused(bench: Bench) -> None:
    path = bench.root / "f"
    path.write_text("first")
    stamp = bench.workspace.read_bytes(str(path), 100).stamp

    with pytest.raises(OSError, match="changed meanwhile"):
        bench.workspace.write_atomic(str(path), b"mine", expected=stamp, may_write=Faster(path))
    assert path.read_text() == "other"
    assert [one.name for one in bench.root.iterdir()] == ["f"]


def test_a_new_file_never_lands_on_one_that_came_meanwhile(bench: Bench) -> None:
    path = bench.root / "f"

    with pytest.raises(OSError, match="meanwhile"):
        bench.workspace.write_atomic(str(path), b"mine", expected=None, may_write=Faster(path))
    assert path.read_text() == "other"
    assert [one.name for one in bench.root.iterdir()] == ["f"]


# --- write ----------------------------------------------------------------------------------------------


async def test_a_new_file_is_made_with_its_folders(bench: Bench) -> None:
    result = await bench.call("write", path="a/b/c.txt", content="one\ntwo\n")
    assert (bench.root / "a/b/c.txt").read_bytes() == b"one\ntwo\n"
    assert result.summary == "+2 -0"
    assert result.content == "Created a/b/c.txt (2 lines)."


@pytest.mark.parametrize("mode", [0o755, 0o600])
async def test_a_replaced_file_keeps_its_mode_and_is_a_new_one_in_one_step(bench: Bench, mode: int) -> None:
    path = bench.root / "run.sh"
    path.write_text("old\n")
    path.chmod(mode)
    with path.open() as still_open:
        await bench.text("read", path="run.sh")
        await bench.text("write", path="run.sh", content="new\n")
        assert still_open.read() == "old\n"  # never truncated in place
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [one.name for one in bench.root.iterdir()] == ["run.sh"]


async def test_a_file_without_any_write_bit_is_left_alone_also_for_root(bench: Bench) -> None:
    path = bench.root / "run.sh"
    path.write_text("old\n")
    path.chmod(0o444)
    await bench.text("read", path="run.sh")
    with pytest.raises(ToolRefused, match="read-only"):
        await bench.call("write", path="run.sh", content="new\n")
    assert path.read_text() == "old\n"
    assert [one.name for one in bench.root.iterdir()] == ["run.sh"]


async def test_a_rewritten_file_keeps_encoding_and_line_ends(bench: Bench) -> None:
    path = bench.root / "f"
    path.write_bytes(codecs.BOM_UTF16_LE + "a\r\nb\r\n".encode("utf-16-le"))
    await bench.text("read", path="f")
    await bench.text("write", path="f", content="x\ny\n")
    assert path.read_bytes() == codecs.BOM_UTF16_LE + "x\r\ny\r\n".encode("utf-16-le")


async def test_a_binary_file_is_not_overwritten_as_text(bench: Bench) -> None:
    (bench.root / "f").write_bytes(b"\0\1\2")
    await bench.text("read", path="f")
    assert "binary" in await bench.refusal("write", path="f", content="x")


@pytest.mark.parametrize("name", ["edit", "write"])
async def test_a_revoked_run_never_writes(bench: Bench, name: str) -> None:
    (bench.root / "f").write_text("precious\n")
    await bench.text("read", path="f")
    bench.revoked = True
    assert "ended" in await bench.refusal(name, path="f", **CHANGES[name])
    assert "ended" in await bench.refusal("write", path="new/f", content="x")
    assert (bench.root / "f").read_text() == "precious\n"
    assert [one.name for one in bench.root.iterdir()] == ["f"]


async def test_a_run_revoked_while_it_writes_leaves_nothing(bench: Bench) -> None:
    asked: list[bool] = []

    def may_write() -> bool:
        asked.append(True)
        return len(asked) == 1  # revoked between the beginning and the last step

    path = str(bench.root / "f")
    with pytest.raises(OSError, match="ended"):
        bench.workspace.write_atomic(path, b"x", expected=None, may_write=may_write)
    assert list(bench.root.iterdir()) == []


async def test_what_one_run_read_another_has_not(bench: Bench) -> None:
    (bench.root / "f").write_text("x\n")
    await bench.text("read", path="f")
    other = Bench(bench.root)
    assert "first" in await other.refusal("write", path="f", content="y")


async def test_a_diff_of_two_large_texts_is_bounded(bench: Bench) -> None:
    (bench.root / "f").write_text("".join(f"a{n}\n" for n in range(60_000)))
    await bench.text("read", path="f")
    result = await bench.call("write", path="f", content="".join(f"b{n}\n" for n in range(50_000)))
    assert result.summary == "+50000 -60000"
    assert result.diff is not None
    assert len(result.diff.lines) <= 400


@pytest.mark.parametrize("given", [{"content": "\ud800"}, {"content": "x\udc80"}])
async def test_broken_unicode_is_refused(bench: Bench, given: dict[str, str]) -> None:
    with pytest.raises(ToolRefused, match="broken Unicode"):
        bench.tool("write").parse({"path": "f", **given})


async def test_file_work_goes_through_the_given_thread(bench: Bench) -> None:
    ran: list[str] = []

    async def in_thread(function: Callable[[], object]) -> object:
        ran.append("called")
        return function()

    (bench.root / "f").write_text("x")
    tool = bench.tool("read")
    context = msgspec.structs.replace(bench.context(), in_thread=in_thread)
    await tool.run(tool.parse({"path": "f"}), context)
    assert ran == ["called"]
