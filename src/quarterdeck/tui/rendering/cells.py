"""Measuring, cutting, padding and wrapping text by terminal cells, and the short forms of numbers.

Works on clean text and never interprets markup. A wide character is two cells, a combining one none.
"""

from bisect import bisect_right

from rich.cells import cell_len, split_graphemes

ELLIPSIS = "…"
TAB_CELLS = 4


def width(text: str) -> int:
    """Cells that the text takes on the terminal."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """The text in at most `cells` cells; what was cut is told by a final ellipsis."""
    if cells <= 0:
        return ""
    if len(text) <= cells and width(text) <= cells:
        return text
    if text.isascii():
        return text[: cells - 1] + ellipsis
    head = text[
        : cells * 8
    ]  # a grapheme seldom has more than eight characters; the rest need not be measured
    if head == text and cell_len(text) <= cells:
        return text
    return text[: _prefix_end(head, cells - 1)] + ellipsis


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text filled with blanks to `cells` cells (`right`: blanks in front); longer text stays as it is."""
    blanks = " " * (cells - width(text))
    return blanks + text if right else text + blanks


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """Exactly `cells` cells: cut with an ellipsis, or padded."""
    return pad(cut(text, cells), cells, right=right)


def expand_tabs(text: str, size: int = TAB_CELLS) -> str:
    """One line with its tabs as blanks up to the next multiple of `size` cells."""
    if "\t" not in text:
        return text
    first, *rest = text.split("\t")
    expanded = first
    for part in rest:
        expanded += " " * (size - width(expanded) % size) + part
    return expanded


def wrap_offsets(line: str, cells: int) -> list[tuple[int, int]]:
    """Where to break one line without tabs or newlines at blanks: (start, end) of each row; at least one row.

    A word longer than a row is broken inside. Blanks at a break belong to no row; those at the start stay.
    """
    cells = max(cells, 1)
    ends = None if line.isascii() else _row_ends(line)
    rows: list[tuple[int, int]] = []
    start, length = 0, len(line)
    while True:
        end = start + cells if ends is None else _wide_end(ends, start, cells)
        if end >= length:
            rows.append((start, length))
            return rows
        stop = _break_before(line, start, end)
        rows.append((start, len(line[:stop].rstrip(" ")) if stop > start else stop))
        start = stop
        while start < length and line[start] == " ":
            start += 1
        if start >= length:
            return rows


def wrap(text: str, cells: int) -> list[str]:
    """Rows of at most `cells` cells, broken at blanks; each newline starts a row."""
    rows: list[str] = []
    for raw in text.split("\n"):
        line = expand_tabs(raw)
        rows.extend(line[start:end] for start, end in wrap_offsets(line, cells))
    return rows


def hard_wrap(text: str, cells: int) -> list[str]:
    """Rows that together are the text, nothing added or left out: broken at the edge, never at blanks.

    For one line of a command, whose every blank counts. Tabs and newlines must have been made visible before.
    """
    cells = max(cells, 1)
    if text.isascii():
        return [text[at : at + cells] for at in range(0, len(text), cells)] or [""]
    ends = _row_ends(text)
    rows: list[str] = []
    start = 0
    while start < len(text):
        end = _wide_end(ends, start, cells)
        rows.append(text[start:end])
        start = end
    return rows or [""]


def format_age(seconds: float, *, short: bool = False) -> str:
    """A span of time in at most six cells: `now 8s 3m12s 1h04m 2d03h`; `short`: its first unit (`3m`)."""
    whole = int(seconds) if seconds > 0 else 0
    if whole < 1:
        return "now"
    if whole < 60:
        return f"{whole}s"
    for unit, size, smaller, part in (("m", 60, "s", 1), ("h", 3600, "m", 60)):
        if whole < size * (60 if unit == "m" else 24):
            first, rest = divmod(whole, size)
            return f"{first}{unit}" if short else f"{first}{unit}{rest // part:02}{smaller}"
    days, rest = divmod(whole, 86400)
    return f"{days}d" if short or days > 99 else f"{days}d{rest // 3600:02}h"


def format_tokens(count: int) -> str:
    """A count in at most four cells up to a billion: `950 1.2k 84k 1.3M`."""
    return _scaled(count, ("", "k", "M", "G"), "")


def format_bytes(count: int) -> str:
    """A size in decimal units: `950 B`, `1.2 kB`, `84 MB`."""
    return _scaled(count, ("B", "kB", "MB", "GB", "TB"), " ")


def _scaled(count: int, units: tuple[str, ...], gap: str) -> str:
    if count < 1000:
        return f"{count}{gap}{units[0]}"
    value = float(count)
    for unit in units[1:]:
        value /= 1000
        if value < 9.95:
            return f"{value:.1f}{gap}{unit}"
        if value < 999.5:
            return f"{value:.0f}{gap}{unit}"
    return f"{value:.0f}{gap}{units[-1]}"


def _prefix_end(text: str, cells: int) -> int:
    """Index behind the last grapheme of those that fit into `cells` cells."""
    used = end = 0
    for _start, stop, size in split_graphemes(text)[0]:
        used += size
        if used > cells:
            break
        end = stop
    return end


def _row_ends(text: str) -> tuple[list[int], list[int]]:
    """Index behind each grapheme, and the cells up to there."""
    stops, totals, total = [0], [0], 0
    for _start, stop, size in split_graphemes(text)[0]:
        total += size
        stops.append(stop)
        totals.append(total)
    return stops, totals


def _wide_end(ends: tuple[list[int], list[int]], start: int, cells: int) -> int:
    """Index behind the last grapheme that fits a row of `cells` from `start`; at least one grapheme."""
    stops, totals = ends
    first = bisect_right(stops, start) - 1
    last = bisect_right(totals, totals[first] + cells) - 1
    return stops[max(last, first + 1)] if first + 1 < len(stops) else stops[-1]


def _break_before(line: str, start: int, end: int) -> int:
    """The last index in (start, end] at which a row may end: before a blank, else `end` itself."""
    if line[end] == " ":
        return end
    blank = line.rfind(" ", start, end)
    # A row of blanks alone would be an empty row before a long word.
    return blank if blank > start and line[start:blank].strip(" ") else end
