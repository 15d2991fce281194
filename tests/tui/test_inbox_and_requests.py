from quarterdeck.tui.keymap import Place
from tests.support import states
from tests.support.hand import screen
from tests.support.states import NOW, run


async def test_n_goes_round_all_that_need_the_person_oldest_first_and_answers_nothing() -> None:
    async with screen() as hand:
        shown = []
        for _ in range(3):
            await hand.press("n")
            shown.append(hand.app.deck.main.request.request_id)
        assert shown == ["plan-coder", "perm-tester", "plan-coder"]
        assert hand.asked == []
        await hand.press("N")
        assert hand.app.deck.main.request.request_id == "perm-tester"


async def test_after_an_answer_the_focus_goes_back_to_where_n_was_pressed() -> None:
    async with screen() as hand:
        await hand.press("n", "a")
        assert hand.asked == ["approve_plan"]
        assert hand.is_at(Place.TEAM)
        assert hand.app.deck.roster.selected == run("coder")


async def test_a_on_a_row_answers_what_the_wide_screen_shows_for_it() -> None:
    async with screen() as hand:
        await hand.press("a")
        assert hand.asked == ["approve_plan"]


async def test_a_on_a_row_of_a_narrow_screen_shows_first_and_answers_second() -> None:
    async with screen(size=(80, 24)) as hand:
        await hand.press("a")
        assert hand.asked == []
        assert hand.is_at(Place.REQUEST)
        await hand.press("a")
        assert hand.asked == ["approve_plan"]


async def test_a_new_request_never_replaces_what_is_read_nor_takes_the_focus() -> None:
    async with screen() as hand:
        await hand.press("n")
        await hand.tell(*states.permission("porter", at=NOW - 1000, subject="rm -rf build"))
        assert hand.app.deck.main.request.request_id == "plan-coder"
        assert "▲ 3 need you" in hand.lines[0]
        assert hand.is_at(Place.REQUEST)


async def test_a_request_that_arrives_while_writing_takes_no_letter_and_no_focus() -> None:
    async with screen() as hand:
        await hand.press("G", "k", "m", "h")
        await hand.tell(*states.permission("lead", subject="ls"))
        await hand.press("a", "y")
        assert hand.app.deck.composer.text == "hay"
        assert hand.asked == []


async def test_the_inbox_lists_two_lines_each_and_opens_the_chosen_one() -> None:
    async with screen() as hand:
        await hand.press("2", "j")
        assert hand.is_at(Place.INBOX)
        assert "tester asks to run a command" in hand.text
        await hand.press("enter")
        assert hand.is_at(Place.REQUEST)
        assert hand.app.deck.main.request.request_id == "perm-tester"
        await hand.press("escape")
        assert hand.is_at(Place.INBOX)


async def test_a_kill_withdraws_its_request_and_the_screen_says_so() -> None:
    async with screen() as hand:
        await hand.press("n", "n", "x")
        assert hand.asked == ["kill"]
        assert "▲ 1 needs you" in hand.lines[0]


async def test_writing_to_a_name_nobody_has_keeps_the_draft_and_names_the_nearest() -> None:
    async with screen() as hand:
        await hand.press("m", *"@codr", "space", *"go", "enter")
        assert hand.notice == "Message to codr not sent: no such teammate. Did you mean coder?"
        assert hand.app.deck.composer.text == "@codr go"
        assert hand.asked == []


async def test_a_message_goes_to_the_one_the_composer_names_or_to_the_addressed() -> None:
    async with screen() as hand:
        await hand.press("G", "k", "m", *"hi", "enter")
        assert [one[1:3] for one in hand.recorder.asked if one[0] == "send"] == [(run("lead"), "hi")]
        await hand.press(*"@tester", "space", *"stop", "enter")
        assert [one[1:3] for one in hand.recorder.asked if one[0] == "send"][-1] == (run("tester"), "stop")
        assert hand.app.deck.composer.text == ""


async def test_commands_of_the_composer_reach_the_controller() -> None:
    async with screen() as hand:
        await hand.press("m")
        for line in ("/spawn scout --plan look", "/rename tester judge", "/model coder m2", "/pause builder"):
            hand.app.deck.composer.put(line)
            await hand.settle()
            await hand.press("enter")
        assert [
            one for one in hand.recorder.asked if one[0] in ("spawn", "rename", "choose_model", "pause")
        ] == [
            ("spawn", "scout", "look", True),
            ("rename", run("tester"), "judge"),
            ("choose_model", run("coder"), "m2"),
            ("pause", run("builder")),
        ]
        hand.app.deck.composer.put("/klil coder")
        await hand.settle()
        await hand.press("enter")
        assert hand.notice == "/klil is no command. Did you mean /kill?"
        assert hand.app.deck.composer.text == "/klil coder"


async def test_quitting_asks_while_a_team_runs_and_says_how_many() -> None:
    async with screen() as hand:
        await hand.press("ctrl+q")
        assert hand.is_at(Place.SHEET)
        assert "5 teammates run and 2 need you. Quit ends them; qd --continue brings all back." in hand.text
        await hand.press("escape")
        assert hand.is_at(Place.TEAM)
        assert hand.app.is_running


async def test_history_shows_how_each_run_ended_and_opens_its_transcript() -> None:
    async with screen() as hand:
        await hand.press("h")
        assert "runaway" in hand.lines[3]
        assert "✕ killed" in hand.lines[3]
        assert "14 of 14 processes 90 ms" in hand.text
        await hand.press("enter")
        assert hand.is_at(Place.TRANSCRIPT)
        assert hand.app.deck.main.transcript.run_id == run("runaway")
        await hand.press("r")
        assert hand.asked == ["revive"]


