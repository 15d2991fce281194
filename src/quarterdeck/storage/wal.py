"""Whether a WAL that nobody owns is broken in its middle: SQLite passes over what follows, and says nothing.

Looks only. An end that is cut off or torn is no damage: it looks the same as what a killed process was just
writing, and that was never acknowledged. The format: https://www.sqlite.org/fileformat2.html#walformat
"""

import struct
import sys
from array import array
from pathlib import Path

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_WORD = 0xFFFFFFFF

Sums = tuple[int, int]


def is_broken(wal: Path) -> bool:
    """Whether transactions that were written whole can't be read any more."""
    try:
        found = wal.read_bytes()
    except OSError:
        return False
    if len(found) <= _HEADER.size + _FRAME.size:
        return False  # its owner was killed before it wrote a page
    if not any(found[: _HEADER.size]):
        return any(found)
    magic, _, page_size, _, *salts, sum0, sum1 = _HEADER.unpack_from(found)
    is_known = magic & ~1 == _MAGIC and page_size in _PAGE_SIZES
    if not is_known or _sums(found[:24], (0, 0), magic) != (sum0, sum1):
        return True
    return _has_frames_after_a_break(found, magic, page_size, salts)


def _has_frames_after_a_break(found: bytes, magic: int, page_size: int, salts: list[int]) -> bool:
    """Whether a transaction that was written whole lies behind a frame that does not fit.

    Other frames lie there too: of an older use of the file (with other salts), and what is left of a
    transaction that a kill cut off, when the next process wrote a shorter one over its beginning.
    """
    size = _FRAME.size + page_size
    before: Sums = _HEADER.unpack_from(found)[6:8]
    is_after_a_break = False
    for at in range(_HEADER.size, len(found) - size + 1, size):
        _, pages_after, *frame_salts, sum0, sum1 = _FRAME.unpack_from(found, at)
        sums = _sums(found[at + _FRAME.size : at + size], _sums(found[at : at + 8], before, magic), magic)
        fits = frame_salts == salts and sums == (sum0, sum1)
        if is_after_a_break and fits and pages_after:
            return True
        is_after_a_break = is_after_a_break or not fits
        before = (sum0, sum1)
    return False


def _sums(part: bytes, sums: Sums, magic: int) -> Sums:
    words = array("I", part)
    if (sys.byteorder == "big") != bool(magic & 1):
        words.byteswap()
    first, second = sums
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _WORD
        second = (second + two + first) & _WORD
    return first, second
