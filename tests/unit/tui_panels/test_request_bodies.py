"""The rows of permissions, plans and questions: nothing is cut, nothing acts, steps and answers are found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.domain.display_text import clean_command
from quarterdeck.domain.ids import CallId, RequestId, RunId
from quarterdeck.domain.requests import (
    CommentAnswer,
    PermissionRequest,
    PlanRequest,
    PlanVersion,
    QuestionRequest,
    StepComment,
)
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.permission_body import permission_body
from quarterdeck.tui.widgets.plan_body import asked_rows, raw_body, source_steps, whole_body
from quarterdeck.tui.widgets.plan_changes import changes_body
from quarterdeck.tui.widgets.question_body import question_body
from quarterdeck.tui.widgets.request_body import Body
from tests.support.states import LONG_COMMAND, NOW, PLAN_V1, PLAN_V2
from tests.unit.tui_panels.panel_support import look, texts


def permission(subject: str, *, tool: str = "Bash", preview: str = "") -> PermissionRequest:
    return PermissionRequest(
        RequestId("p"),
        RunId("r"),
        NOW,
        CallId("c"),
        tool,
        subject,
        "/home/me/shop",
        "no rule",
        preview,
        None,
        120,
    )


def shown_command(body: Body, cells: int) -> str:
    """The command put together again from behind the gutter."""
    whole = ""
    for line in body.lines:
        raw = "".join(segment.text for segment in line)
        if " │ " not in raw[: cells // 2]:
            continue
        marker, _bar, text = raw.partition(" │ ")
        whole += text if marker.strip() in ("$", "…") else "\n" + text
    return whole


def test_a_long_command_is_broken_behind_a_gutter_as_the_design_draws_it() -> None:
    shown = texts(permission_body(permission(LONG_COMMAND), 80, look()).lines)
    assert shown[1].startswith(
        " $ │ docker compose -f compose.ci.yml run --rm -e CI=1 -e DATABASE_URL=postgres"
    )
    assert shown[2].startswith(" … │ ://ci@db/shop -v ")
    assert " whole · 251 characters · 1 line · nothing invisible · exactly this runs" in shown
    assert " folder    /home/me/shop" in shown
    assert " limits    120 s, no stdin" in shown


@pytest.mark.parametrize("cells", [10, 40, 80, 200])
@settings(max_examples=60, deadline=None)
@given(command=st.text(max_size=300))
def test_every_character_of_a_command_is_on_the_rows(cells: int, command: str) -> None:
    body = permission_body(permission(command.replace("│", "|")), cells, look(signs=SignSet.ASCII))
    rows = body.lines[1 : body.lines.index((), 1)]
    whole = shown_command(Body(rows), cells)
    expected = clean_command(command.replace("│", "|"))
    assert whole == "".join(char if char.isascii() else f"<U+{ord(char):04X}>" for char in expected)


def test_in_ascii_no_sign_stands_for_another_in_what_is_approved() -> None:
    shown = texts(permission_body(permission("echo hi → ~/x …"), 80, look(signs=SignSet.ASCII)).lines)
    assert shown[1] == " $ │ echo hi <U+2192> ~/x <U+2026>"
    assert "2 outside ASCII" in " ".join(shown)


def test_letters_that_only_look_like_ascii_are_told() -> None:
    shown = " ".join(texts(permission_body(permission("ls /hоme"), 80, look()).lines))
    assert "1 outside ASCII" in shown


def test_a_real_second_line_has_its_number_and_runs_of_blanks_are_marked() -> None:
    body = permission_body(permission("echo hi" + " " * 500 + "; rm -rf /\nls\t-l"), 80, look())
    shown = texts(body.lines)
    assert shown[1].endswith("·" * 60)
    assert any(line.startswith(" 2 │ ls␉-l") for line in shown)
    facts = " ".join(" ".join(shown).split())
    assert "2 lines" in facts
    assert "1 invisible, spelled out" in facts
    assert "1 run of blanks, up to 500, marked" in facts


def test_in_ascii_runs_of_blanks_are_told_by_style_not_by_a_sign_a_command_can_hold() -> None:
    body = permission_body(permission("a" + " " * 9 + "b"), 80, look(signs=SignSet.ASCII))
    line = body.lines[1]
    run = next(segment for segment in line if segment.text == " " * 9)
    plain_style = line[1].style
    assert run.style != plain_style


def test_a_yes_needs_the_end_of_command_and_change() -> None:
    command = permission_body(permission("x" * 5000), 40, look())
    folder = next(at for at, line in enumerate(texts(command.lines)) if line.startswith(" folder"))
    assert command.must_see == folder + 1
    change = permission_body(permission("a.py", tool="Edit", preview="@@ -1 +1 @@\n-a\n+b\n"), 80, look())
    assert change.must_see == len(change.lines)
    assert any(line.endswith("│ +b") for line in texts(change.lines))


def test_a_path_with_a_newline_stays_on_one_line() -> None:
    shown = texts(permission_body(permission("a\nb.py\x1b[0m", tool="Write", preview="x"), 80, look()).lines)
    assert "   │ a␊b.py␛[0m" in shown


def test_steps_are_found_where_they_are_drawn_in_every_view() -> None:
    for body in (whole_body(PLAN_V1, 60, look()), raw_body(PLAN_V1, 60, look())):
        assert len(body.steps) == 6
        heads = [texts([body.lines[step.first]])[0].strip()[:2] for step in body.steps]
        assert heads == ["1.", "2.", "3.", "4.", "5.", "6."]
    changed = changes_body(PLAN_V1, PLAN_V2, 60, look())
    assert [texts([changed.lines[step.first]])[0][4:6] for step in changed.steps] == [
        f"{number}." for number in range(1, 8)
    ]
    assert (changed.added, changed.removed) == (3, 2)


def test_steps_in_code_are_no_steps() -> None:
    assert source_steps("1. one\n```\n2. code\n```\n2. two\n") == [("1.", "one"), ("2.", "two")]
    assert source_steps("- a\n- b") == [("-", "a"), ("-", "b")]


def test_a_comment_stands_under_its_step() -> None:
    comment = StepComment("v1-1", source_line(PLAN_V1, 2), "half-up!")
    shown = texts(whole_body(PLAN_V1, 80, look(), (comment,)).lines)
    at = next(index for index, line in enumerate(shown) if line.startswith("  2. "))
    assert shown[at + 1] == "     │ you: half-up!"


def source_line(plan: str, number: int) -> str:
    return next(line for line in plan.split("\n") if line.startswith(f"{number}. "))


def test_without_colour_changed_words_are_in_brackets() -> None:
    shown = texts(changes_body(PLAN_V1, PLAN_V2, 80, look(colour=False)).lines)
    assert any("[-ROUND_HALF_EVEN-]" in line for line in shown)
    assert any("{+ROUND_HALF_UP+}" in line for line in shown)
    coloured = texts(changes_body(PLAN_V1, PLAN_V2, 80, look()).lines)
    assert not any("[-" in line for line in coloured)
    assert any(line.startswith("  ~ 7. ") and line.endswith("(was 6)") for line in coloured)


def test_what_was_asked_stands_with_its_answers_and_the_lack_of_one() -> None:
    comments = (StepComment("c1", "2. money", "half-up"), StepComment("c2", "", "keep the signature"))
    first = PlanVersion(1, PLAN_V1, NOW, feedback="Totals are off.", comments=comments)
    second = PlanVersion(2, PLAN_V2, NOW, answers=(CommentAnswer("c1", "step 2 changed"),))
    request = PlanRequest(RequestId("p"), RunId("r"), NOW, 2, (first, second))
    shown = texts(asked_rows(request, "coder", 80, look()))
    assert shown[0] == " What you asked for, and where coder says it is answered"
    assert ' │ "Totals are off."' in shown
    at = shown.index(' │ on 2. money: "half-up"')
    assert shown[at + 1] == "   ✓ coder: step 2 changed"
    assert shown[shown.index(' │ "keep the signature"') + 1] == "   ◦ coder does not answer this one"


def test_untrusted_text_of_requests_is_literal() -> None:
    nasty = "\x1b]0;x\x07[/][@click=app.quit]q[/] \u202e"
    question = QuestionRequest(RequestId("q"), RunId("r"), NOW, CallId("c"), nasty, (nasty,))
    bodies = [
        permission_body(permission(nasty, preview=nasty), 60, look()),
        whole_body(f"1. {nasty}\n", 60, look()),
        raw_body(nasty, 60, look()),
        changes_body("1. a", f"1. {nasty}", 60, look()),
        question_body(question, 60, look(), chosen=1, own=nasty),
    ]
    for body in bodies:
        whole = "\n".join(texts(body.lines))
        assert "\x1b" not in whole
        assert "\x07" not in whole
        assert "\u202e" not in whole
        assert "@click=app.quit" in whole
        assert not any(segment.style and segment.style.meta for line in body.lines for segment in line)


def test_a_question_shows_its_options_by_number_and_the_chosen_one() -> None:
    question = QuestionRequest(RequestId("q"), RunId("r"), NOW, CallId("c"), "Which?", ("up", "even"))
    shown = texts(question_body(question, 60, look(), chosen=2).lines)
    assert "   1  up" in shown
    assert "❯  2  even" in shown
