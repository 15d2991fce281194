"""Welcome: there is no model to ask, and three ways on. It only tells the steps."""

from rich.segment import Segment
from textual.message import Message

from quarterdeck.domain.archive import LastSession
from quarterdeck.domain.display_text import clean_name
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import cut, wrap
from quarterdeck.tui.rendering.lines import Line
from quarterdeck.tui.widgets.stored_words import day_and_time
from quarterdeck.tui.widgets.views import ViewPanel

WAYS = (
    ("set a key", ("export ANTHROPIC_API_KEY=…  then start again",)),
    (
        "own server",
        ("export ANTHROPIC_BASE_URL=http://localhost:8080", "any server that speaks the Messages API"),
    ),
    ("the demo", ("quarterdeck demo: a small project, no key needed",)),
)
STEPS = (
    "Leave with ctrl+q, then: export ANTHROPIC_API_KEY=… and start quarterdeck again.",
    "Leave with ctrl+q, then: export ANTHROPIC_BASE_URL=http://localhost:8080 and start quarterdeck again.",
    "Leave with ctrl+q, then: quarterdeck demo",
)
CHECKED = "checked: ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, ANTHROPIC_BASE_URL, settings"


def last_session_words(last: LastSession, now: float) -> tuple[str, str]:
    """The last session in two sentences; clean."""
    ended = "It ended without goodbye." if last.crashed else "It was ended by you."
    back = "c brings it back." if last.scripted else "c brings it back to look at."
    return (
        f"Last session here: {clean_name(last.id)} · {day_and_time(last.last_at, now)} · {team_words(last)}.",
        f"{ended} Nothing is running. {back}",
    )


def team_words(last: LastSession) -> str:
    """`6 teammates, 2 open requests`."""
    team = f"{last.teammates} teammate{'' if last.teammates == 1 else 's'}"
    asks = f", {last.requests} open request{'' if last.requests == 1 else 's'}" if last.requests else ""
    return f"{team}{asks}"


class WelcomePanel(ViewPanel):
    """Place W."""

    class Noticed(Message):
        """The steps of the chosen way, in one line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Offered(Message):
        """The last session is known: its key is there."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="welcome", title="")
        self.chosen = 2
        self.last: LastSession | None = None
        """The session of this folder that could go on."""
        self._now = 0.0

    def show_last(self, last: LastSession | None, now: float) -> None:
        """Offer this session too; None = there is none."""
        self.last, self._now = last, now
        self.post_message(self.Offered())
        self.refresh()

    def line(self, y: int) -> Line:
        lines = self.rows(self.size.width)
        if len(lines) > self.size.height - 1:
            lines = self._few_rows(self.size.width)
        top = max((self.size.height - len(lines)) // 3, 0)
        if y == self.size.height - 1:
            return (Segment(" " + CHECKED, self.look.roles.quiet),)
        return lines[y - top] if 0 <= y - top < len(lines) else ()

    def rows(self, cells: int) -> tuple[Line, ...]:
        roles = self.look.roles
        left = max((cells - 74) // 2, 3)
        indent = Segment(" " * left)
        rows: list[Line] = [
            (indent, Segment("Quarterdeck", roles.strong)),
            (indent, Segment("A team of AI teammates, and you in command.")),
            (),
            (indent, Segment("No key and no endpoint found, so no model can be asked yet.")),
            (indent, Segment("Three ways on:")),
            (),
        ]
        rows += self._ways(cells, left)
        rows += [(), (indent, Segment("↑↓ choose · enter shows the steps", roles.quiet))]
        if self.last is not None:
            rows.append(())
            for words in last_session_words(self.last, self._now):
                rows += [(indent, Segment(part)) for part in wrap(words, max(cells - left - 2, 20))]
        return tuple(rows)

    def _few_rows(self, cells: int) -> tuple[Line, ...]:
        """What must be in sight where all of it has no room."""
        rows: list[Line] = [
            (Segment(" Quarterdeck", self.look.roles.strong),),
            (Segment(" No key and no endpoint found. Three ways on:"),),
            *self._ways(cells, 1),
        ]
        if self.last is not None:
            words = f"c brings back {clean_name(self.last.id)}, {team_words(self.last)}."
            rows += [(), (Segment(" " + cut(words, cells - 2)),)]
        return tuple(rows)

    def _ways(self, cells: int, left: int) -> list[Line]:
        roles, indent, rows = self.look.roles, Segment(" " * left), list[Line]()
        for number, (title, texts) in enumerate(WAYS):
            is_chosen = number == self.chosen
            cursor = "❯ " if is_chosen else "  "
            for at, text in enumerate(texts):
                head = f"{number + 1}  {title:<13}" if not at else " " * 16
                for part in wrap(text, max(cells - left - 19, 20)):
                    style = roles.strong if is_chosen else roles.text
                    rows.append(
                        (indent, Segment(cursor, roles.focus), Segment(head, style), Segment(part, style))
                    )
                    cursor, head = "  ", " " * 16
        return rows

    def do(self, action: str) -> bool:
        """Choose a way, or say its steps."""
        match action:
            case "up" | "down":
                self.chosen = (self.chosen + (1 if action == "down" else -1)) % len(WAYS)
            case "option-1" | "option-2" | "option-3":
                self.chosen = int(action[-1]) - 1
                self.post_message(self.Noticed(STEPS[self.chosen]))
            case "open":
                self.post_message(self.Noticed(STEPS[self.chosen]))
            case _:
                return False
        self.refresh()
        return True
