"""Where a search looks: in a session, at a teammate, among calls, files or plans; on real session files."""

from pathlib import Path

import pytest

from quarterdeck.domain.archive import FILE_TOOLS, SearchScope, TextKind
from quarterdeck.domain.ids import CallId
from quarterdeck.state import actions as did
from quarterdeck.state.entries import ToolStatus
from quarterdeck.storage.index import SessionIndex
from quarterdeck.tools.registry import standard_tools
from tests.support.states import opened, plan, run, working
from tests.support.stored_sessions import NOW, SessionFile, says


def found_in(state: Path, words: str, scope: SearchScope) -> list[tuple[str, str, str]]:
    found = SessionIndex(state).search(words, scope=scope)
    return [(hit.session_id, hit.name, hit.speaker) for hit in found.hits]


def two_teams(state: Path) -> None:
    """Two sessions with a coder and a tester each, who say, do and plan things about the cart."""
    for session_id in ("s1", "s2"):
        file = SessionFile(state, session_id)
        file.tell(opened(), *working("coder"), *working("tester"))
        file.tell(
            says("coder", "The cart drifts."),
            says("tester", "The cart is untested."),
            *called("coder", "Read", "src/cart.py", call="c1"),
            *called("tester", "Bash", "pytest cart", call="c2"),
            did.ToolStarted(
                at=NOW + 9, run_id=run("coder"), call_id=CallId("p"), tool="SubmitPlan", title="Fix"
            ),
            *plan("coder", at=NOW + 9, texts=("# Fix\n\n1. Mend the cart.",)),
        )
        file.write()


def called(name: str, tool: str, title: str, *, call: str) -> list[did.Action]:
    return [
        did.ToolStarted(at=NOW + 5, run_id=run(name), call_id=CallId(call), tool=tool, title=title),
        did.ToolEnded(
            at=NOW + 6,
            run_id=run(name),
            call_id=CallId(call),
            tool=tool,
            title=title,
            status=ToolStatus.OK,
            summary="ok",
            detail="done",
            duration_s=1.0,
        ),
    ]


SAID, CALL, PLAN = TextKind.SAID, TextKind.CALL, TextKind.PLAN


@pytest.mark.parametrize(
    ("scope", "speakers"),
    [
        (SearchScope("s2"), ["coder", "Bash", "Read", "tester", "coder"]),
        (SearchScope("s1", (run("coder"),)), ["coder", "Read", "coder"]),
        (SearchScope("s1", (run("tester"), run("nobody"))), ["Bash", "tester"]),
        (SearchScope("s1", kind=CALL), ["Bash", "Read"]),
        (SearchScope("s1", kind=CALL, speakers=FILE_TOOLS), ["Read"]),
        (SearchScope("s1", kind=SAID), ["tester", "coder"]),
        (SearchScope("s1", kind=PLAN), ["coder"]),
        (SearchScope("gone"), []),
        (SearchScope("' OR 1"), []),
    ],
)
def test_only_what_is_in_the_scope_is_found(tmp_path: Path, scope: SearchScope, speakers: list[str]) -> None:
    two_teams(tmp_path)
    found = found_in(tmp_path, "cart", scope)
    assert sorted(speaker for *_, speaker in found) == sorted(speakers)
    assert {session for session, *_ in found} <= {scope.session_id}


def test_a_kind_alone_is_looked_for_in_every_session(tmp_path: Path) -> None:
    two_teams(tmp_path)
    found = found_in(tmp_path, "cart", SearchScope(kind=PLAN))
    assert sorted(found) == [("s1", "coder", "coder"), ("s2", "coder", "coder")]


def test_a_plan_is_found_by_its_text_and_stands_at_the_call_that_submitted_it(tmp_path: Path) -> None:
    two_teams(tmp_path)
    (hit,) = SessionIndex(tmp_path).search("mend", scope=SearchScope("s1")).hits
    assert hit.excerpt.endswith("1. Mend the cart.")
    (call,) = SessionIndex(tmp_path).search("src", scope=SearchScope("s1")).hits
    assert hit.entry == call.entry + 1, "the entry after the call before"


def test_a_scope_says_how_much_its_session_holds_and_a_limit_counts_in_it(tmp_path: Path) -> None:
    two_teams(tmp_path)
    assert SessionIndex(tmp_path).search("cart").searched == 10
    assert SessionIndex(tmp_path).search("cart", scope=SearchScope("s1")).searched == 5
    assert SessionIndex(tmp_path).search("cart", scope=SearchScope("gone")).searched == 0
    found = SessionIndex(tmp_path).search("cart", 1, SearchScope("s1", kind=CALL))
    assert (len(found.hits), found.more) == (1, True)
    assert not SessionIndex(tmp_path).search("cart", 2, SearchScope("s1", kind=CALL)).more


def test_the_tools_that_are_about_files_are_tools_that_there_are() -> None:
    assert set(FILE_TOOLS) <= {tool.rule_name for tool in standard_tools()}
