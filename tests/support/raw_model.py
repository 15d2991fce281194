"""A loopback server that answers `POST /v1/messages` with exactly the bytes that a test writes.

It speaks HTTP by hand over asyncio streams, so that it can cut, stall and break what a framework would not.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec


class Received:
    """One request as it came: its head's fields in lower case, its body's bytes, and where it went."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


class Reply:
    """The open connection that a test answers on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.keeps_open = False
        """Whether the connection takes another request after this one."""
        self.gone = asyncio.Event()
        """Set when the client closed the connection."""

    async def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """The status line and the headers; the body then ends with the connection."""
        lines = [f"HTTP/1.1 {status} Told", f"content-type: {kind}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def whole(self, body: bytes, status: int = 200, kind: str = "text/event-stream") -> None:
        """A reply with its length told, on a connection that stays open."""
        self.keeps_open = True
        head = f"HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)

    async def send(self, piece: bytes) -> None:
        """Some bytes, at once."""
        self._writer.write(piece)
        await self._writer.drain()

    def reset(self) -> None:
        """End the connection hard: the client reads a reset, not an end."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def wait_gone(self) -> None:
        """Return when the client closed the connection."""
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                continue
        self.gone.set()


Script = Callable[[Reply, Received], Awaitable[None]]


class RawModel:
    """The running server: its address, and what it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.received: list[Received] = []
        self.connections = 0
        self.replies: list[Reply] = []
        self.asked = asyncio.Event()
        """Set with each request that came whole."""
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while True:
                received = await read_request(reader)
                reply = Reply(reader, writer)
                self.received.append(received)
                self.replies.append(reply)
                self.asked.set()
                await self._script(reply, received)
                if not reply.keeps_open:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        """End what still answers."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> Received:
    """One HTTP/1.1 request with a content length, or none for GET."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def raw_model(script: Script) -> AsyncIterator[RawModel]:
    """Serve `script` on a free loopback port."""
    model = RawModel(script)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield model
    finally:
        await model.stop()
        server.close()
        await server.wait_closed()


def frame(event: dict[str, Any]) -> bytes:
    """One server event as the API sends it."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), msgspec.json.encode(event))


def stream_of(*events: dict[str, Any]) -> bytes:
    """Several server events."""
    return b"".join(map(frame, events))


def message_start(**usage: Any) -> dict[str, Any]:
    """The first event of every stream."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test", "content": []}
    figures = usage or {"input_tokens": 3, "output_tokens": 1}
    return {"type": "message_start", "message": {**message, "usage": figures}}


def block_start(index: int, block: dict[str, Any]) -> dict[str, Any]:
    """A content block begins."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """A content block grows."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def block_stop(index: int) -> dict[str, Any]:
    """A content block ends."""
    return {"type": "content_block_stop", "index": index}


def message_delta(stop_reason: str | None, **usage: Any) -> dict[str, Any]:
    """The end's reason and the last usage figures."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage or {"output_tokens": 7}}


MESSAGE_STOP: dict[str, Any] = {"type": "message_stop"}
PING: dict[str, Any] = {"type": "ping"}


def text_block_events(index: int, *pieces: str) -> list[dict[str, Any]]:
    """A whole text block."""
    deltas = [block_delta(index, "text_delta", text=piece) for piece in pieces]
    return [block_start(index, {"type": "text", "text": ""}), *deltas, block_stop(index)]


def tool_block_events(index: int, call_id: str, name: str, *pieces: str) -> list[dict[str, Any]]:
    """A whole tool call; `pieces` are parts of its input's JSON."""
    start = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    deltas = [block_delta(index, "input_json_delta", partial_json=piece) for piece in pieces]
    return [block_start(index, start), *deltas, block_stop(index)]


def answer(text: str = "Hello.") -> bytes:
    """A small whole answer."""
    return stream_of(message_start(), *text_block_events(0, text), message_delta("end_turn"), MESSAGE_STOP)
