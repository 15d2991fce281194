"""Facts as bytes and back: JSON with the stable tags of `state.actions`.

The one place of storage that knows the state. What a journal holds is read by every later version, so a tag
or a field is never renamed, only added.
"""

import json
import zlib
from typing import TypeAlias

import msgspec

from quarterdeck.state.actions import Action, HistoryRepaired, MessageRecorded
from quarterdeck.state.dropping import DROPPED, EMPTIED, emptied

StoredFact: TypeAlias = Action
"""What a journal holds: the rest of storage knows facts by this name."""

MESSAGE_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in (MessageRecorded, HistoryRepaired))
"""Of facts that hold the conversation as the model gets it, and change no state."""

DROPPED_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in DROPPED)
"""Of facts that are deleted with their run's transcript."""

EMPTIED_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in EMPTIED)
"""Of facts that stay then, without what was in them."""

SCHEMA = 1
"""The version of the stored form. Older ones are read, newer ones refused untouched."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Action)


class BadFact(ValueError):
    """Stored bytes that are no fact of this version, or a fact that no bytes can hold."""


def tag_of(action: Action) -> str:
    """Its stable tag."""
    return str(action.__struct_config__.tag)


def encode(action: Action) -> bytes:
    """JSON in UTF-8, with lone surrogates, which no UTF-8 can hold, as three bytes each.

    :raises BadFact: it is nested too deep, or holds what JSON has no word for.
    """
    try:
        return _encode(action)
    except (TypeError, ValueError, RecursionError) as fault:
        raise BadFact(f"a fact that can't be stored: {type(fault).__name__}: {fault}") from fault


def decode(data: bytes) -> Action:
    """The fact that was encoded. :raises BadFact: these bytes are none."""
    try:
        return _decode(data)
    except (TypeError, ValueError, RecursionError) as fault:
        raise BadFact(f"no fact: {data[:80]!r}: {type(fault).__name__}: {fault}") from fault


def without_content(data: bytes, findings: str) -> bytes:
    """An encoded fact of `EMPTIED_TAGS` as it stays. :raises BadFact: these bytes are none."""
    fact = decode(data)
    left = emptied(fact, findings)
    return data if left is None or left == fact else encode(left)


def unstorable(tag: str, why: str) -> bytes:
    """What stands in the place of a fact that could not be encoded: no fact, and it says so."""
    return msgspec.json.encode({"unstorable": tag, "why": why})


def checksum(seq: int, data: bytes) -> int:
    """Stored beside a fact: a changed byte that is still JSON is not taken for what was said."""
    return zlib.crc32(data, seq & 0xFFFFFFFF)


def storable(value: object) -> object:
    """A column's value: text that no UTF-8 can hold (lone surrogates) goes in as bytes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def from_storable(value: object) -> object:
    """What was stored. :raises UnicodeDecodeError: it is damaged."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _encode(action: Action) -> bytes:
    try:
        return _encoder.encode(action)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(action), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _decode(data: bytes) -> Action:
    try:
        found: Action = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # With surrogates, which msgspec does not read. As text, or two of them would become one character.
        found = msgspec.convert(json.loads(data.decode("utf-8", "surrogatepass")), type=Action)
    return found
