"""The supervisor program, one per call: `python -I -S shim.py CONTROL_FD ORDER_FD`.

It owns the process tree of one command and ends only when the kernel says that nothing is left (ECHILD).
Its start is part of every call, so it imports few modules, and never its own package.
"""

import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
WAIT_ALL_KINDS = 0x40000000
"""`__WALL` of waitpid(2): children that were cloned without SIGCHLD are waited for too."""
SETTLE_S = 0.15
"""How long processes that outlive the main command may take to end by themselves, such as `tee >(cat)`."""
STUCK_S = 3.0
"""What lives on so long, unchanged, after a KILL is beyond reach: another user's, or the kernel's."""
TOOL_NICENESS = 10
"""Tools get less of a busy processor than the screen and the supervisors, so that a kill comes through."""
TOOL_MEMORY_SCORE = 800
"""oom_score_adj of proc(5): 1000 is first to go."""
GRACE_S = 0.05
"""The time between TERM and KILL."""
RESET_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
"""What this program, or Python itself, handles or ignores; the command gets the defaults back."""
FOLDER_FD_SH = 9
"""Where a plain sh writes its last folder; it reads one digit only."""
FOLDER_FD_BASH = 240
PROLOGUE_FD = 241
OWN_FDS_FROM = 242
"""The supervisor's own files lie above every number that the tool's are moved to."""


def set_process_flag(option: int, value: int) -> None:
    """prctl(2) with one argument. :raises OSError: the kernel refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


class ProcessRow:
    """One line of the process table: `state` as in proc(5), `started` in clock ticks since boot."""

    def __init__(self, pid: int, state: str, parent: int, session: int, started: int) -> None:
        self.pid, self.state, self.parent, self.session, self.started = pid, state, parent, session, started

    @property
    def key(self) -> tuple[int, int]:
        """What no later process has: a pid is used again, never with the same start time."""
        return self.pid, self.started


def list_processes() -> Iterator[ProcessRow]:
    """A fresh listing of every process that the kernel shows, the newest numbers first."""
    for pid in sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True):
        row = read_process(pid)
        if row is not None:
            yield row


def read_process(pid: int) -> ProcessRow | None:
    """One process, or None when it is gone. The name in parentheses may hold anything, `)` and blanks too."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4096)
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()
    return ProcessRow(pid, fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))


def descendants(roots: Iterable[int], rows: Iterable[ProcessRow]) -> list[ProcessRow]:
    """Everything below `roots` (not the roots themselves) in a listing."""
    by_parent: dict[int, list[ProcessRow]] = {}
    for row in rows:
        by_parent.setdefault(row.parent, []).append(row)
    found: list[ProcessRow] = []
    waiting = list(roots)
    while waiting:
        below = by_parent.pop(waiting.pop(), [])
        found += below
        waiting += [row.pid for row in below]
    return found


def is_living(row: ProcessRow) -> bool:
    """Zombies are dead: they wait for their parent only."""
    return row.state not in "ZX"


