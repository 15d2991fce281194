"""The index over real session files: what it finds, and that losing it loses nothing."""

import os
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

import quarterdeck.storage.index_filling as filling
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state import actions as did
from quarterdeck.storage import lease
from quarterdeck.storage.index import IndexGone, SessionIndex
from quarterdeck.storage.index_schema import INDEX, index_lock, open_index
from quarterdeck.storage.reader import JournalReader
from quarterdeck.storage.records import Batch
from quarterdeck.storage.removal import remove_session
from quarterdeck.storage.schema import open_for_writing
from quarterdeck.storage.writer import Writer
from tests.support.states import ended, idle, opened, run, spawned, working
from tests.support.stored_sessions import NOW, SessionFile, says, told, tool_began, tool_ended

SOURCE = Path(__file__).parents[3]

ASK = """
import sys
from pathlib import Path
from quarterdeck.storage.index import SessionIndex
found = SessionIndex(Path(sys.argv[1])).search("harbour", 100_000)
print(len(found.hits), len({(hit.session_id, hit.entry) for hit in found.hits}), found.searched)
"""


def shop(state: Path, session_id: str = "s1", *, at: float = NOW) -> SessionFile:
    """A session in which a few things were said."""
    file = SessionFile(state, session_id)
    file.tell(
        opened(at=at),
        *working("coder", at=at),
        told("coder", "Please fix the cart rounding.", at=at + 3),
        says("coder", "I look at the rounding of the cart.", at=at + 4),
        tool_began("coder", "pytest -q", at=at + 5),
        tool_ended("coder", "pytest -q", "2 failed: test_cart", at=at + 6),
    )
    return file.write()


def hits(state: Path, words: str) -> list[tuple[str, int, str]]:
    """Where the words are found: session, entry, speaker."""
    return [(hit.session_id, hit.entry, hit.speaker) for hit in SessionIndex(state).search(words).hits]


def test_what_was_said_and_done_is_found_newest_first(tmp_path: Path) -> None:
    shop(tmp_path, "old", at=NOW - 1_000)
    shop(tmp_path, "new")
    assert hits(tmp_path, "cart") == [
        ("new", 3, "Bash"),
        ("new", 2, "coder"),
        ("new", 1, "you"),
        ("old", 3, "Bash"),
        ("old", 2, "coder"),
        ("old", 1, "you"),
    ]


def test_all_words_must_match_and_the_last_by_its_beginning(tmp_path: Path) -> None:
    shop(tmp_path)
    assert [entry for _, entry, _ in hits(tmp_path, "cart round")] == [2, 1]
    assert [entry for _, entry, _ in hits(tmp_path, "round cart")] == []
    assert [entry for _, entry, _ in hits(tmp_path, "PYTEST failed")] == [3]
    assert hits(tmp_path, "cart absent") == []


def test_a_hit_says_whose_it_is_and_where_the_words_stand(tmp_path: Path) -> None:
    shop(tmp_path)
    found = SessionIndex(tmp_path).search("please cart")
    (hit,) = found.hits
    assert (hit.run_id, hit.name, hit.at) == (run("coder"), "coder", NOW + 3)
    assert [hit.excerpt[start:end] for start, end in hit.spans] == ["Please", "cart"]
    assert found.searched == 3
    assert not found.more


def test_more_than_asked_for_is_said(tmp_path: Path) -> None:
    shop(tmp_path)
    found = SessionIndex(tmp_path).search("cart", 2)
    assert len(found.hits) == 2
    assert found.more


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "*",
        "NEAR",
        "'",
        '"cart',
        "cart*",
        "NEAR(cart, 3)",
        "cart OR",
        "text:cart",
        "-cart",
        "\x00",
        "\x1b[",
    ],
)
def test_hostile_words_are_words(tmp_path: Path, words: str) -> None:
    shop(tmp_path)
    plain = "".join(char if char.isalnum() else " " for char in words)
    assert hits(tmp_path, words) == hits(tmp_path, plain)


