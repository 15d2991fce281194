"""Facts as bytes and back: JSON with the stable tags of `state.actions`.

The one place of storage that knows the state. What a journal holds is read by every later version, so a tag
or a field is never renamed, only added.
"""

import json
from typing import TypeAlias

import msgspec

from quarterdeck.state.actions import Action, HistoryRepaired, MessageRecorded

StoredFact: TypeAlias = Action
"""What a journal holds: the rest of storage knows facts by this name."""

MESSAGE_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in (MessageRecorded, HistoryRepaired))
"""Of facts that hold the conversation as the model gets it, and change no state."""

SCHEMA = 1
"""The version of the stored form. Older ones are read, newer ones refused untouched."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Action)


class BadFact(ValueError):
    """Stored bytes that are no fact of this version."""


def tag_of(action: Action) -> str:
    """Its stable tag."""
    return str(action.__struct_config__.tag)


def encode(action: Action) -> bytes:
    """JSON in UTF-8. Lone surrogates, which no UTF-8 can hold, are escaped."""
    try:
        return _encoder.encode(action)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(action), ensure_ascii=True).encode("ascii")


def decode(data: bytes) -> Action:
    """The fact that was encoded. :raises BadFact: these bytes are none."""
    try:
        found: Action = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_slowly(data)
    return found


def _decode_slowly(data: bytes) -> Action:
    """With lone surrogates, which msgspec does not read."""
    try:
        found: Action = msgspec.convert(json.loads(data), type=Action)
    except (msgspec.ValidationError, ValueError) as fault:
        raise BadFact(f"no fact: {data[:80]!r}: {fault}") from fault
    return found
