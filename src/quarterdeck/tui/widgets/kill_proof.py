"""How a run ended, on top of its transcript: after a kill the proof, fact by fact; else the reason.

The rows are made by pure functions from the state; a fact that is not there yet is never shown as done.
"""

from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.domain.teammates import KillProof, Outcome
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import format_age
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.widgets.transcript_entries import clock_time
from quarterdeck.tui.widgets.transcript_parts import paragraph, row, spread
from quarterdeck.tui.widgets.transcript_rows import Rows
from quarterdeck.tui.widgets.transcript_status import OUTCOME_SIGNS

MOST_REASON_ROWS = 6


class KillProofPanel(Rows):
    """Shows how the run that is looked at ended; no rows while it lives."""

    def show_end(
        self,
        mate: Teammate | None,
        look: Look,
        cells: int,
        *,
        leaves_in: float | None,
        most: int,
        is_short: bool = False,
        look_only: bool = False,
    ) -> None:
        """Show the end of `mate` in at most `most` rows.

        :param leaves_in: seconds until its row leaves the team; None = it does not leave by time.
        :param is_short: one row is enough, the person reads the conversation.
        :param look_only: nothing can be done about it from here.
        """
        if mate is None or mate.outcome is None:
            self.show(())
            return
        lines = end_rows(mate, look, cells, leaves_in=leaves_in, look_only=look_only)
        self.show(lines[:1] if is_short else lines[: max(1, most)])


def end_rows(
    mate: Teammate, look: Look, cells: int, *, leaves_in: float | None, look_only: bool = False
) -> list[Line]:
    """All rows about the end of a run that has ended; `look_only` offers no key."""
    leaves = f"leaves in {format_age(max(1.0, leaves_in))}" if leaves_in is not None else ""
    head = _head(mate, look, cells, leaves if look_only or not leaves else f"{leaves}, or when you go out")
    after = [] if look_only else _after(look, cells)
    if mate.kill is None:
        return [head, *_reason(mate, look, cells), *after, EMPTY]
    proof = mate.kill
    rows = [head, EMPTY, *proof_rows(proof, look, cells), EMPTY]
    if proof.detached:
        told = (
            "killed (detached): its task ignores cancelling. It can do nothing; its calls, writes and"
            " requests are refused."
        )
        rows += [*paragraph(told, look.roles.flag, cells), EMPTY]
    elif not proof.is_complete:
        told = (
            "If the task will not end within 2 s the row says killed (detached):"
            " shown, counted, and harmless."
        )
        rows += [*paragraph(told, look.roles.quiet, cells), EMPTY]
    return [*rows, *after, EMPTY] if after else rows


def proof_rows(proof: KillProof, look: Look, cells: int) -> list[Line]:
    """One row per fact: when it came true, whether it has, and what."""
    roles = look.roles
    many = proof.requests_withdrawn
    withdrawn = [(0.0, True, f"{many} open request{_s(many)} withdrawn from the inbox")] if many else []
    facts: list[tuple[float | None, bool, str]] = [
        (0.0, True, "run revoked: no further call, write or answer counts"),
        *withdrawn,
        (
            proof.stream_closed_s,
            proof.stream_closed_s is not None,
            "stream to the model closed" if proof.stream_closed_s is not None else "stream to the model",
        ),
    ]
    facts.append(_processes(proof))
    facts.append((proof.task_ended_s, proof.task_ended_s is not None and not proof.detached, _task(proof)))
    rows = [_fact(at, is_true=is_true, told=told, look=look, cells=cells) for at, is_true, told in facts]
    since = proof.requests_since
    sign, style = (look.sign("done"), roles.done) if not since else (look.sign("failed"), roles.fail)
    told = f"{since} request{_s(since)} to the model since"
    if proof.refused_since:
        told += f", {proof.refused_since} refused before being sent"
    parts = [(f"  {'now':<7} ", roles.quiet), (f"{sign:<2} ", style), (told, roles.text)]
    rows.append(spread(parts, [], cells, look))
    return rows


def _fact(at: float | None, *, is_true: bool, told: str, look: Look, cells: int) -> Line:
    roles = look.roles
    when = f"{at:.3f}s" if at is not None else ""
    sign = look.sign("done") if is_true else "…"
    parts = [
        (f"  {when:<7} ", roles.quiet),
        (f"{sign:<2} ", roles.done if is_true else roles.needs),
        (told, roles.text),
    ]
    return spread(parts, [], cells, look)


def _processes(proof: KillProof) -> tuple[float | None, bool, str]:
    total, left = proof.processes_total, proof.processes_left
    if proof.processes_ended_s is not None:
        told = f"{total} of {total} processes ended" if total else "no processes were running"
        return proof.processes_ended_s, True, told
    if not total:
        return None, False, "processes: being counted"
    # Before the first count nothing is known to have ended.
    ended = total - left if left else 0
    return None, False, f"processes: {ended} of {total} ended, {total - ended} left"


def _task(proof: KillProof) -> str:
    if proof.detached:
        return "task left behind, detached"
    return "task ended" if proof.task_ended_s is not None else "task"


def _head(mate: Teammate, look: Look, cells: int, leaves: str) -> Line:
    roles = look.roles
    assert mate.outcome is not None
    name, word = OUTCOME_SIGNS[mate.outcome]
    told = f"{look.sign(name)} {word}"
    if mate.ended_by:
        told += f" by {clean_line(mate.ended_by)}"
    if mate.ended_at is not None:
        told += f" {clock_time(mate.ended_at)}"
    if mate.kill is not None and not mate.kill.is_complete:
        told += " · it can do nothing more"
    elif leaves:
        told += f" · {leaves}"
    style = roles.fail if mate.outcome in (Outcome.FAILED, Outcome.UNKNOWN) else roles.strong
    return spread([(told, style)], [], cells, look)


def _reason(mate: Teammate, look: Look, cells: int) -> list[Line]:
    """Why it failed, whole as far as there is room."""
    if not mate.error:
        return []
    lines = paragraph(clean(mate.error).strip(), look.roles.fail, cells, "   ")
    if len(lines) <= MOST_REASON_ROWS:
        return lines
    more = row((f"   ⋯ {len(lines) - MOST_REASON_ROWS} more lines", look.roles.quiet))
    return [*lines[:MOST_REASON_ROWS], more]


def _after(look: Look, cells: int) -> list[Line]:
    told = "r revives it on its whole conversation · h keeps it for good"
    return paragraph(told, look.roles.quiet, cells)


def _s(count: int) -> str:
    return "" if count == 1 else "s"
