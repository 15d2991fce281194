"""Settings: what a file may say, what a variable changes, and that every fault says where it is (INP-01)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from quarterdeck.config.folders import config_folder, log_folder
from quarterdeck.config.settings import MOST_BYTES, Settings, SettingsFault, read_settings, save_theme
from quarterdeck.config.verbs import VERBS, VerbFault, verb_list


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def read(path: Path, content: str | bytes, environment: Mapping[str, str] | None = None) -> Settings:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_settings(path, environment or {})


def fault(path: Path, content: str | bytes, environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingsFault) as raised:
        read(path, content, environment)
    told = str(raised.value)
    assert "\n" not in told
    assert len(told) < 500
    return told


def test_without_a_file_all_is_as_shipped(path: Path) -> None:
    assert read_settings(path, {}) == Settings()
    assert not path.exists()


def test_an_empty_file_changes_nothing(path: Path) -> None:
    assert read(path, "") == Settings()
    assert read(path, "# nothing\n") == Settings()


def test_what_the_file_says_holds(path: Path) -> None:
    settings = read(
        path,
        'theme = "mine"\nbell = false\nverbs = ["Baking/Baked"]\nstop_deadline_s = 5\n[delays]\nkilled = 0\n',
    )
    assert (settings.theme, settings.bell, settings.stop_deadline_s) == ("mine", False, 5.0)
    assert settings.verbs == ("Baking/Baked",)
    assert (settings.delays.killed, settings.delays.completed) == (0.0, 5.0)


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        ("theme = \n", 1, ""),
        ("bell = true\n\ntheme 'x'\n", 3, ""),
        ("bell = true\nbell = false\n", 2, "overwrite"),
        ('bell = true\nthem = "x"\n', 2, "'them'"),
        ("[delays]\nkilled = 1\nkilt = 2\n", 3, "'delays.kilt'"),
        ("bell = 3\n", 1, "bell"),
        ('\n\nreduced_motion = "perhaps"\n', 3, "reduced_motion"),
        ("[delays]\nkilled = -1\n", 2, "delays.killed"),
        ("stop_deadline_s = 90_000\n", 1, "stop_deadline_s"),
        ("stop_deadline_s = nan\n", 1, "stop_deadline_s"),
        ('signs = "emoji"\n', 1, "signs"),
        ("theme = 1\n", 1, "theme"),
        ('bell = true\nverbs = ["Baking"]\n', 2, "Baking"),
        ('bell = true\npermission_mode = "bypass"\n', 2, "permission_mode"),
        ('bell = true\r\nthem = "x"\r\n', 2, "'them'"),
        ("\ufeffthem = 1\n", 1, "'them'"),
        ("theme = !!python/object:os.system\n", 1, ""),
        ("[delays\n", 1, ""),
        ('theme = "open\n', 1, ""),
    ],
)
def test_a_fault_in_the_file_names_file_and_line(path: Path, content: str, line: int, word: str) -> None:
    told = fault(path, content)
    assert told.startswith(f"{path}:{line}: ")
    assert word in told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('signs = "emoji"\n', "signs: one of 'auto', 'unicode', 'ascii', 'words' is expected."),
        ('bell = "yes"\n', "bell: true or false is expected, not a text."),
        ("verbs = [3]\n", "verbs.0: a text is expected, not a number."),
        ("delays = 3\n", "delays: a table is expected, not a number."),
        ("retention_days = 0\n", "retention_days: a number > 0.0 is expected."),
        ("[delays]\nkilt = 1\n", "There are killed, stopped, completed, timed_out, seen."),
    ],
)
def test_a_fault_says_what_is_expected(path: Path, content: str, words: str) -> None:
    assert words in fault(path, content)


def test_a_line_is_found_in_its_own_table_and_not_in_one_before(path: Path) -> None:
    told = fault(path, "# killed = 1\n[delays]\nstopped = 1\nkilled = 'x'\n")
    assert told.startswith(f"{path}:4: delays.killed")


def test_an_unknown_setting_is_answered_with_those_there_are(path: Path) -> None:
    assert "There are model, theme, permission_mode" in fault(path, "x = 1\n")


@pytest.mark.parametrize("content", ["\ufeffbell = false\n", "bell = false\r\n", "bell = false"])
def test_a_byte_order_mark_and_any_line_end_are_read(path: Path, content: str) -> None:
    assert read(path, content).bell is False


def test_a_file_that_is_no_utf8_is_refused(path: Path) -> None:
    assert "not UTF-8" in fault(path, b"theme = '\xff\xfe'\n")
    assert "not UTF-8" in fault(path, "bell = true\n".encode("utf-16"))


def test_a_file_that_is_too_large_is_refused_unread(path: Path) -> None:
    assert "larger than 1,000,000 bytes" in fault(path, b"#" * (MOST_BYTES + 1))
    assert read(path, b"#" * MOST_BYTES) == Settings()


def test_a_folder_in_the_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SettingsFault, match=re.escape(str(path))):
        read_settings(path, {})


def test_a_pipe_in_the_place_of_the_file_does_not_hang(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(SettingsFault, match="no ordinary file"):
        read_settings(path, {})


def test_a_variable_wins_over_the_file(path: Path) -> None:
    variables = {
        "QUARTERDECK_THEME": "quarterdeck-light",
        "QUARTERDECK_BELL": "true",
        "QUARTERDECK_STOP_DEADLINE_S": "7.5",
        "QUARTERDECK_VERBS": "Baking/Baked,Frying/Fried",
        "OTHER": "x",
    }
    settings = read(path, 'theme = "mine"\nbell = false\nsigns = "ascii"\n', variables)
    assert (settings.theme, settings.bell, settings.signs) == ("quarterdeck-light", True, "ascii")
    assert settings.stop_deadline_s == 7.5
    assert settings.verbs == ("Baking/Baked", "Frying/Fried")


def test_a_variable_that_cannot_be_is_named(path: Path) -> None:
    assert fault(path, "", {"QUARTERDECK_BELL": "perhaps"}).startswith("QUARTERDECK_BELL: ")
    assert fault(path, "", {"QUARTERDECK_VERBS": "Baking"}).startswith("QUARTERDECK_VERBS: ")


def test_no_variable_gives_the_mode_bypass(path: Path) -> None:
    assert fault(path, "", {"QUARTERDECK_PERMISSION_MODE": "bypass"}).startswith(
        "QUARTERDECK_PERMISSION_MODE: "
    )


def test_an_empty_variable_is_as_if_it_were_not_set(path: Path) -> None:
    settings = read(path, 'theme = "mine"\n', {"QUARTERDECK_THEME": "", "QUARTERDECK_BELL": ""})
    assert (settings.theme, settings.bell) == ("mine", True)


def test_saving_a_theme_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.toml"
    save_theme(path, "quarterdeck-light")
    assert read_settings(path, {}).theme == "quarterdeck-light"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# mine\nbell = false\n", 'theme = "new"\n# mine\nbell = false\n'),
        ('theme = "old"\nbell = false\n', 'theme = "new"\nbell = false\n'),
        (
            'bell = false # theme = "x"\n  theme="old"  # why\n',
            'bell = false # theme = "x"\n  theme="new"  # why\n',
        ),
        ("bell = false\n  [delays]\n  killed = 1\n", None),
        ("theme = 'old'\n\n[delays]\nkilled = 1\n", 'theme = "new"\n\n[delays]\nkilled = 1\n'),
        ("[delays]\nkilled = 1\n", 'theme = "new"\n[delays]\nkilled = 1\n'),
        ("verbs = [\n'Baking/Baked',\n]\nbell = false\n", None),
        ("bell = false", None),
    ],
)
def test_saving_a_theme_keeps_the_rest_as_it_was(path: Path, before: str, after: str | None) -> None:
    old = read(path, before)
    save_theme(path, "new")
    if after is not None:
        assert path.read_text() == after
    assert read_settings(path, {}) == msgspec.structs.replace(old, theme="new")
    save_theme(path, "newer")
    assert path.read_text().count("newer") == 1
    assert read_settings(path, {}).theme == "newer"


def test_saving_a_theme_keeps_line_ends_and_the_byte_order_mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf# mine\r\nbell = false\r\n[delays]\r\nkilled = 1\r\n")
    save_theme(path, "new")
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    settings = read_settings(path, {})
    assert (settings.theme, settings.bell, settings.delays.killed) == ("new", False, 1.0)


def test_a_theme_of_any_name_is_written_as_it_is(path: Path) -> None:
    for name in ('my "own"', "back\\slash", "\\1", "⚓ 🚢"):
        save_theme(path, name)
        assert read_settings(path, {}).theme == name


def test_a_theme_is_saved_where_a_link_leads_and_nothing_is_left_beside(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("bell = false\n")
    real.chmod(0o640)
    link = tmp_path / "settings.toml"
    link.symlink_to(real)
    save_theme(link, "new")
    assert link.is_symlink()
    assert real.read_text() == 'theme = "new"\nbell = false\n'
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dotfiles.toml", "settings.toml"]


def test_a_theme_that_cannot_be_saved_leaves_the_file_whole(path: Path) -> None:
    path.write_text("bell = false\n")
    path.parent.chmod(0o500)
    path.chmod(0o400)
    try:
        if os.access(path, os.W_OK):
            pytest.skip("this user may write anything")
        with pytest.raises(PermissionError):
            save_theme(path, "new")
    finally:
        path.parent.chmod(0o700)
    assert path.read_text() == "bell = false\n"


def test_one_folder_holds_all_when_it_is_named(tmp_path: Path) -> None:
    named = {"QUARTERDECK_HOME": str(tmp_path)}
    assert config_folder(named) == tmp_path
    assert log_folder(named) == tmp_path / "logs"
    assert config_folder({}).name == "quarterdeck"


def test_own_verbs_stand_behind_the_shipped_ones_or_alone() -> None:
    assert verb_list(("Baking/Baked",), replace=False) == (*VERBS, ("Baking", "Baked"))
    assert verb_list((" Baking / Baked ",), replace=True) == (("Baking", "Baked"),)
    assert verb_list((), replace=True) == VERBS


@pytest.mark.parametrize("entry", ["Baking", "/Baked", "Baking/", "", " / "])
def test_a_verb_is_two_words(entry: str) -> None:
    with pytest.raises(VerbFault, match="Baking/Baked"):
        verb_list((entry,), replace=False)
