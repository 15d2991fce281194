"""What is typed into the composer, read: a command, a message to somebody, or why it is neither. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import nearest_name


class CommandForm(msgspec.Struct, frozen=True):
    """How a command is written: least and most words before the rest, and its usage line."""

    usage: str
    least: int
    most: int
    takes_rest: bool = False
    """Behind the words comes free text of several words."""


FORMS: Mapping[str, CommandForm] = {
    "spawn": CommandForm("/spawn NAME [--plan] PROMPT", 1, 1, takes_rest=True),
    "kill": CommandForm("/kill NAME", 0, 1),
    "stop": CommandForm("/stop NAME", 0, 1),
    "pause": CommandForm("/pause NAME", 0, 1),
    "revive": CommandForm("/revive NAME [MESSAGE]", 0, 1, takes_rest=True),
    "rename": CommandForm("/rename NAME NEW", 2, 2),
    "theme": CommandForm("/theme NAME", 1, 1),
    "model": CommandForm("/model [NAME] MODEL", 1, 2),
    "help": CommandForm("/help", 0, 0),
    "quit": CommandForm("/quit", 0, 0),
}
"""Every command of this version."""

SUMMARIES: Mapping[str, str] = {
    "spawn": "start a teammate",
    "kill": "kill it now",
    "stop": "ask for a last report, then end",
    "pause": "pause, continue",
    "revive": "start an ended one again",
    "rename": "give another name",
    "theme": "draw in another theme",
    "model": "ask another model",
    "help": "all keys",
    "quit": "leave, asks first",
}


class Command(msgspec.Struct, frozen=True):
    """A command with its words and the text behind them."""

    name: str
    words: tuple[str, ...] = ()
    rest: str = ""
    plan_mode: bool = False


class Addressed(msgspec.Struct, frozen=True):
    """A message; `name` is the teammate's, None = whoever the composer names."""

    text: str
    name: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """Nothing is sent; the draft stays."""

    words: str


def read_line(text: str, *, names: Iterable[str]) -> Command | Addressed | Refused:
    """What the person wrote.

    :param names: the teammates that can be addressed, for `@name`.
    """
    stripped = text.strip()
    if not stripped:
        return Refused("Nothing to send.")
    if stripped.startswith("/"):
        return read_command(stripped[1:])
    if stripped.startswith("@") and not stripped.startswith("@@"):
        return _addressed(stripped[1:], tuple(names), text)
    return Addressed(text)


def _addressed(body: str, names: tuple[str, ...], whole: str) -> Addressed | Refused:
    word, _blank, rest = body.partition(" ")
    known = {name.casefold(): name for name in names}
    name = known.get(word.rstrip(":,").casefold())
    if name is None:
        if "/" in word or "." in word:  # a file, not a teammate
            return Addressed(whole)
        return Refused(not_sent_words(word.rstrip(":,"), names))
    if not rest.strip():
        return Refused(f"Nothing to send to {clean_name(name)}.")
    return Addressed(rest.strip(), name)


def not_sent_words(name: str, names: Iterable[str]) -> str:
    """`Message to codr not sent: no such teammate. Did you mean coder?`"""
    return f"Message to {clean_name(name)} not sent: no such teammate.{_did_you_mean(name, names)}"


def nobody_words(name: str, names: Iterable[str]) -> str:
    """`No teammate is called codr. Did you mean coder?`"""
    return f"No teammate is called {clean_name(name)}.{_did_you_mean(name, names)}"


def _did_you_mean(name: str, names: Iterable[str], mark: str = "") -> str:
    near = nearest_name(name, names)
    return f" Did you mean {mark}{clean_name(near)}?" if near else ""


def read_command(body: str) -> Command | Refused:
    """A command without its slash."""
    name, _blank, rest = body.partition(" ")
    form = FORMS.get(name.casefold())
    if form is None:
        return Refused(f"/{clean_name(name)} is no command.{_did_you_mean(name, FORMS, '/')}")
    words: list[str] = []
    plan_mode = False
    rest = rest.strip()
    while rest and len(words) < form.most:
        word, _blank, rest = rest.partition(" ")
        rest = rest.strip()
        words.append(word)
    if name.casefold() == "spawn" and (rest == "--plan" or rest.startswith("--plan ")):
        plan_mode, rest = True, rest.removeprefix("--plan").strip()
    if len(words) < form.least or (rest and not form.takes_rest):
        return Refused(f"Write it as {form.usage}.")
    return Command(name.casefold(), tuple(words), rest, plan_mode)
