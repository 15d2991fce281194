"""History: the runs of this process that have ended, newest first, and what is known of the chosen one."""

import time
from enum import StrEnum

from rich.segment import Segment
from rich.style import Style
from textual.message import Message

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import KillProof, Outcome
from quarterdeck.state.app_state import AppState
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Team, Teammate
from quarterdeck.tui.connect import Connection, connect
from quarterdeck.tui.look import Look
from quarterdeck.tui.ranking import after
from quarterdeck.tui.rendering.cells import cut, fit, format_age, format_tokens, wrap
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.lines import BLANK, rule_line
from quarterdeck.tui.widgets.views import ViewPanel

DETAIL_LINES = 8
_LONGEST = 400

OUTCOME_WORDS = {
    Outcome.COMPLETED: ("done", "done"),
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.KILLED: ("killed", "killed"),
    Outcome.TIMED_OUT: ("timed_out", "timed out"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.UNKNOWN: ("unknown", "unknown"),
}
"""Sign and word of each."""


class EndedOrder(StrEnum):
    """By what the runs are ordered; the value is what the title says."""

    NEWEST = "newest first"
    NAME = "by name"
    TOKENS = "by tokens"


def select_ended(
    team: Team, order: EndedOrder = EndedOrder.NEWEST, outcome: Outcome | None = None
) -> tuple[Teammate, ...]:
    """Every run that has ended (`outcome`: so), the last one first; also among equals in other orders."""
    ended = [mate for mate in team.by_run.values() if mate.is_terminal and outcome in (None, mate.outcome)]
    ended.sort(key=lambda mate: mate.ended_at or 0.0, reverse=True)
    match order:
        case EndedOrder.NAME:
            ended.sort(key=lambda mate: clean_name(mate.name).casefold())
        case EndedOrder.TOKENS:
            ended.sort(key=lambda mate: -mate.usage.total)
    return tuple(ended)


def next_outcome(team: Team, chosen: Outcome | None) -> Outcome | None:
    """The next outcome that some run has had; None (all) behind the last one."""
    had = {mate.outcome for mate in team.by_run.values()}
    every = list(Outcome)
    first = every.index(chosen) + 1 if chosen is not None else 0
    return next((one for one in every[first:] if one in had), None)


class HistoryPanel(ViewPanel):
    """Place H."""

    class Opened(Message):
        """The chosen run is to be looked at."""

        def __init__(self, run_id: RunId) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(self, store: Store, look: Look) -> None:
        super().__init__(look, name="history", title="History · runs that have ended", right="this session")
        self._store = store
        self._ended: tuple[Teammate, ...] = ()
        self.selected: RunId | None = None
        self.order = EndedOrder.NEWEST
        self.outcome: Outcome | None = None
        self._connection: Connection[Team] | None = None

    def on_mount(self) -> None:
        """Listen to the team."""
        self._connection = connect(self, self._store, _select_team, self._deliver)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()

    def _deliver(self, team: Team) -> None:
        if not self.display:
            return
        self._ended = select_ended(team, self.order, self.outcome)
        self.right = self._right()
        self.top = max(0, min(self.top, len(self._ended) - self._list_lines))
        if self.selected not in {mate.run_id for mate in self._ended}:
            self.selected = self._ended[0].run_id if self._ended else None
        self.refresh()

    def _right(self) -> str:
        """Of the title: which runs in which order."""
        words = OUTCOME_WORDS[self.outcome][1] if self.outcome is not None else "this session"
        return words if self.order is EndedOrder.NEWEST else f"{words} · {self.order}"

    def _arrange_anew(self) -> None:
        self._deliver(self._store.state.team)
        at = next((at for at, mate in enumerate(self._ended) if mate.run_id == self.selected), 0)
        self.top = min(max(self.top, at - self._list_lines + 1), at)

    def rebuild(self) -> None:
        self._deliver(self._store.state.team)

    def rows(self, cells: int) -> tuple[Line, ...]:
        return ()

    @property
    def _list_lines(self) -> int:
        """Lines for runs: what is left by title, heads, sums and detail."""
        room = self.size.height - 2
        wanted = len(self._ended)
        return wanted if wanted + DETAIL_LINES + 4 <= room else max(min(wanted, room - 6), 1)

    def line(self, y: int) -> Line:
        cells, roles = self.size.width, self.look.roles
        if y == 0:
            return super().line(0)
        if not self._ended:
            words = " No run has ended yet." if self.outcome is None else " No run matches. v shows others."
            return (Segment(words, roles.quiet),) if y == 1 else BLANK
        if y == 1:
            return (Segment(_head(cells), roles.quiet),)
        shown = self._list_lines
        if y - 2 < shown:
            return self._run_line(self._ended[self.top + y - 2], cells)
        below = y - 2 - shown
        if below == 1:
            return (Segment(cut(" " + _sums(self._ended), cells), roles.quiet),)
        detail = self._detail(cells)
        at = below - 3
        return detail[at] if 0 <= at < len(detail) else BLANK

    def ground(self, y: int) -> Style:
        roles, at = self.look.roles, self.top + y - 2
        chosen = 0 <= y - 2 < self._list_lines and at < len(self._ended)
        return roles.text + roles.select if chosen and self._ended[at].run_id == self.selected else roles.text

    def _run_line(self, mate: Teammate, cells: int) -> Line:
        roles = self.look.roles
        sign, word = OUTCOME_WORDS[mate.outcome or Outcome.UNKNOWN]
        ended = mate.ended_at or mate.since
        told = fit(f"{self.look.sign(sign)} {word}", 11)
        lasted = fit(format_age(ended - mate.spawned_at), 6, right=True)
        tokens = fit(format_tokens(mate.usage.total), 6, right=True)
        style = roles.fail if mate.outcome is Outcome.FAILED else roles.text
        text = f"{told}  {lasted} {tokens}  "
        found = cut(_found(mate), max(cells - 24 - len(text), 1))
        return (
            Segment("❯ " if mate.run_id == self.selected else "  ", roles.focus),
            Segment(f"{_time(ended)} {fit(clean_name(mate.name), 9)} ", roles.text),
            Segment(text, style),
            Segment(found, roles.quiet),
        )

    def _detail(self, cells: int) -> list[Line]:
        mate = self.chosen
        if mate is None:
            return []
        roles = self.look.roles
        ended = mate.ended_at or mate.since
        sign, word = OUTCOME_WORDS[mate.outcome or Outcome.UNKNOWN]
        title = f"{clean_name(mate.name)} · ran {_time(mate.spawned_at)} to {_time(ended)}"
        by = f" by {clean_line(mate.ended_by)}" if mate.ended_by else ""
        rows: list[Line] = [
            rule_line(self.look, cells, title),
            (Segment(f" {self.look.sign(sign)} {word}{by} at {_time(ended)}", roles.text),),
        ]
        if mate.kill is not None:
            rows += [
                (Segment(f"   {'' if at else 'proof':<9}{part}", roles.text),)
                for at, part in enumerate(_proof(mate.kill))
            ]
        if mate.error:
            rows.append(
                (Segment(cut(f"   error    {clean_line(mate.error[:_LONGEST])}", cells), roles.fail),)
            )
        asked = clean_line(mate.prompt[:_LONGEST])
        rows.append((Segment(cut(f"   asked    “{asked}”", cells), roles.text),))
        if mate.final_text:
            said = wrap(clean_line(" ".join(mate.final_text[:_LONGEST].split())), max(cells - 13, 1))[:2]
            rows += [
                (Segment(f"   {'last' if not at else '    '}     {part}", roles.text),)
                for at, part in enumerate(said)
            ]
        rows.append((Segment(" r revives it on its whole conversation", roles.quiet),))
        return rows

    @property
    def chosen(self) -> Teammate | None:
        """The run under the cursor."""
        return next((mate for mate in self._ended if mate.run_id == self.selected), None)

    def do(self, action: str) -> bool:
        """Choose or open; False = not one of these."""
        if action == "open":
            if self.selected is not None:
                self.post_message(self.Opened(self.selected))
            return True
        if action in ("order", "which"):
            if action == "order":
                self.order = after(self.order)
            else:
                self.outcome = next_outcome(self._store.state.team, self.outcome)
            self._arrange_anew()
            return True
        page = max(self._list_lines - 1, 1)
        count = len(self._ended)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "top": -count, "end": count}
        if action not in steps:
            return False
        if count:
            at = next((at for at, mate in enumerate(self._ended) if mate.run_id == self.selected), 0)
            at = max(0, min(at + steps[action], count - 1))
            self.selected = self._ended[at].run_id
            self.top = min(max(self.top, at - self._list_lines + 1), at)
            self.refresh()
        return True


def _select_team(state: AppState) -> Team:
    return state.team


def _head(cells: int) -> str:
    return cut("  ended    who       outcome      lasted    tok  found", cells)


def _time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _found(mate: Teammate) -> str:
    if mate.error:
        return clean_line(mate.error[:_LONGEST])
    if mate.kill is not None:
        by = f"by {clean_line(mate.ended_by)}" if mate.ended_by else ""
        total = mate.kill.processes_total
        parts = [by, f"{total} processes ended" if total and mate.kill.processes_left == 0 else ""]
        return " · ".join(part for part in parts if part)
    return clean_line(" ".join(mate.final_text[:_LONGEST].split()))


def _sums(ended: tuple[Teammate, ...]) -> str:
    counts: dict[str, int] = {}
    for mate in ended:
        word = OUTCOME_WORDS[mate.outcome or Outcome.UNKNOWN][1]
        counts[word] = counts.get(word, 0) + 1
    return f"{len(ended)} ended: " + ", ".join(f"{count} {word}" for word, count in counts.items())


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
