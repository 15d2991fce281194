"""The last session of a folder, on real session files: the newest that has a team and that nobody owns."""

from pathlib import Path

import pytest

from quarterdeck.bootstrap.resuming import last_here, newest_started_in
from quarterdeck.config.settings import SettingsFault
from quarterdeck.domain.archive import LastSession
from quarterdeck.state import actions as did
from quarterdeck.storage import lease
from quarterdeck.storage.opening import open_session
from tests.support.states import killed, opened, permission, working
from tests.support.stored_sessions import NOW, SessionFile

HERE = Path("/home/me/src/shop")


def kept(state: Path, session_id: str, *facts: did.Action, at: float, folder: Path = HERE) -> SessionFile:
    """A session that was started in a folder."""
    file = SessionFile(state, session_id)
    file.tell(opened(at=at), *facts, did.RuleGiven(at=at + 60, rule="Edit", team="shop"))
    file.write()
    database, held = open_session(file.place, {"started_in": str(folder)})
    database.close()
    held.release()
    return file


def team(at: float) -> list[did.Action]:
    return [*working("coder", at=at), *working("tester", at=at), *permission("tester", at=at + 9)]


def test_the_newest_with_a_team_is_told_with_what_waits_in_it(tmp_path: Path) -> None:
    kept(tmp_path, "older", *working("coder", at=NOW - 900), at=NOW - 1_000)
    kept(tmp_path, "newer", *team(NOW - 500), at=NOW - 600)
    kept(tmp_path, "empty", at=NOW - 100)
    kept(tmp_path, "other", *team(NOW - 50), at=NOW - 60, folder=Path("/elsewhere"))
    assert last_here(tmp_path, HERE, but="mine") == LastSession(
        id="newer", last_at=NOW - 540, teammates=2, requests=1, crashed=True
    )
    assert newest_started_in(tmp_path, HERE) == "newer", "an empty one is no session to go on with"


def test_one_that_is_open_elsewhere_is_the_own_or_can_not_be_read_is_passed_over(tmp_path: Path) -> None:
    newest = kept(tmp_path, "newest", *team(NOW - 100), at=NOW - 200)
    broken = kept(tmp_path, "broken", *team(NOW - 300), at=NOW - 400)
    kept(tmp_path, "oldest", *working("coder", at=NOW - 700), killed("coder", at=NOW - 690), at=NOW - 800)
    whole = broken.place.database.read_bytes()
    broken.place.database.write_bytes(whole[:100] + b"\0" * (len(whole) - 100))
    held = lease.take(newest.place.lease)
    found = last_here(tmp_path, HERE, but="mine")
    held.release()
    assert found is not None
    assert (found.id, found.requests) == ("oldest", 0)
    now = last_here(tmp_path, HERE, but="mine")
    assert now is not None
    assert now.id == "newest"
    but = last_here(tmp_path, HERE, but="newest")
    assert but is not None
    assert but.id == "oldest"


def test_where_none_has_a_team_there_is_none_to_go_on_with(tmp_path: Path) -> None:
    assert last_here(tmp_path, HERE, but="mine") is None
    with pytest.raises(SettingsFault, match="No session was started"):
        newest_started_in(tmp_path, HERE)
    kept(tmp_path, "empty", at=NOW)
    assert last_here(tmp_path, HERE, but="mine") is None
    assert newest_started_in(tmp_path, HERE) == "empty", "asked for by name of the folder it is still given"
