import sys
from pathlib import Path

import pytest

from quarterdeck.processes.editor import EditorFault, edit_text


def script(tmp_path: Path, body: str) -> dict[str, str]:
    path = tmp_path / "my editor.py"
    path.write_text(f"import sys\npath = sys.argv[1]\n{body}\n", "utf-8")
    return {"EDITOR": f"{sys.executable} '{path}'", "VISUAL": ""}


def test_what_the_editor_saved_comes_back(tmp_path: Path) -> None:
    editor = script(tmp_path, "text = open(path).read(); open(path, 'w').write(text + ' and more\\n')")
    assert edit_text("one line", editor) == "one line and more"


def test_visual_goes_before_editor(tmp_path: Path) -> None:
    own = script(tmp_path, "open(path, 'w').write('by visual')")
    assert edit_text("x", {"VISUAL": own["EDITOR"], "EDITOR": "false"}) == "by visual"


@pytest.mark.parametrize(
    ("body", "said"),
    [("sys.exit(3)", "code 3"), ("open(path, 'wb').write(b'\\xff\\xfe\\x00')", "no UTF-8")],
)
def test_a_fault_is_one_line_and_the_text_stays(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(EditorFault, match=said) as fault:
        edit_text("kept", script(tmp_path, body))
    assert "\n" not in str(fault.value)


def test_an_editor_that_is_not_there_is_named() -> None:
    with pytest.raises(EditorFault, match="no-such-editor can't be started"):
        edit_text("kept", {"EDITOR": "no-such-editor --wait"})
