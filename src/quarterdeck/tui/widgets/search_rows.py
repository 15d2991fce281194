"""The rows of a search: each hit with its words marked, what it came to, the place of the chosen hit. Pure.

Excerpts are stored text: they are cleaned here, piece by piece, so that the marks stay where the words are.
"""

import msgspec
from rich.style import Style

from quarterdeck.domain.archive import SearchFound, SearchHit
from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import ELLIPSIS, cut, fit, width, wrap_offsets
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.search_scopes import Where
from quarterdeck.tui.settings import SignSet
from quarterdeck.tui.widgets.stored_words import short_time
from quarterdeck.tui.widgets.transcript_parts import Part, cut_parts, parts_width, row

PERSON = "you"
NAME_CELLS = 9
SESSION_CELLS = 8
LEAST_EXCERPT = 40
"""Cells that an excerpt keeps before more is told behind it."""
MOST_CHARS = 2_000
"""Of an excerpt; a search gives far fewer."""
_BLANKS = str.maketrans("\n\t\r", "   ")


class Marked(msgspec.Struct, frozen=True):
    """Clean text on one line, and where the words stand in it."""

    text: str
    spans: tuple[tuple[int, int], ...]


def mark(hit: SearchHit, look: Look) -> Marked:
    """The excerpt, clean. Without colour the words stand between `«` and `»` too."""
    before, after = _brackets(look)
    text, spans, at = "", [], 0
    excerpt = hit.excerpt[:MOST_CHARS]
    for start, end in sorted(hit.spans):
        start, end = max(start, at), min(end, len(excerpt))
        if start >= end:
            continue
        text += _clean(excerpt[at:start]) + before
        word = _clean(excerpt[start:end])
        spans.append((len(text) - len(before), len(text) + len(word) + len(after)))
        text += word + after
        at = end
    return Marked(text + _clean(excerpt[at:]), tuple(spans))


def parts_of(marked: Marked, start: int, end: int, look: Look, style: Style) -> list[Part]:
    """The characters start … end as parts, the words in bold and in their role."""
    parts: list[Part] = []
    at = start
    for first, last in marked.spans:
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        parts += [(marked.text[at:first], style), (marked.text[first:last], _word_style(look))]
        at = last
    return [*parts, (marked.text[at:end], style)]


def who(hit: SearchHit) -> tuple[str, str]:
    """Who said it, and what stands before the excerpt: `you`, `to coder: `; `coder`, `Grep: `."""
    name, speaker = clean_name(hit.name), clean_name(hit.speaker)
    if speaker == PERSON:
        return speaker, f"to {name}: "
    return name, "" if speaker == name else f"{speaker}: "


def title_of(hit: SearchHit) -> str:
    """`you to coder`, `coder`, `coder · Grep`."""
    name, speaker = clean_name(hit.name), clean_name(hit.speaker)
    if speaker == PERSON:
        return f"{speaker} to {name}"
    return name if speaker == name else f"{name} · {speaker}"


def hit_row(
    hit: SearchHit, look: Look, cells: int, now: float, *, own_session: str, is_chosen: bool, told: str = ""
) -> Line:
    """`❯ 14:29:33 coder    …the drift comes from round_money in …`; a session that is another one at the end.

    :param told: more about its run, for where there is room; clean.
    """
    roles = look.roles
    name, lead = who(hit)
    parts: list[Part] = [
        ("❯ " if is_chosen else "  ", roles.focus),
        (short_time(hit.at, now), roles.quiet),
        (f" {fit(name, NAME_CELLS)} ", roles.text),
    ]
    right = fit(clean_name(hit.session_id), SESSION_CELLS) if hit.session_id != own_session else ""
    room = cells - parts_width(parts) - (SESSION_CELLS + 2 if right else 1)
    marked = mark(hit, look)
    lead = lead if room - width(lead) >= LEAST_EXCERPT // 2 else ""
    shown = _around_first(marked, room - width(lead), look)
    if told and parts_width(shown) + width(lead) + width(told) + 3 <= room:
        shown.append((f"   {told}", roles.quiet))
    parts += [(lead, roles.quiet), *cut_parts(shown, room - width(lead))]
    gap = cells - parts_width(parts) - len(right) - 1
    return row(*parts, *([(" " * max(gap, 1), roles.text), (right, roles.quiet)] if right else []))


def place_rows(hit: SearchHit, look: Look, cells: int, most: int) -> list[Line]:
    """The excerpt in full, wrapped, from a row before the first word on."""
    marked = mark(hit, look)
    offsets = wrap_offsets(marked.text, max(cells - 4, 1))
    first = marked.spans[0][0] if marked.spans else 0
    at = max(0, next((at for at, (_start, end) in enumerate(offsets) if end > first), 0) - 1)
    if at + most > len(offsets):
        at = max(0, len(offsets) - most)
    return [
        row(("   ", look.roles.text), *parts_of(marked, start, end, look, look.roles.text))
        for start, end in offsets[at : at + most]
    ]


def found_words(found: SearchFound, at: int, took_s: float) -> str:
    """`1 of 5 · 611 messages · 4 ms`."""
    more = " newest, more are older" if found.more else ""
    messages = f"{found.searched:,} message{'' if found.searched == 1 else 's'}"
    return f"{at + 1} of {len(found.hits)}{more} · {messages} · {took_s * 1000:.0f} ms"


def nothing_words(words: str, where: Where, searched: int, cells: int) -> str:
    """`No hit for WORD in 611 messages.`"""
    tail = f" in {searched:,} message{'' if searched == 1 else 's'}."
    if where is not Where.EVERYTHING:
        tail = f" in {where}. tab looks elsewhere."
    return f"No hit for {cut(clean_line(words), max(cells - width(tail) - 13, 1))}{tail}"


def _around_first(marked: Marked, room: int, look: Look) -> list[Part]:
    """The excerpt from so far in front of the first word that the word is in sight."""
    text, style = marked.text, look.roles.text
    first, last = marked.spans[0] if marked.spans else (0, 0)
    start = 0
    if width(text[:last]) > room - 1:
        keep = max(0, min(room // 3, room - width(text[first:last]) - 2))
        start = first
        while start > 0 and width(text[start - 1 : first]) <= keep:
            start -= 1
    parts = parts_of(marked, start, len(text), look, style)
    return [(ELLIPSIS, look.roles.quiet), *parts] if start else parts


def _word_style(look: Look) -> Style:
    return look.roles.focus_title + Style(underline=True)


def _brackets(look: Look) -> tuple[str, str]:
    if look.roles.colour:
        return "", ""
    return ("«", "»") if look.signs is SignSet.UNICODE else ("<", ">")


def _clean(text: str) -> str:
    return clean_line(text.translate(_BLANKS))
