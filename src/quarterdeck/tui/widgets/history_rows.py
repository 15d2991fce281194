"""The rows of History: one per run, one per earlier session, and what is known of the chosen run. Pure.

Names, prompts, reports and errors are cleaned here.
"""

import time
from collections.abc import Iterable, Sequence

import msgspec
from rich.segment import Segment

from quarterdeck.domain.archive import StoredRun
from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.teammates import KillProof, Outcome
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, fit, format_age, format_tokens, wrap
from quarterdeck.tui.rendering.last_words import last_words
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import rule_line
from quarterdeck.tui.widgets.stored_words import (
    bring_back,
    day_and_time,
    outcome_of,
    outcome_words,
    short_time,
    time_span,
)

NAME_CELLS = 9
HEAD = "  ended    who       outcome      lasted    tok  found"
_LONGEST = 400
DELETED = "transcript deleted"


class SessionRuns(msgspec.Struct, frozen=True):
    """The runs of one earlier session, and what its row says."""

    session_id: str
    began: float
    last: float
    label: str
    """Of its first run: who it was and what it was asked; as stored."""
    runs: tuple[StoredRun, ...]


def sessions_of(runs: Iterable[StoredRun]) -> tuple[SessionRuns, ...]:
    """The runs by session: that of the first run first, and so on; within one in the order given."""
    by_session: dict[str, list[StoredRun]] = {}
    for run in runs:
        by_session.setdefault(run.session_id, []).append(run)
    return tuple(
        SessionRuns(
            session_id=session_id,
            began=min(run.created_at for run in group),
            last=max(_last_of(run) for run in group),
            label=min(group, key=lambda run: run.created_at).label,
            runs=tuple(group),
        )
        for session_id, group in by_session.items()
    )


def session_row(session: SessionRuns, look: Look, cells: int, now: float) -> Line:
    """`─ 20 Nov 14:02 to 15:10 · session 7f3a · lead: fix the drift ──── 3 runs ─`."""
    label = " ".join(clean_line(session.label[:_LONGEST]).split())
    when = time_span(session.began, session.last, now)
    told = f"{when} · session {clean_name(session.session_id)} · {label}"
    count = len(session.runs)
    right = f"{count} run{'' if count == 1 else 's'}"
    return rule_line(look, cells, cut(told, max(cells - len(right) - 9, 1)), right)


def run_row(run: Teammate | StoredRun, look: Look, cells: int, now: float, *, is_chosen: bool) -> Line:
    """`❯ 14:32:07 runaway   ✕ killed      5m25s   2.1k  by you · 14 processes ended`."""
    roles, outcome = look.roles, _outcome(run)
    sign, word = outcome_words(outcome)
    told = fit(f"{look.sign(sign)} {word}", 11)
    lasted = fit(format_age(max(0.0, _last_of(run) - _began(run))), 6, right=True)
    tokens = fit(format_tokens(run.usage.total), 6, right=True)
    text = f"{told}  {lasted} {tokens}  "
    return (
        Segment("❯ " if is_chosen else "  ", roles.focus),
        Segment(f"{short_time(_last_of(run), now)} {fit(clean_name(run.name), NAME_CELLS)} ", roles.text),
        Segment(text, roles.fail if outcome is Outcome.FAILED else roles.text),
        Segment(cut(_found(run), max(cells - 24 - len(text), 1)), roles.quiet),
    )


