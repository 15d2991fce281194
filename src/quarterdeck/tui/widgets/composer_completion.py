"""What could be meant by the `/` or `@` before the cursor. The provider is asked, nothing is drawn."""

import re
from collections.abc import Callable, Sequence

import msgspec

Completions = Callable[[str, str], Sequence[str]]
"""Gives, for a kind (`command`, `name`, `file`) and what was typed so far, the words that it may become."""

MOST = 50
SHOWN = 5

_COMMAND = re.compile(r"/(\S*)")
_MENTION = re.compile(r"(?:^|(?<=\s))@(\S*)$")


class Trigger(msgspec.Struct, frozen=True):
    """The word being written: its sign, what follows it, and the column of the sign."""

    sign: str
    prefix: str
    column: int


class Suggestion(msgspec.Struct, frozen=True):
    """One word that the trigger may become."""

    word: str
    kind: str

    @property
    def inserted(self) -> str:
        """What takes the place of the typed word; a folder leaves room to go on."""
        sign = "/" if self.kind == "command" else "@"
        return f"{sign}{self.word}" + ("" if self.word.endswith("/") else " ")


def trigger_of(before_cursor: str, row: int) -> Trigger | None:
    """The word before the cursor if it asks for completion: a command only at the very start of the text."""
    command = _COMMAND.fullmatch(before_cursor) if row == 0 else None
    if command is not None:
        return Trigger(sign="/", prefix=command[1], column=0)
    mention = _MENTION.search(before_cursor)
    if mention is not None:
        return Trigger(sign="@", prefix=mention[1], column=mention.start())
    return None


def suggestions_for(trigger: Trigger, completions: Completions) -> tuple[Suggestion, ...]:
    """At most `MOST` words, teammates before files; none when the word is already whole."""
    kinds = ("command",) if trigger.sign == "/" else ("name", "file")
    found = [
        Suggestion(word=word, kind=kind)
        for kind in kinds
        for word in completions(kind, trigger.prefix)[:MOST]
    ]
    if [one.word for one in found] == [trigger.prefix]:
        return ()
    return tuple(found[:MOST])


class Choice:
    """The open list of suggestions and which one is chosen."""

    def __init__(self, completions: Completions) -> None:
        self._completions = completions
        self._refused: int | None = None
        self.trigger: Trigger | None = None
        self.suggestions: tuple[Suggestion, ...] = ()
        self.index = 0

    @property
    def is_open(self) -> bool:
        """There is something to choose."""
        return bool(self.suggestions)

    def look(self, before_cursor: str, row: int) -> None:
        """The text or the cursor changed."""
        trigger = trigger_of(before_cursor, row)
        if trigger == self.trigger:
            return
        self.trigger = trigger
        if trigger is None or trigger.column != self._refused:
            self._refused = None
        refused = trigger is None or self._refused is not None
        self.suggestions = () if trigger is None or refused else suggestions_for(trigger, self._completions)
        self.index = 0

    def close(self) -> None:
        """Not now: it stays shut until another word is begun."""
        self._refused = self.trigger.column if self.trigger else None
        self.suggestions = ()

    def move(self, by: int) -> None:
        """Choose the next or the previous one, round and round."""
        self.index = (self.index + by) % len(self.suggestions)

    def window(self) -> tuple[int, tuple[Suggestion, ...]]:
        """The suggestions to draw and the number of the first of them."""
        first = max(0, min(self.index - SHOWN // 2, len(self.suggestions) - SHOWN))
        return first, self.suggestions[first : first + SHOWN]
