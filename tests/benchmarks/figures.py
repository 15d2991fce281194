"""What a benchmark finds: a row of the table. Compares with a goal; measures nothing."""

from collections.abc import Callable

import msgspec

from tests.benchmarks.machine import Server, load


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured ratio or limit. Smaller is better unless `at_least`."""

    name: str
    teammates: int
    figure: float
    unit: str = "×"
    goal: float | None = None
    """None: reported, without a goal of its own."""
    at_least: bool = False
    void: str = ""
    """Why it does not count, whatever it says."""
    limit: str = ""
    """What limits it, or what it was made of."""
    load: float = msgspec.field(default_factory=load)
    """Of the whole machine, in the minute before."""

    @property
    def met(self) -> bool | None:
        """Whether the goal holds; None = there is none."""
        if self.goal is None:
            return None
        return not self.void and (self.figure >= self.goal if self.at_least else self.figure <= self.goal)


class Bench(msgspec.Struct, frozen=True):
    """What a row is measured with."""

    server: Server
    quick: bool = False
    """Short and small, to see that it works; its figures mean nothing."""
    many: int = 1000
    soak_minutes: float = 10.0

    @property
    def sizes(self) -> tuple[int, int]:
        """The team of the goals, and the large one."""
        return (5, 10) if self.quick else (100, self.many)

    def seconds(self, wanted: float) -> float:
        """How long to measure."""
        return min(wanted, 1.0) if self.quick else wanted

    def times(self, wanted: int) -> int:
        """How often to measure."""
        return min(wanted, 3) if self.quick else wanted


Row = Callable[[Bench], list[Figure]]


def table(figures: list[Figure]) -> str:
    """All of them, one line each."""
    lines = [
        f"{'name':<22} {'teammates':>9} {'figure':>12} {'goal':>10}  {'met':<6} {'load':>5}  what limits it"
    ]
    for one in figures:
        goal = "" if one.goal is None else f"{'≥' if one.at_least else '≤'} {one.goal:g}"
        met = {None: "–", True: "yes", False: "void" if one.void else "NO"}[one.met]
        shown = f"{one.figure:.3g} {one.unit}" if one.figure < 1000 else f"{one.figure:.0f} {one.unit}"
        why = "; ".join(part for part in (one.void, one.limit) if part)
        lines.append(
            f"{one.name:<22} {one.teammates:>9} {shown:>12} {goal:>10}  {met:<6} {one.load:>5.1f}  {why}"
        )
    return "\n".join(lines)
