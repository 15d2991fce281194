"""The session: what it opened with, the rules given in it, the newest notice."""

from quarterdeck.domain.ids import AgentId
from quarterdeck.state import actions as did
from quarterdeck.state.app_state import AppState, reduce
from tests.support.states import NOW, fold, opened


def test_a_session_knows_where_it_runs_and_what_it_can_ask() -> None:
    session = fold(AppState(), [opened(at=NOW)]).session
    assert (session.id, session.team, session.opened_at) == ("s1", "shop", NOW)
    assert session.model == "claude-sonnet-4-5"
    assert fold(AppState(), [opened(model=None)]).session.model is None


def test_opening_a_session_keeps_the_rules_and_is_told_once() -> None:
    state = fold(AppState(), [did.RuleGiven(at=1.0, rule="Edit", team="shop"), opened()])
    assert [given.rule for given in state.session.rules] == ["Edit"]
    assert reduce(state, opened()) is state


def test_a_rule_is_given_once_to_each() -> None:
    state = fold(
        AppState(),
        [
            did.RuleGiven(at=1.0, rule="Edit", agent_id=AgentId("a@shop")),
            did.RuleGiven(at=2.0, rule="Edit", agent_id=AgentId("b@shop")),
            did.RuleGiven(at=3.0, rule="Edit", team="shop"),
        ],
    )
    assert [(given.agent_id, given.team) for given in state.session.rules] == [
        ("a@shop", None),
        ("b@shop", None),
        (None, "shop"),
    ]
    again = did.RuleGiven(at=9.0, rule="Edit", team="shop")
    assert reduce(state, again) is state


def test_the_newest_notice_replaces_the_one_before() -> None:
    state = fold(
        AppState(),
        [did.NoticeRaised(at=1.0, text="saved"), did.NoticeRaised(at=2.0, text="not saved", is_fault=True)],
    )
    notice = state.session.notice
    assert notice is not None
    assert (notice.at, notice.text, notice.is_fault) == (2.0, "not saved", True)
