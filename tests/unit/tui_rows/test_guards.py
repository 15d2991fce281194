from quarterdeck.tui.guards import PaintedGuard, TypingGuard

REQUEST = ("request", "r1", 1)


def painted(*tokens: tuple[object, ...], at: float) -> PaintedGuard:
    guard = PaintedGuard()
    guard.painted(tokens, at)
    return guard


def test_a_key_typed_before_the_thing_was_painted_is_dropped() -> None:
    assert not painted(REQUEST, at=10.0).allows([REQUEST], 9.9)


def test_115_ms_after_the_paint_is_too_early_and_466_ms_is_taken() -> None:
    guard = painted(REQUEST, at=10.0)
    assert not guard.allows([REQUEST], 10.115)
    assert guard.allows([REQUEST], 10.466)


def test_what_was_never_painted_is_never_answered() -> None:
    assert not PaintedGuard().allows([REQUEST], 1e9)


def test_painting_the_same_thing_again_does_not_start_the_time_anew() -> None:
    guard = painted(REQUEST, at=10.0)
    guard.painted([REQUEST], 10.25)
    assert guard.allows([REQUEST], 10.31)


def test_a_new_version_starts_anew() -> None:
    guard = painted(REQUEST, at=10.0)
    guard.painted([("request", "r1", 2)], 12.0)
    assert not guard.allows([REQUEST], 12.1)
    assert not guard.allows([("request", "r1", 2)], 12.2)
    assert guard.allows([("request", "r1", 2)], 12.4)


def test_what_left_the_screen_and_came_back_starts_anew() -> None:
    guard = painted(REQUEST, at=10.0)
    guard.painted([], 11.0)
    guard.painted([REQUEST], 12.0)
    assert not guard.allows([REQUEST], 12.1)


def test_all_things_that_a_key_acts_on_must_have_been_there() -> None:
    guard = painted(("row", "a"), ("chosen", 0), at=10.0)
    guard.painted([("row", "a"), ("chosen", 1)], 11.0)
    assert not guard.allows([("row", "a"), ("chosen", 1)], 11.1)
    assert guard.allows([("row", "a"), ("chosen", 1)], 11.4)


def test_a_harmful_letter_right_after_another_letter_is_dropped() -> None:
    guard = TypingGuard()
    assert guard.allows("h", 1.0, is_guarded=False)
    assert not guard.allows("x", 1.1, is_guarded=True)
    assert guard.allows("x", 1.5, is_guarded=True)


def test_a_harmful_letter_after_moving_or_next_is_taken_at_once() -> None:
    for before in ("j", "k", "n", "N", "g", "G", "space"):
        guard = TypingGuard()
        guard.allows(before, 1.0, is_guarded=False)
        assert guard.allows("a", 1.05, is_guarded=True), before


def test_three_letters_in_a_row_switch_letters_off_until_it_was_quiet() -> None:
    guard = TypingGuard()
    at = 1.0
    taken = []
    for letter in "please":
        taken.append(guard.allows(letter, at, is_guarded=letter in "psa"))
        at += 0.1
    assert taken == [True, True, True, False, False, False]
    assert guard.is_off
    assert not guard.allows("x", at + 0.5, is_guarded=True)
    assert guard.allows("x", at + 0.5 + 0.8, is_guarded=True)


def test_a_look_key_that_is_held_down_is_not_typing() -> None:
    guard = TypingGuard()
    assert all(guard.allows("o", 1.0 + 0.03 * step, is_guarded=False) for step in range(20))


def test_a_harmful_key_that_is_held_down_acts_once() -> None:
    guard = TypingGuard()
    taken = [guard.allows("p", 1.0 + 0.03 * step, is_guarded=True) for step in range(20)]
    assert taken.count(True) == 1
