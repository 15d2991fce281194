"""Welcome: there is no model to ask, and three ways on. It only tells the steps."""

from rich.segment import Segment
from textual.message import Message

from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.cells import wrap
from quarterdeck.tui.rendering.lines import Line
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


class WelcomePanel(ViewPanel):
    """Place W."""

    class Noticed(Message):
        """The steps of the chosen way, in one line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, look: Look) -> None:
        super().__init__(look, name="welcome", title="")
        self.chosen = 2

    def line(self, y: int) -> Line:
        lines = self.rows(self.size.width)
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
        for number, (title, texts) in enumerate(WAYS):
            is_chosen = number == self.chosen
            cursor = "❯" if is_chosen else " "
            for at, text in enumerate(texts):
                head = f"{number + 1}  {title:<13}" if not at else " " * 16
                for part in wrap(text, max(cells - left - 24, 20)):
                    style = roles.strong if is_chosen else roles.text
                    mark = Segment(f"{cursor if not at else ' '} ", roles.focus)
                    rows.append((indent, mark, Segment(head, style), Segment(part, style)))
                    head = " " * 16
        return (*rows, (), (indent, Segment("↑↓ choose · enter shows the steps", roles.quiet)))

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