def signal_rows(rows: Iterable[ProcessRow], number: int) -> None:
    """Send one signal to each; those that ended meanwhile, or belong to another user, are left."""
    for row in rows:
        try:
            os.kill(row.pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def stop_all(is_top: Callable[[ProcessRow], bool], rounds: int) -> list[ProcessRow]:
    """STOP the trees of all `is_top` processes until a fresh listing shows nothing new; returns the last one.

    The stopped cannot fork past a KILL. What has not settled after `rounds` listings is the next call's.
    """
    stopped: set[tuple[int, int]] = set()
    rows: list[ProcessRow] = []
    for _ in range(rounds):
        rows = stop_once(is_top, stopped)
        fresh = {row.key for row in rows} - stopped
        if not fresh:
            break
        stopped |= fresh
    return rows


def stop_once(is_top: Callable[[ProcessRow], bool], stopped: set[tuple[int, int]]) -> list[ProcessRow]:
    """One listing. A top process is stopped as soon as it is read: some live for milliseconds only."""
    rows: list[ProcessRow] = []
    tops: list[ProcessRow] = []
    for row in list_processes():
        rows.append(row)
        if is_top(row):
            tops.append(row)
            if row.key not in stopped:
                signal_rows([row], signal.SIGSTOP)
    below = descendants([row.pid for row in tops], rows)
    signal_rows([row for row in below if row.key not in stopped], signal.SIGSTOP)
    return [row for row in tops + below if is_living(row)]


class Patience:
    """Notices when the same processes live on and on; a moving target changes, so it is no such case."""

    def __init__(self) -> None:
        self.keys: set[tuple[int, int]] = set()
        self.since = time.monotonic()

    def ends_with(self, rows: list[ProcessRow]) -> bool:
        """Whether what lives has not changed for `STUCK_S`; then the time starts anew."""
        keys = {row.key for row in rows}
        now = time.monotonic()
        if keys == self.keys and now - self.since < STUCK_S:
            return False
        is_stuck = keys == self.keys
        self.keys, self.since = keys, now
        return is_stuck


class Order:
    """What to run: fields joined by NUL in an unnamed file, so that neither argv nor ps shows them."""

    def __init__(self, text: bytes) -> None:
        fields = text.split(b"\0")
        self.folder = fields[0]
        self.folder_fd, self.target_fd, self.prologue_fd, self.stdin_fd = (
            int(field) for field in fields[1:5]
        )
        self.limits = [tuple(int(part) for part in field.split(b":")) for field in fields[5].split()]
        count = int(fields[6])
        self.argv = fields[7 : 7 + count]
        self.environment = dict(field.split(b"=", 1) for field in fields[7 + count :])


class Supervisor:
    """The loop: wait for the first end, then end everything else, then say so."""

    def __init__(self, control: int, order: Order) -> None:
        self.control = control
        self.order = order
        self.main = 0
        self.own_pid = os.getpid()
        self.main_status: int | None = None
        self.asked_to_end = False
        self.seen: set[tuple[int, int]] = set()
        self.reaped: set[int] = set()
        self.wake, wake_write = os.pipe()
        for fd in (self.wake, wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(control, select.POLLIN)

    def run(self) -> None:
        """Start the command, wait, end the tree, report."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_end_signal)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.wait_for_change(0)
        if self.asked_to_end:
            # Killed before the command began: it does not begin.
            self.report("none 0 0")
            return
        self.main = os.fork()
        if self.main == 0:
            start_command(self.control, self.order)
        self.release_inherited()
        set_process_flag(PR_SET_DUMPABLE, 0)
        self.report(f"up {self.main}")
        self.wait_for_end()
        leftover = self.end_tree()
        self.report(f"exit {self.main_status}")
        self.report(f"none {self.total()} {leftover}")

    def wait_for_end(self) -> None:
        """Until the main command ended, or somebody asked for the end."""
        while not self.asked_to_end and self.main_status is None:
            self.wait_for_change(None)

    def total(self) -> int:
        """Every process that a listing showed or that was collected here; the main command is always one."""
        listed = {pid for pid, _ in self.seen}
        return len(self.seen) + len(self.reaped - listed)

    def release_inherited(self) -> None:
        """Close the tool's ends here: the end of output belongs to the tool alone."""
        for fd in (0, 1, 2, self.order.folder_fd, self.order.prologue_fd, self.order.stdin_fd):
            if fd >= 0:
                os.close(fd)

    def on_end_signal(self, number: int, frame: object) -> None:
        """TERM or HUP to the supervisor ends the tree, as the end of the program does."""
        self.asked_to_end = True

    def report(self, line: str) -> None:
        """Tell the program; it may be gone."""
        try:
            os.write(self.control, line.encode() + b"\n")
        except OSError:
            self.asked_to_end = True

    def wait_for_change(self, timeout_s: float | None) -> bool:
        """Wait for a signal, the program's word or its end; reap. False when no child is left (ECHILD)."""
        ready = self.poll.poll(None if timeout_s is None else max(0, int(timeout_s * 1000 + 0.5)))
        for fd, _ in ready:
            if fd == self.wake:
                os.read(self.wake, 4096)
            elif fd == self.control:
                # A word and the end of the program mean the same: end the tree now.
                self.asked_to_end = True
                self.poll.unregister(self.control)
        return self.reap()

    def reap(self) -> bool:
        """Collect every dead child; False when the kernel says that there is none left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | WAIT_ALL_KINDS)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.reaped.add(pid)
            if pid == self.main:
                self.main_status = status

    def find(self) -> list[ProcessRow]:
        """A fresh listing of everything below, remembered for the count."""
        rows = descendants([self.own_pid], list_processes())
        self.seen |= {row.key for row in rows}
        return rows

    def is_child(self, row: ProcessRow) -> bool:
        """Every process below is a child of this one, or below a child of it: orphans come here."""
        return row.parent == self.own_pid

    def end_tree(self) -> int:
        """End all descendants; returns how many outlived the main command. Comes back only at ECHILD."""
        is_natural = not self.asked_to_end
        write_own("autogroup", -TOOL_NICENESS)  # only root may; others wait their turn
        if not self.reap():
            return 0
        if is_natural and not self.wait_until(SETTLE_S, stop_early=True):
            return 0
        rows = [row for row in self.find() if is_living(row)]
        signal_rows(rows, signal.SIGTERM)
        signal_rows(rows, signal.SIGCONT)
        self.report("ending")
        if self.wait_until(GRACE_S):
            self.kill_until_none()
        return len(rows) if is_natural else 0

    def wait_until(self, limit_s: float, *, stop_early: bool = False) -> bool:
        """Reap for `limit_s` at most; False as soon as no child is left."""
        deadline = time.monotonic() + limit_s
        while (left := deadline - time.monotonic()) > 0:
            if not self.wait_for_change(left):
                return False
            if stop_early and self.asked_to_end:
                return True
        return True

    def kill_until_none(self) -> None:
        """STOP, list again, KILL, reap, until waitpid says ECHILD."""
        pause = 0.002
        patience = Patience()
        while True:
            rows = stop_all(self.is_child, rounds=100)
            self.seen |= {row.key for row in rows}
            signal_rows(rows, signal.SIGKILL)
            if not self.wait_until(pause):
                return
            pause = min(pause * 1.5, 0.1)
            if patience.ends_with(rows):
                # The call need not wait for them; this program does.
                self.report(f"exit {self.main_status}")
                self.report(f"stuck {self.total()} {len(rows)}")


def start_command(control: int, order: Order) -> None:
    """In the child: own session, limits, folder, then the command. Does not return."""
    stage = "start a session"
    try:
        os.setsid()
        for number in RESET_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        step_back()
        stage = f"enter {os.fsdecode(order.folder)}"
        os.chdir(order.folder)
        stage = "hand over the files"
        if order.stdin_fd >= 0:
            os.dup2(order.stdin_fd, 0)
        if order.prologue_fd >= 0:
            os.dup2(order.prologue_fd, PROLOGUE_FD)
        if order.folder_fd >= 0:
            os.dup2(order.folder_fd, order.target_fd)
        stage = "set the limits"
        for kind, value in order.limits:
            lower_limit(kind, value)
        stage = f"run {os.fsdecode(order.argv[0])}"
        os.execve(order.argv[0], order.argv, order.environment)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        line = f"fail Could not {stage}: {reason}.".replace("\n", " ")
        os.write(control, line.encode(errors="replace") + b"\n")
    finally:
        os._exit(127)


def lower_limit(kind: int, value: int) -> None:
    """Set both ends of one limit, never above what the program itself has."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def step_back() -> None:
    """The tool, not the program, waits for a busy processor and ends when memory runs out."""
    os.nice(TOOL_NICENESS)
    # Where the kernel shares the processor among sessions first, niceness counts inside a session only.
    write_own("autogroup", TOOL_NICENESS)
    write_own("oom_score_adj", TOOL_MEMORY_SCORE)


def write_own(name: str, value: int) -> None:
    """Set a property of this process; a kernel without it, or one that is asked too often, is left alone."""
    try:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(str(value))
    except OSError:
        return


def move_up(fd: int) -> int:
    """The same file under a high number, closed at exec; -1 stays."""
    if fd < 0:
        return fd
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, OWN_FDS_FROM)
    os.close(fd)
    return moved


def main() -> None:
    """The program."""
    control, order_fd = int(sys.argv[1]), int(sys.argv[2])
    with open(order_fd, "rb") as file:
        order = Order(file.read())
    control = move_up(control)
    order.folder_fd, order.prologue_fd, order.stdin_fd = (
        move_up(fd) for fd in (order.folder_fd, order.prologue_fd, order.stdin_fd)
    )
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    set_process_flag(PR_SET_CHILD_SUBREAPER, 1)
    Supervisor(control, order).run()
    # Nothing to clean up in this process; the end of the control socket tells the program at once.
    os._exit(0)


if __name__ == "__main__":
    main()