def test_no_words_find_nothing(tmp_path: Path) -> None:
    shop(tmp_path)
    found = SessionIndex(tmp_path).search("  ")
    assert (found.hits, found.searched) == ((), 3)


def test_control_characters_and_lone_surrogates_in_texts_are_no_fault(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), says("coder", "a\x00needle\u2028\ud800\x1b[31m end"))
    file.write()
    (hit,) = SessionIndex(tmp_path).search("needle").hits
    assert "needle" in hit.excerpt
    assert hit.excerpt.isprintable()


def test_texts_of_the_same_moment_all_have_a_place(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), *(says("coder", f"needle {nth}", at=0.0) for nth in range(5_000)))
    file.write()
    found = SessionIndex(tmp_path).search("needle", 10_000)
    assert [hit.entry for hit in found.hits] == list(range(5_000, 0, -1))


def test_what_is_said_later_is_found_later(tmp_path: Path) -> None:
    file = shop(tmp_path)
    index = SessionIndex(tmp_path)
    assert index.search("anchor").hits == ()
    file.tell(says("coder", "The anchor is up."))
    file.write()
    assert [hit.entry for hit in index.search("anchor").hits] == [4]
    assert len(index.search("rounding").hits) == 2


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop(tmp_path)
    file.settle()
    index = SessionIndex(tmp_path)
    index.search("cart")
    taken: list[int] = []
    read = filling._read_chunk

    def counting(database: object, reader: object, standing: filling._Standing, end: int) -> bool:
        taken.append(standing.last_seq)
        return read(database, reader, standing, end)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(filling, "_read_chunk", counting)
    index.search("cart")
    assert taken == []
    before = file.sequence
    file.tell(says("coder", "The anchor is up."))
    file.write()
    assert index.search("anchor").hits
    assert taken == [before]


def test_a_session_that_does_not_change_is_not_even_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(tmp_path).settle()
    index = SessionIndex(tmp_path)
    index.search("cart")

    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} is opened")

    monkeypatch.setattr(filling, "JournalReader", refuse)
    assert len(index.search("cart").hits) == 3


def test_a_file_that_was_written_to_just_now_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(tmp_path).settle()
    opened_files: list[Path] = []

    def noting(path: Path) -> JournalReader:
        opened_files.append(path)
        return JournalReader(path)

    monkeypatch.setattr(filling, "JournalReader", noting)
    just_now = SessionIndex(tmp_path, clock=lambda: NOW + 1)
    later = SessionIndex(tmp_path, clock=lambda: NOW + 3)
    for index, count in ((just_now, 1), (just_now, 2), (later, 3), (later, 3)):
        index.search("cart")
        assert len(opened_files) == count


def test_a_deleted_index_changes_nothing(tmp_path: Path) -> None:
    shop(tmp_path)
    index = SessionIndex(tmp_path)
    before = index.search("cart"), index.sessions(), index.runs()
    for path in tmp_path.glob(f"{INDEX}*"):
        path.unlink()
    assert (index.search("cart"), index.sessions(), index.runs()) == before


