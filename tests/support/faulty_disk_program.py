"""A program whose disk answers with EIO until it is told otherwise; tells what its journal said.

`python -m tests.support.faulty_disk_program FOLDER SESSION CALL`. The kernel hands each CALL (`fdatasync` or
`pwrite64`) of this process to a thread of it (seccomp's user notification, which needs no root), and that
answers EIO, or lets it happen. Exits 77 where the kernel does not do that.
"""

import asyncio
import ctypes
import errno
import fcntl
import json
import os
import platform
import struct
import sys
import threading
from pathlib import Path

from quarterdeck.storage.folders import SessionPlace
from quarterdeck.storage.journal import Keeping
from quarterdeck.storage.reader import JournalReader
from tests.support.journals import Kept, note

NOT_HERE = 77
CALLS = {
    "x86_64": {"seccomp": 317, "fdatasync": 75, "pwrite64": 18},
    "aarch64": {"seccomp": 277, "fdatasync": 83, "pwrite64": 68},
}
"""System call numbers, from the kernel's tables."""

_NO_NEW_PRIVILEGES = 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_LET_IT_HAPPEN = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class FaultyDisk:
    """One system call of this process, and of threads that it starts, fails while `is_faulty` is set."""

    def __init__(self, call: str) -> None:
        numbers = CALLS.get(platform.machine(), {})
        self.is_faulty = threading.Event()
        self.failed = 0
        if not numbers:
            raise OSError(errno.ENOSYS, "its numbers are not known here")
        steps = [
            struct.pack("HBBI", _LOAD, 0, 0, 0),
            struct.pack("HBBI", _EQUAL, 0, 1, numbers[call]),
            struct.pack("HBBI", _RETURN, 0, 0, _NOTIFY),
            struct.pack("HBBI", _RETURN, 0, 0, _ALLOW),
        ]
        self._filter = b"".join(steps)  # the kernel reads it from here
        program = _Program(len(steps), self._filter)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no new privileges")
        self._listener = libc.syscall(
            numbers["seccomp"], _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program)
        )
        if self._listener < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            asked = bytearray(80)
            fcntl.ioctl(self._listener, _RECEIVE, asked)
            (number,) = struct.unpack_from("Q", asked)
            is_faulty = self.is_faulty.is_set()
            self.failed += is_faulty
            error, flags = (-errno.EIO, 0) if is_faulty else (0, _LET_IT_HAPPEN)
            fcntl.ioctl(self._listener, _SEND, bytearray(struct.pack("QqiI", number, 0, error, flags)))


async def run(place: SessionPlace, disk: FaultyDisk) -> dict[str, object]:
    """Write, let the disk fail, wait, let it be well again, and write on."""
    async with Kept(place) as kept:
        for seq in range(1, 21):
            kept.journal.append(note(seq, f"{seq} {'x' * 4_000}"))
            await kept.journal.committed(seq)
        disk.is_faulty.set()
        kept.journal.append(note(21, "while it fails"))
        await kept.until(Keeping.STUCK)
        waiting = asyncio.ensure_future(kept.journal.committed())
        done, _ = await asyncio.wait({waiting}, timeout=1.2)
        with JournalReader(place.database) as reader:
            before = [seq for seq, _ in reader.facts()]
        disk.is_faulty.clear()
        await kept.until(Keeping.KEEPING)
        await waiting
        return {"changes": kept.changes, "waited": not done, "before": before, "failed": disk.failed}


def main() -> int:
    """Tell it as one JSON object."""
    folder, session, call = sys.argv[1:]
    try:
        disk = FaultyDisk(call)
    except OSError as fault:
        sys.stderr.write(f"{os.strerror(fault.errno or 0)}: {fault}\n")
        return NOT_HERE
    print(json.dumps(asyncio.run(run(SessionPlace(Path(folder), session), disk))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
