"""Whole sessions on a disk that fails (DUR-03), or without one (DUR-04): it is said, and the team lives."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.domain.teammates import Cleanup, Outcome
from quarterdeck.llm.scripted.conversation import Conversation
from quarterdeck.llm.scripted.replies import Reply
from quarterdeck.state import actions as did
from quarterdeck.storage import writer
from quarterdeck.storage.journal import Keeping
from tests.support.durable import durable
from tests.support.restarts import kept, replayed
from tests.support.world import World, calls, says, world

TOUCH = "touch made.txt"


def worker(talk: Conversation) -> Reply:
    return says("It is made.") if talk.results else calls("bash", command=TOUCH)


class FullDisk:
    """The journal's disk, full as long as a test wants."""

    def __init__(self) -> None:
        self.is_full = False
        self._write = writer._write

    def write(self, *given: Any) -> None:
        """What the writer does with a transaction."""
        if self.is_full:
            fault = sqlite3.OperationalError("database or disk is full")
            fault.sqlite_errorname = "SQLITE_FULL"
            raise fault
        self._write(*given)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FullDisk]:
    found = FullDisk()
    monkeypatch.setattr(writer, "_write", found.write)
    yield found
    found.is_full = False


async def said(here: World, words: str) -> bool:
    """Wait for a notice; whether it is a fault."""
    await here.until(lambda state: (notice := state.session.notice) is not None and words in notice.text)
    notice = here.state.session.notice
    assert notice is not None
    return notice.is_fault


async def test_dur_03_on_a_full_disk_no_tool_starts_the_person_is_told_and_it_goes_on_when_there_is_room(
    tmp_path: Path, disk: FullDisk
) -> None:
    asked = asyncio.Event()

    def fills(talk: Conversation) -> Reply:
        """The disk is full by the time the model asks for a tool."""
        disk.is_full = disk.is_full or not talk.results
        asked.set()
        return worker(talk)

    async with kept({"w": fills, "x": lambda _: says("Hello.")}, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("w", rules=(f"Bash({TOUCH})",))
        await asked.wait()
        assert await said(here, "The disk is full. No new tool call starts; all so far is saved.")
        assert here.session.keeper is not None
        assert here.session.keeper.journal.keeping is Keeping.STUCK
        # The screen and the verbs go on.
        other = here.spawn("x")
        await here.until(lambda state: state.team.by_run[other].place.value != "spawning")
        assert here.session.supervisor.kill(other)
        assert here.mate(other).outcome is Outcome.KILLED
        assert not (here.folder / "made.txt").exists()
        assert here.requests_of(other) == 0, "a request is sent once what it says is kept"
        disk.is_full = False
        assert not await said(here, "The disk takes writes again; everything is saved.")
        await here.idle(run_id)
        assert (here.folder / "made.txt").exists()
        assert durable(await replayed(here)) == durable(here.state)


async def test_dur_03_no_transcript_is_deleted_before_its_findings_are_on_disk(
    tmp_path: Path, disk: FullDisk
) -> None:
    async with kept({"x": lambda _: says("Found it.")}, tmp_path) as sessions:
        here = sessions.begin()
        run_id = here.spawn("x", cleanup=Cleanup.DELETE)
        await here.idle(run_id)
        disk.is_full = True
        here.session.supervisor.kill(run_id)
        assert await said(here, "The disk is full.")
        here.session.housekeeping.tick()
        assert here.told(did.TranscriptDropped) == []
        disk.is_full = False
        await here.until(lambda state: state.team.by_run[run_id].cleaned_at is not None)


def _a_file(folder: Path) -> Path:
    (folder / "state").write_text("a file is in the way")
    return folder / "state"


def _a_link(folder: Path) -> Path:
    (folder / "elsewhere").mkdir()
    (folder / "state").symlink_to(folder / "elsewhere")
    return folder / "state"


def _no_home(folder: Path) -> Path:
    return Path("/proc/no-home/state")


def _closed(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    (folder / "state").mkdir(mode=0o500)
    return folder / "state"


@pytest.mark.parametrize("place", [_a_file, _a_link, _no_home, _closed], ids=lambda one: one.__name__)
async def test_dur_04_where_nothing_can_be_kept_it_is_said_and_the_team_works_in_memory(
    tmp_path: Path, place: Any
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    async with world({"w": worker}, work, keep=Keep(place(tmp_path))) as here:
        run_id = here.spawn("w", rules=(f"Bash({TOUCH})",))
        assert await said(here, "Nothing of this session is kept from here on.")
        mate = await here.idle(run_id)
        assert mate.final_text == "It is made."
        assert (work / "made.txt").exists()
    assert not (tmp_path / "elsewhere").exists() or not list((tmp_path / "elsewhere").iterdir())
