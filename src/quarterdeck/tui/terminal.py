"""What is told to the terminal itself: title, bell, notifications. Pure: sequences and when to send them.

Names, kinds and counts only; never a model's text, since other programs may show or log it.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.tui.counts import Counts, Waiting

PUSH_TITLE = "\x1b[22;2t"
POP_TITLE = "\x1b[23;2t"
BELL = "\x07"

WAIT_S = 2.0
"""A request must have been open for so long before anybody is called."""
PAUSE_S = 10.0
"""At most one call in so many seconds."""
AWAY_S = 60.0
"""Without focus events: nobody is there after so long without a key."""


class Notifier(StrEnum):
    """By which sequence a terminal shows notifications."""

    NONE = "none"
    OSC9 = "9"
    OSC777 = "777"
    OSC99 = "99"


def notifier_for(environment: Mapping[str, str]) -> Notifier:
    """The sequence that this terminal is known to understand; none inside tmux."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or term.startswith(("tmux", "screen")):
        return Notifier.NONE
    if "KITTY_WINDOW_ID" in environment or "kitty" in term:
        return Notifier.OSC99
    if term.startswith(("rxvt", "foot")) or "VTE_VERSION" in environment or program == "ghostty":
        return Notifier.OSC777
    return Notifier.OSC9


def title_text(counts: Counts, folder: str, *, ascii_only: bool = False) -> str:
    """`▲2 shop · Quarterdeck`; `●3 …` while working, plain when quiet."""
    place = clean_name(folder.rstrip("/").rpartition("/")[2])
    name = " · ".join(part for part in (place, "Quarterdeck") if part)
    if ascii_only:
        name = name.replace("·", "-")
    if counts.needs:
        return f"{'!' if ascii_only else '▲'}{counts.needs} {name}"
    if counts.working:
        return f"{'*' if ascii_only else '●'}{counts.working} {name}"
    return name


def title_sequence(text: str) -> str:
    """Set the window's title."""
    return f"\x1b]2;{clean_name(text)}\x07"


def notification(notifier: Notifier, text: str) -> str:
    """Show one line outside the terminal; empty for a terminal that can't."""
    told = clean_name(text).replace(";", ",")
    match notifier:
        case Notifier.OSC9:
            return f"\x1b]9;{told}\x07"
        case Notifier.OSC777:
            return f"\x1b]777;notify;Quarterdeck;{told}\x07"
        case Notifier.OSC99:
            return f"\x1b]99;;{told}\x1b\\"
        case Notifier.NONE:
            return ""


class Call(msgspec.Struct, frozen=True):
    """One call for the person elsewhere."""

    text: str
    rings: bool


class Caller:
    """Decides when the person who looks elsewhere is called. Times: `now` monotonic seconds."""

    def __init__(self) -> None:
        self._seen: dict[Waiting, float] = {}
        self._told: set[Waiting] = set()
        self._last_at = float("-inf")
        self._worked = False

    def look(self, waiting: tuple[Waiting, ...], working: int, *, away: bool, now: float) -> Call | None:
        """What to send now, if anything. Call it about once a second."""
        self._seen = {one: self._seen.get(one, now) for one in waiting}
        self._told &= set(waiting)
        done = self._worked and not working and not waiting
        if working:
            self._worked = True
        if not away:
            # Who looks at the screen has seen what waits there.
            self._told |= set(waiting)
            self._worked = working > 0
            return None
        due = [one for one, since in self._seen.items() if one not in self._told and now - since >= WAIT_S]
        if due and now - self._last_at >= PAUSE_S:
            self._last_at = now
            self._told |= set(due)
            return Call(_words(due), rings=True)
        if done:
            self._worked = False
            return Call("team is done", rings=False)
        return None


def _words(due: list[Waiting]) -> str:
    if len(due) == 1:
        return f"{due[0].name} waits: {due[0].kind}"
    return f"{len(due)} wait for you: " + ", ".join(f"{one.name} {one.kind}" for one in due[:4])
