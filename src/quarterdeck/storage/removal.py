"""Deletes a session that nobody owns: it is gone at once, and as a whole."""

import shutil
from contextlib import suppress
from pathlib import Path

from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.lease import take

_GOING = "deleted-"
"""Folders of this name beside `sessions` are being removed; what a crash left of them goes next time."""


def remove_session(state: Path, session_id: str) -> None:
    """Remove its folder, with all that is in it.

    :raises Taken: a process owns it.
    :raises OSError: it can't be removed.
    """
    for left in state.glob(f"{_GOING}*"):
        with suppress(OSError):
            shutil.rmtree(left)
    place = SessionPlace(state, session_id)
    lease = take(place.lease)
    try:
        # Out of sight first: nobody finds half of it, and nobody takes the lease of what is going.
        going = state / f"{_GOING}{session_id}"
        place.folder.rename(going)
        shutil.rmtree(going)
    finally:
        lease.release()
