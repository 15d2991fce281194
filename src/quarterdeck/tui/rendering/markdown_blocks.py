"""Markdown tokens to rows: blocks, lists, tables and inline styles, nothing of it clickable.

Links are shown with their target; raw HTML stays literal text. Every text passes `clean` once more, since a
character reference such as `&#27;` becomes a control character only in the parser.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from rich.segment import Segment
from rich.style import Style

from quarterdeck.domain.display_text import clean
from quarterdeck.tui.rendering.cells import expand_tabs, hard_wrap, pad, width
from quarterdeck.tui.rendering.lines import EMPTY, Line, Span, prefixed, wrap_spans
from quarterdeck.tui.rendering.roles import Roles
from quarterdeck.tui.rendering.tables import Cell, table_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LEAST_CELLS = 8
"""Narrower than this nothing is indented any further."""

_BOLD, _ITALIC, _STRIKE, _UNDERLINE = (
    Style(bold=True),
    Style(italic=True),
    Style(strike=True),
    Style(underline=True),
)


@cache
def _parser() -> MarkdownIt:
    # Imported when there is something to parse: the first paint of a new session is not to wait for it.
    made: type[MarkdownIt] = importlib.import_module("markdown_it").MarkdownIt
    return made("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(text: str) -> list[Token]:
    """Block tokens of clean Markdown, each with the lines that it covers."""
    return _parser().parse(text)


class Painter(msgspec.Struct, frozen=True):
    """How to draw: the styles, the style of plain text, and whether rules are drawn in ASCII."""

    roles: Roles
    base: Style
    ascii_signs: bool = False

    @property
    def dash(self) -> str:
        """The sign of which rules are made."""
        return "-" if self.ascii_signs else "─"

    @property
    def bar(self) -> str:
        """The sign in front of quotations."""
        return "|" if self.ascii_signs else "│"

    def blocks(self, tokens: Sequence[Token], cells: int) -> list[Line]:
        """Rows of sibling blocks inside another; an empty row between two where the source has one."""
        lines: list[Line] = []
        at = last_end = 0
        while at < len(tokens):
            end = _closing(tokens, at)
            if lines and start_line(tokens[at]) > last_end:
                lines.append(EMPTY)
            lines += self.block(tokens[at:end], cells)
            last_end = content_end(tokens[at:end])
            at = end
        return lines

    def block(self, tokens: Sequence[Token], cells: int) -> list[Line]:
        """Rows of one block: its opening token, what is inside, its closing token."""
        token = tokens[0]
        match token.type:
            case "heading_open":
                return self._heading(token, tokens[1], cells)
            case "paragraph_open":
                return wrap_spans(self.spans(tokens[1], self.base), cells)
            case "fence" | "code_block":
                source = clean(token.content).removesuffix("\n")
                return self.code(source.split("\n"), cells) if token.content else []
            case "bullet_list_open" | "ordered_list_open":
                return self.blocks(tokens[1:-1], cells)
            case "list_item_open":
                return self._item(tokens, cells)
            case "blockquote_open":
                mark = Segment(f"{self.bar} ", self.roles.rule)
                return prefixed(self.blocks(tokens[1:-1], max(cells - 2, LEAST_CELLS)), mark, mark)
            case "table_open":
                return table_lines(_rows(self, tokens), cells, self.roles, self.dash)
            case "hr":
                return [(Segment(self.dash * cells, self.roles.rule),)]
            case _:
                return wrap_spans([(clean(token.content), self.base)], cells) if token.content else []

    def code(self, source: Sequence[str], cells: int) -> list[Line]:
        """Rows of clean code lines: two cells in, on their own ground, broken at the edge."""
        style = self.base + self.roles.surface
        inside = max(cells - 2, LEAST_CELLS)
        return [
            (Segment("  ", style), Segment(pad(row, inside), style))
            for line in source
            for row in hard_wrap(expand_tabs(line), inside)
        ]

    def spans(self, inline: Token, base: Style) -> list[Span]:
        """The styled text of an inline token."""
        spans: list[Span] = []
        styles = [base]
        targets: list[tuple[str, int]] = []
        for token in inline.children or ():
            match token.type:
                case "strong_open":
                    styles.append(styles[-1] + _BOLD)
                case "em_open":
                    styles.append(styles[-1] + _ITALIC)
                case "s_open":
                    styles.append(styles[-1] + _STRIKE)
                case "link_open":
                    targets.append((str(token.attrs.get("href", "")), len(spans)))
                    styles.append(styles[-1] + _UNDERLINE)
                case "link_close":
                    styles.pop()
                    spans += self._target(*targets.pop(), spans)
                case "strong_close" | "em_close" | "s_close":
                    styles.pop()
                case _:
                    spans += self._leaf(token, styles[-1])
        return spans

    def _leaf(self, token: Token, style: Style) -> list[Span]:
        match token.type:
            case "softbreak" | "hardbreak":
                return [("\n", style)]
            case "code_inline" if self.roles.colour:
                return [(clean(token.content), style + self.roles.work)]
            case "code_inline":
                return [(f"`{clean(token.content)}`", style)]
            case "image":
                source = clean(str(token.attrs.get("src", "")))
                return [(clean(token.content), style + _UNDERLINE), (f" ({source})", self.roles.quiet)]
            case _:
                return [(clean(token.content), style)] if token.content else []

    def _target(self, target: str, start: int, spans: Sequence[Span]) -> list[Span]:
        """The target behind the text of a link, unless the text is the target."""
        shown = clean(target)
        text = "".join(text for text, _style in spans[start:])
        return [] if text == shown else [(f" ({shown})", self.roles.quiet)]

    def _heading(self, token: Token, inline: Token, cells: int) -> list[Line]:
        lines = wrap_spans(self.spans(inline, self.base + _BOLD), cells)
        if token.tag == "h1" and lines:
            longest = max(sum(width(segment.text) for segment in line) for line in lines)
            lines.append((Segment(self.dash * longest, self.roles.rule),))
        return lines

    def _item(self, tokens: Sequence[Token], cells: int) -> list[Line]:
        token = tokens[0]
        marker = f"{token.info}{token.markup} " if token.info else "- "
        inside = self.blocks(tokens[1:-1], max(cells - len(marker), LEAST_CELLS)) or [EMPTY]
        style = self.roles.quiet
        return prefixed(inside, Segment(marker, style), Segment(" " * len(marker), style))


_CONTAINERS = {"bullet_list_open", "ordered_list_open", "list_item_open", "blockquote_open"}


def start_line(token: Token) -> int:
    """The line of the source on which a block starts, from 0."""
    return token.map[0] if token.map else 0


def content_end(tokens: Sequence[Token]) -> int:
    """The line behind the last with content; a container may reach over blank lines, its blocks do not."""
    ends = (token.map[1] for token in tokens if token.map and token.type not in _CONTAINERS)
    return max(ends, default=start_line(tokens[0]) + 1)


def _closing(tokens: Sequence[Token], at: int) -> int:
    """Index behind the block that starts at `at`."""
    if tokens[at].nesting != 1:
        return at + 1
    level = tokens[at].level
    for index in range(at + 1, len(tokens)):
        if tokens[index].level == level and tokens[index].nesting == -1:
            return index + 1
    return len(tokens)


def _rows(painter: Painter, tokens: Sequence[Token]) -> list[list[Cell]]:
    """The cells of a table, row by row, the head first."""
    rows: list[list[Cell]] = []
    align = ""
    is_head = False
    for token in tokens:
        match token.type:
            case "tr_open":
                rows.append([])
            case "th_open" | "td_open":
                align = str(token.attrs.get("style", ""))
                is_head = token.type == "th_open"
            case "inline":
                base = painter.base + _BOLD if is_head else painter.base
                rows[-1].append(Cell(spans=tuple(painter.spans(token, base)), right=align.endswith("right")))
            case _:
                pass
    return rows
