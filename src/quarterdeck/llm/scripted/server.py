"""A loopback server that speaks the Anthropic Messages API with the replies of a responder.

Serves `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models` and `GET /v1/models/{id}`.
Never keeps anything that a reply could depend on; the prompt cache and the log are its only memory.
"""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from quarterdeck.llm.scripted.cache import PromptCache, prompt_tokens
from quarterdeck.llm.scripted.conversation import agent_of
from quarterdeck.llm.scripted.events import Answer, encode, error_body
from quarterdeck.llm.scripted.exchange import Exchange
from quarterdeck.llm.scripted.refusals import Refusal, refusal_of
from quarterdeck.llm.scripted.replies import HttpError, Reply
from quarterdeck.llm.scripted.request_log import Ended, LoggedRequest, RequestLog
from quarterdeck.llm.scripted.responder import Responder
from quarterdeck.llm.scripted.scenario import Scenario

MAX_BODY_BYTES = 32 * 1024 * 1024
RUN_HEADER = "x-quarterdeck-run"
Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ScriptedServer:
    """The running server. `settings` go with a responder that is no scenario."""

    def __init__(
        self,
        responder: Responder,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log_path: Path | None = None,
        settings: Scenario | None = None,
        keep_bodies: bool = True,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._responder = responder
        self._settings = settings or (responder if isinstance(responder, Scenario) else Scenario())
        self._host = host
        self._port = port
        self._keep_bodies = keep_bodies
        self._clock = clock
        self._cache = PromptCache(self._settings.cache, clock)
        self._log = RequestLog(log_path, wall_clock)
        self._request_ids = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Event()
        self._closing = False

    async def start(self) -> str:
        """Listen, and return the base URL, without a slash at its end.

        :raises OSError: the port is taken.
        """
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._answer_faults])
        app.add_routes(
            [
                web.post("/v1/messages", self._messages),
                web.post("/v1/messages/count_tokens", self._count_tokens),
                web.get("/v1/models", self._models),
                web.get("/v1/models/{model}", self._model),
            ]
        )
        # A client that leaves cancels its handler, so that the log knows at once.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port, backlog=4096)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        return f"http://{self._host}:{self._port}"

    async def close(self) -> None:
        """Stop listening and end what is still open. Once is enough; twice does no harm."""
        self._closing = True
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        self._log.close()

    @property
    def request_log(self) -> tuple[LoggedRequest, ...]:
        """All requests so far, in order of arrival."""
        return self._log.requests

    async def wait_until(self, holds: Callable[[tuple[LoggedRequest, ...]], bool]) -> None:
        """Wait until the log is as `holds` wants it. Give it a deadline yourself."""
        while not holds(self._log.requests):
            self._changed.clear()
            await self._changed.wait()

    @web.middleware
    async def _answer_faults(self, request: web.Request, handler: Endpoint) -> web.StreamResponse:
        """The API's shape for what the framework refuses, and the key."""
        key = self._settings.api_key
        if key is not None and key not in (
            request.headers.get("x-api-key"),
            request.headers.get("authorization", "").removeprefix("Bearer "),
        ):
            return await self._refused(request, Refusal(401, "invalid x-api-key"))
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return await self._refused(request, Refusal(413, "Request exceeds the maximum size"))
        except web.HTTPException as e:
            return await self._refused(request, Refusal(e.status, e.reason))

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        refusal = self._refusal(body)
        if refusal is not None:
            return await self._refused(request, refusal, body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self._responder.reply(body, headers)
        if reply.error is not None:
            return await self._failed(request, reply, body)
        logged = self._arrived(request, body, 200, reply.rule)
        answer = Answer(reply, str(body["model"]), _seed(logged.run, body))
        exchange = Exchange(request, answer, self._settings.pace, self._next_id(), self._clock)
        try:
            return await exchange.run(lambda: self._cache.account(body), stream=bool(body.get("stream")))
        finally:
            self._note_end(logged, exchange.ended, exchange.usage)

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        refusal = self._refusal(body, counting=True)
        if refusal is not None:
            return await self._refused(request, refusal, body)
        return self._json(request, {"input_tokens": prompt_tokens(body)}, body)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        offered = [_model(name) for name in self._settings.models]
        ends = {"first_id": offered[0]["id"], "last_id": offered[-1]["id"]} if offered else {}
        return self._json(
            request, {"data": offered, "has_more": False, "first_id": None, "last_id": None, **ends}
        )

    async def _model(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["model"]
        refusal = self._unknown_model(name)
        return await self._refused(request, refusal) if refusal else self._json(request, _model(name))

    async def _body(self, request: web.Request) -> Any:
        try:
            return msgspec.json.decode(await request.read())
        except msgspec.DecodeError:
            return None

    def _refusal(self, body: Any, *, counting: bool = False) -> Refusal | None:
        return refusal_of(body, counting=counting) or self._unknown_model(body["model"])

    def _unknown_model(self, name: str) -> Refusal | None:
        offered = self._settings.models
        return None if not offered or name in offered else Refusal(404, f"model: {name}")

    async def _refused(self, request: web.Request, refusal: Refusal, body: Any = None) -> web.StreamResponse:
        """An error that the endpoint itself finds."""
        error = HttpError(status=refusal.status, message=refusal.message)
        return self._error(request, error, None, body)

    async def _failed(self, request: web.Request, reply: Reply, body: Any) -> web.StreamResponse:
        """An error that is scripted."""
        assert reply.error is not None
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        return self._error(request, reply.error, reply.rule, body)

    def _error(self, request: web.Request, error: HttpError, rule: int | None, body: Any) -> web.Response:
        logged = self._arrived(request, body, error.status, rule)
        request_id = self._next_id()
        headers = {"request-id": request_id, "content-type": "application/json", **error.headers}
        told = error_body(error, request_id) if error.body is None else error.body.encode()
        self._note_end(logged, Ended.COMPLETE, None)
        return web.Response(status=error.status, body=told, headers=headers)

    def _json(self, request: web.Request, answer: Mapping[str, Any], body: Any = None) -> web.Response:
        logged = self._arrived(request, body, 200, None)
        self._note_end(logged, Ended.COMPLETE, None)
        headers = {"request-id": self._next_id()}
        return web.Response(body=encode(answer), content_type="application/json", headers=headers)

    def _arrived(self, request: web.Request, body: Any, status: int, rule: int | None) -> LoggedRequest:
        asked: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        messages = asked.get("messages")
        logged = self._log.arrived(
            run=request.headers.get(RUN_HEADER, ""),
            agent=_agent(asked),
            path=request.path,
            model=str(asked.get("model", "")),
            messages=len(messages) if isinstance(messages, list) else 0,
            status=status,
            rule=rule,
            stream=asked.get("stream") is True,
            body=asked if self._keep_bodies else {},
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        self._changed.set()
        return logged

    def _note_end(self, logged: LoggedRequest, how: Ended, usage: Mapping[str, Any] | None) -> None:
        if how is Ended.CLIENT_GONE and self._closing:
            how = Ended.SERVER_CLOSED
        self._log.ended(logged.number, how, usage)
        self._changed.set()

    def _next_id(self) -> str:
        return f"req_{next(self._request_ids):012d}"


def _agent(asked: Mapping[str, Any]) -> str:
    try:
        return agent_of(asked)
    except (AttributeError, TypeError):
        return ""  # A request that is refused for its shape.


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}


def _seed(run: str, body: Mapping[str, Any]) -> str:
    """What tells this request from others; repeated, it is the same."""
    return hashlib.sha256(run.encode() + b"\n" + encode(body)).hexdigest()
