"""One answered `POST /v1/messages` over aiohttp: the delay, the whole message or the stream, the end."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from quarterdeck.llm.scripted.cache import PromptUsage
from quarterdeck.llm.scripted.events import Answer, encode
from quarterdeck.llm.scripted.replies import Pace
from quarterdeck.llm.scripted.request_log import Ended
from quarterdeck.llm.scripted.streaming import StreamSender

_RESET = struct.pack("ii", 1, 0)


class Exchange:
    """Answers one request; `ended` and `usage` say how it went, at any time."""

    def __init__(
        self, request: web.Request, answer: Answer, pace: Pace, request_id: str, clock: Callable[[], float]
    ) -> None:
        self._request = request
        self._answer = answer
        self._pace = answer.reply.pace or pace
        self._headers = {"request-id": request_id}
        self._clock = clock
        self.ended = Ended.CLIENT_GONE
        self.usage: Mapping[str, Any] | None = None
        """Set when the response begins."""

    async def run(self, account: Callable[[], PromptUsage], *, stream: bool) -> web.StreamResponse:
        """Answer. `account` is asked for the prompt's usage when the response begins."""
        reply = self._answer.reply
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.cut is not None and reply.cut.how == "hard" and not (stream and reply.cut.after):
            return self._reset(web.Response())
        usage = account()
        self.usage = usage.figures(self._answer.output_tokens())
        return await self._stream(usage) if stream else await self._whole(usage)

    async def _whole(self, usage: PromptUsage) -> web.StreamResponse:
        stall = self._answer.reply.stall
        if stall is not None:
            await asyncio.sleep(stall.seconds)
        body = encode(self._answer.message(usage))
        cut = self._answer.reply.cut
        if cut is not None:
            body = body[: len(body) // 2]
        self.ended = Ended.FAULT if cut else Ended.COMPLETE
        return web.Response(body=body, content_type="application/json", headers=self._headers)

    async def _stream(self, usage: PromptUsage) -> web.StreamResponse:
        response = web.StreamResponse(headers={**self._headers, "cache-control": "no-cache"})
        response.content_type = "text/event-stream"
        try:
            await response.prepare(self._request)
            sender = StreamSender(response, self._answer.reply, self._pace, self._clock)
            cut = await sender.send(self._answer.stream(usage, self._pace.chars))
        except ConnectionError:
            return response
        if cut is not None and cut.how == "hard":
            return self._reset(response)
        self.ended = Ended.COMPLETE if cut is None else Ended.FAULT
        return response

    def _reset(self, response: web.StreamResponse) -> web.StreamResponse:
        """End the connection so that the client reads a reset, behind what was sent."""
        self.ended = Ended.FAULT
        transport = self._request.transport
        if transport is not None:
            link = transport.get_extra_info("socket")
            # Without lingering a close sends RST; `close` flushes first, where `abort` would not.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.close()
        return response
