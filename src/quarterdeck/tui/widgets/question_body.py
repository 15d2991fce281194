"""A question as rows: its text, the options by number, and the person's own words if there are any. Pure."""

from quarterdeck.domain.display_text import clean, clean_line
from quarterdeck.domain.requests import QuestionRequest
from quarterdeck.tui.look import Look
from quarterdeck.tui.rendering.lines import EMPTY, Line
from quarterdeck.tui.widgets.request_body import Body, Step
from quarterdeck.tui.widgets.transcript_parts import paragraph, row

MOST_OPTIONS = 9


def question_body(
    request: QuestionRequest, cells: int, look: Look, *, chosen: int | None = None, own: str = ""
) -> Body:
    """All rows of a question; its options are its steps.

    :param chosen: the number of the chosen option, from 1.
    """
    roles = look.roles
    lines: list[Line] = [EMPTY, *paragraph(clean(request.question).strip("\n"), roles.text, cells), EMPTY]
    options: list[Step] = []
    for number, option in enumerate(request.options[:MOST_OPTIONS], start=1):
        is_chosen = number == chosen
        mark = "❯" if is_chosen else " "
        style = roles.strong if is_chosen else roles.text
        drawn = paragraph(clean_line(option), style, cells, f"{mark}  {number}  ", "      ")
        options.append(Step(len(lines), len(drawn), str(number)))
        lines += drawn
    if request.options:
        lines.append(EMPTY)
    if own:
        lines.append(row((" your own words", roles.quiet)))
        lines += paragraph(clean(own), roles.strong, cells, " │ ")
        lines.append(EMPTY)
    return Body(tuple(lines), tuple(options), whole="whole question shown")


def option_text(request: QuestionRequest, number: int) -> str | None:
    """The text of an option, as it was offered; None when there is none of that number."""
    options = request.options[:MOST_OPTIONS]
    return options[number - 1] if 1 <= number <= len(options) else None
