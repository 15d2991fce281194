"""The rows around a transcript: its title, the line under it, the one with the verb, and the foot. Pure."""

from quarterdeck.domain.display_text import clean_line
from quarterdeck.domain.teammates import Lifecycle, Outcome, PermissionMode, WaitsOn
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.columns import short_model
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import format_age, format_tokens
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.transcript_parts import Part, row, spread

MODE_WORDS = {
    PermissionMode.PLAN: "plan",
    PermissionMode.DEFAULT: "default",
    PermissionMode.ACCEPT_EDITS: "accept edits",
    PermissionMode.BYPASS: "bypass",
}
OUTCOME_SIGNS = {
    Outcome.COMPLETED: ("done", "completed"),
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.KILLED: ("killed", "killed"),
    Outcome.TIMED_OUT: ("timed_out", "timed out"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.UNKNOWN: ("unknown", "unknown"),
}
_WAIT_WORDS = {
    WaitsOn.PLAN: "waits for your answer to its plan",
    WaitsOn.PERMISSION: "waits for your permission",
    WaitsOn.QUESTION: "waits for your answer",
    WaitsOn.MESSAGE: "waits for an answer",
    WaitsOn.DEPENDENCY: "waits for another task",
    WaitsOn.CAPACITY: "waits for its turn",
    WaitsOn.RATE_LIMIT: "waits for the rate limit",
}
_YOURS = frozenset({WaitsOn.PLAN, WaitsOn.PERMISSION, WaitsOn.QUESTION})


def state_words(mate: Teammate, look: Look) -> str:
    """`▸ running a tool`: the sign and what it does, for the title."""
    if mate.outcome is not None:
        name, word = OUTCOME_SIGNS[mate.outcome]
        if mate.kill is not None:
            if mate.kill.detached:
                word += " (detached)"
            elif not mate.kill.is_complete:
                word += ", ending its processes" if mate.kill.processes_left else ", ending"
        return f"{look.sign(name)} {word}"
    match mate.lifecycle:
        case Lifecycle.PAUSED:
            return f"{look.sign('paused')} paused by {clean_line(mate.paused_by)}"
        case Lifecycle.TERMINATING:
            return f"{look.sign('stopping')} stopping"
        case Lifecycle.WAITING:
            yours = mate.waits_on in _YOURS
            return f"{look.sign('needs')} needs you" if yours else f"{look.sign('waits')} waits"
        case Lifecycle.EXECUTING:
            return f"{look.sign('tool')} running a tool" if mate.running else f"{look.sign('still')} working"
        case Lifecycle.SPAWNING:
            return f"{look.sign('spawning')} starting"
        case _:
            return f"{look.sign('idle')} idle"


def head_line(mate: Teammate, last_sign_at: float, now: float, cells: int, look: Look) -> Line:
    """`sonnet-4.5 · default · beat now · 91k tok`."""
    told = [short_model(mate.model), MODE_WORDS[mate.permission_mode]]
    if mate.outcome is None:
        told.append(f"beat {format_age(look.age(now - last_sign_at))}")
    told.append(f"{format_tokens(mate.usage.total)} tok")
    if cells >= 60 and mate.usage.cache_hit_rate is not None:
        told.append(f"cache {mate.usage.cache_hit_rate:.0%}")
    if cells >= 60 and mate.tools:
        told.append(f"{mate.tools} tool{'' if mate.tools == 1 else 's'}")
    return spread([(" · ".join(told), look.roles.quiet)], [], cells, look)


def verb_line(
    mate: Teammate, now: float, monotonic: float, look: Look, *, look_only: bool = False
) -> Line | None:
    """The last row while a turn is open: `⠹ Charting… 18s`, or what it waits for.

    :param look_only: nothing can be done about it from here, so no key is offered.
    """
    roles = look.roles
    if mate.outcome is not None or mate.turn_started_at is None:
        return None
    age = format_age(look.age(now - mate.turn_started_at))
    match mate.lifecycle:
        case Lifecycle.PAUSED:
            words = f" {look.sign('paused')} paused by {clean_line(mate.paused_by)}"
            return row((words if look_only else f"{words} · p continues", roles.quiet))
        case Lifecycle.TERMINATING:
            words = f" {look.sign('stopping')} asked to stop"
            return row((words if look_only else f"{words} · s takes it back", roles.quiet))
        case Lifecycle.WAITING if mate.waits_on is not None:
            style = roles.needs if mate.waits_on in _YOURS else roles.quiet
            sign = look.sign("needs" if mate.waits_on in _YOURS else "waits")
            since = format_age(look.age(now - mate.since))
            return row((f" {sign} {_WAIT_WORDS[mate.waits_on]} · {since}", style))
        case _:
            sign = look.spinner(monotonic)
            verb = clean_line(mate.verb) or "Working"
            return row((f" {sign} ", roles.work), (f"{verb}… {age}", roles.work))


def empty_words(mate: Teammate, now: float) -> str:
    """What an empty transcript says."""
    name = clean_line(mate.name)
    if mate.is_terminal:
        return f"{name} said nothing."
    return f"{name} has said nothing yet. It started {format_age(now - mate.spawned_at)} ago."


def foot_line(
    *,
    messages: int,
    rows_below: int,
    new_rows: int,
    is_ended: bool,
    cells: int,
    look: Look,
    is_cut: bool = False,
    is_loading: bool = False,
) -> Line:
    """`12 messages · G follows the end                     live`, or how much is new below.

    :param is_cut: more is below than is known here.
    """
    roles = look.roles
    many = f"{messages} message{'' if messages == 1 else 's'}{' here' if is_cut else ''}"
    if is_loading:
        told = "loading…"
        return spread([(f"{many} · G follows the end", roles.quiet)], [(told, roles.quiet)], cells, look)
    if is_cut:
        return spread([(f"{many} · G goes to the end", roles.quiet)], [("more ↓", roles.quiet)], cells, look)
    if not rows_below:
        right: list[Part] = [("the end" if is_ended else "live", roles.quiet)]
        return spread([(f"{many} · G follows the end", roles.quiet)], right, cells, look)
    if new_rows:
        told = f"{new_rows} new line{'' if new_rows == 1 else 's'} ↓"
        return spread([(f"{many} · G follows the end", roles.quiet)], [(told, roles.focus)], cells, look)
    below = f"{rows_below} line{'' if rows_below == 1 else 's'} below ↓"
    return spread([(f"{many} · G follows the end", roles.quiet)], [(below, roles.quiet)], cells, look)
