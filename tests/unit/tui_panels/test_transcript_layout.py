"""The rows of a transcript: what an update costs, what stays, where blocks are."""

from quarterdeck.domain.ids import CallId, MessageId
from quarterdeck.domain.teammates import Way
from quarterdeck.domain.usage import Usage
from quarterdeck.state.entries import (
    Entry,
    LivePart,
    Note,
    Said,
    Text,
    Thinking,
    ToolCall,
    ToolStatus,
    TurnMark,
)
from quarterdeck.state.transcripts import Transcript
from quarterdeck.tui.widgets.transcript_document import Document
from quarterdeck.tui.widgets.transcript_layout import Layout
from tests.support.states import NOW
from tests.unit.tui_panels.panel_support import texts, view


def said(number: int, text: str = "Go on.", *, answered: bool = False) -> Said:
    return Said(number, NOW, "you", text, Way.STEER, MessageId(f"m{number}"), answered)


def tool(
    number: int,
    status: ToolStatus = ToolStatus.OK,
    *,
    detail: str = "",
    title: str = "uv build",
    rule: str = "",
) -> ToolCall:
    return ToolCall(
        number,
        NOW,
        CallId(f"c{number}"),
        "Bash",
        title,
        status,
        summary="exit 0" if status is ToolStatus.OK else "",
        detail=detail,
        duration_s=1.9,
        rule=rule,
    )


def rows(layout: Layout | Document) -> list[str]:
    return texts(layout.line(index) for index in range(layout.total()))


def laid(*entries: Entry) -> Layout:
    layout = Layout(view())
    layout.merge(entries, NOW)
    return layout


def test_a_message_is_quoted_under_who_said_it_and_how() -> None:
    shown = rows(laid(said(1, "Bump to 2.4.1\nbefore you build.", answered=True)))
    assert shown[0].startswith(" you ")
    assert " · steer" in shown[0]
    assert shown[0].endswith("delivered · answered")
    assert shown[1:] == [" │ Bump to 2.4.1", " │ before you build."]


def test_the_teammate_is_named_once_per_turn() -> None:
    mark = TurnMark(5, NOW, "Charted", 42, Usage(input=3100))
    shown = rows(
        laid(said(1), Text(2, NOW, "One."), tool(3), Text(4, NOW, "Two."), mark, Text(6, NOW, "Three."))
    )
    assert sum(line.startswith(" coder ") for line in shown) == 2
    assert any(line.startswith(" Charted for 42s") and line.endswith("3.1k tok") for line in shown)


def test_tool_results_and_thinking_are_folded_until_opened() -> None:
    layout = laid(tool(1, detail="line one\nline two", rule="allowed by plan"), Thinking(2, NOW, "a\nb\nc"))
    assert not any("line one" in line for line in rows(layout))
    assert any(line.startswith(" ▸ thinking") and line.endswith("3 lines folded") for line in rows(layout))
    assert not any("allowed by plan" in line for line in rows(layout))
    layout.toggle(0, NOW)
    layout.toggle(1, NOW)
    shown = rows(layout)
    assert "     line one" in shown
    assert any(line.startswith(" ▾ Bash uv build") and line.endswith("allowed by plan") for line in shown)
    assert "     c" in shown


def test_a_failure_shows_its_end_unasked_and_says_what_is_folded() -> None:
    layout = laid(tool(1, ToolStatus.ERROR, detail="\n".join(f"row {number}" for number in range(41))))
    shown = rows(layout)
    assert shown[-2:] == ["     row 40", "     ⋯ 36 lines folded · o opens"]
    assert "41 lines, 5 shown" in shown[1]
    layout.toggle(0, NOW)
    assert sum(line.startswith("     row ") for line in rows(layout)) == 41
    layout.toggle(0, NOW)
    assert len(rows(layout)) == 2


