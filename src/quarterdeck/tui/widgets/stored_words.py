"""The words about runs of other sessions: how each ended, when, and how its session is brought back. Pure.

What is stored may hold anything; it is cleaned here.
"""

import time

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.teammates import Outcome
from quarterdeck.tui.columns import short_model
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import format_tokens
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.transcript_parts import spread

OUTCOME_WORDS = {
    Outcome.COMPLETED: ("done", "done"),
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.KILLED: ("killed", "killed"),
    Outcome.TIMED_OUT: ("timed_out", "timed out"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.UNKNOWN: ("unknown", "unknown"),
}
"""Sign and word of each."""
NOT_ENDED = ("still", "not ended")


def outcome_of(run: StoredRun) -> Outcome | None:
    """How it ended; None = it has not. A word that this version does not know is unknown."""
    if run.outcome is None:
        return None
    return Outcome(run.outcome) if run.outcome in set(Outcome) else Outcome.UNKNOWN


def outcome_words(outcome: Outcome | None) -> tuple[str, str]:
    """Sign and word; of a run that goes on in another process too."""
    return OUTCOME_WORDS[outcome] if outcome is not None else NOT_ENDED


def short_time(at: float, now: float) -> str:
    """Eight cells: the time of day on this day, else the day, in another year with that."""
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S", then)
    day = f"{then.tm_mday:>2} {_MONTHS[then.tm_mon - 1]}"
    return f"{day:<8}" if then.tm_year == today.tm_year else f"{day[3:]} {then.tm_year:04}"


def day_and_time(at: float, now: float) -> str:
    """`14:02`, or with its day `20 Nov 14:02`, in another year `20 Nov 2025 14:02`."""
    then, today = time.localtime(at), time.localtime(now)
    hour = time.strftime("%H:%M", then)
    if then[:3] == today[:3]:
        return hour
    year = "" if then.tm_year == today.tm_year else f" {then.tm_year}"
    return f"{then.tm_mday} {_MONTHS[then.tm_mon - 1]}{year} {hour}"


def time_span(began: float, last: float, now: float) -> str:
    """`20 Nov 14:02 to 15:10`: the day once when it is one day."""
    first, end = day_and_time(began, now), day_and_time(last, now)
    if first.rpartition(" ")[0] == end.rpartition(" ")[0]:
        end = end.rpartition(" ")[2]
    return f"{first} to {end}"


def bring_back(session_id: str) -> str:
    """The command that opens the session again."""
    return f"quarterdeck --resume {clean_name(session_id)}"


def look_only_words(run: StoredRun) -> str:
    """Why a key can't act on it: what can be done instead."""
    return f"Look only. {bring_back(run.session_id)} brings {clean_name(run.name)} back."


def stored_title(run: StoredRun, look: Look) -> str:
    """`coder ✓ done · session 7f3a`; without how it ended while that is not known."""
    if not run.lifecycle:
        return f"{clean_name(run.name)} · session {clean_name(run.session_id)}"
    sign, word = outcome_words(outcome_of(run))
    return f"{clean_name(run.name)} {look.sign(sign)} {word} · session {clean_name(run.session_id)}"


def stored_head(run: StoredRun, now: float, cells: int, look: Look) -> Line:
    """`quarterdeck --resume 7f3a brings it back · 20 Nov 14:02 · sonnet-4.5`: what matters most first."""
    told = [f"{bring_back(run.session_id)} brings it back"]
    if run.created_at:
        told.append(day_and_time(run.created_at, now))
    if run.model:
        told.append(clean_name(short_model(run.model)))
    if run.usage.total:
        told.append(f"{format_tokens(run.usage.total)} tok")
    return spread([(" · ".join(told), look.roles.quiet)], [], cells, look)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