@pytest.mark.parametrize("damage", ["text", "cut", "noise", "empty", "version", "table"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    shop(tmp_path)
    index = SessionIndex(tmp_path)
    before = index.search("cart")
    path = tmp_path / INDEX
    whole = path.read_bytes()
    match damage:
        case "text":
            path.write_bytes(b"this is no database" * 100)
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "noise":
            path.write_bytes(whole[:4096] + bytes(range(256)) * ((len(whole) - 4096) // 256))
        case "empty":
            path.write_bytes(b"")
        case "version":
            path.write_bytes(whole[:60] + (99).to_bytes(4, "big") + whole[64:])
        case "table":
            with closing(open_index(tmp_path)) as database, filling._transaction(database):
                database.execute("DROP TABLE found")
    assert index.search("cart") == before
    assert SessionIndex(tmp_path).sessions()[0].messages == 2


def test_the_index_is_for_its_owner_only(tmp_path: Path) -> None:
    shop(tmp_path)
    old = os.umask(0)
    try:
        SessionIndex(tmp_path).search("cart")
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("index*")}
    assert modes == {0o600}


def test_where_no_index_can_be_kept_the_answer_is_the_same(tmp_path: Path) -> None:
    shop(tmp_path)
    (tmp_path / INDEX).mkdir()
    assert len(hits(tmp_path, "cart")) == 3
    assert (tmp_path / INDEX).is_dir()


def test_an_index_that_others_hold_for_too_long_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(tmp_path)
    index = SessionIndex(tmp_path)
    index.search("cart")
    (tmp_path / INDEX).write_bytes(b"this is no database" * 100)
    monkeypatch.setattr("quarterdeck.storage.index_schema.BUSY_S", 0.05)
    with index_lock(tmp_path), pytest.raises(IndexGone, match="Other processes hold the index"):
        index.search("cart")
    assert len(index.search("cart").hits) == 3


def test_a_damaged_session_is_said_and_holds_up_no_other(tmp_path: Path) -> None:
    bad, good = shop(tmp_path, "bad"), shop(tmp_path, "good")
    bad.place.database.write_bytes(b"this is no database" * 1_000)
    good.settle()
    assert {session for session, _, _ in hits(tmp_path, "cart")} == {"good"}
    damage = {one.id: one.damage for one in SessionIndex(tmp_path).sessions()}
    assert damage["good"] == ""
    assert "bad can't be read" in damage["bad"]
    assert {one.session_id for one in SessionIndex(tmp_path).runs()} == {"good"}


def test_around_a_damaged_page_of_a_session_the_rest_is_found(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1", gap=3)
    file.tell(opened(), *working("coder"))
    file.tell(*(says("coder", f"needle {nth} {'x' * 400}", at=NOW + nth) for nth in range(2_000)))
    file.write()
    whole = file.place.database.read_bytes()
    at = whole.index(b"needle 1000 ") // 4096 * 4096
    file.place.database.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])
    found = SessionIndex(tmp_path).search("needle", 10_000)
    numbers = {int(hit.excerpt.split()[1]) for hit in found.hits}
    assert 0 in numbers
    assert 1999 in numbers
    assert 1000 not in numbers
    assert len(numbers) > 1_900
    assert SessionIndex(tmp_path).sessions()[0].damage


def test_a_session_of_a_later_version_is_left_untouched(tmp_path: Path) -> None:
    file = shop(tmp_path)
    database = open_for_writing(file.place.database)
    database.execute("PRAGMA user_version=99")
    database.close()
    before = file.place.database.read_bytes()
    (session,) = SessionIndex(tmp_path).sessions()
    assert "newer version" in session.damage
    assert file.place.database.read_bytes() == before


def test_a_file_that_holds_less_than_is_known_is_read_anew(tmp_path: Path) -> None:
    file = shop(tmp_path)
    file.tell(says("coder", "The anchor is up."))
    file.write()
    index = SessionIndex(tmp_path)
    assert index.search("anchor").hits
    for path in file.place.folder.iterdir():
        path.unlink()
    shop(tmp_path)
    assert index.search("anchor").hits == ()
    assert len(index.search("cart").hits) == 3


def test_a_deleted_session_is_forgotten_and_leaves_no_word_behind(tmp_path: Path) -> None:
    shop(tmp_path, "keep")
    file = SessionFile(tmp_path, "gone")
    file.tell(opened(), *working("coder"), says("coder", "the watchword is xylophone"))
    file.write()
    index = SessionIndex(tmp_path)
    assert index.search("xylophone").hits
    remove_session(tmp_path, "gone")
    index.forget("gone")
    assert not file.place.folder.exists()
    assert index.search("xylophone").hits == ()
    assert [one.id for one in index.sessions()] == ["keep"]
    assert not any(b"xylophone" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(index.search("cart").hits) == 3


def test_a_session_that_a_process_owns_is_not_removed(tmp_path: Path) -> None:
    file = shop(tmp_path)
    held = lease.take(file.place.lease)
    with pytest.raises(lease.Taken):
        remove_session(tmp_path, "s1")
    held.release()
    assert len(hits(tmp_path, "cart")) == 3


def test_two_processes_index_at_once_and_nothing_is_there_twice(tmp_path: Path) -> None:
    for session in range(4):
        file = SessionFile(tmp_path, f"s{session}")
        file.tell(opened(), *working("coder"))
        file.tell(*(says("coder", f"harbour {nth}", at=NOW + nth) for nth in range(1_500)))
        file.write()
    environment = {**os.environ, "PYTHONPATH": str(SOURCE / "src")}
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for one in asked:
        out, _ = one.communicate(timeout=60)
        assert out.split() == ["6000", "6000", "6000"]
    assert SessionIndex(tmp_path).search("harbour", 100_000).searched == 6_000


def test_a_reader_keeps_up_while_a_writer_writes(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    queue: SimpleQueue[Batch | None] = SimpleQueue()
    committed: SimpleQueue[int] = SimpleQueue()
    stuck: list[str] = []
    writer = Writer(queue, tell_committed=committed.put, tell_stuck=stuck.append)
    database = open_for_writing(file.place.database)
    thread = threading.Thread(target=writer.run, args=(database,), daemon=True)
    thread.start()
    index = SessionIndex(tmp_path)
    file.tell(opened(), *working("coder"))
    for nth in range(30):
        file.tell(says("coder", f"harbour {nth}", at=NOW + nth))
        queue.put(file.batch())
        while committed.get(timeout=30) < file.sequence:
            pass
        assert index.search("harbour", 1).hits[0].excerpt == f"harbour {nth}"
        assert index.sessions()[0].messages == nth + 1
    queue.put(None)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert stuck == []


def test_sessions_say_what_they_are_newest_first(tmp_path: Path) -> None:
    shop(tmp_path, "old", at=NOW - 1_000)
    file = shop(tmp_path, "new")
    held = lease.take(file.place.lease)
    new, old = SessionIndex(tmp_path).sessions()
    held.release()
    assert (new.id, new.owner, new.runs, new.messages) == ("new", os.getpid(), 1, 2)
    assert (old.id, old.owner) == ("old", None)
    assert (old.folder, old.team) == ("/home/me/src/shop", "shop")
    assert (old.opened_at, old.last_at) == (NOW - 1_000, NOW - 994)


def test_a_session_is_listed_by_where_it_was_started(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    fields = {one: getattr(opened(), one) for one in did.SessionOpened.__struct_fields__}
    file.tell(did.SessionOpened(**{**fields, "started_in": "/home/me/elsewhere"}))
    file.write()
    assert SessionIndex(tmp_path).sessions()[0].folder == "/home/me/elsewhere"


def test_an_open_turn_has_no_known_end_once_nobody_owns_the_session(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *working("coder"), *idle("tester"), *working("runaway"))
    file.tell(ended("runaway", Outcome.FAILED, error="boom"), spawned("fresh"))
    file.write()
    held = lease.take(file.place.lease)
    live = {one.name: (one.outcome, one.lifecycle) for one in SessionIndex(tmp_path).runs()}
    assert live == {
        "coder": (None, "executing"),
        "tester": (None, "ready"),
        "runaway": ("failed", "failed"),
        "fresh": (None, "spawning"),
    }
    held.release()
    stored = {one.name: (one.outcome, one.lifecycle) for one in SessionIndex(tmp_path).runs()}
    assert stored == {**live, "coder": ("unknown", "terminated")}


def test_the_registry_is_read_again_when_a_run_changes(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, "s1")
    file.tell(opened(), *idle("coder"))
    file.write()
    index = SessionIndex(tmp_path)
    assert [one.outcome for one in index.runs("s1")] == [None]
    file.tell(ended("coder", Outcome.COMPLETED))
    file.write()
    assert [one.outcome for one in index.runs("s1")] == ["completed"]
    assert index.runs("another") == ()
