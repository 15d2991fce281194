"""Makes the stored databases of each schema in tests/data, which every later version must read (DUR-09).

`python -m tests.support.stored_schemas` writes the one of this version, where there is none yet; it is never
made again. `FACTS` is what it holds, in the words of the newest version.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from quarterdeck.domain.ids import AgentId, CallId, MessageId, RequestId, RunId
from quarterdeck.domain.requests import PermissionGiven, PermissionRequest, PermissionScope
from quarterdeck.domain.teammates import IdleReason, Lifetime, PermissionMode, WaitsOn, Way
from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.entries import Diff, DiffLine, ToolStatus
from quarterdeck.storage.codec import SCHEMA
from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.records import Draft
from tests.support.journals import Kept, as_made, record, run_row

DATA = Path(__file__).parents[1] / "data"
RUN = RunId("r1")
ROSE = AgentId("rose@team")
_USAGE = Usage(input=10, output=20, requests=1, model="m")

FACTS: tuple[did.Action, ...] = (
    did.SessionOpened(at=1.0, session_id="s", folder="/f", team="team", model="m", endpoint="scripted"),
    did.TeammateSpawned(
        at=2.0,
        run_id=RUN,
        agent_id=ROSE,
        name="rose",
        team="team",
        color=1,
        prompt="Look at it.",
        description="look",
        model="m",
        lifetime=Lifetime.RESIDENT,
        permission_mode=PermissionMode.DEFAULT,
        plan_mode_required=False,
        verb="Looking",
        past_verb="Looked",
    ),
    did.TeammateReady(at=3.0, run_id=RUN),
    did.MessageQueued(
        at=4.0, message_id=MessageId("m1"), run_id=RUN, sender="you", text="Go.", way=Way.QUEUE
    ),
    did.TurnStarted(at=5.0, run_id=RUN, verb="Looking", past_verb="Looked"),
    did.MessageDelivered(
        at=5.0, message_id=MessageId("m1"), run_id=RUN, sender="you", text="Go.", way=Way.QUEUE
    ),
    did.MessageRecorded(at=5.0, run_id=RUN, role="user", blocks=({"type": "text", "text": "Go."},)),
    did.RequestOpened(
        at=6.0,
        request=PermissionRequest(
            id=RequestId("q1"),
            run_id=RUN,
            opened_at=6.0,
            call_id=CallId("c1"),
            tool="Bash",
            subject="ls\x00\u2028",
            folder="/f",
            why="",
        ),
    ),
    did.TeammateWaited(at=6.0, run_id=RUN, on=WaitsOn.PERMISSION),
    did.RequestAnswered(
        at=7.0,
        request_id=RequestId("q1"),
        version=1,
        answer=PermissionGiven(scope=PermissionScope.ONCE, rule=None),
    ),
    did.TeammateResumed(at=7.0, run_id=RUN),
    did.ToolStarted(at=8.0, run_id=RUN, call_id=CallId("c1"), tool="Bash", title="ls"),
    did.ToolEnded(
        at=9.0,
        run_id=RUN,
        call_id=CallId("c1"),
        tool="Bash",
        title="ls",
        status=ToolStatus.OK,
        summary="exit 0",
        detail="a lone \ud800",
        duration_s=1.0,
        diff=Diff("a.py", 1, 0, (DiffLine("+", 1, "x"),)),
    ),
    did.TextSaid(at=10.0, run_id=RUN, text="Done. ✓"),
    did.UsageRecorded(at=10.0, run_id=RUN, usage=_USAGE),
    did.TurnEnded(
        at=11.0,
        run_id=RUN,
        reason=IdleReason.DONE,
        final_text="Done. ✓",
        duration_s=6.0,
        usage=_USAGE,
    ),
)
"""One of most kinds; numbered 10, 20, …, so that gaps are in it as in a real one."""
ROW = run_row(RUN, findings="Done. ✓", heartbeat_at=11.0)
DRAFT = Draft("r2", 12.0, "cut off")


def stored_database(schema: int) -> Path:
    """The file of one schema."""
    return DATA / f"journal-schema-{schema}.db"


async def _make(folder: Path) -> bytes:
    place = SessionPlace(folder, "s")
    async with Kept(place) as kept:
        for number, fact in enumerate(FACTS, start=1):
            kept.journal.append(record(number * 10, fact, entry=number), as_made(ROW))
        kept.journal.draft(DRAFT)
    return place.database.read_bytes()


def main() -> int:
    """1 = it is there already."""
    path = stored_database(SCHEMA)
    if path.exists():
        sys.stderr.write(f"{path.name} is there; it stays as that version wrote it\n")
        return 1
    with TemporaryDirectory() as folder:
        path.write_bytes(asyncio.run(_make(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