async def test_the_first_message_of_a_session_starts_the_lead_and_goes_on_to_it() -> None:
    async with screen(states.empty()) as hand:
        assert "to lead" in hand.text
        await hand.press(*"hi", "enter")
        assert ("spawn", "lead", "hi", False) in hand.recorder.asked
        await hand.until(lambda: "run-lead" in hand.store.state.team.by_run)
        await hand.settle()
        assert hand.app.deck.composer.addressee == run("lead")
        await hand.press(*"go", "enter")
        assert [one[1:3] for one in hand.recorder.asked if one[0] == "send"] == [(run("lead"), "go")]


async def test_a_spawn_that_is_refused_says_why() -> None:
    async with screen() as hand:
        hand.app._controller.teammates.spawn_error = "the name is taken"  # type: ignore[attr-defined] # the fake's
        await hand.press("m", *"/spawn", "space", *"coder", "space", *"x", "enter")
        await hand.until(lambda: "coder was not started: the name is taken" in hand.notice)


async def test_up_in_the_empty_composer_takes_the_last_message_back_while_it_is_queued() -> None:
    async with screen() as hand:
        await hand.press("G", "k", "m", *"hi", "enter", "up")
        assert hand.app.deck.composer.text == "hi"
        assert "withdraw_last" in hand.asked


async def test_a_failing_call_of_the_controller_does_not_end_the_screen() -> None:
    async def fail(run_id: object, message: str = "") -> None:
        raise OSError("disk")

    async with screen() as hand:
        hand.app._controller.teammates.revive = fail  # type: ignore[method-assign,assignment] # on purpose
        await hand.press("G", "r")
        await hand.until(lambda: "That failed: OSError" in hand.notice)
        assert hand.app.is_running


async def test_closing_a_sheet_or_help_leads_back_to_where_it_was_opened() -> None:
    async with screen() as hand:
        await hand.press("n", "question_mark")
        assert hand.is_at(Place.HELP)
        await hand.press("escape")
        assert hand.is_at(Place.REQUEST)
        await hand.press("ctrl+x", "k", "n")
        assert hand.is_at(Place.REQUEST)
        await hand.press("escape", "G", "k", "m", *"hi", "f1", "q")
        assert hand.is_at(Place.COMPOSER)
        assert hand.app.deck.composer.text == "hi"


async def test_a_revised_plan_of_the_selected_row_is_shown_and_answered_only_once_painted() -> None:
    async with screen() as hand:
        await hand.press("d", "n", "o", "enter")
        assert hand.asked == ["reject_plan"]
        assert hand.is_at(Place.TEAM)
        main = hand.app.deck.main

        def shown() -> object:
            return main.current

        assert shown() is main.transcript
        hand.now += 5.0
        await hand.tell(*states.plan("coder", version=2, at=hand.wall()))
        assert shown() is main.request
        assert "plan v2" in hand.text
        assert hand.is_at(Place.TEAM)
        await hand.press_at("a", hand.now + 0.1)
        assert hand.asked == ["reject_plan"]
        await hand.press_at("a", hand.now + 0.5)
        assert hand.asked == ["reject_plan", "approve_plan"]


async def test_a_new_request_of_another_row_leaves_the_main_panel_alone() -> None:
    async with screen() as hand:
        hand.app.deck.roster.select(run("builder"))
        await hand.settle()
        await hand.tell(*states.permission("porter", at=NOW, subject="rm -rf build"))
        assert hand.app.deck.main.current is hand.app.deck.main.transcript
        assert hand.app.deck.main.transcript.run_id == run("builder")


async def test_a_new_request_of_the_run_whose_transcript_is_read_only_raises_the_count() -> None:
    async with screen() as hand:
        hand.app.deck.roster.select(run("builder"))
        await hand.press("right")
        assert hand.is_at(Place.TRANSCRIPT)
        await hand.tell(*states.permission("builder", at=NOW, subject="rm -rf build"))
        assert hand.app.deck.main.current is hand.app.deck.main.transcript
        assert hand.is_at(Place.TRANSCRIPT)
        assert "▲ 3 need you" in hand.lines[0]


async def test_footer_composer_and_inbox_tell_of_the_request_that_is_read_and_offer_no_dead_key() -> None:
    async with screen() as hand:
        await hand.press("n", "n")
        assert "a allow once" in hand.lines[-1]
        assert "w wider" not in hand.lines[-1]
        assert any(line.startswith("─ to tester ") for line in hand.lines)
        assert any(line.startswith("❯ ▲ tester") for line in hand.lines)
        await hand.tell(states.killed("tester", at=hand.wall(), processes=0))
        assert hand.lines[-1] == " n next ▲  esc back  ? all"


async def test_the_strip_of_a_narrow_terminal_marks_who_is_read() -> None:
    async with screen(size=(80, 24)) as hand:
        await hand.press("n")
        assert "❯▲coder" in hand.lines[1]
        await hand.press("n")
        assert "❯▲tester" in hand.lines[1]
        assert "❯▲coder" not in hand.lines[1]


async def test_nothing_invites_to_write_to_a_teammate_that_is_gone() -> None:
    async with screen() as hand:
        hand.app.deck.roster.select(states.run("builder"))
        await hand.settle()
        assert "m or enter to write" in hand.text
        await hand.tell(states.killed("builder", at=hand.wall()))
        assert "it is gone: r revives it, then you can write" in hand.text
        assert "m or enter to write" not in hand.text
