"""A lean paced model server, raw asyncio: one event per write. `python -m tests.benchmarks.paced_server`.

The model's name in a request tells what is answered: `paced-20` streams 20 events a second for ever,
`short` is one short whole turn, `long-10000` sends so many lines at once and then streams 20 a second,
`silent` opens its stream and says nothing, `faulty-400` streams so many events at 20 a second and ends its
turn, but one request in twenty fails, each time in another way.
"""

import asyncio
import json
import re
import sys
import time
from collections import deque
from typing import Any

SLOTS = 20
"""Parts of the period: streams are spread over them, so that no two seconds look different."""
WORDS = "the quick brown fox jumps over lazy dogs while seven wizards mend every broken quay"
RATE = 20
"""Events a second of a stream that does not say another rate."""
FAULT_EVERY = 20
"""One request in so many of a faulty model fails: 5 %."""
FAULT_AFTER = 10
"""Events that come before an answer fails in the middle."""
DELTA_CHARS = 24
"""Characters of every text delta: counting characters counts events."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": ?"([a-z]+)-?(\d*)"')
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_paced\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def frame(event: dict[str, Any]) -> bytes:
    """One event as one chunk."""
    told = f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(told), told)


def _deltas() -> list[bytes]:
    text = (WORDS + " ") * DELTA_CHARS
    pieces = [text[at : at + DELTA_CHARS] for at in range(0, len(text) - DELTA_CHARS, DELTA_CHARS)]
    # A paragraph ends now and then, as models write.
    pieces = [one if at % 12 else one[:-2] + "\n\n" for at, one in enumerate(pieces, 1)]
    return [_delta(one) for one in pieces]


def _delta(text: str) -> bytes:
    return frame({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


USAGE = {"input_tokens": 900, "output_tokens": 1}
START = frame(
    {
        "type": "message_start",
        "message": {
            "id": "msg_paced",
            "type": "message",
            "role": "assistant",
            "model": "paced",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": USAGE,
        },
    }
) + frame({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
END = (
    frame({"type": "content_block_stop", "index": 0})
    + frame(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 90},
        }
    )
    + frame({"type": "message_stop"})
    + b"0\r\n\r\n"
)
DELTAS = _deltas()
_REFUSAL = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}).encode()
REFUSAL = b"HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_REFUSAL),
    _REFUSAL,
)
FAULT = frame({"type": "error", "error": {"type": "api_error", "message": "it broke"}}) + b"0\r\n\r\n"


class Wheel:
    """Writes one event to each stream of a slot, slot after slot; late slots are made up, never dropped."""

    def __init__(self) -> None:
        self.slots: dict[float, list[list[Connection]]] = {}
        self.sent = 0
        self.blocked = 0
        self.faulty_requests = 0
        self.faults = 0
        self.late: deque[float] = deque(maxlen=4096)
        self._next = 0

    def add(self, connection: "Connection", rate: float) -> None:
        """Let it stream at this rate (events a second)."""
        if rate not in self.slots:
            self.slots[rate] = [[] for _ in range(SLOTS)]
            self._turn(rate, time.monotonic(), 0)
        slots = self.slots[rate]
        min(slots, key=len).append(connection)

    def remove(self, connection: "Connection") -> None:
        """It is gone."""
        for slots in self.slots.values():
            for slot in slots:
                if connection in slot:
                    slot.remove(connection)

    def _turn(self, rate: float, due: float, at: int) -> None:
        now = time.monotonic()
        self.late.append(now - due)
        for connection in tuple(self.slots[rate][at]):
            if connection.is_blocked:
                self.blocked += 1
            else:
                connection.tell_next()
                self.sent += 1
        following = due + 1.0 / rate / SLOTS
        loop = asyncio.get_running_loop()
        loop.call_later(max(0.0, following - time.monotonic()), self._turn, rate, following, (at + 1) % SLOTS)


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._held = b""
        self._at = 0
        self._last: int | None = None
        self._end = END
        self.is_blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._wheel.remove(self)

    def pause_writing(self) -> None:
        self.is_blocked = True

    def resume_writing(self) -> None:
        self.is_blocked = False

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, separator, body = self._held.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if separator and len(body) >= length:
            self._held = body[length:]
            self._answer(head, body[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /stats"):
            self._write_json(
                {
                    "sent": self._wheel.sent,
                    "blocked": self._wheel.blocked,
                    "faulty_requests": self._wheel.faulty_requests,
                    "faults": self._wheel.faults,
                    "cpu": time.process_time(),
                    "late_ms": _percentile(self._wheel.late, 0.99) * 1000,
                }
            )
            return
        if head.startswith(b"GET"):
            self._write_json({"data": [{"type": "model", "id": "paced-20"}], "has_more": False})
            return
        asked = _MODEL.search(body)
        kind, number = (asked[1].decode(), int(asked[2] or RATE)) if asked else ("paced", RATE)
        if kind == "faulty":
            self._answer_or_fail(number)
            return
        self._transport.write(_HEAD + START)
        match kind:
            case "short":
                self._transport.write(b"".join(DELTAS[:4]) + END)
            case "long":
                # Each paragraph and the blank line behind it are two lines on the screen.
                lines = (_delta(f"Line {one:>8} of many.\n\n"[:DELTA_CHARS]) for one in range(number // 2))
                self._transport.write(b"".join(lines))
                self._wheel.add(self, RATE)
            case "silent":
                return
            case _:
                self._wheel.add(self, number)

    def _answer_or_fail(self, events: int) -> None:
        wheel = self._wheel
        wheel.faulty_requests += 1
        fails = wheel.faulty_requests % FAULT_EVERY == 0
        wheel.faults += fails
        if fails and wheel.faults % 2:
            self._transport.write(REFUSAL)
            return
        self._transport.write(_HEAD + START)
        self._at, self._last = 0, min(FAULT_AFTER, events) if fails else events
        self._end = FAULT if fails else END
        wheel.add(self, RATE)

    def tell_next(self) -> None:
        """Write the next event; behind the last one of a whole turn its end."""
        self._transport.write(DELTAS[self._at % len(DELTAS)])
        self._at += 1
        if self._at == self._last:
            self._transport.write(self._end)
            self._wheel.remove(self)

    def _write_json(self, value: dict[str, Any]) -> None:
        told = json.dumps(value).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (len(told), told)
        )


def _percentile(values: deque[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


async def serve() -> None:
    """Print the port and serve until killed, or until whoever started it is gone."""
    wheel = Wheel()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), sys.exit)
    server = await loop.create_server(lambda: Connection(wheel), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