def sums(outcomes: Sequence[Outcome | None]) -> str:
    """`7 ended: 2 done, 1 failed`."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        word = outcome_words(outcome)[1]
        counts[word] = counts.get(word, 0) + 1
    ended = sum(outcome is not None for outcome in outcomes)
    return f"{ended} ended: " + ", ".join(f"{count} {word}" for word, count in counts.items())


def own_detail(mate: Teammate, look: Look, cells: int) -> list[Line]:
    """What is known of a run of this session."""
    roles = look.roles
    ended = _last_of(mate)
    sign, word = outcome_words(mate.outcome or Outcome.UNKNOWN)
    by = f" by {clean_line(mate.ended_by)}" if mate.ended_by else ""
    rows: list[Line] = [
        rule_line(look, cells, f"{clean_name(mate.name)} · ran {_time(mate.spawned_at)} to {_time(ended)}"),
        (Segment(f" {look.sign(sign)} {word}{by} at {_time(ended)}", roles.text),),
    ]
    if mate.kill is not None:
        rows += [
            (Segment(f"   {'' if at else 'proof':<9}{part}", roles.text),)
            for at, part in enumerate(_proof(mate.kill))
        ]
    rows += _words(look, cells, error=mate.error, asked=mate.prompt, said=mate.final_text)
    back = (
        f" {DELETED}: only its record is left"
        if mate.cleaned_at is not None
        else " r revives it on its whole conversation"
    )
    rows.append((Segment(cut(back, cells), roles.quiet),))
    return rows


def stored_detail(run: StoredRun, look: Look, cells: int, now: float) -> list[Line]:
    """What is known of a run of an earlier session, and how that is brought back."""
    roles, last = look.roles, _last_of(run)
    sign, word = outcome_words(outcome_of(run))
    when, ended = time_span(run.created_at, last, now), day_and_time(last, now)
    title = f"{clean_name(run.name)} · ran {when} · session {clean_name(run.session_id)}"
    told = f"{word} at {ended}" if run.outcome is not None else f"{word} · last sign of life {ended}"
    rows: list[Line] = [
        rule_line(look, cells, title),
        (Segment(f" {look.sign(sign)} {told}", roles.text),),
    ]
    inside = f"{DELETED}, its record is left" if run.cleaned_at is not None else "enter looks inside"
    back = f" {inside} · {bring_back(run.session_id)} brings its session back"
    rows.append((Segment(cut(back, cells), roles.quiet),))
    rows += _words(look, cells, error=run.error, asked=run.label, said=run.findings)
    return rows


def _words(look: Look, cells: int, *, error: str, asked: str, said: str) -> list[Line]:
    roles = look.roles
    rows: list[Line] = []
    if error:
        rows.append((Segment(cut(f"   error    {clean_line(error[:_LONGEST])}", cells), roles.fail),))
    rows.append((Segment(cut(f"   asked    “{clean_line(asked[:_LONGEST])}”", cells), roles.text),))
    if said:
        parts = wrap(last_words(said), max(cells - 13, 1))[:2]
        rows += [
            (Segment(f"   {'last' if not at else '    '}     {part}", roles.text),)
            for at, part in enumerate(parts)
        ]
    return rows


def _outcome(run: Teammate | StoredRun) -> Outcome | None:
    return outcome_of(run) if isinstance(run, StoredRun) else run.outcome or Outcome.UNKNOWN


def _began(run: Teammate | StoredRun) -> float:
    return run.created_at if isinstance(run, StoredRun) else run.spawned_at


def _last_of(run: Teammate | StoredRun) -> float:
    """When it ended; of one that has not, its last sign of life."""
    if isinstance(run, StoredRun):
        return run.ended_at or run.heartbeat_at or run.since or run.created_at
    return run.ended_at or run.since


def _time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _found(run: Teammate | StoredRun) -> str:
    found = _report(run)
    if run.cleaned_at is None:
        return found
    return f"{DELETED} · {found}" if found else DELETED


def _report(run: Teammate | StoredRun) -> str:
    if run.error:
        return clean_line(run.error[:_LONGEST])
    if isinstance(run, StoredRun):
        return last_words(run.findings)
    if run.kill is not None:
        by = f"by {clean_line(run.ended_by)}" if run.ended_by else ""
        total = run.kill.processes_total
        parts = [by, f"{total} processes ended" if total and run.kill.processes_left == 0 else ""]
        return " · ".join(part for part in parts if part)
    return last_words(run.final_text)


def _proof(proof: KillProof) -> list[str]:
    parts = []
    if proof.stream_closed_s is not None:
        parts.append(f"stream {proof.stream_closed_s * 1000:.0f} ms")
    if proof.processes_total:
        ended = proof.processes_total - proof.processes_left
        when = f" {proof.processes_ended_s * 1000:.0f} ms" if proof.processes_ended_s is not None else ""
        parts.append(f"{ended} of {proof.processes_total} processes{when}")
    if proof.task_ended_s is not None:
        word = "task detached" if proof.detached else "task"
        parts.append(f"{word} {proof.task_ended_s * 1000:.0f} ms")
    since = f"{proof.requests_since} requests to the model after the kill"
    return [" · ".join(parts), since] if parts else [since]
