"""The keymap as data: which action a key has in which place, and the words for it. Loaded once from TOML.

It decides nothing: `router` does. Keys have Textual's names (`question_mark`, `ctrl+x`).
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec


class Place(StrEnum):
    """Which part of the screen has the keys."""

    TEAM = "R"
    INBOX = "I"
    TRANSCRIPT = "T"
    REQUEST = "Q"
    COMPOSER = "C"
    FIELD = "F"
    EDITOR = "E"
    TIMELINE = "L"
    HISTORY = "H"
    RESULTS = "S"
    HELP = "V"
    SHEET = "Y"
    WELCOME = "W"

    @property
    def takes_text(self) -> bool:
        """Every letter is text there."""
        return self in _TEXT

    @property
    def word(self) -> str:
        """What the place is called."""
        return _WORDS[self]


_TEXT = frozenset({Place.COMPOSER, Place.FIELD, Place.EDITOR})
_WORDS = {
    Place.TEAM: "Team",
    Place.INBOX: "Inbox",
    Place.TRANSCRIPT: "the transcript",
    Place.REQUEST: "a request",
    Place.COMPOSER: "the composer",
    Place.FIELD: "this field",
    Place.EDITOR: "the plan editor",
    Place.TIMELINE: "the timeline",
    Place.HISTORY: "History",
    Place.RESULTS: "the results",
    Place.HELP: "Help",
    Place.SHEET: "this question",
    Place.WELCOME: "Welcome",
}

TEXT = "text"
"""The action of a key that belongs to the text field."""

ACTING = frozenset({"write", "yes", "no", "harm", "undo"})
"""The classes of keys that change something, or begin to."""

_SHOWN = {
    "question_mark": "?",
    "colon": ":",
    "left_square_bracket": "[ ]",
    "right_square_bracket": "]",
    "up": "↑↓",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "f1": "F1",
    "dollar_sign": "$",
    "slash": "/",
    "asterisk": "*",
    "comma": ",",
    "full_stop": ".",
    "minus": "-",
    "plus": "+",
}


class Binding(msgspec.Struct, frozen=True):
    """What one key does in one place."""

    key: str
    place: Place
    action: str
    effect: str
    kind: str
    """look, write, yes, no, harm, undo or app."""


class HelpSection(msgspec.Struct, frozen=True):
    """A titled list of (keys, effect) for the help."""

    title: str
    keys: tuple[tuple[str, str], ...]


class Keymap(msgspec.Struct, frozen=True):
    """All keys of this version."""

    bindings: Mapping[tuple[str, Place], Binding]
    absent: Mapping[str, str]
    """Keys of what this version does not have, with what to say."""
    absent_in: Mapping[tuple[str, Place], str]
    footers: Mapping[str, tuple[tuple[str, str], ...]]
    """By place, or place and variant (`R_ended`): (key, label)."""
    help: tuple[HelpSection, ...]

    def binding(self, key: str, place: Place) -> Binding | None:
        """What the key does there; None = nothing."""
        return self.bindings.get((key, place))

    def missing(self, key: str, place: Place) -> str | None:
        """What to say when the key belongs to something that is not there yet."""
        return self.absent_in.get((key, place)) or self.absent.get(key)

    def of_place(self, place: Place) -> tuple[Binding, ...]:
        """Every binding of a place, in the order of the file."""
        return tuple(one for one in self.bindings.values() if one.place is place)

    def acts(self, key: str) -> bool:
        """Whether the key changes something in any place."""
        return any(one.key == key and one.kind in ACTING for one in self.bindings.values())

    def is_known(self, key: str) -> bool:
        """Whether the key does anything in any place."""
        return any(one == key for one, _place in self.bindings)


def shown_key(key: str) -> str:
    """A key, or a pair of keys, as the footer and the help spell it."""
    return _SHOWN.get(key) or " ".join(_SHOWN.get(one, one) for one in key.split(" "))


@cache
def load_keymap() -> Keymap:
    """The shipped keymap."""
    return parse_keymap(files("quarterdeck.tui").joinpath("keymap.toml").read_text(encoding="utf-8"))


def parse_keymap(text: str) -> Keymap:
    """The keymap in a TOML text.

    :raises ValueError: a place, an entry or the TOML itself is not as it must be.
    """
    table = tomllib.loads(text)
    bindings: dict[tuple[str, Place], Binding] = {}
    for key, entry in table["keys"].items():
        for name, value in entry.items():
            if name == "class":
                continue
            action, effect = value
            place = Place(name)
            bindings[key, place] = Binding(key, place, action, effect, entry["class"])
    return Keymap(
        bindings=bindings,
        absent=table["absent"],
        absent_in={
            (key, Place(name)): words
            for name, keys in table["absent_in"].items()
            for key, words in keys.items()
        },
        footers={name: tuple((key, label) for key, label in keys) for name, keys in table["footer"].items()},
        help=tuple(
            HelpSection(one["title"], tuple((keys, effect) for keys, effect in one["keys"]))
            for one in table["help"]
        ),
    )
