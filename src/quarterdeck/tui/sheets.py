"""What a sheet asks: anything that hits more than one run, and leaving while a team runs. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.state.teammates import Teammate


class Sheet(msgspec.Struct, frozen=True):
    """One question with a yes. Every key but `y` is no, Enter is nothing."""

    title: str
    lines: tuple[str, ...]
    ask: str
    """The same in one line, for the footer."""
    yes: Callable[[], None]
    brief: str = ""
    """The same in fewer words, where `ask` does not fit; empty = there is no shorter one."""


def kill_sheet(mates: Sequence[Teammate], yes: Callable[[], None], *, family_of: str = "") -> Sheet:
    """Kill several: a family (its head first), or all.

    :param family_of: the name of the one that spawned the others; empty = all are meant.
    """
    count = len(mates)
    names = [clean_name(mate.name) for mate in mates]
    if family_of:
        rest = names[1:]
        ask = f"Kill {names[0]} and the {len(rest)} it spawned ({', '.join(rest)})?   y kills all {count}"
        title = f"Kill {names[0]} and the {len(rest)} it spawned"
    else:
        ask = f"Kill all {count} teammates?   y kills all {count}"
        title = f"Kill all {count}"
    lines = (
        "Each ends now: its stream, its processes, its open requests. r revives one on its conversation.",
        "",
        *_list(mates),
        "",
        f"y kills all {count} · any other key: no · enter does nothing here",
    )
    brief = f"{title}?   y kills all {count}   any other key: no"
    return Sheet(title, lines, f"{ask}   any other key: no   (enter is no)", yes, brief)


def interrupt_sheet(mates: Sequence[Teammate], yes: Callable[[], None]) -> Sheet:
    """End every open turn."""
    count = len(mates)
    lines = (
        "Each open turn ends; the teammates stay, idle, with their whole conversations.",
        "",
        *_list(mates),
        "",
        f"y interrupts all {count} · any other key: no · enter does nothing here",
    )
    ask = f"Interrupt all {count} open turns?   y interrupts   any other key: no   (enter is no)"
    return Sheet(f"Interrupt all {count}", lines, ask, yes, f"y interrupts all {count}   any other key: no")


def revive_sheet(mates: Sequence[Teammate], yes: Callable[[], None]) -> Sheet:
    """Bring back all that were cut off."""
    count = len(mates)
    title = "Revive 1 cut-off teammate" if count == 1 else f"Revive all {count} cut-off teammates"
    lines = (
        "Each goes on with its whole conversation, where it was cut off. What waits for you still waits.",
        "",
        *_list(mates),
        "",
        f"y revives {'it' if count == 1 else f'all {count}'} · any other key: no · enter does nothing here",
    )
    ask = f"{title}?   y revives   any other key: no   (enter is no)"
    return Sheet(title, lines, ask, yes, f"{title}?   y revives   any other key: no")


def quit_sheet(running: int, needing: int, yes: Callable[[], None], *, comes_back: bool) -> Sheet:
    """Leave while a team runs.

    :param comes_back: it is kept on disk.
    """
    told = quit_words(running, needing, comes_back=comes_back)
    lines = (told, "", "y quits · any other key: no · enter does nothing here")
    brief = "Quit ends the team.   y quits   any other key: no"
    return Sheet("Quit", lines, f"{told}   y quits   any other key: no", yes, brief)


def quit_words(running: int, needing: int, *, comes_back: bool) -> str:
    """`4 teammates run and 2 need you. Quit ends them; qd --continue brings all back.`"""
    run = "1 teammate runs" if running == 1 else f"{running} teammates run"
    need = "" if not needing else (" and 1 needs you" if needing == 1 else f" and {needing} need you")
    after = "; qd --continue brings all back" if comes_back else ""
    return f"{run}{need}. Quit ends them{after}."


def _list(mates: Sequence[Teammate]) -> tuple[str, ...]:
    return tuple(f"  {clean_name(mate.name)}" for mate in mates)
