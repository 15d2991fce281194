"""The composer in a running app: what is typed is sent, kept or taken back, and never lost."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.domain.teammates import Way
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.theming import load_themes
from quarterdeck.tui.widgets.composer import Composer
from quarterdeck.tui.widgets.writing_fields import PlanEditor, ReasonField

DARK = load_themes(None)[0]["quarterdeck-dark"]
WORDS = {
    "command": ("spawn", "stop", "theme"),
    "name": ("coder", "builder"),
    "file": ("src/", "src/cart.py", "x\x1b]0;y"),
}


def completions(kind: str, prefix: str) -> Sequence[str]:
    return [word for word in WORDS[kind] if word.startswith(prefix)]


class Bench(App[None]):
    """Something else to focus, the composer, a reason field and a plan editor."""

    def __init__(self) -> None:
        super().__init__()
        look = Look(roles_of(DARK))
        self.composer = Composer(look, completions)
        self.composer.set_addressee("run-1", "builder")
        self.reason = ReasonField(look)
        self.editor = PlanEditor(look)
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        other = Static("other", id="other", markup=False)
        other.can_focus = True
        yield other
        yield self.reason
        yield self.editor
        yield self.composer

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.composer.area.focus()

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.seen.append(message)

    def on_composer_last_message_wanted(self, message: Composer.LastMessageWanted) -> None:
        self.seen.append(message)

    def on_composer_editor_wanted(self, message: Composer.EditorWanted) -> None:
        self.seen.append(message)

    def on_composer_leave_wanted(self, message: Composer.LeaveWanted) -> None:
        self.seen.append(message)

    def on_composer_rows_changed(self, message: Composer.RowsChanged) -> None:
        self.seen.append(message)

    def on_writing_field_submitted(self, message: ReasonField.Submitted) -> None:
        self.seen.append(message)

    def on_writing_field_leave_wanted(self, message: ReasonField.LeaveWanted) -> None:
        self.seen.append(message)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.seen if type(message) is kind]

    def sent(self) -> list[tuple[str, str, Way]]:
        return [(one.addressee, one.text, one.way) for one in self.of(Composer.Submitted)]


async def type_text(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*("space" if char == " " else char for char in text))


async def paste(pilot: Pilot[None], app: Bench, text: str) -> None:
    assert app.focused is not None
    app.focused.post_message(events.Paste(text))
    await pilot.pause()


def screen_rows(app: Bench, widget: Widget | None = None) -> list[str]:
    """The composer (or another widget) as the terminal shows it, row by row."""
    region = (widget or app.composer).region
    strips = app.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in strips[region.y : region.bottom]]


async def test_enter_sends_to_the_addressee_and_empties_the_field() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "bump it")
        await pilot.press("enter")
        await pilot.press("enter")
        assert app.sent() == [("run-1", "bump it", Way.STEER)]
        assert app.composer.text == ""


async def test_it_shows_addressee_way_prompt_and_a_hint_only_without_the_keys() -> None:
    async with Bench().run_test(size=(120, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.pause()
        rule, text = screen_rows(app)
        assert rule.startswith("━ to builder ━━")
        assert rule.endswith("steer: at the next tool boundary · shift+tab queue, now ━")
        assert text.startswith(" ›")
        assert "m or enter" not in text
        app.query_one("#other").focus()
        await pilot.pause()
        await pilot.pause()
        rule, text = screen_rows(app)
        assert rule.startswith("─ to builder ──")
        assert rule.endswith("─ steer: at the next tool boundary ─")
        assert text == " › m or enter to write"


@pytest.mark.parametrize("new_line", [["ctrl+j"], ["shift+enter"], ["backslash", "enter"]])
async def test_three_ways_to_a_new_line_and_the_field_grows(new_line: list[str]) -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "one")
        await pilot.press(*new_line)
        await type_text(pilot, "two")
        await pilot.pause()
        assert app.composer.text == "one\ntwo"
        assert app.sent() == []
        assert app.composer.region.height == 3
        assert [one.rows for one in app.of(Composer.RowsChanged)] == [2]
        for _ in range(9):
            await pilot.press("ctrl+j")
        await pilot.pause()
        assert app.composer.region.height == 7
        await pilot.press("enter")
        await pilot.pause()
        assert app.composer.region.height == 2


async def test_each_addressee_keeps_its_own_draft_and_way() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "for builder")
        await pilot.press("left", "left", "shift+tab")
        app.composer.set_addressee("run-2", "coder")
        assert app.composer.text == ""
        assert app.composer.way.value == "steer"
        await type_text(pilot, "for coder")
        app.composer.set_addressee("run-1", "builder")
        assert app.composer.text == "for builder"
        assert app.composer.way.value == "queue"
        await type_text(pilot, "!")
        assert app.composer.text == "for build!er"
        assert app.composer.draft_of("run-2") == "for coder"
        assert app.composer.draft_of("run-3") == ""


async def test_shift_tab_goes_round_the_ways_and_a_sent_text_is_steered_next_time() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        ways = []
        for _ in range(3):
            await pilot.press("shift+tab")
            ways.append(app.composer.way)
        assert ways == [Way.QUEUE, Way.INTERRUPT, Way.STEER]
        await pilot.press("shift+tab", "shift+tab", "x", "enter", "y", "enter")
        assert [way for _key, _text, way in app.sent()] == [Way.INTERRUPT, Way.STEER]


async def test_up_in_the_empty_field_asks_for_the_last_message_then_walks_older_ones() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        for text in ("first", "second"):
            await type_text(pilot, text)
            await pilot.press("enter")
        await pilot.press("up")
        assert [one.addressee for one in app.of(Composer.LastMessageWanted)] == ["run-1"]
        app.composer.bring_back("second")
        await pilot.press("up")
        assert app.composer.text == "first"
        await pilot.press("up", "down")
        assert app.composer.text == "second"
        await pilot.press("down")
        assert app.composer.text == ""
        await pilot.press("ctrl+z")
        assert app.composer.text == "second"
        await pilot.press("x", "up")
        assert app.composer.text == "secondx"


async def test_a_message_that_comes_back_spares_what_was_written_meanwhile() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "new")
        app.composer.bring_back("refused one")
        assert app.composer.text == "refused one\nnew"


async def test_tab_takes_a_command_a_name_or_a_file_and_escape_closes_the_list() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.press("slash", "s")
        await pilot.pause()
        rows = screen_rows(app)
        assert [row.split()[:2] for row in rows[1:3]] == [["❯", "/spawn"], ["/stop", "command"]]
        assert rows[3].startswith(" › /s")
        await pilot.press("down", "tab")
        assert app.composer.text == "/stop "
        await pilot.press("at", "c", "tab")
        assert app.composer.text == "/stop @coder "
        await pilot.press("at", "s", "tab")
        assert app.composer.text == "/stop @coder @src/"
        await pilot.press("c")
        await pilot.pause()
        assert app.composer.rows == 2
        await pilot.press("escape")
        await pilot.pause()
        assert app.composer.rows == 1
        assert app.of(Composer.LeaveWanted) == []
        await pilot.press("tab")
        assert len(app.of(Composer.LeaveWanted)) == 1
        assert app.composer.text == "/stop @coder @src/c"


async def test_a_slash_or_at_sign_inside_a_word_completes_nothing() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "a /s b")
        await pilot.press("at", "c")
        assert app.composer.rows == 1
        await pilot.press("tab")
        assert len(app.of(Composer.LeaveWanted)) == 1


async def test_suggested_names_hold_no_control_character() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.press("at", "x")
        await pilot.pause()
        assert any("@x␛]0;y" in row for row in screen_rows(app))
        await pilot.press("tab")
        assert "\x1b" not in app.composer.area.text


async def test_escape_leaves_with_the_draft_kept() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "unsent")
        await pilot.press("escape")
        assert len(app.of(Composer.LeaveWanted)) == 1
        assert app.composer.text == "unsent"


async def test_a_long_paste_is_folded_and_whole_again_when_sent() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        long = "\r\n".join(f"line {n}" for n in range(1_234))
        await type_text(pilot, "see ")
        await paste(pilot, app, long)
        await type_text(pilot, " ok")
        assert app.composer.area.text == "see [pasted 1,234 lines #1] ok"
        app.composer.set_addressee("run-2", "coder")
        app.composer.set_addressee("run-1", "builder")
        await pilot.press("ctrl+g")
        assert app.of(Composer.EditorWanted)[0].text == f"see {long.replace(chr(13), '')} ok"
        app.composer.put(app.of(Composer.EditorWanted)[0].text + "!")
        assert app.composer.area.text == "see [pasted 1,234 lines #1] ok!"
        await pilot.press("enter")
        assert app.sent()[0][1] == f"see {long.replace(chr(13), '')} ok!"


async def test_a_short_paste_is_shown_clean_and_undone_at_once() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "a")
        await paste(pilot, app, "x\x1b[31m\u202ey\r\nz")
        assert app.composer.text == "ax␛[31m<U+202E>y\nz"
        await pilot.press("ctrl+z")
        assert app.composer.text == "a"


async def test_a_paste_of_a_megabyte_does_not_freeze_the_field() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        one_line = "x" * 1_000_000
        started = time.process_time()
        app.composer.paste(one_line)
        app.composer.paste("é\n" * 400_000)
        await pilot.pause()
        assert time.process_time() - started < 0.4
        assert app.composer.area.text == "[pasted 1,000,000 characters #1][pasted 400,001 lines #2]"
        assert len(app.composer.text) == 1_800_000


async def test_a_huge_text_from_the_editor_is_folded_as_well() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        app.composer.put("word\n" * 50_000)
        await pilot.pause()
        assert app.composer.area.text == "[pasted 50,001 lines #1]"
        assert app.composer.text == "word\n" * 50_000


async def test_an_enter_that_comes_with_a_paste_never_sends() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        pasted = events.Paste("rm -rf x")
        enter = events.Key("enter", "\r")
        enter.time = pasted.time + 0.01
        later = events.Key("enter", "\r")
        later.time = pasted.time + 1.0
        app.composer.area.post_message(pasted)
        app.composer.area.post_message(enter)
        await pilot.pause()
        assert app.sent() == []
        assert app.composer.text == "rm -rf x\n"
        app.composer.area.post_message(later)
        await pilot.pause()
        assert len(app.sent()) == 1


async def test_ctrl_c_clears_and_ctrl_z_brings_back_but_a_selection_is_copied() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "keep me")
        await pilot.press("ctrl+c")
        assert app.composer.text == ""
        await pilot.press("ctrl+z")
        assert app.composer.text == "keep me"
        app.composer.area.select_all()
        await pilot.press("ctrl+c")
        assert app.composer.text == "keep me"
        assert app.clipboard == "keep me"


async def test_the_usual_editing_keys_work() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "one two")
        await pilot.press("left", "left", "left", "ctrl+u")
        assert app.composer.text == "two"
        await pilot.press("ctrl+d")
        assert app.composer.text == "wo"


async def test_a_router_can_act_by_name_instead_of_by_key() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await type_text(pilot, "x")
        assert app.composer.do("way")
        assert app.composer.do("send")
        assert not app.composer.do("unknown")
        await pilot.pause()
        assert app.sent() == [("run-1", "x", Way.QUEUE)]


async def test_in_a_narrow_terminal_the_prompt_names_the_addressee() -> None:
    async with Bench().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        app.composer.set_frame(has_rule=False, most_rows=4)
        app.query_one("#other").focus()
        await pilot.pause()
        await pilot.pause()
        assert screen_rows(app) == [" to builder › m or enter to write"]


async def test_a_reason_is_kept_per_request_and_an_empty_one_counts() -> None:
    async with Bench().run_test(size=(120, 30)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        app.reason.open("req-1", "Reject plan v1 of coder · your reason goes to it")
        app.reason.area.focus()
        await type_text(pilot, "half")
        await pilot.press("ctrl+j", "u", "p", "escape")
        assert [(one.about, one.text) for one in app.of(ReasonField.LeaveWanted)] == [("req-1", "half\nup")]
        app.reason.open("req-2", "Deny")
        assert app.reason.text == ""
        await pilot.press("enter")
        app.reason.open("req-1", "Reject plan v1 of coder")
        assert app.reason.text == "half\nup"
        await pilot.press("enter")
        assert [(one.about, one.text) for one in app.of(ReasonField.Submitted)] == [
            ("req-2", ""),
            ("req-1", "half\nup"),
        ]
        app.reason.drop("req-1")
        assert app.reason.draft_of("req-1") == ""


async def test_the_reason_field_has_its_title_and_keys_in_the_rule() -> None:
    async with Bench().run_test(size=(120, 30)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        app.reason.open("req-1", "Reject plan v1 of coder · your reason goes to it")
        app.reason.area.focus()
        await pilot.pause()
        rule = screen_rows(app, app.reason)[0]
        assert rule.startswith("━ Reject plan v1 of coder · your reason goes to it ━")
        assert rule.endswith("enter sends · ctrl+j new line · esc keeps the draft ━")


async def test_the_plan_editor_takes_enter_as_text_and_keeps_edits() -> None:
    async with Bench().run_test(size=(80, 30)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        app.editor.open("req-1/1", "Edit plan v1 of coder", "1. Read.")
        app.editor.area.focus()
        assert not app.editor.is_edited
        await pilot.press("enter")
        await type_text(pilot, "2. Do.")
        await pilot.press("tab")
        assert [(one.about, one.text) for one in app.of(PlanEditor.LeaveWanted)] == [
            ("req-1/1", "1. Read.\n2. Do.")
        ]
        app.editor.open("req-2/1", "Edit", "other")
        app.editor.open("req-1/1", "Edit plan v1 of coder", "1. Read.")
        assert app.editor.text == "1. Read.\n2. Do."
        assert app.editor.is_edited
