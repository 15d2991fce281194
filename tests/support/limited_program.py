"""A program whose files may not grow over 200 kB until it lifts the limit; tells what its journal said.

For tests of a full disk where nobody may mount one: `python -m tests.support.limited_program FOLDER SESSION`.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Keeping
from tests.support.journals import Kept, note

LIMIT = 200_000


async def run(place: SessionPlace) -> dict[str, object]:
    """Write until the limit, wait, lift it, and write on."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Kept(place) as kept:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, most))
        seq = 0
        while kept.journal.keeping is Keeping.KEEPING:
            seq += 1
            kept.journal.append(note(seq, f"{seq} {'x' * 4_000}"))
            await asyncio.sleep(0.002)
        kept.journal.append(note(seq + 1, "while it is stuck"))
        waiting = asyncio.ensure_future(kept.journal.committed())
        done, _ = await asyncio.wait({waiting}, timeout=1.2)
        before = kept.journal.last_committed
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        await kept.until(Keeping.KEEPING)
        await waiting
        return {
            "changes": kept.changes,
            "waited": not done,
            "kept_before": before,
            "kept_after": kept.journal.last_committed,
            "told": seq + 1,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(SessionPlace(Path(sys.argv[1]), sys.argv[2])))))
