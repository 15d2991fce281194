"""Nothing leads out of the workspace: neighbours, links, races, special files (PTH-01 to PTH-04)."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.project.paths import PathFault, PathOutside
from quarterdeck.project.workspace import Workspace
from tests.contract.tools.bench import Bench
from tests.contract.tools.swapper import Swapper

OUTSIDE = [
    "../ws-evil/secret.txt",
    "sub/../../ws-evil/secret.txt",
    "/etc/hostname",
    "/etc/../etc/hostname",
    "~/anything",
    "~",
    "/proc/self/root/etc/hostname",
    "/proc/self/cwd/../../../../etc/hostname",
    "to_file",
    "to_folder/secret.txt",
    "chain",
    "dangling_out",
]


@pytest.fixture
def linked(bench: Bench) -> Bench:
    """The workspace with links of every kind."""
    root, evil = bench.root, bench.root.parent / "ws-evil"
    (root / "sub").mkdir()
    (root / "sub" / "inner.txt").write_text("inner\n")
    (root / "to_file").symlink_to(evil / "secret.txt")
    (root / "to_folder").symlink_to(evil)
    (root / "link2").symlink_to("to_file")
    (root / "chain").symlink_to("link2")
    (root / "dangling_out").symlink_to(evil / "new.txt")
    (root / "dangling_in").symlink_to("sub/new.txt")
    (root / "inside").symlink_to("sub/inner.txt")
    (root / "loop").symlink_to("loop2")
    (root / "loop2").symlink_to("loop")
    return bench


@pytest.mark.parametrize("path", OUTSIDE)
async def test_a_path_that_leads_outside_says_so_and_is_not_touched_without_permission(
    linked: Bench, path: str
) -> None:
    subject = linked.subject("read", {"path": path})
    assert subject.outside
    assert os.path.isabs(subject.text)
    assert "outside" in await linked.refusal("read", path=path)
    assert "outside" in await linked.refusal("write", path=path, content="x")
    assert not (linked.root.parent / "ws-evil" / "new.txt").exists()
    assert (linked.root.parent / "ws-evil" / "secret.txt").read_text() == "secret\n"


@pytest.mark.parametrize("path", OUTSIDE[:2] + OUTSIDE[-4:])
async def test_the_workspace_itself_refuses_outside_paths(linked: Bench, path: str) -> None:
    place = linked.workspace.place(path)
    with pytest.raises(PathOutside):
        linked.workspace.read_bytes(place.real, 10)
    with pytest.raises(PathOutside):
        linked.workspace.write_atomic(place.real, b"x", expected=None, may_write=lambda: True)


async def test_an_outside_path_is_read_once_it_is_allowed(linked: Bench) -> None:
    assert "secret" in await linked.text("read", allowed=True, path="../ws-evil/secret.txt")


async def test_an_allowed_outside_path_does_not_open_another_one(linked: Bench) -> None:
    tool = linked.tool("read")
    allowed = linked.subject("read", {"path": "/etc/hostname"}).real_path
    with pytest.raises(Exception, match="leads elsewhere"):
        await tool.run(tool.parse({"path": "to_file"}), linked.context(allowed))


async def test_links_that_stay_inside_are_followed(linked: Bench) -> None:
    assert "inner" in await linked.text("read", path="inside")
    assert linked.subject("read", {"path": "inside"}).text == "sub/inner.txt"
    await linked.text("write", path="dangling_in", content="made\n")
    assert (linked.root / "sub" / "new.txt").read_text() == "made\n"
    assert (linked.root / "dangling_in").is_symlink()


@pytest.mark.parametrize("path", ["loop", "loop/x", "loop/../../ws-evil/secret.txt", "a\0b", "x" * 5000])
async def test_a_circle_of_links_and_names_that_cannot_be_are_errors(linked: Bench, path: str) -> None:
    assert await linked.refusal("read", path=path)
    assert await linked.refusal("write", path=path, content="x")


async def test_a_link_swapped_in_after_the_decision_is_refused(linked: Bench) -> None:
    tool = linked.tool("write")
    parsed = tool.parse({"path": "sub/fresh.txt", "content": "x"})
    decided = tool.subject(parsed, linked.context()).real_path
    (linked.root / "sub").rename(linked.root / "was")
    (linked.root / "sub").symlink_to(linked.root.parent / "ws-evil")
    with pytest.raises(Exception, match="leads elsewhere"):
        await tool.run(parsed, linked.context(decided))
    assert not (linked.root.parent / "ws-evil" / "fresh.txt").exists()


async def test_a_write_never_goes_through_a_hard_link(linked: Bench) -> None:
    evil = linked.root.parent / "ws-evil" / "secret.txt"
    os.link(evil, linked.root / "hard.txt")
    await linked.text("read", path="hard.txt")
    await linked.text("write", path="hard.txt", content="mine\n")
    assert evil.read_text() == "secret\n"


def _outcomes(tries: int, attempt: Callable[[], object]) -> tuple[int, int]:
    """How often it went well and how often it was refused."""
    well = refused = 0
    for _ in range(tries):
        try:
            attempt()
        except OSError:
            refused += 1
        else:
            well += 1
    return well, refused


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges two names in one step")
def test_a_folder_swapped_for_a_link_between_check_and_open_lets_nothing_out(tmp_path: Path) -> None:
    root, evil = tmp_path / "ws", tmp_path / "evil"
    root.mkdir()
    evil.mkdir()
    (evil / "f.txt").write_bytes(b"secret")
    workspace = Workspace(str(root))
    (root / "d").mkdir()
    (root / "link").symlink_to(evil)
    with Swapper(root / "d", root / "link") as swapper:
        inside = workspace.root + "/d/f.txt"  # resolved while it still was a folder
        seen: set[bytes] = set()

        def write() -> None:
            try:
                stamp = workspace.read_bytes(inside, 100).stamp
            except FileNotFoundError:
                workspace.write_atomic(inside, b"inside", expected=None, may_write=lambda: True)
            else:
                workspace.write_atomic(inside, b"inside", expected=stamp, may_write=lambda: True)

        def read() -> None:
            seen.add(workspace.read_bytes(inside, 100).content)

        _, refused_writes = _outcomes(2_000, write)
        read_well, refused_reads = _outcomes(8_000, read)
    assert swapper.swaps > 100
    assert refused_writes + refused_reads > 0  # the race was real
    assert read_well > 0
    assert seen <= {b"inside"}
    assert (evil / "f.txt").read_bytes() == b"secret"
    assert sorted(path.name for path in evil.iterdir()) == ["f.txt"]


async def test_special_files_are_refused_at_once(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(bench.root / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(bench.root)  # a socket's path is short
    try:
        listener.bind("sock")
    finally:
        os.chdir(here)
    try:
        assert "pipe (FIFO)" in await bench.refusal("read", path="pipe")
        assert "socket" in await bench.refusal("read", path="sock")
        assert "folder" in await bench.refusal("read", path=".")
        assert "device" in await bench.refusal("read", path="/dev/zero", allowed=True)
        assert "pipe (FIFO)" in await bench.refusal("write", path="pipe", content="x")
        assert "folder" in await bench.refusal("write", path=".", content="x")
    finally:
        listener.close()
    assert "(special)" in await bench.text("list", path=".")
    assert "(nothing found)" in await bench.text("grep", pattern="x")


@pytest.mark.skipif(not os.access("/proc/kmsg", os.R_OK), reason="needs a readable /proc/kmsg")
def test_a_file_without_an_end_does_not_hang(bench: Bench) -> None:
    try:
        held = bench.workspace.read_bytes("/proc/kmsg", 1_000, outside=True)
    except OSError:
        return
    assert len(held.content) <= 1_000


def test_a_file_of_five_gigabytes_is_read_up_to_the_limit(bench: Bench) -> None:
    with (bench.root / "huge").open("wb") as huge:
        huge.truncate(5_000_000_000)  # a sparse file
    held = bench.workspace.read_bytes(str(bench.root / "huge"), 1_000)
    assert (len(held.content), held.size, held.is_whole) == (1_000, 5_000_000_000, False)


def test_a_workspace_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PathFault):
        Workspace(str(tmp_path / "missing"))
