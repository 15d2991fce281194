import pytest

from quarterdeck.tui.keymap import Place
from quarterdeck.tui.settings import SignSet
from tests.support import states
from tests.support.hand import screen

SIZES = [(80, 24), (120, 36), (200, 60), (100, 20), (60, 16)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_who_needs_the_person_and_no_line_is_too_wide(size: tuple[int, int]) -> None:
    async with screen(size=size) as hand:
        assert len(hand.lines) == size[1]
        assert "▲ 2 need you 4m1" in hand.lines[0]
        assert hand.lines[1].startswith("━ Team 6 ━━━━ doing ━")
        assert hand.lines[2].startswith("❯▌▲ coder     plan v1 · 6 steps")
        assert "? all" in hand.lines[-1]


async def test_the_columns_of_a_wide_screen_stand_under_their_headings() -> None:
    async with screen(size=(200, 60)) as hand:
        head, row = hand.lines[1], hand.lines[2]
        for name in ("since", "beat", "tools", "tok", "cache", "mode", "model"):
            assert name in head
        assert row.rstrip().endswith("default sonnet-4.5")
        assert row[head.index("  tok") : head.index("  tok") + 5] == "  84k"


async def test_what_is_not_built_yet_has_no_column_and_no_key_in_the_footer() -> None:
    async with screen(size=(200, 60)) as hand:
        assert "cost" not in hand.lines[1]
        assert "$" not in "".join(hand.lines[:2])
        for word in ("tasks", "lanes", "search", "mark", "M to all", "cost"):
            assert word not in hand.lines[-1]


async def test_from_100_columns_the_main_panel_shows_the_request_of_the_selected_row() -> None:
    async with screen() as hand:
        assert "coder asks to start" in hand.text
        await hand.press("j", "j")
        assert "coder asks to start" not in hand.text
        assert 'Grep "TODO" in src' in hand.text


async def test_below_100_columns_a_request_takes_the_place_of_the_team_and_gives_it_back() -> None:
    async with screen(size=(80, 24)) as hand:
        await hand.press("n")
        assert hand.is_at(Place.REQUEST)
        assert hand.lines[1].strip().startswith("❯▲coder")
        assert hand.lines[2].startswith("━ coder ▲ plan v1 ━")
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
        assert hand.lines[1].startswith("━ Team 6")


async def test_a_terminal_that_is_too_small_shows_counts_and_the_keys_that_matter() -> None:
    async with screen(size=(48, 12)) as hand:
        assert "needs 60×16, this is 48×12" in hand.text
        assert "▲ 2 need you" in hand.text
        assert "ctrl+x k kill all" in hand.text
        await hand.press("ctrl+x", "p")
        assert hand.asked == ["pause_all"]


async def test_in_ascii_not_one_character_is_outside_ascii_and_the_layout_is_the_same() -> None:
    async with screen() as hand:
        unicode_lines = hand.lines
    async with screen(signs=SignSet.ASCII) as hand:
        assert hand.text.isascii()
        assert hand.lines[2].startswith(">:! coder     plan v1 - 6 steps")
        assert [len(line) for line in hand.lines[1:9]] == [len(line) for line in unicode_lines[1:9]]


async def test_words_stand_for_signs_and_no_rule_is_drawn() -> None:
    async with screen(signs=SignSet.WORDS) as hand:
        assert "NEEDS coder" in hand.text
        assert "IDLE  lead" in hand.text
        assert "━" not in hand.lines[1]


async def test_without_colour_no_colour_is_painted() -> None:
    async with screen(no_color=True) as hand:
        assert hand.app.native_ansi_color
        for strip in hand.strips:
            for segment in strip:
                colour = segment.style.color if segment.style else None
                assert colour is None or colour.is_default, segment


async def test_an_empty_team_says_what_to_do_and_the_composer_has_the_keys() -> None:
    async with screen(states.empty()) as hand:
        assert "No teammates yet." in hand.text
        assert "Nothing needs you." in hand.text
        assert hand.is_at(Place.COMPOSER)


async def test_without_a_model_the_welcome_has_the_keys_and_names_three_ways() -> None:
    async with screen(states.empty(model=None)) as hand:
        assert hand.is_at(Place.WELCOME)
        for words in ("set a key", "own server", "the demo", "no model"):
            assert words in hand.text
        await hand.press("1")
        assert "export ANTHROPIC_API_KEY" in hand.notice


async def test_a_theme_is_previewed_under_the_cursor_and_escape_brings_the_old_one_back() -> None:
    async with screen() as hand:
        await hand.press("colon")
        assert hand.is_at(Place.FIELD)
        for letter in "contrast":
            await hand.press(letter)
        assert hand.app.theme == "quarterdeck-contrast"
        await hand.press("escape")
        assert hand.app.theme == "quarterdeck-dark"
        assert hand.is_at(Place.TEAM)


async def test_a_theme_that_is_taken_stays_and_is_kept_in_the_settings() -> None:
    async with screen() as hand:
        await hand.press("colon", *"light", "enter")
        assert hand.app.theme == "quarterdeck-light"
        assert ("save_theme", "quarterdeck-light") in hand.recorder.asked


async def test_ctrl_c_in_an_empty_field_says_what_quits_and_nothing_floats() -> None:
    async with screen() as hand:
        await hand.press("m", "ctrl+c", "ctrl+c")
        assert "ctrl+q quits" in hand.text
        assert "Do you want to quit" not in hand.text
