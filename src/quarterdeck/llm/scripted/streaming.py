"""Sending a stream at its pace, with its faults. Knows HTTP only as something to write to."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from quarterdeck.llm.scripted.events import PING, encode, frame
from quarterdeck.llm.scripted.replies import Cut, Pace, Reply

YIELD_EVERY = 32
"""Events that an unpaced stream may send before others get their turn."""


class Sink(Protocol):
    """The open response."""

    async def write(self, data: bytes) -> None:
        """Send some bytes. :raises ConnectionError: the client is gone."""
        ...


class StreamSender:
    """Sends one reply's events. `clock` gives seconds and never goes back."""

    def __init__(self, sink: Sink, reply: Reply, pace: Pace, clock: Callable[[], float]) -> None:
        self._sink = sink
        self._reply = reply
        self._seconds = pace.seconds
        self._clock = clock
        self._faults = _faults_by_place(reply)
        self._next_ping = _NEVER

    async def send(self, events: Iterable[bytes]) -> Cut | None:
        """Send the events; the cut that ended them early, if one did (an `error` event is a clean cut).

        :raises ConnectionError: the client is gone.
        """
        every = self._reply.ping_every_s
        due = self._clock()
        number = 0
        for event in events:
            if number in self._faults:
                cut = await self._fault(number)
                if cut is not None:
                    return cut
                due = max(due, self._clock() - self._seconds)
            if number == 0:
                event += b"" if every else PING
                self._next_ping = self._clock() + every if every else _NEVER
            elif self._seconds:
                due += self._seconds
                await self._wait_until(due, every)
            elif number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            await self._sink.write(event)
            number += 1
        return await self._fault(number)

    async def _fault(self, number: int) -> Cut | None:
        """What goes wrong before event `number`; a cut when the stream ends here."""
        for fault in self._faults.get(number, ()):
            if isinstance(fault, Cut):
                return fault
            await fault(self)
        return None

    async def stall(self, seconds: float, ping_every_s: float | None) -> None:
        """Nothing but pings."""
        if ping_every_s:
            self._next_ping = self._clock()
        await self._wait_until(self._clock() + seconds, ping_every_s or self._reply.ping_every_s)

    async def write(self, data: bytes) -> None:
        """Send something that is no event of the reply."""
        await self._sink.write(data)

    async def _wait_until(self, due: float, ping_every_s: float | None) -> None:
        while self._next_ping <= due and ping_every_s:
            await asyncio.sleep(max(0.0, self._next_ping - self._clock()))
            await self._sink.write(PING)
            self._next_ping = max(self._next_ping + ping_every_s, self._clock())
        left = due - self._clock()
        # A stream that is late does not wait, but it lets the others go on.
        await asyncio.sleep(max(0.0, left))


_NEVER = float("inf")
_Fault = Callable[[StreamSender], Any]


def _faults_by_place(reply: Reply) -> Mapping[int, tuple[Any, ...]]:
    """The faults by the number of events before them; a cut comes last."""
    found: dict[int, tuple[Any, ...]] = {}

    def add(after: int, fault: _Fault | Cut) -> None:
        found[after] = (*found.get(after, ()), fault)

    if (stall := reply.stall) is not None:
        add(stall.after, lambda sender: sender.stall(stall.seconds, stall.ping_every_s))
    if (malformed := reply.malformed) is not None:
        broken = f"event: content_block_delta\ndata: {malformed.text}\n\n".encode()
        add(malformed.after, lambda sender: sender.write(broken))
    if (unknown := reply.unknown_event) is not None:
        strange = frame({"type": unknown.type, "forecast": "fog"})
        add(unknown.after, lambda sender: sender.write(strange))
    if (error := reply.error_event) is not None:
        told = encode({"type": "error", "error": {"type": error.error_type, "message": error.message}})
        add(error.after, lambda sender: sender.write(b"event: error\ndata: %s\n\n" % told))
        add(error.after, Cut(after=error.after))
    if reply.cut is not None:
        add(reply.cut.after, reply.cut)
    return found
