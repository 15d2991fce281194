"""Markdown while it streams: the same rows as at once, bounded work, nothing hidden and nothing clickable."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.tui.rendering import markdown, markdown_blocks
from quarterdeck.tui.rendering.lines import Line, line_text
from quarterdeck.tui.rendering.markdown import MarkdownLines
from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.theming import load_themes

DARK = load_themes(None)[0]["quarterdeck-dark"]
ROLES = roles_of(DARK)
PLAIN = roles_of(DARK, colour=False)

EXAMPLE = """# Cart *totals*
Uses **half-up** and `Decimal` here,
as invoices do.

- one
- two, which is longer than the row is wide
  - nested
- three

  its second paragraph
1. first
2. second

> quoted

```python
def f():
\treturn 1
```
| name | n |
|---|--:|
| apples | 12 |

---
end"""

PIECES = [
    *(
        "# ",
        "- ",
        "  ",
        "\n",
        "\n\n",
        "1. ",
        "> ",
        "```",
        "```\n",
        "~~~\n",
        "*",
        "**",
        "`",
        "word",
        " ",
        "\t",
    ),
    *(
        "| a | b |\n",
        "|---|---|\n",
        "[x](http://y)",
        "---",
        "===",
        "<b>",
        "&lt;",
        "漢字",
        "\x1b[31m",
        "    code\n",
    ),
    *("[@click=app.quit]", "[/]", "\ud800", "\x9b", "\x00", "\r", "&#x202e;", "👩‍💻", "\u200d"),
]
some_markdown = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def texts(lines: Sequence[Line]) -> list[str]:
    return [line_text(line).rstrip() for line in lines]


def rows(text: str, width: int = 40) -> list[str]:
    return texts(MarkdownLines(width, ROLES, text=text))


def test_every_kind_of_block_is_drawn() -> None:
    assert rows(EXAMPLE, 30) == [
        "Cart totals",
        "───────────",
        "",
        "Uses half-up and Decimal here,",
        "as invoices do.",
        "",
        "- one",
        "- two, which is longer than",
        "  the row is wide",
        "  - nested",
        "- three",
        "",
        "  its second paragraph",
        "1. first",
        "2. second",
        "",
        "│ quoted",
        "",
        "  def f():",
        "      return 1",
        "",
        "name     n",
        "──────  ──",
        "apples  12",
        "",
        "─" * 30,
        "",
        "end",
    ]


def chunks(text: str, cuts: Sequence[int]) -> list[str]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(edges)]


@given(some_markdown, st.lists(st.integers(0, 500), max_size=12), st.integers(8, 60))
@example(EXAMPLE, list(range(500)), 30)
@example("a\n#", [2, 3], 30)
@example("- a\n\n```\nx\n```\n", list(range(30)), 30)
@settings(max_examples=300)
def test_streamed_in_any_pieces_it_ends_as_drawn_at_once(text: str, cuts: list[int], width: int) -> None:
    streamed = MarkdownLines(width, ROLES)
    for piece in chunks(text, cuts):
        streamed.append(piece)
        len(streamed)
    assert list(streamed) == list(MarkdownLines(width, ROLES, text=text))


@given(some_markdown, st.lists(st.integers(0, 500), max_size=12))
def test_settled_rows_never_change(text: str, cuts: list[int]) -> None:
    streamed = MarkdownLines(30, ROLES)
    before: list[Line] = []
    for piece in chunks(text, cuts):
        streamed.append(piece)
        assert list(streamed)[: len(before)] == before
        before = list(streamed)[: streamed.settled]


@given(some_markdown, st.integers(12, 60))
def test_no_row_is_wider_than_asked_and_none_holds_a_control(text: str, width: int) -> None:
    for row in MarkdownLines(width, ROLES, text=text):
        assert cell_len(line_text(row)) <= width + 20  # deep nesting stops indenting, it may then stick out
        assert not re.search("[\x00-\x1f\x7f-\x9f]", line_text(row))
        assert all(segment.style is None or segment.style.link is None for segment in row)


def test_ordinary_text_keeps_to_the_width() -> None:
    for width in range(12, 60):
        assert all(cell_len(line_text(row)) <= width for row in MarkdownLines(width, ROLES, text=EXAMPLE))


def test_links_show_their_target_and_cannot_be_followed() -> None:
    assert rows("[ok](http://evil.example/x)", 60) == ["ok (http://evil.example/x)"]
    assert rows("<http://a.example>", 60) == ["http://a.example"]
    assert rows("[ok](javascript:alert(1)) ![i](http://x/y.png)", 60) == [
        "[ok](javascript:alert(1)) i (http://x/y.png)"
    ]


def test_markup_and_html_stay_literal_text() -> None:
    text = "<script>x</script> [/] [@click=app.quit]x[/] [bold]"
    assert rows(text, 60) == [text]
    assert rows("<div>\nraw\n</div>") == ["<div>", "raw", "</div>"]


def test_hidden_characters_are_shown_also_from_character_references() -> None:
    assert rows("a\x1b]52;c;x\x07 &#x202e;b &#8203;") == ["a␛]52;c;x␇ <U+202E>b <U+200B>"]
    assert rows("```\n\x9b31m\n```") == ["  <U+009B>31m"]


def test_styles_follow_the_roles_and_code_is_marked_where_there_is_no_colour() -> None:
    (line,) = MarkdownLines(40, ROLES, text="a **b** `c`")
    bold = next(segment for segment in line if segment.text == "b")
    code = next(segment for segment in line if segment.text == "c")
    assert bold.style is not None
    assert bold.style.bold
    assert code.style is not None
    assert code.style.color == ROLES.work.color
    assert texts(MarkdownLines(40, PLAIN, text="a **b** `c`")) == ["a b `c`"]


def test_ascii_signs_draw_no_box_characters() -> None:
    lines = MarkdownLines(30, ROLES, text=EXAMPLE, ascii_signs=True)
    assert all(line_text(line).isascii() for line in lines)


def test_a_wide_table_wraps_its_cells_and_loses_nothing() -> None:
    table = "| key | text |\n|---|---|\n| k1 | one two three four five six |\n"
    assert rows(table, 20) == [
        "key  text",
        "───  ───────────────",
        "k1   one two three",
        "     four five six",
    ]
    assert rows(table, 11) == ["key: k1", "text: one", "  two three", "  four five", "  six"]


def test_a_new_width_draws_all_again_and_set_replaces_the_text() -> None:
    lines = MarkdownLines(40, ROLES, text="one two three four")
    assert len(lines) == 1
    lines.resize(9)
    assert texts(lines) == ["one two", "three", "four"]
    lines.set("one two three four five")
    assert texts(lines)[-1] == "four five"
    lines.set("other")
    assert texts(lines) == ["other"]
    assert lines.text == "other"


def test_it_is_a_sequence() -> None:
    lines = MarkdownLines(40, ROLES, text="a\n\nb\n\nc")
    assert line_text(lines[-1]) == "c"
    assert texts(lines[0:3:2]) == ["a", "b"]
    with pytest.raises(IndexError):
        lines[5]


@pytest.mark.parametrize(
    "grow",
    [
        pytest.param("word ", id="one endless paragraph"),
        pytest.param("- item\n", id="one endless list"),
        pytest.param("line\n", id="one endless paragraph of lines"),
        pytest.param("> quote\n", id="one endless quotation"),
        pytest.param("- x\n  - deep\n" * 3, id="nested lists"),
        pytest.param("x" * 50, id="one endless word"),
    ],
)
def test_work_per_update_does_not_grow_with_the_text(grow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[tuple[int, int]] = []

    def counted(text: str) -> object:
        parsed.append((len(text), text.count("\n")))
        return markdown_blocks.parse(text)

    monkeypatch.setattr(markdown, "parse", counted)
    lines = MarkdownLines(60, ROLES)
    piece = grow * 20
    for _ in range(40_000 // len(piece)):
        lines.append(piece)
        len(lines)
    assert max(size for size, _ in parsed) <= markdown.LONGEST_UNIT + len(piece)
    assert max(count for _, count in parsed) <= markdown.LONGEST_UNIT_LINES + piece.count("\n")
    assert lines.settled > 0


def test_a_long_code_block_is_drawn_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    code = markdown_blocks.Painter.code

    def counted(self: markdown_blocks.Painter, source: Sequence[str], cells: int) -> list[Line]:
        drawn.append(len(source))
        return code(self, source, cells)

    monkeypatch.setattr(markdown_blocks.Painter, "code", counted)
    lines = MarkdownLines(60, ROLES, text="```\n")
    for number in range(3_000):
        lines.append(f"line {number}\n")
        len(lines)
    assert len(lines) == 3_000
    assert max(drawn) <= 2
