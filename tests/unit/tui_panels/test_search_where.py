"""Which places to look in are in sight beside the field, and what each is for the archive."""

import pytest

from quarterdeck.domain.archive import EVERYWHERE, FILE_TOOLS, SearchScope, TextKind
from quarterdeck.domain.ids import RunId
from quarterdeck.state.app_state import AppState
from quarterdeck.tui.rendering.cells import width
from quarterdeck.tui.search_scopes import Where, choices, scope_of, scope_of_run
from quarterdeck.tui.widgets.search_where import in_sight, shown
from tests.support import states
from tests.support.states import fold, run

EVERY = tuple(Where)
MINE = SearchScope("s1", (RunId("r"),))


@pytest.mark.parametrize("chosen", EVERY)
@pytest.mark.parametrize("cells", range(0, 90))
def test_the_chosen_place_is_in_sight_and_nothing_is_wider_than_the_row(chosen: Where, cells: int) -> None:
    before, seen, more = in_sight(EVERY, chosen, cells)
    assert chosen in seen
    told = f" in {before}{'  '.join(shown(one, chosen) for one in seen)}{more}"
    least = width(f" in …  {shown(chosen, chosen)}  …")
    assert width(told) <= max(cells, least)
    first = EVERY.index(seen[0])
    assert EVERY[first : first + len(seen)] == seen
    assert bool(before) == (first > 0) or seen == (chosen,)
    assert bool(more) == (seen[-1] is not EVERY[-1]) or seen == (chosen,)


def test_with_room_all_are_in_sight() -> None:
    assert in_sight(EVERY, Where.PLANS, 80) == ("", EVERY, "")


def test_each_place_is_a_scope_of_its_own() -> None:
    assert [scope_of(where, "s1", MINE) for where in EVERY] == [
        EVERYWHERE,
        SearchScope("s1"),
        MINE,
        SearchScope(kind=TextKind.PLAN),
        SearchScope(kind=TextKind.CALL),
        SearchScope(kind=TextKind.CALL, speakers=FILE_TOOLS),
    ]


def test_without_a_teammate_none_is_offered() -> None:
    assert Where.TEAMMATE in choices(MINE)
    assert set(choices(None)) == set(EVERY) - {Where.TEAMMATE}


def test_a_teammate_is_all_its_lives_whichever_is_chosen() -> None:
    second, third = RunId("coder-2"), RunId("coder-3")
    facts = [
        states.opened(),
        *states.working("coder"),
        *states.working("tester"),
        states.killed("coder"),
        states.spawned("coder", revived_from=run("coder"), run_id=second),
        states.spawned("coder", revived_from=second, run_id=third),
    ]
    team = fold(AppState(), facts).team
    for life in (run("coder"), second, third):
        if life in team.by_run:
            found = scope_of_run("s1", team, life)
            assert set(found.run_ids) == {one for one in team.by_run if one != run("tester")}
            assert found.session_id == "s1"
    assert len(team.by_run) >= 3