def test_what_is_untrusted_is_spelled_out_and_never_markup() -> None:
    layout = laid(
        said(1, "\x1b]52;c;aGk=\x07[@click=app.quit]x[/]"),
        Text(2, NOW, "[/] \u202eevil\x9b31m"),
        tool(3, title="ls \x1b[2J\nrm -rf /"),
        Note(4, NOW, "[bold]\x07"),
    )
    layout.toggle_all(NOW)
    whole = "\n".join(rows(layout))
    assert not {char for char in whole if (ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0}
    assert "\u202e" not in whole
    for literal in ("[@click=app.quit]x[/]", "<U+202E>evil<U+009B>31m", "␛[2J", "[bold]␇"):
        assert literal in whole
    assert not any(
        segment.style is not None and (segment.style.meta or segment.style.link)
        for index in range(layout.total())
        for segment in layout.line(index)
    )


def test_what_leaves_the_window_stays_and_only_what_is_new_is_laid_out() -> None:
    entries: tuple[Entry, ...] = tuple(Text(number, NOW, f"text {number}") for number in range(1, 101))
    layout = laid(*entries)
    before = layout.laid_out
    layout.merge((*entries[50:], Text(101, NOW, "text 101")), NOW)
    assert layout.laid_out == before + 1
    assert "  text 1" in rows(layout)
    assert "  text 101" in rows(layout)


def test_a_running_call_that_ends_is_the_only_block_laid_out_again() -> None:
    entries: list[Entry] = [tool(number) for number in range(1, 40)]
    running = tool(40, ToolStatus.RUNNING)
    layout = laid(*entries, running, Text(41, NOW, "after"))
    before = layout.laid_out
    first = layout.merge((*entries, tool(40, detail="out"), Text(41, NOW, "after2")), NOW)
    assert layout.laid_out == before + 2
    assert first == layout.start_of(39)
    assert "  after2" in rows(layout)


def test_rows_put_in_front_move_numbers_not_blocks() -> None:
    layout = laid(Text(10, NOW, "ten"), Text(11, NOW, "eleven"))
    numbered = {layout.line(index): index + layout.origin for index in range(1, layout.total())}
    added = layout.put_in_front([said(8), Text(9, NOW, "nine")], NOW)
    assert added > 0
    assert {layout.line(index): index + layout.origin for index in range(layout.total())} | numbered == {
        layout.line(index): index + layout.origin for index in range(layout.total())
    }
    assert [block.entry.id for block in layout.blocks] == [8, 9, 10, 11]
    assert sum(line.startswith(" coder ") for line in rows(layout)) == 1


def test_streamed_text_grows_and_becomes_the_finished_block_without_being_laid_out_twice() -> None:
    document = Document(view())
    document.update(Transcript(live=(LivePart(False, "Half of a *sent"),), last_at=NOW), NOW)
    document.update(Transcript(live=(LivePart(False, "Half of a *sentence*."),), last_at=NOW), NOW)
    streaming = rows(document)
    assert streaming[-1] == "  Half of a sentence."
    drawn = document.live.texts[0]
    document.update(Transcript(entries=(Text(1, NOW, "Half of a *sentence*."),)), NOW)
    assert rows(document) == streaming
    assert document.layout.streamed[0] is drawn
    assert not document.live.parts


def test_a_live_part_that_lost_its_start_goes_on_growing() -> None:
    document = Document(view())
    text = "".join(f"word{number} " for number in range(200))
    document.update(Transcript(live=(LivePart(False, text),)), NOW)
    longer = text + "the end"
    document.update(Transcript(live=(LivePart(False, longer[500:], dropped=500),)), NOW)
    whole = " ".join(line.strip() for line in rows(document))
    assert whole.count("word0 ") == 1
    assert whole.endswith("word199 the end")


def test_another_live_text_of_greater_length_replaces_the_old_one() -> None:
    document = Document(view())
    document.update(Transcript(live=(LivePart(False, "First try, cut off"),)), NOW)
    document.update(Transcript(live=(LivePart(False, "Second try, which is longer"),)), NOW)
    assert not any("First" in line for line in rows(document))
    assert any("Second try" in line for line in rows(document))


def test_streaming_thinking_is_folded_and_counts() -> None:
    document = Document(view())
    document.update(Transcript(live=(LivePart(True, "one\ntwo"),)), NOW)
    assert rows(document)[-1].endswith("2 lines folded")
    document.live.toggle()
    assert rows(document)[-1] == "     two"


def test_lookup_by_row_agrees_with_the_blocks_after_any_change() -> None:
    layout = laid(*[tool(number, detail="a\nb\nc") for number in range(1, 30)])
    for place in (0, 7, 28, 7):
        layout.toggle(place, NOW)
        expected = [line for block in layout.blocks for line in block.rows]
        assert [layout.line(index) for index in range(layout.total())] == expected
        assert all(layout.start_of(layout.block_at(index)) <= index for index in range(layout.total()))


def test_old_blocks_are_dropped_only_from_the_front() -> None:
    layout = laid(*[Text(number, NOW, f"text {number}") for number in range(1, 31)])
    number = layout.total() - 1 + layout.origin
    last = layout.line(layout.total() - 1)
    assert layout.drop_front(10) > 0
    assert layout.oldest_id == 21
    assert layout.line(number - layout.origin) == last


def test_an_update_touches_the_end_only_however_long_the_transcript_is() -> None:
    document = Document(view())
    entries = tuple(Text(number, NOW, f"- item {number}\n- more") for number in range(1, 3001))
    text = "".join(f"Line {number}.\n\n" for number in range(5000))
    document.update(Transcript(entries=entries, live=(LivePart(False, text),)), NOW)
    assert document.total() > 10_000
    laid_out = document.layout.laid_out
    for number in range(20):
        text += f"word {number} "
        first = document.update(Transcript(entries=entries, live=(LivePart(False, text),)), NOW)
        assert first is not None
        assert first >= document.total() - 6
    assert document.layout.laid_out == laid_out
