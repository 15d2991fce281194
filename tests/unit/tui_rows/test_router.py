import pytest

from quarterdeck.tui.guards import PaintedGuard
from quarterdeck.tui.keymap import ACTING, Keymap, Place, load_keymap, shown_key
from quarterdeck.tui.router import Act, Escaped, Press, Route, Router, Say, ToText

KEYMAP: Keymap = load_keymap()
BOUND = sorted(KEYMAP.bindings, key=str)


def route(key: str, place: Place, *, router: Router | None = None, at: float = 100.0) -> Route:
    painted = PaintedGuard()
    painted.painted([("thing",)], 0.0)
    router = router or Router(KEYMAP, painted)
    character = {"space": " ", "colon": ":"}.get(key, key if len(key) == 1 else None)
    return router.route(
        Press(key, character, at), place, needs=lambda _action: [("thing",)], addressee="coder"
    )


@pytest.mark.parametrize(("key", "place"), BOUND, ids=lambda part: str(part))
def test_every_key_of_the_keymap_means_its_action_in_its_place(key: str, place: Place) -> None:
    binding = KEYMAP.bindings[key, place]
    found = route(key, place)
    if binding.action == "text":
        assert found == ToText()
        assert place.takes_text
    elif binding.action == "chord":
        assert isinstance(found, Say)
        assert found.words.startswith("ctrl+x: k kill all")
    else:
        assert found == Act(binding.action, key)


@pytest.mark.parametrize("key", sorted(KEYMAP.absent))
def test_a_key_of_what_is_not_there_yet_says_so(key: str) -> None:
    found = route(key, Place.TEAM)
    assert isinstance(found, Say)
    assert "not there yet" in found.words


def test_a_key_that_a_place_does_not_have_says_so_and_does_nothing() -> None:
    assert route("x", Place.HISTORY) == Say("x does nothing in History.")
    assert route("f7", Place.TEAM) == Say("f7 does nothing in Team.")


def test_every_letter_is_text_where_there_is_a_text_cursor() -> None:
    for place in (Place.COMPOSER, Place.FIELD, Place.EDITOR):
        for letter in "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789?:/$":
            assert route(letter, place) == ToText(), (letter, place)


def test_in_a_sheet_only_y_is_yes_enter_is_nothing_and_every_other_key_is_no() -> None:
    assert route("y", Place.SHEET) == Act("yes", "y")
    assert route("enter", Place.SHEET) == Act("nothing", "enter")
    for key in ("n", "x", "k", "a", "escape", "tab", "space", "f5", "Y"):
        assert route(key, Place.SHEET) == Act("no", key), key


def test_no_key_means_yes_in_a_way_that_is_not_a_yes_key() -> None:
    for (key, place), binding in KEYMAP.bindings.items():
        if binding.action in ("approve", "yes", "wider"):
            assert binding.kind == "yes", (key, place)
        if binding.action in ("kill", "stop", "interrupt", "pause"):
            assert binding.kind == "harm", (key, place)
    for place in Place:
        for key in ("enter", "escape"):
            binding_there = KEYMAP.binding(key, place)
            assert binding_there is None or binding_there.kind == "look"


def test_from_the_past_every_key_that_changes_something_is_answered_with_what_moment_it_is() -> None:
    router = Router(KEYMAP, PaintedGuard())
    acting = {one.key for one in KEYMAP.bindings.values() if one.kind in ACTING}
    assert {"a", "d", "w", "e", "c", "i", "p", "s", "x", "r", "m"} <= acting
    for number, key in enumerate(sorted(acting)):
        press = Press(key, key if len(key) == 1 else None, float(number))
        found = router.route(
            press, Place.TIMELINE, needs=lambda _action: (), addressee="coder", off="This is 14:31."
        )
        assert found == Say("This is 14:31."), key


def test_in_the_place_of_the_past_no_key_is_bound_to_anything_that_changes_something() -> None:
    for one in KEYMAP.of_place(Place.TIMELINE):
        assert one.kind not in ACTING, one.key


