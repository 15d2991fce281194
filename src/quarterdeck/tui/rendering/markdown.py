"""Markdown that grows while it streams: finished blocks are kept as rows, only the last is drawn again.

A unit is a top-level block or an item of a top-level list; inside a code block it is a line. So the cost of
an update depends on the last unit alone, never on what came before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import msgspec
from rich.style import Style

from quarterdeck.domain.display_text import clean
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.rendering.markdown_blocks import Painter, parse, start_line
from quarterdeck.tui.rendering.roles import Roles

if TYPE_CHECKING:
    from markdown_it.token import Token

LONGEST_UNIT = 8_000
"""Characters after which a unit that does not end is settled as it stands: the most that is drawn again."""

LONGEST_UNIT_LINES = 120
"""The same in lines: the parser takes some 25 µs for each line of a paragraph."""

_FENCE_OPEN = re.compile(r"( {0,3})(`{3,}(?=[^`\n]*\n)|~{3,})[^\n]*\n")

_LIST_EDGES = {"bullet_list_open", "ordered_list_open", "bullet_list_close", "ordered_list_close"}


class _Fence(msgspec.Struct, frozen=True):
    """The code block that is being written."""

    indent: int
    closing: re.Pattern[str]


class _Unit(msgspec.Struct, frozen=True):
    tokens: list[Token]
    start: int
    """Line on which it starts, in the source that was parsed."""
    is_item: bool


class _Joint(msgspec.Struct, frozen=True):
    """What stands between the rows that are done and the tail."""

    follows_item: bool = False
    """The last unit was an item of a list."""
    is_apart: bool = False
    """A blank line stands between."""
    is_cut: bool = False
    """The tail goes on with a unit that was settled because it grew too long."""


class MarkdownLines(Sequence[Line]):
    """The rows of a Markdown text at a width: a sequence, in which `len` and `[i]` cost nothing.

    `append` only keeps the text; the rows are made when they are next asked for, once per frame.
    """

    def __init__(
        self,
        width: int,
        roles: Roles,
        *,
        base: Style | None = None,
        ascii_signs: bool = False,
        text: str = "",
    ) -> None:
        self._width = max(width, 1)
        self._painter = Painter(roles=roles, base=base or roles.text, ascii_signs=ascii_signs)
        self._source: list[str] = [text] if text else []
        self._forget()

    def append(self, text: str) -> None:
        """Adds text at the end."""
        if text:
            self._source.append(text)
            self._fresh.append(text)

    def set(self, text: str) -> None:
        """Makes `text` the whole text. When it only grew, this is an `append`."""
        known = self.text
        if len(text) >= len(known) and text.startswith(known):
            self.append(text[len(known) :])
        else:
            self._source = [text]
            self._forget()
        # The caller's own string is kept, so that comparing it next time is a comparison of one piece.
        self._source = [text]

    def resize(self, width: int) -> None:
        """Another width; the rows are made again when they are next asked for."""
        if width != self._width:
            self._width = max(width, 1)
            self._forget()

    def restyle(self, roles: Roles, *, base: Style | None = None) -> None:
        """Another theme; the rows are made again when they are next asked for."""
        ascii_signs = self._painter.ascii_signs
        self._painter = Painter(roles=roles, base=base or roles.text, ascii_signs=ascii_signs)
        self._forget()

    @property
    def text(self) -> str:
        """The whole source as it was given."""
        if len(self._source) > 1:
            self._source = ["".join(self._source)]
        return self._source[0] if self._source else ""

    @property
    def lines(self) -> Sequence[Line]:
        """The rows: this object itself."""
        return self

    @property
    def settled(self) -> int:
        """How many rows at the start will never change again (at this width)."""
        self._settle()
        return len(self._done)

    def line(self, index: int) -> Line:
        """Row `index`, counted from 0."""
        self._settle()
        done = self._done
        return done[index] if index < len(done) else self._live[index - len(done)]

    def __len__(self) -> int:
        self._settle()
        return len(self._done) + len(self._live)

    @overload
    def __getitem__(self, index: int) -> Line: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...

    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self.line(at) for at in range(*index.indices(len(self)))]
        count = len(self)
        if not -count <= index < count:
            raise IndexError(index)
        return self.line(index % count)

    def __iter__(self) -> Iterator[Line]:
        self._settle()
        yield from self._done
        yield from self._live

    def _forget(self) -> None:
        self._done: list[Line] = []
        self._live: list[Line] = []
        self._tail = ""
        self._fresh = list(self._source)
        self._fence: _Fence | None = None
        self._joint = _Joint()

    def _settle(self) -> None:
        """Takes in what was appended: settles the units that are whole, draws the last one."""
        if not self._fresh:
            return
        self._tail += "".join(self._fresh)
        self._fresh.clear()
        self._live = []
        while self._tail:
            if not (self._settle_code() if self._fence else self._settle_blocks()):
                return

    def _settle_code(self) -> bool:
        """Settles the whole lines of the open code block; true when it was closed and more may follow."""
        fence = self._fence
        assert fence is not None
        *whole, part = self._tail.split("\n")
        for index, line in enumerate(whole):
            if fence.closing.fullmatch(line):
                self._done += self._code(whole[:index], fence)
                self._fence = None
                self._tail = "\n".join([*whole[index + 1 :], part])
                return True
        self._done += self._code(whole, fence)
        self._tail = part
        self._live = self._code([part], fence) if part and not fence.closing.fullmatch(part) else []
        return False

    def _code(self, source: Sequence[str], fence: _Fence) -> list[Line]:
        unindent = re.compile(f" {{0,{fence.indent}}}")
        return self._painter.code([clean(unindent.sub("", line, count=1)) for line in source], self._width)

    def _settle_blocks(self) -> bool:
        """Settles all units but the last; true when the tail has to be looked at again."""
        if self._tail[0] == "\n" or self._tail.isspace():
            return self._skip_blank()
        opening = _FENCE_OPEN.match(self._tail)
        if opening is not None:
            self._open_fence(opening)
            return True
        source = self._tail.split("\n")
        units = _units(parse(clean(self._tail)))
        if not units:
            return False
        # A unit on a line that is not whole yet may still turn out to belong to the one before it.
        last = -1 if units[-1].start < len(source) - 1 or len(units) == 1 else -2
        keep = units[last].start
        if keep:
            self._draw(units[:last], source)
            self._tail = "\n".join(source[keep:])
            if not source[keep - 1].strip():
                self._joint = msgspec.structs.replace(self._joint, is_apart=True)
            return True
        is_long = len(self._tail) > LONGEST_UNIT or len(source) > LONGEST_UNIT_LINES
        if is_long and len(units) == 1:
            return self._cut(source)
        done, self._done = self._done, []
        joint = self._joint
        self._draw(units, source, first=not done)
        self._live, self._done, self._joint = self._done, done, joint
        return False

    def _skip_blank(self) -> bool:
        blank, newline, rest = self._tail.partition("\n")
        if blank.strip() or not newline:
            return False
        self._joint = msgspec.structs.replace(self._joint, is_apart=True)
        self._tail = rest
        return True

    def _open_fence(self, opening: re.Match[str]) -> None:
        indent, marker = len(opening[1]), opening[2]
        closing = re.compile(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
        self._separate(is_item=False, first=not self._done)
        self._fence = _Fence(indent=indent, closing=closing)
        self._tail = self._tail[opening.end() :]

    def _cut(self, source: list[str]) -> bool:
        """Settles a unit that grew too long at its last whole line, or at its last blank."""
        head, newline, rest = self._tail.rpartition("\n")
        if not newline or not head.strip():
            head, _blank, rest = self._tail.rpartition(" ")
        if not head.strip():
            head, rest = self._tail, ""
        self._draw(_units(parse(clean(head))), source)
        self._joint = msgspec.structs.replace(self._joint, is_cut=True)
        self._tail = rest
        return bool(rest)

    def _draw(self, units: Sequence[_Unit], source: Sequence[str], *, first: bool | None = None) -> None:
        """Adds the rows of units to those that are done."""
        is_first = not self._done if first is None else first
        for unit in units:
            if unit.start and not source[unit.start - 1].strip():
                self._joint = msgspec.structs.replace(self._joint, is_apart=True)
            self._separate(is_item=unit.is_item, first=is_first)
            self._done += self._painter.block(unit.tokens, self._width)
            is_first = False

    def _separate(self, *, is_item: bool, first: bool) -> None:
        """An empty row between two units, but none between list items that stand close together."""
        joint = self._joint
        is_close = joint.is_cut or (is_item and joint.follows_item)
        if not first and (joint.is_apart or not is_close):
            self._done.append(EMPTY)
        self._joint = _Joint(follows_item=is_item)


def _units(tokens: Sequence[Token]) -> list[_Unit]:
    """The top-level blocks, a list as its items."""
    units: list[_Unit] = []
    start = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.type in _LIST_EDGES:
            start = index + 1
            continue
        is_end = token.nesting != 1 and (
            token.level == 0 or (token.level == 1 and token.type == "list_item_close")
        )
        if is_end and (token.level == 0 or tokens[start].type == "list_item_open"):
            unit = list(tokens[start : index + 1])
            is_item = unit[0].type == "list_item_open"
            units.append(_Unit(tokens=unit, start=start_line(unit[0]), is_item=is_item))
            start = index + 1
    return units
