"""What an archive holds in the scenes: hits here and in another session, earlier runs, a conversation."""

from quarterdeck.domain.archive import SearchFound, SearchHit, StoredRun
from quarterdeck.domain.ids import CallId, MessageId, RunId
from quarterdeck.domain.teammates import Outcome, Way
from quarterdeck.domain.usage import Usage
from quarterdeck.state.entries import Entry, Said, Text, ToolCall, ToolStatus
from tests.support.fake_controller import FakeArchive
from tests.support.states import NOW, run

DAY = 86_400.0
OTHER = "7f3a1b2c"
"""A session of the day before yesterday; `s1` is the one of the scenes."""
OLDER = "0d9e8f77"
SCOUT = RunId(f"{OTHER}-scout")
WORD = "round_money"


def hit(
    name: str,
    excerpt: str,
    *,
    entry: int,
    at: float,
    speaker: str = "",
    session_id: str = "s1",
    run_id: RunId | None = None,
    word: str = WORD,
) -> SearchHit:
    """A hit whose spans are every place of the word in the excerpt."""
    places: list[int] = []
    start = excerpt.find(word)
    while start >= 0:
        places.append(start)
        start = excerpt.find(word, start + 1)
    return SearchHit(
        session_id=session_id,
        run_id=run_id or run(name),
        name=name,
        entry=entry,
        at=at,
        speaker=speaker or name,
        excerpt=excerpt,
        spans=tuple((place, place + len(word)) for place in places),
    )


def stored(
    name: str,
    *,
    session_id: str = OTHER,
    outcome: Outcome | str | None = Outcome.COMPLETED,
    began: float = NOW - 2 * DAY,
    lasted: float = 200.0,
    findings: str = "All is done.",
    error: str = "",
    tokens: int = 12_000,
    label: str = "",
) -> StoredRun:
    """A run of an earlier session."""
    return StoredRun(
        session_id=session_id,
        run_id=RunId(f"{session_id}-{name}"),
        agent_id=f"{name}@shop",
        name=name,
        label=label or f"{name}: do your part of the work",
        model="claude-sonnet-4-5",
        lifecycle="terminated",
        outcome=outcome,
        created_at=began,
        ended_at=began + lasted if outcome is not None else None,
        heartbeat_at=began + lasted,
        error=error,
        findings=findings,
        usage=Usage(input=tokens, requests=1),
    )


FOUND = SearchFound(
    hits=(
        hit(
            "builder",
            "…and you: use round_money in cart.py too, then bump",
            entry=1,
            at=NOW - 30,
            speaker="you",
        ),
        hit("coder", '"round_money" in src, 7 hits in 4 files', entry=6, at=NOW - 60, speaker="Grep"),
        hit(
            "coder",
            "I traced three orders. In each of them the drift comes from round(float(value), 2) in "
            "round_money, because 2.675 is stored as 2.67499999999999982236431605997495353221893310546875. "
            "So the cents go astray before they are ever added up.",
            entry=5,
            at=NOW - 154,
        ),
        hit("tester", "test_round_money_half_up does not exist yet", entry=3, at=NOW - 125),
        hit(
            "scout",
            "Drift starts in price.round_money; 3 call sites",
            entry=40,
            at=NOW - 2 * DAY,
            session_id=OTHER,
            run_id=SCOUT,
        ),
    ),
    searched=611,
)
EARLIER = (
    stored("live", session_id="5e551011", outcome=None, began=NOW - 3_600, findings=""),
    stored("scout", findings="Drift starts in price.round_money; 3 call sites", lasted=58),
    stored(
        "linter",
        outcome=Outcome.FAILED,
        error="401 from the endpoint: key refused",
        began=NOW - 2 * DAY - 300,
    ),
    stored(
        "lead",
        outcome=Outcome.UNKNOWN,
        began=NOW - 2 * DAY - 600,
        lasted=1_867,
        findings="Half of the release notes; list of 11 changes",
        label="lead: Find out why the cents drift in the cart",
        tokens=310_000,
    ),
    stored("bench", session_id=OLDER, began=NOW - 400 * DAY, findings="p99 18 ms before, 11 ms after"),
)


def conversation(count: int, *, said: str = "entry") -> tuple[Entry, ...]:
    """`count` entries, text and a message and a call among them; number 40 says what was searched."""
    entries: list[Entry] = [
        Text(number, NOW - 2 * DAY + number, f"{said} {number}") for number in range(1, count + 1)
    ]
    entries[0] = Said(1, NOW - 2 * DAY, "you", "Find the drift.", Way.QUEUE, MessageId("m"), answered=True)
    if count >= 40:
        entries[38] = ToolCall(
            39, NOW - 2 * DAY + 39, CallId("c"), "Grep", '"round_money" in src', ToolStatus.OK, "7 hits"
        )
        entries[39] = Text(40, NOW - 2 * DAY + 40, "Drift starts in price.round_money; 3 call sites.")
    return tuple(entries)


def fill(archive: FakeArchive) -> None:
    """Put all of it there."""
    archive.found, archive.ended = FOUND, EARLIER
    archive.pages[OTHER, SCOUT] = conversation(300)