def test_escape_and_a_letter_at_once_is_escape_alone_and_is_said() -> None:
    found = route("alt+x", Place.REQUEST)
    assert found == Escaped("esc and x came together (tmux): went back, x did nothing.")
    assert isinstance(route("alt+x", Place.COMPOSER), Escaped)
    assert route("alt+n", Place.COMPOSER) == Act("next-request", "alt+n")


def test_caps_lock_is_hinted_at() -> None:
    found = route("X", Place.TEAM)
    assert isinstance(found, Say)
    assert found.words == "X does nothing. Caps Lock?"


def test_freezing_the_team_is_refused_with_the_brake() -> None:
    found = route("ctrl+z", Place.TEAM)
    assert isinstance(found, Say)
    assert "ctrl+x p pauses it" in found.words


@pytest.mark.parametrize("place", list(Place))
def test_the_chord_works_everywhere(place: Place) -> None:
    for key, action in (
        ("k", "kill-all"),
        ("ctrl+k", "kill-all"),
        ("p", "pause-all"),
        ("i", "interrupt-all"),
    ):
        router = Router(KEYMAP, PaintedGuard())
        route("ctrl+x", place, router=router, at=1.0)
        assert route(key, place, router=router, at=2.0) == Act(action, key)


def test_the_chord_ends_after_three_seconds_by_escape_and_by_any_other_key() -> None:
    for key, at in (("escape", 2.0), ("x", 2.0)):
        router = Router(KEYMAP, PaintedGuard())
        route("ctrl+x", Place.TEAM, router=router, at=1.0)
        found = route(key, Place.TEAM, router=router, at=at)
        assert isinstance(found, Say)
        assert "Nothing was done" in found.words
    router = Router(KEYMAP, PaintedGuard())
    route("ctrl+x", Place.TEAM, router=router, at=1.0)
    assert route("k", Place.TEAM, router=router, at=4.5) == Act("up", "k")


def test_with_selected_text_ctrl_x_cuts() -> None:
    router = Router(KEYMAP, PaintedGuard())
    press = Press("ctrl+x", None, 1.0)
    found = router.route(press, Place.COMPOSER, needs=lambda _: [], addressee="x", has_selection=True)
    assert found == ToText()


def test_a_guarded_key_is_dropped_with_words_and_never_queued() -> None:
    router = Router(KEYMAP, PaintedGuard())
    for at, key in enumerate("awd", start=10):
        found = router.route(
            Press(key, key, float(at)), Place.REQUEST, needs=lambda _: [("x",)], addressee="coder"
        )
        assert found == Say(f"just appeared: press {key} again", flashes=True)


def test_every_key_in_a_footer_works_in_its_place() -> None:
    for name, keys in KEYMAP.footers.items():
        place = Place(name.partition("_")[0])
        for key in " ".join(shown for shown, _label in keys).split():
            assert KEYMAP.binding(key, place) is not None, (name, key)


def test_the_help_names_only_keys_that_exist() -> None:
    for section in KEYMAP.help:
        for keys, _effect in section.keys:
            for key in keys.removeprefix("ctrl+x ").split():
                assert KEYMAP.is_known(key), key


def test_no_key_of_terminals_that_steal_it_is_bound() -> None:
    stolen = {
        "ctrl+h",
        "ctrl+i",
        "ctrl+m",
        "ctrl+s",
        "ctrl+a",
        "ctrl+b",
        "ctrl+k",
        "alt+enter",
        "ctrl+n",
        "f10",
    }
    assert not stolen & {key for key, _place in KEYMAP.bindings}


def test_keys_are_shown_as_people_know_them() -> None:
    assert [shown_key(key) for key in ("question_mark", "escape", "up", "ctrl+x")] == [
        "?",
        "esc",
        "↑↓",
        "ctrl+x",
    ]
