"""Facts as a journal holds them: whatever their text is they come back, and nothing else is taken for one."""

import sys
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarterdeck.domain.ids import RunId
from quarterdeck.state import actions as did
from quarterdeck.storage.codec import BadFact, checksum, decode, encode, tag_of, unstorable
from tests.support.action_sequences import action_kinds, actions_of

_any_text = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "\x00",
        "a\x00b",
        "\u2028\u2029",
        "\ud800",
        "\udfff\ud83d",
        "\ud83d\ude00",
        "\ufeff",
        "\\ud800",
        "\x7f\x85",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _any_text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_any_text, inner, max_size=2),
    max_leaves=4,
)


def with_texts(value: Any, draw: Any) -> Any:
    """The same value with any text in each plain field of text, however deep, and any JSON in blocks."""
    if isinstance(value, msgspec.Struct):
        changes = {}
        for field in msgspec.structs.fields(value):
            old = getattr(value, field.name)
            if field.name == "blocks":
                changes[field.name] = tuple(
                    draw(st.lists(st.dictionaries(_any_text, _json, max_size=3), max_size=2))
                )
            elif type(old) is str and field.type in (str, str | None) and field.name != "role":
                changes[field.name] = draw(_any_text)
            elif isinstance(old, msgspec.Struct | tuple):
                changes[field.name] = with_texts(old, draw)
        return msgspec.structs.replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(with_texts(one, draw) for one in value)
    return value


@pytest.mark.parametrize("kind", action_kinds(), ids=lambda kind: kind.__name__)
@settings(max_examples=12)
@given(st.data())
def test_dur_02_a_stored_fact_is_what_it_was_whatever_its_text_is(
    kind: type[did.Action], data: st.DataObject
) -> None:
    fact = with_texts(data.draw(actions_of(kind)), data.draw)
    again = decode(encode(fact))
    assert again == fact
    assert type(again) is kind
    assert tag_of(again) == tag_of(fact)


@pytest.mark.parametrize(
    "text", ["\x00" * 300_000, "ü\u2028" * 1_000_000, "\ud800" * 100_000], ids=["NUL", "U+2028", "surrogates"]
)
def test_dur_02_a_huge_text_comes_back(text: str) -> None:
    fact = did.TextSaid(at=1.0, run_id=RunId("r"), text=text)
    assert decode(encode(fact)) == fact


@given(st.binary(max_size=60))
@example(b"")
@example(b"null")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'"\\ud800"')
@example(b"1" * 5_000)
@example(b'{"t":"told_by_a_later_version","at":0.0}')
@example(b'{"t":7,"at":0.0}')
@example(b'{"t":"note_taken","at":0.0,"run_id":"r"}')
@example(b'{"t":"note_taken","at":0.0,"run_id":"r","text":\xff}')
@example(b'{"t":"note_taken","at":0.0,"run_id":"\\ud800","text":5}')
@example(unstorable("note_taken", "why"))
def test_dur_02_bytes_that_are_no_fact_are_told_as_such_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(BadFact):
        decode(data)


@settings(max_examples=300)
@given(st.data())
def test_dur_02_a_damaged_fact_is_another_fact_or_none(data: st.DataObject) -> None:
    fact = did.TextSaid(at=1.0, run_id=RunId("r"), text="a text \u2028 \ud800")
    stored = bytearray(encode(fact))
    for _ in range(data.draw(st.integers(1, 4))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadFact):
        assert tag_of(decode(bytes(stored)))
    if bytes(stored) != encode(fact):
        assert checksum(1, bytes(stored)) != checksum(1, encode(fact))


def test_the_same_bytes_in_the_place_of_another_fact_are_noticed() -> None:
    stored = encode(did.NoteTaken(at=0.0, run_id=RunId("r"), text="x"))
    assert checksum(1, stored) != checksum(2, stored)


def test_a_fact_that_no_bytes_can_hold_is_told_as_such() -> None:
    deep: Any = 1
    for _ in range(sys.getrecursionlimit() * 3):
        deep = [deep]
    for blocks in (({"deep": deep},), ({"object": object()},), ({"huge": 10**5_000},)):
        with pytest.raises(BadFact):
            encode(did.MessageRecorded(at=0.0, run_id=RunId("r"), role="user", blocks=blocks))
