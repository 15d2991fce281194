"""The fold over all slices."""

import pytest

from quarterdeck.domain.usage import Usage
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from quarterdeck.state.log import reduce_log
from quarterdeck.state.mail import reduce_mail
from quarterdeck.state.requests import reduce_inbox
from quarterdeck.state.session import reduce_session
from quarterdeck.state.transcripts import reduce_transcripts
from tests.support.states import NOW, fold, opened, permission, run, working
from tests.support.stored_sessions import says, tool_began

OF_THE_TEAM_ALONE = (
    did.StepStarted(at=NOW, run_id=run("coder")),
    did.UsageRecorded(at=NOW, run_id=run("coder"), usage=Usage(input=7, output=3, requests=1)),
)


def busy() -> AppState:
    """Somebody works, has said something, runs a tool and asks."""
    facts = (
        opened(),
        *working("coder"),
        says("coder", "Reading.", at=NOW - 2),
        tool_began("coder", "pytest -q", at=NOW - 1),
        *permission("coder"),
        did.TextStreamed(at=NOW, parts=((run("coder"), "And"),)),
    )
    return fold(AppState(), facts)


@pytest.mark.parametrize("fact", OF_THE_TEAM_ALONE, ids=lambda fact: type(fact).__name__)
def test_what_is_folded_into_the_team_alone_concerns_no_other_slice(fact: did.Action) -> None:
    before = busy()
    after = reduce(before, fact)
    assert after.team is not before.team
    assert (after.session, after.inbox, after.transcripts, after.mail, after.log) == (
        reduce_session(before.session, fact),
        reduce_inbox(before.inbox, fact),
        reduce_transcripts(before.transcripts, fact),
        reduce_mail(before.mail, fact),
        reduce_log(before.log, fact, before.team, before.inbox),
    )


@pytest.mark.parametrize("fact", OF_THE_TEAM_ALONE, ids=lambda fact: type(fact).__name__)
def test_a_fact_of_a_run_that_never_was_leaves_the_same_state(fact: did.Action) -> None:
    empty = AppState()
    assert reduce(empty, fact) is empty
