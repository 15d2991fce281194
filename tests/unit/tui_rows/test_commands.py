import pytest

from quarterdeck.tui.commands import Addressed, Command, Refused, read_line

NAMES = ("coder", "tester", "lead")


def test_spawn_takes_a_name_a_prompt_and_plan_mode() -> None:
    found = read_line("/spawn scout --plan look at price.py  and say what drifts", names=NAMES)
    assert found == Command("spawn", ("scout",), "look at price.py  and say what drifts", plan_mode=True)
    assert read_line("/spawn scout look", names=NAMES) == Command("spawn", ("scout",), "look")
    assert read_line("/spawn scout", names=NAMES) == Command("spawn", ("scout",))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/kill coder", Command("kill", ("coder",))),
        ("/stop", Command("stop")),
        ("/pause tester", Command("pause", ("tester",))),
        ("/revive coder go on with step 3", Command("revive", ("coder",), "go on with step 3")),
        ("/rename coder writer", Command("rename", ("coder", "writer"))),
        ("/theme quarterdeck-light", Command("theme", ("quarterdeck-light",))),
        ("/model claude-haiku-4-5", Command("model", ("claude-haiku-4-5",))),
        ("/model coder claude-haiku-4-5", Command("model", ("coder", "claude-haiku-4-5"))),
        ("/help", Command("help")),
        ("  /QUIT ", Command("quit")),
    ],
)
def test_every_command_is_read(text: str, command: Command) -> None:
    assert read_line(text, names=NAMES) == command


def test_an_unknown_command_is_refused_with_the_nearest() -> None:
    assert read_line("/spwan coder x", names=NAMES) == Refused("/spwan is no command. Did you mean /spawn?")
    assert read_line("/zzz", names=NAMES) == Refused("/zzz is no command.")


def test_a_command_with_too_few_or_too_many_words_says_how_it_is_written() -> None:
    assert read_line("/spawn", names=NAMES) == Refused("Write it as /spawn NAME [--plan] PROMPT.")
    assert read_line("/rename coder", names=NAMES) == Refused("Write it as /rename NAME NEW.")
    assert read_line("/kill coder tester", names=NAMES) == Refused("Write it as /kill NAME.")
    assert read_line("/quit now", names=NAMES) == Refused("Write it as /quit.")


def test_a_name_addresses_and_leaves_the_text_as_it_was_written() -> None:
    assert read_line("@Tester  stop\nthat  ", names=NAMES) == Addressed("stop\nthat", "tester")
    assert read_line("@coder: go", names=NAMES) == Addressed("go", "coder")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    expected = "Message to codr not sent: no such teammate. Did you mean coder?"
    assert read_line("@codr go on", names=NAMES) == Refused(expected)


def test_a_file_at_the_start_is_no_addressee() -> None:
    assert read_line("@src/a.py is wrong", names=NAMES) == Addressed("@src/a.py is wrong")


def test_blank_text_is_not_sent() -> None:
    assert isinstance(read_line("  \n ", names=NAMES), Refused)
    assert isinstance(read_line("@coder ", names=NAMES), Refused)


def test_what_the_person_typed_cannot_bring_control_characters_into_the_notice() -> None:
    found = read_line("@co\x1b[31mdr hi", names=NAMES)
    assert isinstance(found, Refused)
    assert "\x1b" not in found.words
