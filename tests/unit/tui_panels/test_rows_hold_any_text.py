"""Any text in any place: no row is wider than the panel or holds a control character, a link or an action."""

import unicodedata
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.domain.ids import CallId, MessageId, RequestId, RunId
from quarterdeck.domain.requests import (
    CommentAnswer,
    PermissionRequest,
    PlanRequest,
    PlanVersion,
    QuestionRequest,
    Request,
    StepComment,
)
from quarterdeck.domain.teammates import Outcome, Way
from quarterdeck.state.app_state import AppState
from quarterdeck.state.entries import (
    Diff,
    DiffLine,
    Entry,
    LivePart,
    Note,
    Said,
    Text,
    Thinking,
    ToolCall,
    ToolStatus,
)
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.rendering.lines import Line, line_width
from quarterdeck.tui.widgets.kill_proof import end_rows
from quarterdeck.tui.widgets.request_draft import Draft, PlanView
from quarterdeck.tui.widgets.request_layout import body_of
from quarterdeck.tui.widgets.request_words import request_head, request_title
from quarterdeck.tui.widgets.transcript_document import Document
from quarterdeck.tui.widgets.transcript_parts import plain, rule
from tests.support import states
from tests.support.states import NOW
from tests.unit.tui_panels.panel_support import look, view

NASTY = st.one_of(
    st.text(max_size=120),
    st.text(
        alphabet="\x1b\x9b\x07\r\n\t[]/@click=(app.quit)\u202e\u200b\u2066漢e\u0301👩\u200d💻`*#->|1. ",
        max_size=120,
    ),
    st.sampled_from(
        ["[/]", "[/usr/bin]", "[@click=app.quit]x[/]", "[x](javascript:alert(1))", "\x1b]52;c;aGk=\x07"]
    ),
)
CELLS = st.sampled_from([34, 40, 80, 200])


def check(lines: Iterable[Line], cells: int) -> None:
    """What must hold for every row."""
    for line in lines:
        assert line_width(line) <= cells, plain(line)
        for segment in line:
            assert segment.control is None
            assert segment.style is None or not (segment.style.meta or segment.style.link)
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in segment.text), segment
            assert not set(segment.text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2028")


def entries_of(text: str) -> Sequence[Entry]:
    diff = Diff(text, 1, 1, (DiffLine("-", 1, text), DiffLine("+", 1, text)))
    return (
        Said(1, NOW, text, text, Way.STEER, MessageId("m")),
        Text(2, NOW, text),
        Thinking(3, NOW, text),
        ToolCall(4, NOW, CallId("a"), text, text, ToolStatus.ERROR, text, text, 1.0, None, text),
        ToolCall(5, NOW, CallId("b"), "Edit", text, ToolStatus.OK, text, text, 1.0, None, text, diff),
        ToolCall(6, NOW, CallId("c"), "Bash", text, ToolStatus.RUNNING, detail=text, timeout_s=9.0),
        Note(7, NOW, text),
    )


@settings(max_examples=250, deadline=None)
@given(text=NASTY, cells=CELLS)
def test_a_transcript_holds_any_text(text: str, cells: int) -> None:
    document = Document(view(cells))
    live = (LivePart(True, text), LivePart(False, text))
    document.update(Transcript(entries=tuple(entries_of(text)), live=live), NOW)
    for _folded_then_open in range(2):
        check((document.line(index) for index in range(document.total())), cells)
        document.layout.toggle_all(NOW)
        document.live.toggle()


@settings(max_examples=250, deadline=None)
@given(text=NASTY, cells=CELLS)
def test_requests_hold_any_text(text: str, cells: int) -> None:
    run, call = RunId("r"), CallId("c")
    comment = StepComment("c1", text, text)
    first = PlanVersion(1, text, NOW, feedback=text, comments=(comment,))
    second = PlanVersion(2, f"1. {text}\n2. {text}", NOW, answers=(CommentAnswer("c1", text),))
    asked: list[Request] = [
        PermissionRequest(RequestId("p"), run, NOW, call, "Bash", text, text, text, text, None, 120),
        PermissionRequest(RequestId("e"), run, NOW, call, text, text, text, text, f"@@ -1 +1 @@\n{text}"),
        QuestionRequest(RequestId("q"), run, NOW, call, text, (text, text)),
        PlanRequest(RequestId("x"), run, NOW, 2, (first, second)),
    ]
    for request in asked:
        for shown in PlanView:
            draft = Draft(request.version, view=shown, own=text, comments=(comment,))
            body = body_of(request, draft, "coder", cells, look())
            check(body.lines, cells)
            title = rule(
                request_title(request, draft, "coder", look()), "1 of 2", cells, look(), focused=True
            )
            check([title], cells)
            assert "\x1b" not in request_head(request, draft, body, "coder", NOW)


@settings(max_examples=100, deadline=None)
@given(text=NASTY, cells=CELLS)
def test_how_a_run_ended_holds_any_text(text: str, cells: int) -> None:
    facts = [states.opened(), *states.working("x"), states.ended("x", Outcome.FAILED, error=text)]
    mate = states.fold(AppState(), facts).team.by_run[states.run("x")]
    check(end_rows(mate, look(), cells, leaves_in=None), cells)
