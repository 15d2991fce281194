"""Whether a command can be shown whole as what it is, so that a rule for exactly it may be stored."""

import re

from quarterdeck.domain.display_text import hidden_count

MOST_SHOWN = 20_000
"""Characters of a command that one page of a permission still shows."""

_HIDES_MORE = re.compile(
    r"(?:^|[\s;&|(/])(?:eval|source|xargs|(?:ba|da|z|k)?sh\s+(?:\S+\s+)*-\w*c|\.\s|exec)(?=\s|$)"
)


def why_no_rule(command: str) -> str:
    """Why no rule can be given for this command, in a few words; empty = it can."""
    if not command.strip():
        return "the command is empty"
    if len(command) > MOST_SHOWN:
        return f"the command is longer than {MOST_SHOWN:,} characters"
    if "\n" in command or hidden_count(command, command=True):
        return "it has line breaks or characters that do not show"
    if "*" in command:
        return "it has a *, which only a pattern could mean, and patterns are not built yet"
    if _HIDES_MORE.search(command):
        return "it hides further commands"
    return ""
