"""Old sessions are removed where the person asked for it, and no other."""

from pathlib import Path

from quarterdeck.bootstrap.retention import DAY_S, drop_old
from quarterdeck.state import actions as did
from quarterdeck.storage.folders import SessionPlace, session_ids
from quarterdeck.storage.lease import take
from tests.support.stored_sessions import SessionFile

NOW = 1_800_000_000.0


def stored(state: Path, session_id: str, at: float) -> None:
    file = SessionFile(state, session_id)
    file.tell(did.SessionOpened(at=at, session_id=session_id, folder="/f", team="t", model="m", endpoint="e"))
    file.write()


def test_only_what_is_old_and_nobodys_goes(tmp_path: Path) -> None:
    stored(tmp_path, "old", NOW - 31 * DAY_S)
    stored(tmp_path, "owned", NOW - 31 * DAY_S)
    stored(tmp_path, "new", NOW - 29 * DAY_S)
    stored(tmp_path, "broken", NOW - 31 * DAY_S)
    SessionPlace(tmp_path, "broken").database.write_bytes(b"no database at all" * 500)
    lease = take(SessionPlace(tmp_path, "owned").lease)
    assert drop_old(tmp_path, 30, NOW) == ("old",)
    assert set(session_ids(tmp_path)) == {"owned", "new", "broken"}
    assert not (tmp_path / "sessions" / "old").exists()
    lease.release()
    assert drop_old(tmp_path, 30, NOW) == ("owned",)
