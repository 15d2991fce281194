"""The decoder of server-sent events, by the rules of the HTML standard (9.2.6)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.llm import sse
from quarterdeck.llm.sse import EventTooLarge, ServerEvent, SseDecoder


def decoded(*chunks: bytes) -> list[ServerEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize(
    ("wire", "events"),
    [
        (b"event: a\ndata: 1\n\n", [(b"a", b"1")]),
        (b"event: a\r\ndata: 1\r\n\r\n", [(b"a", b"1")]),
        (b"event: a\rdata: 1\r\r", [(b"a", b"1")]),
        (b"data: 1\n\n", [(b"message", b"1")]),
        (b"data:1\ndata:\ndata:  2\n\n", [(b"message", b"1\n\n 2")]),
        (b": hello\n\n: there\ndata: 1\n\n", [(b"message", b"1")]),
        (b"event: lonely\n\ndata: 1\n\n", [(b"message", b"1")]),
        (b"\xef\xbb\xbfevent: a\ndata: 1\n\n", [(b"a", b"1")]),
        (b"id: 7\nretry: 9\nfoo: x\ndata: 1\nbar\n\n", [(b"message", b"1")]),
        (b'data: {"a": "b: c"}\n\n', [(b"message", b'{"a": "b: c"}')]),
        (b"data\n\n", [(b"message", b"")]),
        (b"data: 1\n", []),
        (b"event: a\ndata: 1\ndata: 2\n\nevent: b\ndata: 3\n\n", [(b"a", b"1\n2"), (b"b", b"3")]),
    ],
)
def test_events_are_read_as_the_standard_says(wire: bytes, events: list[ServerEvent]) -> None:
    assert decoded(wire) == events
    assert decoded(b": first\n\n", wire) == events if not wire.startswith(b"\xef") else True
    assert decoded(*(wire[at : at + 1] for at in range(len(wire)))) == events


def test_text_cut_inside_a_character_is_joined() -> None:
    wire = 'data: {"t": "é🚢"}\n\n'.encode()
    for at in range(1, len(wire)):
        assert decoded(wire[:at], wire[at:]) == [(b"message", '{"t": "é🚢"}'.encode())]


def test_the_last_event_may_lack_its_blank_line() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: 1\n\nevent: end\ndata: 2") == [(b"message", b"1")]
    assert decoder.flush() == [(b"end", b"2")]
    assert decoder.flush() == []


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    decoder = SseDecoder()
    for _ in range(100):
        decoder.feed(b"data: 12345678901234567890\n\n")
    for _ in range(37):
        decoder.feed(b"data: 12345678901234567890\n")
    with pytest.raises(EventTooLarge):
        decoder.feed(b"data: 12345678901234567890\n")


LINES = st.sampled_from(
    [b"event: a", b"data: 1", b"data: 2", b": c", b"", b"", b"id: 3", b"data", "data: ü".encode()]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=20), st.lists(st.integers(0, 120), max_size=6))
def test_where_the_bytes_are_cut_changes_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    # A CR before an LF of the next line is one line end, so only whole line ends are joined here.
    wire = b"".join(line + end for line, end in lines) + b"."
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    chunks = [wire[a:b] for a, b in pairwise(places)]
    assert decoded(*chunks) == decoded(wire)
