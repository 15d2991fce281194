from quarterdeck.tui.arrangement import Wish, arrange
from quarterdeck.tui.counts import Counts, Waiting
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.signs import SIGNS, choose_signs, to_ascii
from quarterdeck.tui.terminal import Caller, Notifier, notification, notifier_for, title_sequence, title_text

CODER = Waiting("coder", "plan", 1.0)
TESTER = Waiting("tester", "permission", 2.0)


def test_the_title_tells_who_needs_or_how_many_work() -> None:
    assert title_text(Counts(needs=2, working=3), "/home/me/src/shop") == "▲2 shop · Quarterdeck"
    assert title_text(Counts(working=3), "/home/me/src/shop/") == "●3 shop · Quarterdeck"
    assert title_text(Counts(), "/home/me/src/shop") == "shop · Quarterdeck"
    assert title_text(Counts(needs=1), "/x/shop", ascii_only=True) == "!1 shop - Quarterdeck"


def test_a_folder_name_cannot_end_the_title_sequence() -> None:
    assert title_sequence("a\x07\x1b]0;evil").count("\x07") == 1
    assert title_sequence("a\x07b").endswith("\x07")


def test_a_call_comes_once_after_two_seconds_when_nobody_looks() -> None:
    caller = Caller()
    assert caller.look((CODER,), 1, away=True, now=10.0) is None
    assert caller.look((CODER,), 1, away=True, now=11.0) is None
    call = caller.look((CODER,), 1, away=True, now=12.0)
    assert call is not None
    assert (call.text, call.rings) == ("coder waits: plan", True)
    assert caller.look((CODER,), 1, away=True, now=60.0) is None


def test_there_is_at_most_one_call_in_ten_seconds() -> None:
    caller = Caller()
    caller.look((CODER,), 1, away=True, now=10.0)
    assert caller.look((CODER, TESTER), 1, away=True, now=12.0) is not None
    assert caller.look((CODER, TESTER), 1, away=True, now=15.0) is None
    later = caller.look((CODER, TESTER), 1, away=True, now=22.0)
    assert later is not None
    assert later.text == "tester waits: permission"


def test_who_looks_is_not_called_for_what_is_on_the_screen() -> None:
    caller = Caller()
    for second in range(5):
        assert caller.look((CODER,), 1, away=False, now=float(second)) is None
    assert caller.look((CODER,), 1, away=True, now=50.0) is None


def test_when_all_are_done_it_is_told_without_a_bell() -> None:
    caller = Caller()
    caller.look((), 2, away=True, now=1.0)
    call = caller.look((), 0, away=True, now=2.0)
    assert call is not None
    assert (call.text, call.rings) == ("team is done", False)
    assert caller.look((), 0, away=True, now=3.0) is None


def test_inside_tmux_there_is_only_the_bell() -> None:
    assert notifier_for({"TERM": "xterm-256color", "TMUX": "/tmp/x"}) is Notifier.NONE
    assert notifier_for({"TERM": "tmux-256color"}) is Notifier.NONE
    assert notifier_for({"TERM": "xterm-kitty"}) is Notifier.OSC99
    assert notifier_for({"TERM": "foot"}) is Notifier.OSC777
    assert notifier_for({"TERM": "xterm-256color"}) is Notifier.OSC9
    assert notification(Notifier.NONE, "coder waits: plan") == ""
    assert notification(Notifier.OSC9, "a\x07;b") == "\x1b]9;a␇,b\x07"


def test_signs_are_ascii_on_the_console_and_without_utf8() -> None:
    assert choose_signs(SignSet.AUTO, {"TERM": "linux"}, "utf-8") is SignSet.ASCII
    assert choose_signs(SignSet.AUTO, {"TERM": "xterm", "LANG": "C"}, "utf-8") is SignSet.ASCII
    assert choose_signs(SignSet.AUTO, {"TERM": "xterm", "LANG": "de_DE.UTF-8"}, "utf-8") is SignSet.UNICODE
    assert choose_signs(SignSet.AUTO, {"TERM": "xterm"}, "iso8859-1") is SignSet.ASCII
    assert choose_signs(SignSet.UNICODE, {"TERM": "linux"}, "ascii") is SignSet.UNICODE


def test_ascii_keeps_every_width() -> None:
    assert to_ascii("▲ coder · テ…") == "! coder - ??~"
    for sign in SIGNS.values():
        assert to_ascii(sign.unicode) == sign.ascii or sign.unicode in "⠋·"
        assert len(sign.ascii) == 1
        assert len(sign.word) <= 5


def test_the_states_have_signs_that_differ() -> None:
    for letters in ([sign.unicode for sign in SIGNS.values()], [sign.ascii for sign in SIGNS.values()]):
        kept = [letter for letter in letters if letter not in ("●", "*")]
        assert len(set(kept)) == len(kept)


def test_the_parts_fill_the_height_exactly() -> None:
    for width in (60, 80, 99, 100, 120, 200):
        for height in (16, 24, 36, 60):
            for main_first in (False, True):
                wish = Wish(team_lines=9, inbox_lines=5, main_first=main_first)
                found = arrange(width, height, wish)
                rule = 1 if found.composer_rule else 0
                used = found.team + found.main + found.composer + rule + int(found.strip) + 3
                assert used == height, (width, height, found)
                assert found.main >= 3


def test_a_small_terminal_keeps_only_counts() -> None:
    assert arrange(59, 40, Wish(team_lines=3, inbox_lines=0)).too_small
    assert arrange(100, 15, Wish(team_lines=3, inbox_lines=0)).too_small


def test_the_inbox_is_never_left_out_while_it_holds_something() -> None:
    for height in range(16, 61):
        found = arrange(120, height, Wish(team_lines=40, inbox_lines=9))
        assert found.inbox >= 3
        assert found.log == 0 or found.log >= 3
