"""Whether a WAL that nobody owns lost what it held: SQLite passes over what can't be read, and says nothing.

Looks only. An end that is torn is no damage by itself: it looks the same as what a killed process was just
writing, and that was never acknowledged. How much was acknowledged is in the -shm file, which a killed owner
leaves behind: SQLite notes a commit there once it is synced. So it is looked at before anything opens the
database, since the first to do so makes it anew. Without it (after a power cut, perhaps) a WAL that was cut
off inside its last transaction can't be told from a torn one, and nothing is said.
The formats: https://www.sqlite.org/fileformat2.html#walformat, https://www.sqlite.org/walformat.html
"""

import struct
import sys
from array import array
from pathlib import Path

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
_NATIVE = _MAGIC | (sys.byteorder == "big")
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_WORD = 0xFFFFFFFF
_INDEX = struct.Struct("=3I2BH4I8s2I")
"""Version, -, change counter, whether it is valid, -, page size, frames, pages, two sums, salts, two sums."""
_INDEX_VERSION = 3_007_000
_BACKFILLED = struct.Struct("=I")

Sums = tuple[int, int]


def is_broken(wal: Path, shm: Path) -> bool:
    """Whether transactions that were written whole can't be read any more."""
    found = _bytes_of(wal)
    frames, backfilled, salts = _acknowledged(_bytes_of(shm))
    if len(found) <= _HEADER.size + _FRAME.size:
        return frames > backfilled  # or its owner was killed before it wrote a page
    if not any(found[: _HEADER.size]):
        return any(found)
    magic, _, page_size, _, *_, sum0, sum1 = _HEADER.unpack_from(found)
    is_known = magic & ~1 == _MAGIC and page_size in _PAGE_SIZES
    if not is_known or _sums(found[:24], (0, 0), magic) != (sum0, sum1):
        return True
    whole, goes_on = _whole_frames(found, magic, page_size)
    if goes_on or salts != found[16:24]:
        return goes_on
    # A part of it hides what is newer in the database: that it was copied there helps when all of it is gone.
    return frames > (whole or backfilled)


def _acknowledged(shm: bytes) -> tuple[int, int, bytes]:
    """How many frames were committed and synced, how many are in the database too, and the salts of that WAL.

    SQLite writes this header twice, in the machine's own byte order.
    """
    size = _INDEX.size
    if len(shm) < 2 * size + _BACKFILLED.size or shm[:size] != shm[size : 2 * size]:
        return 0, 0, b""
    version, _, _, is_valid, _, _, frames, _, _, _, salts, *sums = _INDEX.unpack_from(shm)
    if version != _INDEX_VERSION or not is_valid or _sums(shm[:40], (0, 0), _NATIVE) != tuple(sums):
        return 0, 0, b""
    (backfilled,) = _BACKFILLED.unpack_from(shm, 2 * size)
    return frames, backfilled, salts


def _whole_frames(found: bytes, magic: int, page_size: int) -> tuple[int, bool]:
    """How many frames there are up to the last whole transaction; whether another lies behind a break.

    Other frames lie behind it too: of an older use of the file (with other salts), and what is left of a
    transaction that a kill cut off, when the next process wrote a shorter one over its beginning.
    """
    size = _FRAME.size + page_size
    salts = _HEADER.unpack_from(found)[4:6]
    before: Sums = _HEADER.unpack_from(found)[6:8]
    is_after_a_break, whole = False, 0
    for number, at in enumerate(range(_HEADER.size, len(found) - size + 1, size), 1):
        _, pages_after, *frame_salts, sum0, sum1 = _FRAME.unpack_from(found, at)
        sums = _sums(found[at + _FRAME.size : at + size], _sums(found[at : at + 8], before, magic), magic)
        fits = tuple(frame_salts) == salts and sums == (sum0, sum1)
        if fits and pages_after:
            if is_after_a_break:
                return whole, True
            whole = number
        is_after_a_break = is_after_a_break or not fits
        before = (sum0, sum1)
    return whole, False


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _sums(part: bytes, sums: Sums, magic: int) -> Sums:
    words = array("I", part)
    if (sys.byteorder == "big") != bool(magic & 1):
        words.byteswap()
    first, second = sums
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _WORD
        second = (second + two + first) & _WORD
    return first, second
