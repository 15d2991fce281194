"""How long a search over everything that was said takes, once the index has caught up."""

import random
import tempfile
import time
from pathlib import Path

from quarterdeck.storage.index import SessionIndex
from tests.benchmarks.figures import Bench, Figure
from tests.support.states import opened, working
from tests.support.stored_sessions import NOW, SessionFile, says

SESSIONS = 50
MESSAGES = 2_000
"""In each session."""
WORDS = 20_000
COMMON = ("the", "file", "test", "error", "read", "line")
QUERIES = ("the", "the file", "error the l", "e", "th", "reader.py", "absent", '"the" NEAR')
"""From the most common to the absent; one and two letters are the worst beginnings."""
GOAL_MS = 100.0


def search_all(bench: Bench) -> list[Figure]:
    """The slowest of all queries, each asked some times."""
    sessions, messages = (4, 50) if bench.quick else (SESSIONS, MESSAGES)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        _fill(state, sessions, messages)
        index = SessionIndex(state)
        began = time.perf_counter()
        index.search("the")
        caught_up = time.perf_counter() - began
        took: dict[str, float] = {}
        for query in QUERIES:
            for _ in range(bench.times(20)):
                began = time.perf_counter()
                index.search(query)
                took[query] = max(took.get(query, 0.0), (time.perf_counter() - began) * 1_000)
    slowest = max(took, key=lambda query: took[query])
    return [
        Figure(
            name="search",
            teammates=0,
            figure=took[slowest],
            unit="ms",
            goal=GOAL_MS,
            limit=f"worst of {len(QUERIES)} queries: {slowest}; {sessions * messages:,} messages in "
            f"{sessions} sessions, taken in for the first time in {caught_up:.1f} s",
        )
    ]


def _fill(state: Path, sessions: int, messages: int) -> None:
    chance = random.Random(1)
    letters = "aaabcddeeeeefghiiijklmnnnooopqrrrsssttttuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(WORDS)]
    for number in range(sessions):
        file, base = SessionFile(state, f"s{number:02}", gap=3), NOW - number * 86_400
        file.tell(opened(at=base), *working("coder", at=base))
        for nth in range(messages):
            text = " ".join(chance.choices(words, k=60) + chance.choices(COMMON, k=15))
            file.tell(says("coder", text, at=base + nth * 13))
        file.write().settle()
