"""From a request to an order: the shell, its environment, the files that it gets. Starts nothing."""

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from quarterdeck.processes import shim
from quarterdeck.processes.contract import CannotStart, ProcessRequest, ResourceLimits
from quarterdeck.processes.environment import tool_environment


class TreeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to start. The file numbers are the program's own; -1 is none. They stay open here."""

    argv: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    stdin_fd: int = -1
    output_fd: int
    error_fd: int
    folder_fd: int = -1
    """Where the shell writes its last folder."""
    folder_target_fd: int = -1
    """The number that it has in the shell."""
    prologue_fd: int = -1
    limits: ResourceLimits

    def encode(self) -> bytes:
        """The form that the supervisor program reads. :raises CannotStart: a NUL somewhere."""
        numbers = [self.folder_fd, self.folder_target_fd, self.prologue_fd, self.stdin_fd]
        fields = [
            self.folder,
            *map(str, numbers),
            encode_limits(self.limits),
            str(len(self.argv)),
            *self.argv,
        ]
        fields += [f"{name}={value}" for name, value in self.environment.items()]
        if any("\0" in field for field in fields):
            raise CannotStart("A command cannot hold a NUL character.")
        return b"\0".join(os.fsencode(field) for field in fields)


class OpenFiles:
    """File numbers that are closed at the end of the block, whatever happens, save those that are kept."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._open:
            os.close(fd)

    def pipe(self) -> tuple[int, int]:
        """A new pipe: the end to read, the end to write."""
        ends = os.pipe()
        self._open |= set(ends)
        return ends

    def memory(self, content: bytes) -> int:
        """An unnamed file with this content."""
        fd = unnamed_file(content)
        self._open.add(fd)
        return fd

    def keep(self, *fds: int) -> None:
        """Leave these open."""
        self._open -= set(fds)


class PipeEnds(msgspec.Struct, frozen=True, kw_only=True):
    """The ends that the command writes to."""

    output: int
    errors: int
    folder: int


class Placement(msgspec.Struct, frozen=True):
    """The numbers that a shell's private files will have; None where they keep the program's own."""

    bash_folder_fd: int | None
    sh_folder_fd: int | None
    prologue_fd: int | None


SUPERVISED = Placement(shim.FOLDER_FD_BASH, shim.FOLDER_FD_SH, shim.PROLOGUE_FD)
DIRECT = Placement(None, None, None)
"""Without a supervisor nothing can be moved; a plain sh, which reads one digit, carries no folder then."""


def make_order(
    request: ProcessRequest,
    *,
    limits: ResourceLimits,
    source: Mapping[str, str],
    placement: Placement,
    ends: PipeEnds,
    files: OpenFiles,
) -> TreeOrder:
    """The command in full: a program directly, or a shell that says where it ends."""
    environment = tool_environment(source, request.environment)
    order = TreeOrder(
        argv=request.argv,
        folder=request.folder,
        environment=environment,
        stdin_fd=-1 if request.stdin is None else files.memory(request.stdin),
        output_fd=ends.output,
        error_fd=ends.errors,
        limits=limits,
    )
    if request.argv:
        program = find_program(request.argv[0], request.folder, environment["PATH"])
        return msgspec.structs.replace(order, argv=(program, *request.argv[1:]))
    bash = shutil.which("bash", path=environment["PATH"])
    plain = msgspec.structs.replace(order, argv=(bash or "/bin/sh", "-c", request.command))
    if not request.carry_folder:
        return plain
    if bash is None:
        return with_sh_folder(plain, placement, ends.folder)
    return with_bash_folder(plain, placement, ends.folder, files)


def with_bash_folder(order: TreeOrder, placement: Placement, folder_fd: int, files: OpenFiles) -> TreeOrder:
    """bash runs a prologue by BASH_ENV, so the command stays as it is and its line numbers hold.

    A command with an EXIT trap of its own replaces ours; its folder is then not carried.
    """
    target = placement.bash_folder_fd or folder_fd
    prologue_fd = files.memory(b"")
    prologue_target = placement.prologue_fd or prologue_fd
    text = f"unset BASH_ENV; exec {prologue_target}<&-; {report_folder(target)}\n"
    os.write(prologue_fd, text.encode())
    os.lseek(prologue_fd, 0, os.SEEK_SET)
    return msgspec.structs.replace(
        order,
        environment={**order.environment, "BASH_ENV": f"/dev/fd/{prologue_target}"},
        folder_fd=folder_fd,
        folder_target_fd=target,
        prologue_fd=prologue_fd,
    )


def with_sh_folder(order: TreeOrder, placement: Placement, folder_fd: int) -> TreeOrder:
    """A plain sh gets the trap as a line before the command."""
    target = placement.sh_folder_fd
    if target is None:
        return order
    shell, flag, command = order.argv
    return msgspec.structs.replace(
        order,
        argv=(shell, flag, f"{report_folder(target)}\n{command}"),
        folder_fd=folder_fd,
        folder_target_fd=target,
    )


def report_folder(fd: int) -> str:
    """Shell text that writes the last folder when the shell ends."""
    return f"trap '{{ pwd -P >&{fd}; }} 2>/dev/null' EXIT"


def find_program(name: str, folder: str, path: str) -> str:
    """The program's absolute path; a name with a slash is taken from `folder`.

    :raises CannotStart: there is none.
    """
    found = shutil.which(str(Path(folder, name)) if "/" in name else name, path=path)
    if found is None:
        raise CannotStart(f"No program named {name!r} was found.")
    return str(Path(found).absolute())


def encode_limits(limits: ResourceLimits) -> str:
    """`kind:value` pairs with blanks between."""
    kinds = {
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_AS: limits.address_space,
        resource.RLIMIT_CORE: limits.core_size,
    }
    return " ".join(f"{kind}:{value}" for kind, value in kinds.items() if value is not None)


def unnamed_file(content: bytes) -> int:
    """A file without a name, at its start: in memory where the system can. The caller closes it."""
    if sys.platform.startswith("linux"):
        fd = os.memfd_create("quarterdeck", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
